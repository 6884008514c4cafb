"""`many-models status` on what a run of the notebooks left: versions, data and requests of every model."""

import json
from pathlib import Path

import jsonschema
import pytest
from support import ROOT
from support.helpers import headless
from support.notebooks.demo_run import PIPELINE, Story

pytestmark = pytest.mark.slow
FORM = json.loads((ROOT / "docs/schemas/status.schema.json").read_text())


def test_every_model_of_the_story_is_on_the_page_with_what_became_of_it(story: Story, tmp_path: Path) -> None:
    with story.environment():
        done = headless.here(
            "status",
            str(ROOT / "parameters/local.yaml"),
            "-p",
            "PIPELINE_NAME",
            PIPELINE,
            "--out",
            str(tmp_path),
        )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads((tmp_path / "status.json").read_text())
    jsonschema.validate(found, FORM)
    assert {row["data_set"] for row in found["models"]} == set(story.first.tables)
    wine = next(row for row in found["models"] if row["data_set"] == "wine")
    assert wine["model"]["version"] == 1, "the second version was rejected"
    assert wine["versions"] == 2
    assert wine["model"]["data_until"] < wine["model"]["registered_at"] < wine["model"]["approved_at"]
    for row in found["models"]:
        assert row["requests"]["day"]["rows"] > 0
        assert row["requests"]["day"]["requests"] == row["requests"]["week"]["requests"] > 0
    assert "wine" in (tmp_path / "index.html").read_text()
    assert "No check of drift and quality has run yet" in done.stdout
