"""Jobs in the image, started as SageMaker starts them: `docker run IMAGE train`, with /opt/ml mounted."""

import filecmp
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.container.jobs import give_code, give_hyperparameters, give_table, run, source
from support.container.tables import mixed
from support.image.engine import Engine, Job
from tabular.spec.trial import METRICS, SCORE, Trial

ARGUMENTS = (
    *("--target", "target", "--family", "classification", "--test-size", "0.25"),
    *("--stratify", "true", "--random-state", "7"),
)
CHANNEL = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
HOSTS = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
SCORE_LINE = re.compile(METRICS[SCORE])


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The folder that the container sees as /opt/ml."""
    folder = tmp_path / "ml"
    folder.mkdir()
    return folder


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """A training split, made on this machine."""
    folder = tmp_path / "here"
    prepare(folder)
    done = run("process", folder, "tabular.jobs.preprocess", *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    return folder / "processing/output/train"


def prepare(base: Path) -> None:
    give_code(base, source())
    give_table(base, mixed("multiclass", rows=240))


def give_trial(base: Path, split: Path, aws: SimpleNamespace, **changed: str) -> None:
    """Lay out /opt/ml for a trial: all hyperparameters are texts."""
    shutil.copytree(split, base / "input/data/train")
    give_hyperparameters(
        base,
        **{
            **Trial("LightGBM", "neg_log_loss", 3, 7).to_hyperparameters(),
            "sagemaker_program": "tabular.jobs.train",
            "sagemaker_submit_directory": aws.source,
            **changed,
        },
    )
    for name, content in (("inputdataconfig", {"train": CHANNEL}), ("resourceconfig", HOSTS)):
        (base / f"input/config/{name}.json").write_text(json.dumps(content))
    for folder in ("model", "output/data"):
        (base / folder).mkdir(parents=True)


def test_a_processing_job_gives_what_it_gives_on_this_machine(job: Job, base: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    for folder in (base, here):
        prepare(folder)
    done = job(base, "process", "tabular.jobs.preprocess", *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    assert run("process", here, "tabular.jobs.preprocess", *ARGUMENTS).returncode == 0
    outputs = [folder / "processing/output" for folder in (base, here)]
    files = [sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file()) for one in outputs]
    assert files[0] == files[1] != []
    assert filecmp.cmpfiles(*outputs, files[0], shallow=False)[1:] == ([], []), "byte for byte"


@pytest.mark.parametrize("algorithm", ["LightGBM", "XGBoost"])  # the pipeline has the others, too
def test_a_trial_has_the_score_that_it_has_on_this_machine(
    job: Job, aws: SimpleNamespace, base: Path, split: Path, tmp_path: Path, algorithm: str
) -> None:
    here = tmp_path / "trial"
    for folder in (base, here):
        give_trial(folder, split, aws, algorithm=algorithm)
    done = job(base, "train")
    assert done.returncode == 0, done.stderr
    locally = run("train", here, **aws.variables)
    scores = [float(SCORE_LINE.search(one.stdout)[1]) for one in (done, locally)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-9)
    kept = [json.loads((folder / "output/data/scores.json").read_text()) for folder in (base, here)]
    assert kept[0]["scores"] == pytest.approx(kept[1]["scores"], rel=1e-9)


def test_a_failed_trial_leaves_its_reason_and_exit_code_1(
    job: Job, aws: SimpleNamespace, base: Path, split: Path
) -> None:
    give_trial(base, split, aws, algorithm="xgbost")
    done = job(base, "train")
    assert done.returncode == 1
    reason = (base / "output/failure").read_text()
    assert "xgbost" in reason and "XGBoost" in reason
    assert done.stderr.endswith(f"{reason}\n")
    assert "Traceback" not in done.stderr


def test_a_failed_processing_job_leaves_its_message(job: Job, base: Path) -> None:
    prepare(base)
    done = job(base, "process", "tabular.jobs.preprocess", *("--target", "absent", *ARGUMENTS[2:]))
    assert done.returncode == 1
    assert "absent" in (base / "output/message").read_text()


def test_a_trial_that_is_stopped_ends_at_once(
    engine: Engine,
    image: str,
    options: Callable[[Path], tuple[str, ...]],
    aws: SimpleNamespace,
    base: Path,
    split: Path,
    figures: dict[str, str],
) -> None:
    """It is the container's first process, which the kernel lets ignore signals."""
    give_trial(base, split, aws, algorithm="RandomForest", n_estimators="300", folds="20")
    name = engine("run", "--detach", *options(base), image, "train").strip()
    deadline = time.monotonic() + 60
    while "tabular" not in engine("exec", name, "ls", "/opt/ml/code", check=False):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(2)  # it is importing or fitting by now
    begin = time.monotonic()
    engine("stop", "--time", "100", name)  # SageMaker waits for 120 seconds
    figures["SIGTERM to the end of a trial"] = f"{time.monotonic() - begin:.1f} s"
    assert engine("inspect", "--format", "{{.State.ExitCode}}", name).strip() == "143"
    assert (base / "output/failure").read_text() == "The job was told to stop (SIGTERM)."
    engine("rm", name)
