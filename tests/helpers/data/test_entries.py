"""Entries of DATASETS: invalid ones are refused, with what is allowed, before anything is fetched."""

from pathlib import Path
from typing import Any

import pytest

from helpers.data import entries
from helpers.errors import BadInput

OWN = {"name": "own", "uri": "own.csv", "target": "label"}


def refused(**changes: Any) -> str:
    with pytest.raises(BadInput) as raised:
        entries.parse([OWN | changes])
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_an_entry_has_a_place_a_target_options_and_what_judges_it() -> None:
    (entry,) = entries.parse([OWN | {"group": "patient", "metric": "rmse", "min_metric": 2}])
    assert (entry.name, entry.uri, entry.target) == ("own", "own.csv", "label")
    assert (entry.options.group, entry.options.task) == ("patient", "auto")
    assert entry.judged == {"metric": "rmse", "min_metric": 2}


def test_every_key_can_be_given() -> None:
    given = {
        **{"task": "auto", "drop": ["a"], "categorical": ["b"], "numeric": ["c"], "date": ["d"]},
        **{"group": "e", "subgroups": ["b"], "outliers": "iqr", "log_target": True, "class_weight": "none"},
        **{"repeated": "drop", "text": ["g"], "encoding": "cp1250", "delimiter": ";", "decimal": ","},
        **{"thousands": ".", "skip_rows": 1, "missing": ["?"], "date_format": {"d": "%y"}, "dayfirst": True},
        **{
            "positive": "yes",
            "merge_spellings": ["b"],
            "partition": "b",
            "scorer": "r2",
            "metric": "r2",
            "min_metric": 0.5,
        },
    }
    assert set(given) | set(OWN) | {"time"} == set(entries.KEYS)
    entries.parse([OWN | given])
    entries.parse([OWN | {"time": "day"}])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tagret": "x"}, "The data set 'own' has the unknown key 'tagret'; did you mean 'target'?"),
        ({"xyzzy": 1}, "unknown key 'xyzzy'; allowed are name, uri, target, task, drop"),
        ({"uri": 5}, "The uri of own is 5; it must be text, so put quotes around it."),
        ({"target": 2024}, "The target of own is 2024; it must be text"),
        (
            {"task": "ranking"},
            "The option task is 'ranking'; it must be one of auto, binary, multiclass, regression.",
        ),
        ({"drop": "a"}, "The data set 'own': The option drop is 'a'; it must be a list of column names."),
        ({"group": "a", "time": "b"}, "split by group or by time, not by both"),
        ({"log_target": "yes"}, "The option log_target is 'yes'; it must be true or false."),
        ({"scorer": "roc_acu"}, "The scorer of own is 'roc_acu'; it must be one of"),
        ({"scorer": "roc_acu"}, "Did you mean 'roc_auc'?"),
        ({"metric": ["auc"]}, "The metric of own is ['auc']; it must be one of"),
        ({"min_metric": "high"}, "The min_metric of own is 'high'; it must be a number"),
        ({"min_metric": float("nan")}, "it must be a number"),
        ({"min_metric": True}, "it must be a number"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], complaint: str) -> None:
    assert complaint in refused(**changes)


@pytest.mark.parametrize("name", ["Own", "my_table", "my--table", "-own", "own table", "größe", "", "a/b"])
def test_a_name_that_aws_would_refuse_is_refused(name: str) -> None:
    assert refused(name=name).startswith(
        f"{name!r} is not a valid data set name; use lower-case letters, digits"
    )


@pytest.mark.parametrize(
    "uri", ["http://data.example/own.csv", "ftp://x/y", "gs://bucket/x", "kaggle:titanic"]
)
def test_a_place_that_is_not_known_is_answered_with_those_that_are(uri: str) -> None:
    told = refused(uri=uri)
    assert told.startswith(f"The uri of own is {uri!r}; give a path, a glob such as 'data/*.csv', s3://")


def test_blanks_around_the_name_of_a_target_do_not_count_as_in_the_table() -> None:
    (entry,) = entries.parse([OWN | {"target": "Would you buy? "}])
    assert entry.target == "Would you buy?"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("x" * 257, r"'x{40}'\.\.\., has 257 characters"),
        ("satisfied\nwith it", r"'satisfied\\nwith it', has a line break"),
        ("satisfied\u2028with it", "has a line break"),
    ],
)
def test_a_target_that_sagemaker_passes_to_no_job_is_refused(target: str, said: str) -> None:
    with pytest.raises(BadInput, match=rf"{said}\. SageMaker passes at most 256 in one line to a job"):
        entries.parse([OWN | {"target": target}])


def test_a_target_of_256_characters_is_passed_on() -> None:
    (entry,) = entries.parse([OWN | {"target": "x" * 256 + "\n"}])
    assert entry.target == "x" * 256


def test_a_table_without_a_target_is_refused() -> None:
    with pytest.raises(BadInput, match="The data set 'own' has no target; name the column to predict"):
        entries.parse([{"name": "own", "uri": "own.csv"}])


@pytest.mark.parametrize("uri", ["sklearn:wine", "https://data.example/wine.csv", "s3://bucket/wine.csv"])
def test_the_uri_of_one_of_the_projects_own_tables_is_the_path_of_a_copy(uri: str) -> None:
    (entry,) = entries.parse([{"name": "wine", "uri": "copies/wine.csv"}])
    assert entry.uri == "copies/wine.csv"
    assert refused(name="wine", uri=uri) == (
        f"The uri of wine is {uri!r}; wine is one of the project's own data sets, whose uri may only be the "
        "path of a copy of it, so leave it out, or give the data set another name."
    )


def test_two_tables_of_one_name_are_refused() -> None:
    with pytest.raises(BadInput, match="DATASETS names 'own' more than once"):
        entries.parse([OWN, "wine", OWN])


def test_names_are_those_of_names_and_entries_alike() -> None:
    assert entries.names(["wine", OWN]) == ["wine", "own"]


def test_paths_are_made_absolute_and_other_places_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    others = [{"name": "x", "uri": uri} for uri in ("s3://b/x", "https://h/x", "sklearn:iris", "openml:61")]
    mine = {"name": "x", "uri": "data/*.csv"}
    assert entries.absolute(["wine", mine, *others]) == [
        "wine",
        mine | {"uri": f"{tmp_path}/data/*.csv"},
        *others,
    ]
