"""Any table goes from its raw file to a portable model, or is refused before training."""

import gzip
import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from sklearn import datasets
from support.container.jobs import BIN, give_code, source
from support.container.tables import dated, give_options, mixed, refusal, settings
from tabular.data.splits.statistics import row_hashes
from tabular.jobs import train
from tabular.judging.agreement import as_model_input, check_equal, positions
from tabular.judging.metrics.scores import evaluate
from tabular.learning.fitting import fit, scores_of_fold
from tabular.learning.pipeline import FEW_LEVELS
from tabular.portable.export import export
from tabular.portable.model import PortableModel
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Stochastic Optimizer")]
QUICK = ("LightGBM", "LogisticRegression")  # whatever differs between algorithms, they differ in


@pytest.fixture
def learn_each(preprocess_data, base):
    """PreprocessData, then the trial, the refit and the held-out rows of each algorithm, to look at."""

    def run(content, algorithms, name="table.csv", folds=2, hyperparameters=None, **changed):
        done = preprocess_data(content, name, **changed)
        channel = base / "input/data/train"
        channel.parent.mkdir(parents=True, exist_ok=True)
        (done.folder / "train").rename(channel)
        task = done.schema.task
        scorer = "r2" if task == "regression" else "accuracy"
        for algorithm in algorithms:
            chosen = settings(algorithm, task) if hyperparameters is None else hyperparameters
            scores, rounds, _ = train.cross_validate(Trial(algorithm, scorer, folds, 7, chosen))
            pipeline = fit(done.train, done.train_target, done.schema, algorithm, chosen, 7, rounds)
            model = PortableModel(*export(pipeline, done.schema, exporter_of(algorithm, done.schema.family)))
            agreement = check_equal(model, pipeline, done.test, done.schema)
            answer = model.predict(*as_model_input(done.test, done.schema))
            found = positions(answer.labels, done.schema)
            metrics = evaluate(task, done.test_target, found, answer.probabilities)
            learnt = {"scores": scores, "model": model, "agreement": agreement, "metrics": metrics}
            yield algorithm, SimpleNamespace(**vars(done) | learnt)

    return run


@pytest.fixture
def learn(learn_each):
    """The same of one algorithm."""

    def run(content, algorithm="LightGBM", **options):
        ((_, done),) = learn_each(content, [algorithm], **options)
        return done

    return run


@pytest.mark.parametrize(
    ("name", "metric", "least"),
    [
        ("breast_cancer", "auc", 0.97),
        ("wine", "accuracy", 0.9),
        ("iris", "accuracy", 0.85),
        ("digits", "accuracy", 0.9),
        ("diabetes", "r2", 0.2),
    ],
)
def test_tables_that_scikit_learn_ships(learn_each, name, metric, least):
    table = getattr(datasets, f"load_{name}")(as_frame=True).frame
    family = "regression" if name == "diabetes" else "classification"
    for algorithm, done in learn_each(table, QUICK, hyperparameters={}, family=family):
        assert done.metrics[metric] > least, algorithm
        assert abs(np.mean(done.scores)) <= 1, algorithm


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_mixed_types_of_which_nearly_a_third_is_missing(learn_each, task):
    table = dated(task, rows=400)
    rng = np.random.default_rng(0)
    for column in table.columns.drop("target"):
        table.loc[rng.random(400) < 0.3, column] = None
    family = "regression" if task == "regression" else "classification"
    for algorithm, done in learn_each(table, ALGORITHMS, family=family):
        assert done.kinds == {
            "colour": "categorical",
            "day": "date",
            "size": "numeric",
            "member": "boolean",
            "moment": "date",
            "income": "numeric",
            "code": "categorical",
        }
        assert done.schema.baseline["size"]["missing"] > 0.2
        assert np.isfinite(done.scores).all(), algorithm
        if algorithm in QUICK:
            metric, least = ("r2", 0) if task == "regression" else ("accuracy", 0.4)
            assert done.metrics[metric] > least, algorithm


def test_a_category_of_two_hundred_levels(learn_each):
    rng = np.random.default_rng(0)
    level = rng.integers(200, size=1200)
    table = pd.DataFrame({"level": [f"l{i}" for i in level], "x": rng.normal(size=1200), "target": level % 2})
    for algorithm, done in learn_each(table, QUICK):
        assert done.model.members[0].features.width == 1 + FEW_LEVELS, algorithm
        assert done.schema.baseline["level"]["distinct"] > 190


def test_three_rows_of_a_class(learn):
    table = mixed("multiclass", rows=200)
    table.loc[:2, "target"] = 99
    done = learn(table, test_size="0.3")
    assert json.loads(done.report)["classes"]["99"] == 3
    assert sorted(done.schema.classes) == [0, 10, 20, 99]


def test_thirty_rows(learn):
    assert len(learn(mixed(rows=30), algorithm="LogisticRegression").test) == 8


def test_two_thousand_columns(learn_each):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(120, 2000))
    table = pd.DataFrame(values, columns=[f"x{i}" for i in range(2000)]).assign(target=values[:, 7] > 0)
    for _, done in learn_each(table, QUICK):
        assert len(done.schema.columns) == len(done.schema.baseline) == 2000
        assert np.isfinite(done.scores).all()


AS_WRITTEN = mixed(rows=80, gaps=False).assign(
    colour="größer\nals, \"x\"; 'y'", code=[f"ü{i % 7}" for i in range(80)]
)
AS_WRITTEN.loc[::3, "colour"] = "naïve"


@pytest.mark.parametrize(
    "dialect",
    [
        {"sep": ";", "decimal": ","},
        {"sep": "\t"},
        {"sep": "|", "encoding": "latin-1"},
        {"sep": ";", "decimal": ",", "encoding": "cp1252"},
        {"encoding": "utf-8-sig"},
        {"encoding": "utf-16"},
        {"lineterminator": "\r\n"},
        {"quoting": 1},
    ],
    ids=str,
)
def test_any_dialect_gives_the_same_splits(preprocess_data, dialect):
    plain = preprocess_data(AS_WRITTEN)
    options = {"index": False, **dialect}
    encoding = options.pop("encoding", "utf-8")
    content = AS_WRITTEN.to_csv(**options).encode(encoding)
    for body in (content, gzip.compress(content)):
        done = preprocess_data(body)
        pd.testing.assert_frame_equal(done.train, plain.train)
        pd.testing.assert_frame_equal(done.test, plain.test)
        assert done.kinds == plain.kinds
        assert done.schema.classes == plain.schema.classes


CSV = mixed(rows=60, gaps=False).to_csv(index=False)
LINES = CSV.splitlines()


@pytest.mark.parametrize(
    ("content", "changed", "sentence"),
    [
        (CSV, {"target": "targte"}, "Unknown target column 'targte'; .* Did you mean 'target'"),
        (mixed(rows=60).assign(target=None), {}, "The target 'target' is empty in every row"),
        (mixed(rows=60).assign(target="yes"), {}, "contains only 'yes'; classification needs two classes"),
        (CSV.replace("income", "target", 1), {}, "Several columns have the name of the target, 'target'"),
        ("\n".join([*LINES[:9], "red,1.5", *LINES[9:]]), {}, "line 10 has 2 cells, but the header has 6"),
        (
            "\n".join([*LINES[:9], LINES[9] + ",x,y", *LINES[10:]]),
            {},
            "line 10 has 8 cells, but the header has 6",
        ),
        ("", {}, "it is empty"),
        (b"PAR1\x15\x04 and then nothing of it", {}, "Cannot read the table table.csv"),
        (
            CSV,
            {"family": "regression"},
            "which is not a number, and the task is regression",
        ),
    ],
)
def test_a_table_that_cannot_be_learnt_from_is_refused_in_a_sentence(
    preprocess_data, content, changed, sentence
):
    with pytest.raises(SystemExit, match=sentence):
        preprocess_data(content, **changed)
    said = refusal(preprocess_data, content, **changed)
    assert said.count("\n") == 0
    assert said.endswith((".", "?"))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_table_whose_targets_are_shuffled_passes_no_threshold(learn_each, task):
    """Neither the score of the folds nor the held-out rows find anything where there is nothing."""
    table = dated(task, rows=600, gaps=False)
    table["target"] = np.random.default_rng(1).permutation(table["target"])
    family = "regression" if task == "regression" else "classification"
    metric, threshold = ("r2", 0.15) if task == "regression" else ("auc", 0.65)
    chance = {"binary": 0.6, "multiclass": 0.5, "regression": 0.15}[task]
    for algorithm, done in learn_each(table, QUICK, family=family):
        assert done.metrics[metric] < threshold, algorithm
        assert np.mean(done.scores) < chance, algorithm


@pytest.mark.parametrize("options", [{}, {"group": "code"}, {"time": "day"}])
def test_folds_never_see_a_held_out_row(learn, base, monkeypatch, options):
    """Every row that is ever fitted or scored in a trial is one of the training split, by its hash."""
    give_options(base, **options)
    seen = []

    def watched(frame, target, rows, *arguments):
        seen.append([row_hashes(frame.iloc[part], target[part], list(frame)) for part in rows])
        return scores_of_fold(frame, target, rows, *arguments)

    monkeypatch.setattr(train, "scores_of_fold", watched)
    done = learn(dated(rows=300, gaps=False).drop_duplicates())
    names = list(done.test)
    held_out = row_hashes(done.test, done.test_target, names)
    training = row_hashes(done.train, done.train_target, names)
    assert len(seen) == 2
    for fitted, scored in seen:
        assert not np.isin(fitted, scored).any()
        for part in (fitted, scored):
            assert len(part) < len(training)
            assert np.isin(part, training).all()
            assert not np.isin(part, held_out).any()


@pytest.fixture(scope="module")
def million_rows(tmp_path_factory):
    """A folder with a table of a million rows and twenty columns, by the ending of the file."""
    rows, rng = 1_000_000, np.random.default_rng(0)

    def texts(choice, places):  # NumPy would make each of the million cells by itself
        return pa.array(choice).take(pa.array(places))

    columns = {f"x{i}": rng.normal(size=rows).round(4) for i in range(14)}
    for i in range(3):
        levels = [f"level {j}" for j in range(10 * (i + 1))]
        columns[f"level{i}"] = texts(levels, rng.integers(len(levels), size=rows))
    columns["member"] = texts(["no", "yes"], rng.integers(2, size=rows))
    days = (np.datetime64("2020-01-01") + np.arange(1500)).astype(str)
    columns["day"] = texts(days, rng.integers(1500, size=rows))
    columns["target"] = texts(["b", "a"], (columns["x0"] + rng.normal(size=rows) > 0).astype(int))
    table = pa.table(columns)
    assert table.shape == (rows, 20)
    folder = tmp_path_factory.mktemp("million")
    pa.csv.write_csv(table, folder / "t.csv", pa.csv.WriteOptions(quoting_style="none"))
    pa.parquet.write_table(table, folder / "t.parquet")
    return folder


@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_a_million_rows_of_twenty_columns_take_less_than_four_gigabytes(
    base, record_property, million_rows, format_
):
    """The command as SageMaker runs it; its time is reported and not judged."""
    folder = base / "processing/input/data"
    folder.mkdir(parents=True)
    (million_rows / f"t.{format_}").rename(folder / f"t.{format_}")
    give_code(base, source())
    flags = {"target": "target", "family": "classification", "test-size": "0.2", "stratify": "true"}
    arguments = [text for name, value in flags.items() for text in (f"--{name}", value)]
    command = [str(BIN / "process"), "tabular.jobs.preprocess", *arguments, "--random-state", "7"]
    # The peak of this child alone: a process of its own starts it and asks for its children's.
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.stderr)"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        env=os.environ | {"SAGEMAKER_BASE_DIR": str(base)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.monotonic() - started
    status, peak, *said = done.stdout.split(maxsplit=2)
    gigabytes = int(peak) * (1024 if sys.platform == "linux" else 1) / 2**30
    record_property("seconds", round(seconds, 1))
    record_property("gigabytes", round(gigabytes, 2))
    print(f"{format_}: {seconds:.1f} s, {gigabytes:.2f} GiB")
    assert (status, said) == ("0", [])
    assert gigabytes <= 4
    report = json.loads((base / "processing/output/report/preprocessing.json").read_text())
    assert (report["rows_train"], report["rows_test"]) == (800_000, 200_000)
