"""Your own steps: a file next to the package that cleans rows and adds algorithms."""

import json
import shutil
import sys
import tarfile

import joblib
import pandas as pd
import pytest
from support.container.jobs import give_code, give_hyperparameters, give_table, run, run_trial, source
from support.container.tables import mixed
from tabular.portable.files import load_model
from tabular.portable.model import UnusableModel
from tabular.spec import own_steps
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.errors import BadInput
from tabular.spec.trial import Trial

STEPS = """
from tabular.spec.estimators import Algorithm, Estimator, Integer

def clean(frame):
    return frame[frame["size"] != 3].assign(double=frame["size"] * 2)

ALGORITHMS = [
    Algorithm(
        "NearestNeighbors",
        standardise=True,
        estimators={
            "classification": Estimator(
                "sklearn.neighbors.KNeighborsClassifier",
                {"n_neighbors": Integer(1, 50, default=5, scale="Logarithmic")},
                seeded=False,
                threaded=True,
            )
        },
    )
]
"""


@pytest.fixture
def steps(tmp_path):
    """Write a file of steps; gives its path."""

    def write(text, name="custom_steps.py"):
        own_steps.load.cache_clear()
        path = tmp_path / name
        path.write_text(text)
        return path

    yield write
    own_steps.load.cache_clear()
    sys.modules.pop("custom_steps", None)


def test_without_a_file_nothing_is_changed(tmp_path):
    table = mixed()
    absent = tmp_path / "custom_steps.py"
    assert own_steps.clean(table, absent) is table
    assert list(own_steps.algorithms(absent)) == list(ALGORITHMS)


def test_a_file_may_clean_and_add_algorithms(steps):
    path = steps(STEPS)
    table = pd.DataFrame({"size": [1, 3, 5]})
    cleaned = own_steps.clean(table, path)
    assert cleaned.to_dict("list") == {"size": [1, 5], "double": [2, 10]}
    assert list(table) == ["size"]
    assert list(own_steps.algorithms(path))[-1] == "NearestNeighbors"


def test_a_file_may_hold_only_one_of_both(steps):
    assert list(own_steps.algorithms(steps("def clean(frame): return frame"))) == list(ALGORITHMS)
    table = mixed()
    assert own_steps.clean(table, steps("ALGORITHMS = []", "other.py")) is table


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import absent_library", "custom_steps.py cannot be loaded: ModuleNotFoundError: .*absent_library"),
        ("def clean(:", "custom_steps.py cannot be loaded: SyntaxError"),
        ("ALGORITHMS = {'a': 1}", "must be a list of tabular.spec.algorithms.Algorithm"),
        (STEPS.replace('"NearestNeighbors"', '"XGBoost"'), "'XGBoost' in custom_steps.py already exists"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(steps, text, sentence):
    with pytest.raises(BadInput, match=sentence) as refused:
        own_steps.algorithms(steps(text))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def clean(frame): return frame['absent']", "clean in custom_steps.py failed: KeyError: 'absent'"),
        ("def clean(frame): frame.dropna()", "returned NoneType; it must return the table"),
    ],
)
def test_a_clean_that_fails_is_refused_in_a_sentence(steps, text, sentence):
    with pytest.raises(BadInput, match=sentence):
        own_steps.clean(mixed(), steps(text))


@pytest.fixture(scope="module")
def trained(aws, tmp_path_factory):
    """The folder that PreprocessData and a trial left, with your own steps, each as SageMaker runs it."""
    base, archive = tmp_path_factory.mktemp("trained") / "ml", source(custom_steps=STEPS)
    base.mkdir()
    aws.s3.put_object(Bucket="jobs", Key="code/steps.tar.gz", Body=archive)
    give_code(base, archive)
    give_table(base, mixed(rows=120, gaps=False).assign(size=range(120)))
    split = {"target": "target", "family": "classification", "test-size": "0.25", "stratify": "true"}
    flags = [text for name, value in split.items() for text in (f"--{name}", value)]
    done = run("process", base, "tabular.jobs.preprocess", *flags, "--random-state", "7")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads((base / "processing/output/report/preprocessing.json").read_text())
    assert report["custom_clean"] == {
        "before": {"rows": 120, "columns": 6},
        "after": {"rows": 119, "columns": 7},
    }
    assert "double" in [column["name"] for column in report["columns"]]

    (base / "input/data").mkdir(parents=True)
    (base / "processing/output/train").rename(base / "input/data/train")
    trial = Trial("NearestNeighbors", "accuracy", 3, 7, {"n_neighbors": "3"}).to_hyperparameters()
    uri = "s3://jobs/code/steps.tar.gz"
    assert 0.4 < run_trial(aws, "own-steps", trial, base / "input/data/train", uri) < 1
    return base


def refit_by(aws, base, trained, text):
    """The refit with your own steps, as SageMaker runs it, after what was trained."""
    shutil.copytree(trained, base, dirs_exist_ok=True)
    archive = source(custom_steps=text)
    aws.s3.put_object(Bucket="jobs", Key="code/refit.tar.gz", Body=archive)
    shutil.rmtree(base / "processing/input")
    give_code(base, archive)
    code = {
        "sagemaker_program": "tabular.jobs.refit",
        "sagemaker_submit_directory": "s3://jobs/code/refit.tar.gz",
    }
    give_hyperparameters(base, best_training_job="own-steps", **code)
    done = run("train", base, **aws.variables)
    assert (done.returncode, done.stderr) == (0, "")


def test_steps_travel_with_the_jobs_and_an_algorithm_that_cannot_be_served_says_so(aws, base, trained):
    refit_by(aws, base, trained, STEPS)
    assert [path.name for path in (base / "model").iterdir()] == ["manifest.json"]
    manifest = json.loads((base / "model/manifest.json").read_text())
    assert (manifest["portable"], manifest["algorithm"]) == (False, "NearestNeighbors")
    assert manifest["reason"].startswith(
        "KNeighborsClassifier cannot be made portable: its row does not name an exporter"
    )
    assert "by naming the algorithm in PICKLES of your own steps" in manifest["reason"]
    with pytest.raises(UnusableModel, match=r"^KNeighborsClassifier cannot be made portable"):
        load_model(base / "model")
    assert joblib.load(base / "output/data/pipeline.joblib").named_steps["estimator"].n_neighbors == 3


def test_a_pickle_that_the_steps_name_is_kept_and_judged_as_it_is_served(aws, base, trained):
    refit_by(aws, base, trained, f'{STEPS}\nPICKLES = ["NearestNeighbors"]\n')
    manifest = json.loads((base / "model/manifest.json").read_text())
    assert manifest["estimator"] == {"kind": "pickle"}
    assert manifest["files"].keys() == {"pipeline.joblib", "rows.bin"}

    given = base / "processing/input"
    (base / "processing/output/test").rename(given / "test")
    for folder, name, made in (("model", "model", "model"), ("pipeline", "output", "output/data")):
        (given / folder).mkdir()
        with tarfile.open(given / folder / f"{name}.tar.gz", "w:gz") as archive:
            for path in (base / made).iterdir():
                archive.add(path, path.name)
    flags = ["--metric", "accuracy", "--threshold", "0.1", "--group", "shop--toys"]
    flags += ["--models-map-uri", "s3://jobs/absent.json"]
    done = run(
        "process",
        base,
        "tabular.jobs.evaluate",
        *flags,
        **aws.variables,
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads((base / "processing/output/evaluation/evaluation.json").read_text())
    assert report["model"]["algorithm"] == "NearestNeighbors"
    assert report["agreement"]["largest_difference"] == 0
