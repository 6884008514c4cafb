"""EvaluateBestModel: held-out rows through the server, the gate's two margins, and the report."""

import dataclasses
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, recall_score
from support.container.documents import faults
from support.container.forks import Warm
from support.container.jobs import BIN, give_code, run, source
from support.container.reports import ENSEMBLE as OF_TWO
from support.container.reports import MEMBERS
from support.container.tables import ENSEMBLE, fit, fitted, mixed
from tabular.data.features import features
from tabular.data.schema.labels import encode
from tabular.data.splits.files import write_split
from tabular.data.splits.statistics import ROWS, row_hashes
from tabular.jobs import evaluate
from tabular.judging import served_model
from tabular.judging.served_model import ServerProcess
from tabular.learning.fitting import fit as learn
from tabular.monitoring.baseline import distributions, unpacked
from tabular.portable.export import export
from tabular.portable.files import save_model
from tabular.serving.codec import csv_rows
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.documents.reports import QUALITY, MistakesDocument, Report
from tabular.spec.errors import BadInput
from tabular.spec.opt_ml import extract
from tabular.spec.options import Options

MAP_KEY = "models-map.json"
GROUP = "shop--toys"


def archive(folder):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    return packed.getvalue()


HISTORY = {
    "hyperparameters": {},
    "cross_validation": {"scorer": "neg_log_loss", "folds": 5, "score": -0.2, "training_job": "trial-1"},
    "training": {"job": "refit-1", "rows": 160, "data_sha256": "ab" * 32},
    "libraries": {},
}
OTHER_ROWS = {"job": "refit-0", "rows": 150, "data_sha256": "cd" * 32}


def model_archive(folder, one, algorithm, seen=None, **changes):
    """A model as RefitBestModel packs it; `seen` are the positions of its training rows."""
    save_model(folder, {"algorithm": algorithm, **HISTORY, **one.manifest, **changes}, one.arrays)
    if seen is not None:
        frame = one.frame.iloc[seen]
        labels = [one.schema.classes[place] for place in one.target[seen]]
        row_hashes(frame, labels, list(frame)).tofile(folder / ROWS)
    return archive(folder)


@pytest.fixture
def give_pipeline(base, tmp_path):
    """Give the job the fitted pipeline as RefitBestModel leaves it."""

    def give(pipeline):
        (tmp_path / "output").mkdir(exist_ok=True)
        joblib.dump(pipeline, tmp_path / "output/pipeline.joblib")
        path = base / "processing/input/pipeline/output.tar.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(archive(tmp_path / "output"))

    return give


@pytest.fixture
def held_out(base, tmp_path, give_pipeline):
    """Give the job a model, the fitted pipeline behind it and held-out rows; returns what the rows are."""

    def give(one, algorithm="LogisticRegression", rows=None):
        frame, target = one.frame.iloc[:rows], one.target[:rows]
        training = distributions(one.frame, one.schema)
        write_split(base / "processing/input/test", frame, target, one.schema, training=training)
        path = base / "processing/input/model/model.tar.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model_archive(tmp_path / "challenger", one, algorithm))
        give_pipeline(one.pipeline)
        return frame, target

    return give


@pytest.fixture(scope="module")
def serve():
    """What starts `serve` as a fork of one process; the job as SageMaker runs it starts it as it is."""
    warm = Warm("tabular.serving.serve", "uvicorn", "tabular.serving.server", "tabular.serving.connections")

    def popen(words, env, cwd):
        return warm.start([sys.executable, *words], [], env, cwd)

    yield popen if sys.platform == "linux" else subprocess.Popen
    warm.close()


@pytest.fixture
def evaluated(as_a_job, base, run_module, serve, monkeypatch):
    """Run EvaluateBestModel in this process, with the environment's own `serve`; gives its report."""
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(
        served_model, "subprocess", SimpleNamespace(Popen=serve, TimeoutExpired=subprocess.TimeoutExpired)
    )

    def run_evaluate(metric="accuracy", threshold="0.5", group=GROUP, **others):
        run_module(
            evaluate.main,
            metric=metric,
            threshold=threshold,
            models_map_uri=f"s3://jobs/{MAP_KEY}",
            group=group,
            **others,
        )
        report = json.loads((base / "processing/output/evaluation/evaluation.json").read_text())
        assert faults(report, Report) == []
        return report

    yield run_evaluate
    as_a_job.s3.delete_object(Bucket="jobs", Key=MAP_KEY)


@pytest.fixture
def in_service(aws, tmp_path):
    """Put a model in service: its artifact and the map that names it."""

    def deploy(one, group=GROUP, version=4, **given):
        aws.s3.put_object(
            Bucket="jobs",
            Key="models/champion.tar.gz",
            Body=model_archive(tmp_path / "champion", one, "XGBoost", **given),
        )
        entry = {"key": "models/champion.tar.gz", "version": version, "sha256": "", "approved_at": ""}
        aws.s3.put_object(Bucket="jobs", Key=MAP_KEY, Body=json.dumps({group: entry}).encode())

    return deploy


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_first_model_of_a_data_set_has_its_threshold_alone_to_pass(evaluated, held_out, task):
    one = fitted("LogisticRegression", task)
    frame, target = held_out(one)
    metric = "rmse" if task == "regression" else "accuracy"
    report = evaluated(metric=metric)
    predicted = one.pipeline.predict(frame)
    value = float(
        np.sqrt(np.mean((predicted - target) ** 2)) if task == "regression" else np.mean(predicted == target)
    )
    assert report["gate"]["value"] == pytest.approx(value)
    sign = -1 if task == "regression" else 1
    assert report["gate"]["threshold_margin"] == pytest.approx(sign * (value - 0.5))
    assert (report["gate"]["champion_version"], report["gate"]["champion_margin"]) == (None, 0.0)
    assert report["model"] == {"algorithm": "LogisticRegression", **HISTORY, "task": task, "target": "target"}
    kind = "regression" if task == "regression" else f"{task}_classification"
    assert report[f"{kind}_metrics"][metric]["value"] == report["gate"]["value"]


def test_the_model_that_was_judged_is_handed_over_byte_by_byte(evaluated, held_out, base):
    held_out(fitted("LogisticRegression", "binary"))
    given = (base / "processing/input/model/model.tar.gz").read_bytes()
    report = evaluated()
    assert (base / "processing/output/model/model.tar.gz").read_bytes() == given
    assert report["model_sha256"] == hashlib.sha256(given).hexdigest()


def test_the_model_in_service_is_judged_on_the_same_rows(evaluated, held_out, in_service):
    ours, theirs = fitted("LogisticRegression", "binary"), fitted("XGBoost", "binary")
    frame, target = held_out(ours)
    in_service(theirs)
    report = evaluated()
    gate = report["gate"]
    expected = [np.mean(one.pipeline.predict(frame) == target) for one in (ours, theirs)]
    assert (gate["challenger_value"], gate["champion_value"]) == pytest.approx(expected)
    assert (gate["champion_version"], gate["rows"], gate["rows_left_out"]) == (4, 160, 0)
    side_by_side = report["champion"]["metrics"]
    assert side_by_side["accuracy"]["difference"] == pytest.approx(expected[0] - expected[1])
    assert gate["champion_margin"] == pytest.approx(side_by_side["accuracy"]["low"] + gate["allowed_loss"])
    assert {"what": "algorithm", "champion": "XGBoost", "challenger": "LogisticRegression"} in report[
        "champion"
    ]["changed"]
    again = evaluated()
    assert again == report  # the resamples are seeded
    loss = evaluated(metric="log_loss", threshold="1")["champion"]["metrics"]["log_loss"]
    assert loss["difference"] == pytest.approx(loss["champion"] - loss["challenger"])


@pytest.mark.parametrize("metric", ["recall", "average_precision"])
def test_the_positive_class_that_a_table_names_is_the_one_that_is_judged(
    evaluated, held_out, in_service, base, metric
):
    """Of both models, though the one in service named none; the order of the classes stays."""
    reports = {}
    in_service(fitted("XGBoost", "binary"))
    for name in (None, "no"):
        one = fit(mixed(), "LogisticRegression", "binary", options=Options(positive=name))
        assert one.manifest["classes"] == ("no", "yes, it is")
        held_out(one)
        reports[name] = evaluated(metric=metric)
    second, first = reports.values()
    assert (first["positive"], second["positive"]) == ("no", "yes, it is")
    ours, theirs = (report["binary_classification_metrics"] for report in (first, second))
    for same in ("accuracy", "auc", "brier", "log_loss"):
        assert ours[same]["value"] == pytest.approx(theirs[same]["value"])
    for name in ("precision", "recall", "f1"):
        assert ours[name]["value"] == pytest.approx(second["per_class"]["no"][name])
        assert theirs[name]["value"] == pytest.approx(second["per_class"]["yes, it is"][name])
    assert first["gate"]["value"] == ours[metric]["value"] != theirs[metric]["value"]
    assert list(ours["confusion_matrix"]) == ["yes, it is", "no"]
    champion = fitted("XGBoost", "binary")
    said = champion.pipeline.predict_proba(champion.frame)[:, 0]
    scores = {
        "recall": recall_score(champion.target == 0, said > 0.5),
        "average_precision": average_precision_score(champion.target == 0, said),
    }
    assert first["gate"]["champion_value"] == pytest.approx(scores[metric], abs=1e-6)
    assert {"what": "positive class", "champion": "yes, it is", "challenger": "no"} in first["champion"][
        "changed"
    ]
    assert {column: one["mean"] for column, one in first["permutation_importance"].items()} != {
        column: one["mean"] for column, one in second["permutation_importance"].items()
    }
    page = (base / "processing/output/evaluation/report.html").read_text()
    assert "The positive class is no: precision, recall" in page
    card = json.loads((base / "processing/output/evaluation/card.json").read_text())["content"]
    assert json.loads(card)["evaluation_details"][0]["metadata"]["positive class"] == "no"


def test_margin_and_confidence_are_parameters(evaluated, held_out, in_service):
    held_out(fitted("NaiveBayes", "binary"), "NaiveBayes")
    in_service(fitted("XGBoost", "binary"))
    strict = evaluated(champion_margin="0")["gate"]
    loose = evaluated(champion_margin="0.95", champion_confidence="0.6")["gate"]
    assert (strict["margin"], strict["allowed_loss"]) == (0.0, 0.0)
    assert (loose["margin"], loose["confidence"]) == (0.95, 0.6)
    assert strict["champion_margin"] < 0 < loose["champion_margin"]
    with pytest.raises(
        SystemExit, match=r"^ChampionConfidence is 95\.0; it must be at least 0\.5 and less than 1"
    ):
        evaluated(champion_confidence="95")


def test_the_same_model_is_not_registered_again(evaluated, held_out, in_service):
    one = fitted("LogisticRegression", "binary")
    held_out(one)
    in_service(one)
    gate = evaluated()["gate"]
    assert gate["threshold_margin"] > 0 > gate["champion_margin"]
    assert gate["comparison"].startswith(
        "This is version 4 again: the same training rows gave the same model"
    )


def test_the_same_arrays_of_other_rows_are_compared(evaluated, held_out, in_service):
    one = fitted("LogisticRegression", "binary")
    held_out(one)
    in_service(one, training=OTHER_ROWS, seen=slice(0, 20))
    gate = evaluated()["gate"]
    assert gate["champion_margin"] == pytest.approx(gate["allowed_loss"])  # there is no difference
    assert gate["champion_margin"] > 0


def test_rows_that_the_champion_was_trained_on_are_left_out(evaluated, held_out, in_service):
    ours, theirs = fitted("LogisticRegression", "binary"), fitted("XGBoost", "binary")
    frame, target = held_out(ours)
    in_service(theirs, training=OTHER_ROWS, seen=slice(0, 100))
    gate = evaluated()["gate"]
    rest = slice(100, None)
    assert (gate["rows"], gate["rows_left_out"]) == (60, 100)
    assert gate["champion_value"] == pytest.approx(
        np.mean(theirs.pipeline.predict(frame.iloc[rest]) == target[rest])
    )
    assert gate["challenger_value"] == pytest.approx(
        np.mean(ours.pipeline.predict(frame.iloc[rest]) == target[rest])
    )
    assert gate["value"] == pytest.approx(np.mean(ours.pipeline.predict(frame) == target))
    assert "On the 60 held-out rows that version 4 was not trained on" in gate["comparison"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"seen": slice(0, 140)}, "only 20 of the 160 held-out rows are new to it, and 30 are needed"),
        ({}, "does not record its training rows, so it may have learned the held-out rows"),
    ],
)
def test_without_rows_that_are_new_to_the_champion_only_the_threshold_decides(
    evaluated, held_out, in_service, given, why
):
    held_out(fitted("LogisticRegression", "binary"))
    in_service(fitted("XGBoost", "binary"), training=OTHER_ROWS, **given)
    gate = evaluated()["gate"]
    assert (gate["champion_version"], gate["champion_value"], gate["champion_margin"]) == (4, None, 0.0)
    assert why in gate["comparison"]
    assert gate["comparison"].endswith("only the threshold decides.")


def test_a_model_in_service_of_fewer_columns_is_asked_with_its_own(evaluated, held_out, in_service):
    held_out(fitted("LogisticRegression", "binary"))
    theirs = fit(mixed().drop(columns="income"), "NaiveBayes", "binary")
    in_service(theirs)
    gate = evaluated()["gate"]
    expected = np.mean(theirs.pipeline.predict(theirs.frame) == theirs.target)
    assert gate["champion_value"] == pytest.approx(expected)


def test_a_model_in_service_of_columns_that_are_gone_is_not_compared(evaluated, held_out, in_service):
    held_out(fit(mixed().drop(columns="income"), "NaiveBayes", "binary"), "NaiveBayes")
    in_service(fitted("LogisticRegression", "binary"))
    gate = evaluated()["gate"]
    assert (gate["champion_version"], gate["champion_value"], gate["champion_margin"]) == (4, None, 0.0)
    assert gate["comparison"].startswith("Version 4, in service, needs the column 'income', which this table")


def of_shuffled(shuffled, rows):
    """A model of a target that was shuffled, with held-out rows whose target was shuffled, too."""
    learnt = fit(shuffled.iloc[rows], "RandomForest", "binary")
    held = shuffled.drop(index=shuffled.index[rows])
    frame = features(held, learnt.schema)
    return dataclasses.replace(learnt, frame=frame, target=encode(held["target"], learnt.schema))


def test_a_table_whose_target_was_shuffled_does_not_pass(evaluated, held_out, in_service):
    right = mixed(rows=600, gaps=False)
    shuffled = right.assign(target=np.random.default_rng(0).permutation(right["target"]))
    one = of_shuffled(shuffled, np.arange(400))
    held_out(one, "RandomForest")
    report = evaluated(metric="auc", threshold="0.7")
    assert report["gate"]["threshold_margin"] < 0
    assert report["intervals"]["auc"]["low"] < 0.5 < report["intervals"]["auc"]["high"]

    # Nor does it pass beside a champion that learnt the right target, on rows that have it.
    held = right.iloc[400:]
    honest = dataclasses.replace(
        one, frame=features(held, one.schema), target=encode(held["target"], one.schema)
    )
    held_out(honest, "RandomForest")
    in_service(fit(right.iloc[:400], "LogisticRegression", "binary"), seen=slice(0, 0))
    assert evaluated(metric="auc", threshold="0")["gate"]["champion_margin"] < 0


def test_a_model_that_could_not_be_made_portable_is_refused_by_its_reason(
    evaluated, held_out, base, tmp_path
):
    held_out(fitted("LogisticRegression", "binary"))
    (tmp_path / "refused").mkdir()
    manifest = {"portable": False, "reason": "Spline cannot be made portable; add an exporter for it."}
    (tmp_path / "refused/manifest.json").write_text(json.dumps(manifest))
    (base / "processing/input/model/model.tar.gz").write_bytes(archive(tmp_path / "refused"))
    with pytest.raises(
        SystemExit, match=r"^Spline cannot be made portable; add an exporter for it\. The model is not"
    ):
        evaluated()


def test_the_report_is_split_by_the_columns_that_were_named(evaluated, held_out, base):
    frame, _ = held_out(fitted("LogisticRegression", "binary"))
    columns = pd.DataFrame({"colour": frame["colour"], "size": frame["size"]})
    columns.to_parquet(base / "processing/input/test/subgroups.parquet", index=False)
    report = evaluated()
    assert set(report["subgroups"]) == {"colour", "size"}
    assert sum(one["rows"] for one in report["subgroups"]["colour"].values()) == len(frame)
    assert report["subgroups"]["colour"]["light grey"]["metrics"]["accuracy"] > 0.5


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_page_and_card_stand_beside_the_report(evaluated, held_out, base, task):
    held_out(fitted("XGBoost", task), "XGBoost")
    report = evaluated(metric="r2" if task == "regression" else "accuracy")
    folder = base / "processing/output/evaluation"
    page = (folder / "report.html").read_text()
    assert f"{GROUP}: XGBoost" in page
    assert len(page) < 200_000
    content = json.loads((folder / "card.json").read_text())["content"]
    assert isinstance(json.loads((folder / "baseline.json").read_text()), dict)
    worst = json.loads((folder / "mistakes.json").read_text())
    assert faults(worst, MistakesDocument) == []
    if task != "regression":
        right = report[QUALITY[task]]["accuracy"]["value"]
        assert worst["wrong"] == round((1 - right) * report["rows"]["held_out"])
    assert ("thresholds" in report) == (task == "binary")
    kept = unpacked((folder / evaluate.DRIFT_BASELINE).read_bytes())
    assert set(kept["training"]) == set(report["permutation_importance"])
    assert kept["held_out"]["rows"] == 160
    assert kept["quality"][kept["metric"]]["value"] == report["gate"]["value"]
    assert json.loads(content)["intended_uses"]["purpose_of_model"] == f"Predicts target ({task})."
    assert report["rows"] == {"held_out": 160, "training": 160}
    assert set(report["permutation_importance"]) == {"colour", "size", "member", "income", "code"}
    details = {"residuals"} if task == "regression" else {"per_class", "calibration"}
    assert details <= set(report)
    assert set(report["intervals"]) >= ({"rmse", "r2"} if task == "regression" else {"accuracy", "auc"})


def test_the_model_of_another_data_set_is_no_champion(evaluated, held_out, in_service, base):
    held_out(fitted("LogisticRegression", "binary"))
    in_service(fitted("XGBoost", "binary"), group="shop--toys-2")
    report = evaluated()
    assert report["gate"]["champion_version"] is None
    model = (base / "processing/input/model/model.tar.gz").read_bytes()
    assert report["model_sha256"] == hashlib.sha256(model).hexdigest()


def test_a_map_that_names_an_artifact_that_is_gone_is_refused(aws, evaluated, held_out):
    held_out(fitted("LogisticRegression", "binary"))
    entry = {"key": "models/gone.tar.gz", "version": 1, "sha256": "", "approved_at": ""}
    aws.s3.put_object(Bucket="jobs", Key=MAP_KEY, Body=json.dumps({GROUP: entry}).encode())
    with pytest.raises(
        SystemExit, match=r"names s3://jobs/models/gone\.tar\.gz for shop--toys.*Run the deployer"
    ):
        evaluated()


def test_a_map_entry_that_names_no_artifact_is_refused(aws, evaluated, held_out):
    held_out(fitted("LogisticRegression", "binary"))
    entry = {"key": None, "version": 1, "sha256": "", "approved_at": ""}
    aws.s3.put_object(Bucket="jobs", Key=MAP_KEY, Body=json.dumps({GROUP: entry}).encode())
    with pytest.raises(SystemExit, match=r"names no artifact for shop--toys\. Run the deployer to repair it"):
        evaluated()


def test_a_model_that_the_server_cannot_serve_fails_here(evaluated, held_out, base, tmp_path):
    one = fitted("LogisticRegression", "binary")
    held_out(one)
    save_model(tmp_path / "bad", {**one.manifest, "format_version": 99}, one.arrays)
    (base / "processing/input/model/model.tar.gz").write_bytes(archive(tmp_path / "bad"))
    with pytest.raises(
        SystemExit, match=r"The server answers 400 .*format version is 99; this server reads 1"
    ):
        evaluated()


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_served_model_is_compared_with_the_fitted_pipeline(evaluated, held_out, algorithm, task):
    one = fitted(algorithm, task)
    frame, _ = held_out(one, algorithm, rows=40)
    report = evaluated(metric="mae" if task == "regression" else "accuracy", threshold="0")
    tolerance = one.model.tolerance
    agreement = report["agreement"]
    assert (agreement["rows"], agreement["ties"], agreement["tolerance"]) == (len(frame), 0, tolerance)
    assert 0 <= agreement["largest_difference"] <= tolerance


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_an_ensemble_is_judged_against_a_single_model_and_against_another(
    evaluated, held_out, in_service, task
):
    one = fitted(ENSEMBLE, task)
    ensemble = dataclasses.replace(one, manifest=one.manifest | {"ensemble": OF_TWO["ensemble"]})
    held_out(ensemble, "Ensemble")
    metric = "mae" if task == "regression" else "log_loss"
    in_service(fitted("NaiveBayes", task), training=OTHER_ROWS, seen=[])
    report = evaluated(metric=metric, threshold="100")
    assert (report["gate"]["champion_version"], report["gate"]["rows"]) == (4, len(one.frame))
    assert report["model"]["ensemble"] == OF_TWO["ensemble"]
    changes = {change["what"]: change["challenger"] for change in report["champion"]["changed"]}
    assert changes.items() >= MEMBERS.items()
    assert report["agreement"]["rows"] == len(one.frame)
    assert 0 <= report["agreement"]["largest_difference"] <= one.model.tolerance  # 0 on some processors
    in_service(ensemble)
    assert evaluated(metric=metric, threshold="100")["gate"]["same_model"]


def test_a_new_level_that_the_server_takes_for_a_known_one_is_not_compared(evaluated, held_out):
    one = fitted("LogisticRegression", "binary")
    frame = one.frame.copy()
    frame.loc[frame.index[:3], "colour"] = "'red'"
    held_out(dataclasses.replace(one, frame=frame))
    assert evaluated()["agreement"]["rows"] == len(frame) - 3


def test_a_served_model_that_differs_is_not_registered(evaluated, held_out, give_pipeline):
    held_out(fitted("LogisticRegression", "binary"))
    give_pipeline(fitted("NaiveBayes", "binary").pipeline)
    with pytest.raises(
        SystemExit,
        match=r"predicts other labels than scikit-learn for \d+ of \d+ rows; it is not registered\.$",
    ):
        evaluated()


SERVED_APART = {
    "price": {"number": None},
    "when": {"format": "%m/%d/%Y"},
    "code": {"missing": ["00007"]},
}


@pytest.fixture
def raw(base, tmp_path, preprocess_data, give_pipeline):
    """A model of a table whose cells need reading; the server reads `changed` columns in another way."""

    def give(**changed):
        rng = np.random.default_rng(0)
        rows = 200
        price = rng.integers(1000, 999_000, rows)
        day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), "D")
        code = rng.choice(["00007", "01234", "90210"], rows)
        late = (day.month > 6) ^ (code == "00007") ^ (price > 500_000)
        table = pd.DataFrame(
            {
                "price": [f"{n // 1000}.{n % 1000:03d},50 \u20ac" for n in price],
                "when": day.strftime("%d/%m/%Y"),
                "code": code,
                "target": np.where(late, "yes", "no"),
            }
        )
        done = preprocess_data(table)
        pipeline = learn(done.train, done.train_target, done.schema, "XGBoost", {}, 7, rounds=30)
        manifest, arrays = export(pipeline, done.schema, exporter_of("XGBoost", "classification"))
        columns = [
            {key: value for key, value in (column | changed.get(column["name"], {})).items() if value}
            for column in manifest["columns"]
        ]
        folder = tmp_path / "raw"
        save_model(folder, {"algorithm": "XGBoost", **HISTORY, **manifest, "columns": columns}, arrays)
        path = base / "processing/input/model/model.tar.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(archive(folder))
        give_pipeline(pipeline)
        shutil.copytree(done.folder / "test", base / "processing/input/test")

    return give


def test_the_server_is_asked_with_the_cells_of_the_file(evaluated, raw):
    raw()
    assert evaluated(threshold="0.3")["agreement"]["ties"] == 0


@pytest.mark.parametrize("column", SERVED_APART)
def test_a_server_that_reads_a_cell_otherwise_than_training_fails_here(evaluated, raw, column):
    raw(**{column: SERVED_APART[column]})
    with pytest.raises(SystemExit, match=r"differs from scikit-learn|predicts other labels|column '"):
        evaluated(threshold="0.3")


MISREADING = """\
from types import SimpleNamespace

import numpy as np
from tabular.serving import codec, serve

correct = codec.csv_rows.read

def read(body, is_number):
    found = correct(body, is_number)
    return found and ((2 * np.frombuffer(found[0])).tobytes(), found[1])

codec.csv_rows = SimpleNamespace(read=read)
serve.main()
"""


@pytest.mark.skipif(csv_rows is None, reason="installed without a compiler")
def test_a_server_that_reads_plain_lines_otherwise_than_training_fails_here(
    evaluated, held_out, tmp_path, monkeypatch
):
    numbers = np.arange(160.0)
    table = pd.DataFrame({"size": numbers % 7, "target": np.where(numbers % 7 > numbers % 3, "yes", "no")})
    held_out(fit(table, "LogisticRegression", "binary"))
    serve = tmp_path / "bin/serve"
    serve.parent.mkdir()
    serve.write_text(f"#!{sys.executable}\n{MISREADING}")
    serve.chmod(0o755)
    monkeypatch.setenv("PATH", f"{serve.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(served_model, "subprocess", subprocess)  # which starts this `serve`, not a fork
    with pytest.raises(SystemExit, match=r"differs from scikit-learn|predicts other labels"):
        evaluated()


def test_wrong_arguments_are_refused_in_a_sentence(as_a_job, run_module):
    with pytest.raises(SystemExit, match="evaluate: argument --threshold: invalid float value: 'high'"):
        run_module(evaluate.main, metric="accuracy", threshold="high", models_map_uri="s3://a/b", group="g")


@pytest.mark.slow
def test_a_wide_table_is_sent_in_requests_that_the_server_takes(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(400, 1500)), columns=[f"x{i}" for i in range(1500)])
    one = fit(wide.assign(target=["a", "b"] * 200), "NaiveBayes", "binary")
    save_model(tmp_path, one.manifest, one.arrays)
    rows = one.frame.to_numpy().tolist()
    assert len(json.dumps(rows)) > 6_291_456
    with ServerProcess() as server:
        server.load("wide", tmp_path)
        answer = server.predict("wide", rows)
        assert server.predict("wide", []) == {"predictions": [], "probabilities": []}
    expected = [one.schema.classes[i] for i in one.pipeline.predict(one.frame)]
    assert answer["predictions"] == expected
    assert len(answer["probabilities"]) == 400


@pytest.mark.slow
def test_a_server_process_ends_with_its_block(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(BadInput, match="The server answers 400 to POST /models"), ServerProcess() as server:
        server.load("absent", tmp_path / "absent")
    assert server.process.poll() is not None


def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path):
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("../evil.txt")
        tar.addfile(entry, io.BytesIO(b""))
    with pytest.raises(BadInput, match=r"contains '\.\./evil\.txt', which is outside its own folder"):
        extract(tmp_path / "evil.tar.gz", tmp_path / "models")
    assert not (tmp_path / "evil.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_an_archive_of_anything_but_files_and_folders_is_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("innocent")
        entry.type, entry.linkname = kind, "model.safetensors"
        tar.addfile(entry)
    with pytest.raises(BadInput, match=r"evil\.tar\.gz contains 'innocent', which is neither a file nor"):
        extract(tmp_path / "evil.tar.gz", tmp_path / "models")


def test_evaluate_as_sagemaker_runs_it(aws, base, held_out):
    """As the source that came with the job, beside the server that is installed."""
    held_out(fitted("RandomForest", "binary"), "RandomForest", rows=50)
    give_code(base, source())
    arguments = ["--metric", "auc", "--models-map-uri", f"s3://jobs/{MAP_KEY}", "--group", "shop--none"]
    done = run(
        "process",
        base,
        "tabular.jobs.evaluate",
        *arguments,
        "--threshold",
        "0.6",
        **aws.variables,
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    report = json.loads((base / "processing/output/evaluation/evaluation.json").read_text())
    assert printed["gate"] == report["gate"]
    assert report["gate"]["threshold_margin"] == pytest.approx(report["gate"]["value"] - 0.6)
