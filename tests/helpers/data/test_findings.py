"""What the check found, as a document and as text, also about a table that cannot be used."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, schemas

from helpers.data import findings
from helpers.data.datasets import Settings
from helpers.errors import BadInput

ROWS = 60


@pytest.fixture
def checked(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The document about a table of these lines below its header; it has the documented form."""

    def check(header: str, *lines: str, **entry: Any) -> dict[str, Any]:
        path = tmp_path / "own.csv"
        path.write_text("\n".join([header, *lines * (ROWS // len(lines))]) + "\n")
        given = {"name": "own", "uri": str(path), "target": "label", **entry}
        found = findings.document([given], Settings(folds=3))
        schemas.validate(found, "check")
        return found["data_sets"]["own"]

    return check


def test_a_table_is_told_by_columns_with_their_evidence(checked: Callable[..., dict[str, Any]]) -> None:
    lines = [
        f"{number},{number % 7}.5,0{number % 3},d,{'yes' if number % 2 else 'no'}" for number in range(ROWS)
    ]
    lines[7], lines[8] = lines[7].replace("0.5", "?"), lines[8] + "\n9,?,00,d,"
    found = checked("id,size,code,gone,label", *lines, drop=["gone"], positive="no")
    assert (found["refused"], found["task"], found["classes"]) == (None, "binary", ["no", "yes"])
    assert found["positive"] == "no"
    assert found["rows"] == {"read": 61, "used": 60, "left_out": {"no target": 1}}
    size = found["columns"]["size"]
    assert (size["kind"], size["format"], size["missing"], size["levels"]) == ("numeric", None, ["?"], None)
    assert "'?', in 2 of 61 rows, is read as missing" in " ".join(size["evidence"])
    code = found["columns"]["code"]
    assert (code["kind"], sorted(code["levels"])) == ("categorical", ["00", "01", "02"])
    assert found["columns"]["gone"]["evidence"][-1] == "not a feature: named in drop"
    assert {one["column"] for one in found["warnings"]} >= {"id", "size", "label"}


@pytest.mark.parametrize(
    ("lines", "entry", "sentence"),
    [
        (["1,a", "2,b"], {"target": "lable"}, "Unknown target column 'lable'"),
        (["1,a", "2,a"], {}, "contains only 'a'"),
        ([f"{number},{'ab'[number < 1]}" for number in range(ROWS)], {}, "Cannot split 60 rows"),
        (
            [f"{number},{'ab'[number < 3]}" for number in range(ROWS)],
            {},
            "The rarest class has 2 training rows",
        ),
        (["1,a", "1,b"], {}, "No column except the target has more than one value"),
        (["1,a", "2,b"], {"scorer": "r2"}, "The scorer 'r2' does not fit a binary target"),
        (
            [f"{number}.5,{number % 9 and 1.5}" for number in range(ROWS)],
            {"task": "regression", "metric": "mape"},
            "The metric mape is not defined on the held-out rows, because it divides by the target",
        ),
        (
            [f"{number}.5,{0.5 if number else 1.5}" for number in range(ROWS)],
            {"task": "regression", "scorer": "r2"},
            "The scorer r2 is not defined on fold",
        ),
        (["-1,a", "2,b"], {"target": "a", "task": "regression", "log_target": True}, "log_target needs"),
    ],
    ids=[
        *("no target", "one class", "a class of one row", "a rare class", "constant", "scorer"),
        *("a metric of zeros", "a score of equals", "logarithm"),
    ],
)
def test_a_refusal_is_one_sentence_and_what_is_known_is_told(
    checked: Callable[..., dict[str, Any]], lines: list[str], entry: dict[str, Any], sentence: str
) -> None:
    found = checked("a,label", *lines, **entry)
    assert sentence in found["refused"]
    assert "\n" not in found["refused"]
    assert found["rows"]["read"] == ROWS
    assert set(found["columns"]) == {"a", "label"}
    assert "REFUSED: " in findings.as_text({"data_sets": {"own": found}})


def test_an_entry_that_cannot_be_used_keeps_no_other_from_being_checked() -> None:
    entries = [{"name": "odd", "uri": "nowhere.csv", "target": "y", "drp": []}, "wine", {"name": "Far"}]
    found = findings.document(entries)
    schemas.validate(found, "check")
    refused = {name: one["refused"] for name, one in found["data_sets"].items()}
    assert "unknown key 'drp'" in refused["odd"]
    assert "not a valid data set name" in refused["Far"]
    assert refused["wine"] is None
    with pytest.raises(BadInput, match="more than once"):
        findings.document(["wine", "wine"])


def test_a_table_in_s3_is_left_to_notebook_03() -> None:
    found = findings.document([{"name": "far", "uri": "s3://bucket/far.csv", "target": "y"}])
    one = found["data_sets"]["far"]
    assert one["refused"] is None
    assert "in S3" in one["warnings"][0]["said"]


def test_own_steps_are_part_of_the_check(tmp_path: Path) -> None:
    steps = tmp_path / "steps.py"
    steps.write_text(
        "def clean(frame):\n    return frame[frame['alcohol'] > 12].assign(sum=1.5 * frame['ash'])\n"
    )
    one = findings.document(["wine"], Settings(steps=str(steps)))["data_sets"]["wine"]
    assert one["rows"]["left_out"] == {"own clean function": one["rows"]["read"] - one["rows"]["used"]}
    assert one["columns"]["sum"]["kind"] == "numeric"
    refused = findings.document(["wine"], Settings(steps="nowhere.py"))["data_sets"]["wine"]["refused"]
    assert "STEPS names 'nowhere.py', which is not a file" in refused


def test_the_runs_scorer_and_its_sample_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    lines = [f"{day},{day % 7},{'ab'[day % 2 if day < 1500 else day % 99 == 0]}\n" for day in range(3000)]
    path.write_text("day,size,label\n" + "".join(lines))
    entry = {"name": "late", "uri": str(path), "target": "label", "time": "day"}

    def refused(**settings: Any) -> Any:
        return findings.document([entry], Settings(**settings))["data_sets"]["late"]["refused"]

    assert refused(scorer="roc_auc", folds=15) is None
    assert "The scorer 'r2' does not fit a binary target" in refused(scorer="r2")
    assert "has no row of the class 'b' to score" in refused(search_rows=1000, folds=15)


def test_the_text_is_aligned_and_fits_its_width() -> None:
    text = findings.as_text(findings.document(["wine", "diabetes"]), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "  rows      178 read, 178 used" in text.splitlines()


def test_the_example_in_the_page_has_the_documented_form() -> None:
    page = (ROOT / "docs/tables/check.md").read_text()
    schemas.validate(json.loads(page.split("```json\n")[1].split("```")[0]), "check")


def test_partitions_are_told_as_a_document_and_in_words(checked: Callable[..., dict[str, Any]]) -> None:
    lines = [f"{'Ann' if number % 3 else 'ann'},{number},{'ab'[number % 2]}" for number in range(ROWS)]
    found = checked("store,size,label", *lines, partition="store")
    assert found["refused"] is None
    assert found["partitions"]["columns"] == ["store"]
    assert found["partitions"]["smallest"] == [{"key": ["ann"], "rows": 20}, {"key": ["Ann"], "rows": 40}]
    assert found["partitions"]["few_rows"] == 1
    assert found["columns"]["store"]["evidence"] == [
        "named in partition, so its cells are words",
        "a partition for each value; a feature of the pooled model only",
    ]
    said = [one["said"] for one in found["warnings"] if one["column"] == "store"]
    assert any(one.startswith("'Ann' and 'ann' differ only in blanks, case or Unicode form") for one in said)
    text = findings.as_text({"data_sets": {"own": found}}, width=200)
    assert "parts     2 by store, of 20 to 40 rows" in text
    assert "1 has fewer than 20 training rows. The smallest: ann (20), Ann (40)." in text


def test_partitions_of_the_same_size_are_told_by_one_number(checked: Callable[..., dict[str, Any]]) -> None:
    lines = [f"{'xyz'[number % 3]},{number},{'ab'[number % 2]}" for number in range(ROWS)]
    found = checked("store,size,label", *lines, partition=["store"])["partitions"]
    assert findings.partitions_said(found).startswith(f"3 by store, of {ROWS // 3} rows each; 3 have ")


def test_a_partition_that_cannot_be_one_is_refused(checked: Callable[..., dict[str, Any]]) -> None:
    lines = [f"{number},{number},{'ab'[number % 2]}" for number in range(ROWS)]
    found = checked("store,size,label", *lines, partition=["store"])
    assert found["refused"].startswith("Every row has its own value of 'store'")
    assert found["partitions"] is None
