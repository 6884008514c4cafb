"""The documents that are written match the vocabulary: no field is missing, extra or of another type."""

import json
from dataclasses import fields
from typing import get_type_hints

import pytest
from support import ROOT
from support.container.documents import faults
from support.container.reports import CLASSIFIED, REGRESSED
from support.container.tables import ENSEMBLE, TASKS, fitted
from tabular.spec.columns import Column
from tabular.spec.documents.models import Manifest, Member
from tabular.spec.documents.reports import QUALITY, Report, quality
from tabular.spec.documents.schemas import ColumnDocument, SchemaDocument
from tabular.spec.documents.words import listed


@pytest.mark.parametrize("report", [CLASSIFIED, REGRESSED], ids=["classes", "numbers"])
def test_a_report_has_the_fields_that_its_readers_know(report):
    written = json.loads(json.dumps(report))
    if written["champion"]:
        written["champion"].pop("model")  # left out of the made-up one
        (fault,) = faults(written, Report)
        assert fault == ".champion is " + repr(written["champion"])
        written["champion"] = None
    assert faults(written, Report) == []
    assert quality(report) is report[QUALITY[report["model"]["task"]]]


@pytest.mark.parametrize("task", TASKS)
def test_the_schema_is_written_as_it_is_named(task):
    one = fitted("XGBoost", task)
    assert faults(json.loads(json.dumps(one.schema.to_dict())), SchemaDocument) == []
    assert {*get_type_hints(ColumnDocument)} == {field.name for field in fields(Column)}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("model", ["XGBoost", ENSEMBLE])
def test_what_an_exporter_writes_are_fields_of_a_manifest(model, task):
    one = fitted(model, task)
    assert all(faults(member, Member) == [] for member in one.manifest.get("members", []))
    assert one.manifest.keys() - get_type_hints(Manifest).keys() == set()


def test_a_field_that_is_missing_unknown_or_of_another_kind_is_found():
    column = {"name": "size", "kind": "colour", "width": 3}
    assert faults(column, ColumnDocument) == [".width is unknown", ".kind is 'colour'"]
    assert faults({"name": "size"}, ColumnDocument) == [".kind is missing"]


def test_golden_manifests_have_known_fields_beside_their_sample():
    for path in (ROOT / "tests/container/portable/golden").rglob("manifest.json"):
        assert json.loads(path.read_text()).keys() <= get_type_hints(Manifest).keys()


def test_a_drawn_hyperparameter_is_shown_with_four_digits_and_a_whole_number_as_it_is() -> None:
    given = {
        "c": "0.5454547060868970",
        "a": "7.184911237204676e-05",
        "n": "12345",
        "b": "tanh",
    }
    assert listed(given) == ["a=7.185e-05", "b=tanh", "c=0.5455", "n=12345"]
