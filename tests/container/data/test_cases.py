"""Real-world tables and requests, each after a public report: read correctly, refused or warned about.

A case is a folder of tests/cases: the table, case.json with its entry and what must hold, and for some a
question to the model that is trained on it. Put a folder there to add one.
"""

import contextlib
import csv
import io
import json
import shutil
import sys
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from support import ROOT, schemas
from tabular.data.splits.files import read_groups, read_split
from tabular.data.tables import table_files
from tabular.jobs import preprocess
from tabular.learning.fitting import fit
from tabular.portable.export import export
from tabular.portable.model import PortableModel
from tabular.serving.codec import BadRequest, decode, encode
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.options import OPTIONS_FILE, Options

from helpers.data.checks import Settings
from helpers.data.datasets import Dataset
from helpers.data.findings import of_dataset
from helpers.session.storage import File

pytestmark = pytest.mark.slow
CASES = {
    path.parent.name: json.loads(path.read_text()) for path in sorted(ROOT.glob("tests/cases/*/case.json"))
}
SETTINGS = Settings(test_size=0.2, stratify=True, random_state=7, folds=3)
NO_TABLE = ("case.json", "question.txt")


@pytest.fixture(scope="module", autouse=True)
def _quiet():
    with contextlib.redirect_stdout(io.StringIO()):
        yield


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """The sentence of a refusal by the check, or what PreprocessData found, which says the same.

    A case with a question is read once, and looked at twice.
    """

    @cache
    def run(name):
        case, base = CASES[name], tmp_path_factory.mktemp("case")
        folder = base / "processing/input/data"
        shutil.copytree(ROOT / "tests/cases" / name, folder, ignore=shutil.ignore_patterns(*NO_TABLE))
        given = {key: case["entry"][key] for key in case["entry"] if key not in ("name", "uri", "target")}
        (folder / OPTIONS_FILE).write_text(json.dumps(given))
        target, files = case["entry"]["target"], tuple(map(File, table_files(folder)))
        dataset = Dataset(name, target, files, Options.from_dict(given), settings=SETTINGS)
        checked = dataset.checked
        schemas.validate({"schema": 1, "data_sets": {name: of_dataset(dataset)}}, "check")
        if checked.refused:
            return checked.refused
        arguments = ("--target", target, "--family", dataset.family, "--test-size", "0.2")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SAGEMAKER_BASE_DIR", str(base))
            patch.setattr(
                sys, "argv", ["preprocess", *arguments, "--stratify", "true", "--random-state", "7"]
            )
            preprocess.main()
        splits = base / "processing/output"
        frame, labels, schema = read_split(splits / "train")
        held_out, _, _ = read_split(splits / "test")
        report = json.loads((splits / "report/preprocessing.json").read_text())
        assert report == json.loads(json.dumps(checked.report))
        return SimpleNamespace(
            frame=frame,
            labels=labels,
            held_out=held_out,
            schema=schema,
            groups=[read_groups(splits / split) for split in ("train", "test")],
            warnings=report["warnings"],
            folder=folder,
        )

    return run


def expected(case):
    """Whether a refusal is among what may come, and the words of which it must have one."""
    for key in ("refused_before", "or_refused_before", "or_sentence"):
        if key in case["checks"]:
            return True, case["checks"][key]
    return False, []


def is_said(found, column):
    said = [one for one in found.warnings if one["column"] == column or repr(column) in str(one["said"])]
    return isinstance(column, str) and bool(said)


@pytest.mark.parametrize("name", CASES)
def test_a_table_is_read_right_or_refused_or_its_doubt_is_said(read, name):
    case, found = CASES[name], read(name)
    checks = case["checks"]
    may_refuse, words = expected(case)
    if isinstance(found, str):
        assert may_refuse, found
        assert not words or any(word.lower() in found.lower() for word in words), found
        return
    assert "refused_before" not in checks
    excused = is_said(found, checks.get("or_warn"))
    kinds = {column.name: column.kind for column in found.schema.columns}
    for column, kind in checks.get("kinds", {}).items():
        assert kinds.get(column) == kind or excused, (column, kinds.get(column), found.warnings)
    formats = {column.name: column.format for column in found.schema.columns}
    assert formats | checks.get("formats", {}) == formats
    for column, levels in checks.get("levels", {}).items():
        seen = sorted({*found.frame[column], *found.held_out[column]})
        assert seen == sorted(levels) or excused, (column, seen)
    for column, numbers in checks.get("numbers", {}).items():
        assert set(numbers) <= {*found.frame[column], *found.held_out[column]}, column
    assert set(checks.get("columns", ())) <= set(kinds)
    if "classes" in checks:
        assert sorted(map(str, found.schema.classes)) == sorted(map(str, checks["classes"])) or excused
    if "positive" in checks:
        assert found.schema.positive == checks["positive"]
    if "task" in checks:
        assert found.schema.task == checks["task"]
    if "rows_total" in checks:
        assert len(found.frame) + len(found.held_out) == checks["rows_total"]
    if "groups" in checks:
        assert len({*found.groups[0], *found.groups[1]}) == checks["groups"]
    if checks.get("must_warn"):
        assert found.warnings
    if "warned" in checks:
        assert is_said(found, checks["warned"]), found.warnings
    for column, words in checks.get("said", {}).items():
        assert any(one["column"] == column and words in one["said"] for one in found.warnings), column
    if "quiet" in checks:
        assert not is_said(found, checks["quiet"]), found.warnings
    if checks.get("roundtrip"):
        the_server_reads_the_file_as_training_did(found)
    if checks.get("learn_all"):
        for algorithm in ALGORITHMS:
            assert model_of(found, algorithm) is not None


def model_of(found, algorithm="LogisticRegression"):
    pipeline = fit(found.frame, found.labels, found.schema, algorithm, {}, 7, rounds=20)
    return PortableModel(*export(pipeline, found.schema, exporter_of(algorithm, found.schema.family)))


def the_server_reads_the_file_as_training_did(found):
    """The file's own cells, sent as CSV, are the features that training had."""
    (path,) = table_files(found.folder)
    assert path.suffix == ".csv", "Parquet has no texts to send; leave roundtrip out of the case"
    model = model_of(found)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    rows = [row for row in rows if row[found.schema.target]]
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    writer.writerows([model.names, *([row[name] for name in model.names] for row in rows)])
    numbers, levels = decode(body.getvalue().encode(), "text/csv", model)
    sent = {name: numbers[:, place] for place, name in enumerate(model.names[i] for i in model.numeric)}
    sent |= dict(zip((model.names[i] for i in model.categorical), map(np.array, levels), strict=True))
    for name in model.names:
        learnt = np.concatenate([found.frame[name].to_numpy(), found.held_out[name].to_numpy()])
        np.testing.assert_array_equal(np.sort(sent[name]), np.sort(learnt))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "question" in case])
def test_a_question_has_an_answer_for_each_row_or_a_helpful_refusal(read, name):
    asked, found = CASES[name]["question"], read(name)
    model = model_of(found)
    body = (ROOT / "tests/cases" / name / "question.txt").read_bytes()
    try:
        numbers, levels = decode(body, asked["content_type"], model)
        answer, _ = encode(model.predict(numbers, levels), asked["accept"], model)
    except BadRequest as refusal:
        assert any(word.lower() in str(refusal).lower() for word in asked.get("or_words", ())), str(refusal)
    else:
        assert "answers" in asked, answer
        assert len(list(csv.reader(io.StringIO(answer.decode())))) == asked["answers"]
        if "same" in asked:  # as the training file writes it
            meant, words = decode(asked["same"].encode(), "text/csv", model)
            np.testing.assert_array_equal(numbers, meant)
            assert levels == words
