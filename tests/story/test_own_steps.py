"""The page about your own steps, run as it is."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from support import HANGS, ROOT
from support.helpers import headless
from tabular.spec.algorithms import ALGORITHMS

PAGE = ROOT / "docs/tables/own-steps.md"


def blocks() -> dict[str, str]:
    """The first block of code of each language on the page."""
    found = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", PAGE.read_text())
    return dict(reversed(found))


@pytest.mark.slow
def test_the_page_of_ones_own_steps_works_as_it_is_written(tmp_path: Path) -> None:
    """The first example with steps, searched with a job for each trial."""
    (tmp_path / "parameters").symlink_to(ROOT / "parameters")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    found = blocks()
    (tmp_path / "my_steps.py").write_text(found["python"])
    quick = {
        "SEARCH": "jobs",
        "MAX_TUNING_JOBS": len(ALGORITHMS) + 1,  # one of each, and of the page's
        "CROSS_VALIDATION_FOLDS": 2,
    }
    options = [str(text) for option in quick.items() for text in ("-p", *option)]
    home, runs = tmp_path / "local_aws", tmp_path / "runs"
    done = subprocess.run(
        [*found["sh"].split(), *options, "--runs", "runs"],
        cwd=tmp_path,
        env=headless.environment(home),
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{done.stdout[-2000:]}\n{done.stderr}"
    folder = (runs / "latest").resolve()
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["data_sets"]["customers"]["in_service"] == 1

    executed = nbformat.read(folder / "02_define_pipeline.ipynb", as_version=4)
    tables = [o["data"]["text/plain"] for c in executed.cells for o in c.get("outputs", []) if "data" in o]
    assert any("EntropyForest" in table for table in tables)
    jobs = home / "jobs"
    given = [json.loads(path.read_text()) for path in jobs.rglob("hyperparameters.json")]
    assert "EntropyForest" in {each.get("algorithm") for each in given}, "it competed"
    reports = [json.loads(path.read_text()) for path in jobs.rglob("preprocessing.json")]
    (cleaned,) = filter(None, (report.get("custom_clean") for report in reports))
    assert cleaned["before"]["rows"] - cleaned["after"]["rows"] == 7
