"""The state of all models: what is made of what each source said, and in which order."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import jsonschema
import numpy as np
import pytest
from support import ROOT
from support.container import streams

from helpers.monitoring import document
from helpers.monitoring.document import CONCERNS, Retraining, Row, Status, Traffic
from helpers.monitoring.fetching import Details, Source, Version
from helpers.monitoring.status import NO_CHECK, Sources, assemble, table

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
FORM = json.loads((ROOT / "docs/schemas/status.schema.json").read_text())
ROW = FORM["$defs"]["row"]["properties"]
PARTS = {
    document.Status: FORM,
    document.Row: FORM["$defs"]["row"],
    document.Traffic: FORM["$defs"]["traffic"],
    document.Concern: ROW["concerns"]["items"],
    document.Model: ROW["model"]["anyOf"][0],
    document.Waiting: ROW["waiting"]["anyOf"][0],
    document.Requests: ROW["requests"]["anyOf"][0],
    document.Monitoring: ROW["monitoring"]["anyOf"][0],
    document.Quality: ROW["monitoring"]["anyOf"][0]["properties"]["quality"]["anyOf"][0],
    document.Retraining: ROW["retraining"]["anyOf"][0],
    document.Cost: ROW["cost"]["anyOf"][0],
}
GOOD = {
    "metric": "auc",
    "value": 0.97,
    "low": 0.95,
    "high": 0.99,
    "rows": 200,
    "held_out": 0.98,
    "worse": False,
}


def version(number: int, status: str = "Approved", days: float = 1) -> Version:
    return Version(number, status, NOW - timedelta(days=days), f"arn:{number}")


def entry(number: int) -> dict[str, Any]:
    return {"key": "models/x", "version": number, "sha256": "0", "approved_at": "2026-11-25T12:00:00+00:00"}


def requests(number: int, server_errors: int = 0) -> Traffic:
    return Traffic(
        requests=number, client_errors=1, server_errors=server_errors, rows=number, p90_milliseconds=12.5
    )


def checked(status: str = "steady", number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "data_set": "x",
        "version": number,
        "status": status,
        "said": f"It is {status}.",
        "rows": 500,
        **more,
    }


def retrained(outcome: str, said: str = "because.") -> Retraining:
    return Retraining(execution="arn:e", at="2026-11-26T02:00:00+00:00", outcome=outcome, said=said)


def made(
    registry: Mapping[str, Sequence[Version]],
    serving: Mapping[str, int],
    traffic: Mapping[str, Traffic] | None = None,
    models: Mapping[str, Any] | None = None,
    retrainings: Mapping[str, Retraining] | None = None,
    **more: Any,
) -> Status:
    """The status of data sets that are called by one letter, valid by the documented form."""
    by_group = {f"demo--{name}": found for name, found in (traffic or {}).items()}
    check = {
        "at": "2026-11-26T02:15:00Z",
        "models": {f"demo--{name}": it for name, it in (models or {}).items()},
    }
    sources = {
        "registry": registry,
        "in_service": {name: entry(number) for name, number in serving.items()},
        "details": {"arn:1": Details("LightGBM", "2026-11-20T08:00:00+00:00")},
        "refusals": {},
        "traffic": Source({"day": by_group, "week": by_group}),
        "check": Source(check),
        "retrainings": Source(dict(retrainings or {})),
        "costs": Source(None),
        **more,
    }
    found = assemble("aws", "demo", Sources(**sources), NOW)
    jsonschema.validate(found, FORM)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def one(**more: Any) -> Row:
    (row,) = made({"x": [version(1)]}, {"x": 1}, **more)["models"]
    return row


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_the_documented_form_names_every_key(part: type) -> None:
    assert list(part.__annotations__) == list(PARTS[part]["properties"]) == PARTS[part]["required"]


def test_the_documented_form_names_every_state_in_the_documented_order() -> None:
    states = [*CONCERNS, "fine"]
    assert ROW["state"]["enum"] == states
    assert list(get_args(document.Kind)) == list(CONCERNS)
    assert list(FORM["properties"]["totals"]["properties"]) == ["models", "in_service", *states]
    page = (ROOT / "docs/operations/monitoring.md").read_text().split("## One page for all models")[1]
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")][
        : len(states)
    ] == states


def test_a_model_that_is_fine() -> None:
    row = one(
        traffic={"x": requests(1000)}, models={"x": checked(quality=GOOD, predictions={"drifted": False})}
    )
    assert (row["state"], row["concerns"], row["group"]) == ("fine", [], "demo--x")
    assert row["model"] == {
        "version": 1,
        "arn": "arn:1",
        "registered_at": "2026-11-25T12:00:00+00:00",
        "approved_at": "2026-11-25T12:00:00+00:00",
        "age_days": 1.0,
        "algorithm": "LightGBM",
        "data_until": "2026-11-20T08:00:00+00:00",
    }
    assert row["monitoring"]["quality"] == GOOD
    assert row["monitoring"]["predictions_drifted"] is False


@pytest.mark.parametrize(
    ("state", "said", "sources"),
    [
        (
            "failing",
            "1.0% of the requests of 24 hours ended in a server error: 10 of 1,000.",
            {"traffic": {"x": requests(1000, 10)}},
        ),
        ("fine", None, {"traffic": {"x": requests(1000, 9)}}),
        (
            "worse",
            "auc 0.97 on 200 rows whose labels",
            {"models": {"x": checked(quality={**GOOD, "worse": True})}},
        ),
        ("drifted", "It is drifted.", {"models": {"x": checked("drifted", drifted_columns=2)}}),
        ("unchecked", "The check failed. It is failed.", {"models": {"x": checked("failed")}}),
        ("fine", None, {"models": {"x": checked("too_few_rows")}}),
        ("fine", None, {"models": {"x": checked("no_capture")}}),
        ("retraining-failed", "because.", {"retrainings": {"x": retrained("failed")}}),
        ("retraining-refused", "because.", {"retrainings": {"x": retrained("refused")}}),
        ("fine", None, {"retrainings": {"x": retrained("kept")}}),
        ("fine", None, {"retrainings": {"x": retrained("running")}}),
    ],
)
def test_what_makes_a_state(state: str, said: str | None, sources: dict[str, Any]) -> None:
    row = one(**sources)
    assert (row["state"], [it["kind"] for it in row["concerns"]]) == (state, [state] if said else [])
    assert said is None or said in row["concerns"][0]["said"]


def test_what_a_check_says_of_drift_if_it_has_no_sentence() -> None:
    found = checked("drifted", drifted_columns=2, worst_column="age", predictions={"drifted": True}, said="")
    (concern,) = one(models={"x": found})["concerns"]
    assert concern["said"] == "2 columns drifted, most of all age, and so did the predictions."
    only = checked("drifted", drifted_columns=0, predictions={"drifted": True}, said="")
    assert one(models={"x": only})["concerns"][0]["said"] == "The predictions drifted."


def test_a_check_of_another_version_says_nothing_about_the_one_in_service() -> None:
    watched = one(models={"x": checked("drifted", 7, drifted_columns=2)})["monitoring"]
    assert (watched["status"], watched["drifted_columns"]) == ("outdated", 0)
    assert watched["said"] == "The last check saw version 7; version 1 is in service."


def test_what_a_real_check_reports_has_a_place() -> None:
    check = streams.report(np.random.default_rng(0), models=3, drifted=2)
    versions = {one["data_set"]: one["version"] for one in check["models"].values()}
    registry = {name: [version(number)] for name, number in versions.items()}
    missing = (Source(None) for _ in range(2))
    serving = {name: entry(number) for name, number in versions.items()}
    found = assemble(
        "aws", "shop", Sources(registry, serving, {}, {}, Source(None), Source(check), *missing), NOW
    )
    jsonschema.validate(found, FORM)
    states = {row["data_set"]: row["state"] for row in found["models"]}
    assert states == {"toys-0": "drifted", "toys-1": "drifted", "toys-2": "fine", "old": "fine"}
    worst = found["models"][0]
    assert worst["monitoring"]["worst_column"]
    assert worst["concerns"] == [{"kind": "drifted", "said": worst["monitoring"]["said"]}]


PENDING = "PendingManualApproval"


@pytest.mark.parametrize(
    ("versions", "serving", "waiting"),
    [
        ([version(1)], 1, None),
        ([version(2, PENDING, 3), version(1)], 1, (2, 3)),
        ([version(3, PENDING, 1), version(2, PENDING, 4), version(1)], 1, (3, 4)),  # the longer wait
        ([version(3, "Rejected"), version(2, PENDING), version(1)], 1, None),  # overtaken by a decision
        ([version(3), version(2, PENDING)], 3, None),
        ([version(1, PENDING, 2)], None, (1, 2)),
    ],
)
def test_since_when_a_version_waits_for_approval(
    versions: list[Version], serving: int | None, waiting: tuple[int, int] | None
) -> None:
    (row,) = made({"x": versions}, {} if serving is None else {"x": serving})["models"]
    since = waiting and (NOW - timedelta(days=waiting[1])).isoformat(timespec="seconds")
    assert row["waiting"] == (waiting and {"version": waiting[0], "since": since})
    assert row["state"] == ("waiting" if waiting else "fine")


def test_an_approved_version_that_does_not_serve_is_named_with_the_deployers_reason() -> None:
    versions = {"x": [version(2), version(1)], "y": [version(1)]}
    found = made(versions, {"x": 1}, refusals={"x": "Its SHA-256 is another."})
    assert [(row["data_set"], row["concerns"][0]["said"]) for row in found["models"]] == [
        ("x", "Version 2 is approved and not in service. Its SHA-256 is another."),
        ("y", "Version 1 is approved and not in service. The deployer has not followed yet."),
    ]


def test_a_data_set_of_which_nothing_serves() -> None:
    (row,) = made({"x": [version(1, "Rejected")]}, {})["models"]
    assert (row["state"], row["model"], row["newest_version"]) == ("not-in-service", None, 1)


def test_a_model_in_service_that_the_registry_does_not_have_any_more() -> None:
    (row,) = made({}, {"x": 4})["models"]
    assert row["model"]["version"] == 4
    assert (row["model"]["arn"], row["model"]["age_days"], row["newest_version"]) == (None, None, None)


def test_the_worst_come_first_and_among_those_alike_whoever_has_more_of_it() -> None:
    names = [
        "much-drift",
        "drift",
        "failing",
        "failing-more",
        "worse",
        "waits",
        "waits-longer",
        "fine",
        "a-fine",
    ]
    registry = {name: [version(1)] for name in names}
    registry["waits"].insert(0, version(2, PENDING, 1))
    registry["waits-longer"].insert(0, version(2, PENDING, 9))
    registry |= {"lost": [version(1, "Rejected")], "behind": [version(1)]}
    serving = dict.fromkeys(names, 1)
    shuffled = list(registry.items())
    random.Random(0).shuffle(shuffled)
    found = made(
        dict(shuffled),
        serving,
        traffic={"failing": requests(100, 2), "failing-more": requests(100, 3)},
        models={
            "drift": checked("drifted", drifted_columns=1),
            "much-drift": checked("drifted", drifted_columns=3),
            "worse": checked("drifted", drifted_columns=9, quality={**GOOD, "worse": True}),
        },
    )
    assert [row["data_set"] for row in found["models"]] == [
        "failing-more",
        "failing",
        "behind",
        "worse",
        "much-drift",
        "drift",
        "waits-longer",
        "waits",
        "lost",
        "a-fine",
        "fine",
    ]
    assert found["totals"] == {
        "models": 11,
        "in_service": 9,
        **dict.fromkeys(CONCERNS, 0),
        **{
            "failing": 2,
            "not-deployed": 1,
            "worse": 1,
            "drifted": 2,
            "waiting": 2,
            "not-in-service": 1,
            "fine": 2,
        },
    }


def test_what_is_missing_is_said_and_no_error() -> None:
    missing = (Source(None, said) for said in ("No log.", NO_CHECK, "No executions.", "No prices."))
    sources = Sources({"x": [version(1)]}, {"x": entry(1)}, {}, {}, *missing)
    found = assemble("local", "demo", sources, NOW)
    jsonschema.validate(found, FORM)
    assert found["sources"] == {
        "requests": "No log.",
        "monitoring": NO_CHECK,
        "retraining": "No executions.",
        "cost": "No prices.",
    }
    (row,) = found["models"]
    assert (row["state"], row["requests"], row["monitoring"], row["retraining"]) == ("fine", None, None, None)
    assert made({}, {})["models"] == []


def test_an_old_check_is_said() -> None:
    old = Source({"at": "2026-11-10T12:00:00Z", "models": {}})
    assert made({}, {}, check=old)["sources"]["monitoring"].startswith("The last check is 16 days old;")
    assert made({}, {})["sources"]["monitoring"] is None


def test_a_model_without_requests_had_none() -> None:
    row = one(traffic={"y": requests(5)})
    assert row["requests"]["day"]["requests"] == 0
    assert row["requests"]["day"]["p90_milliseconds"] is None


def test_the_models_in_service_share_what_the_endpoint_costs() -> None:
    found = made(
        {"x": [version(1)], "y": [version(1)], "z": [version(1, PENDING)]},
        {"x": 1, "y": 1},
        costs=Source(9.0),
    )
    assert {row["data_set"]: row["cost"] for row in found["models"]} == {
        "x": {"endpoint": 4.5},
        "y": {"endpoint": 4.5},
        "z": None,
    }


def test_a_short_table_for_the_notebook() -> None:
    found = table(made({"x": [version(1)], "y": [version(1, PENDING)]}, {"x": 1}, traffic={"x": requests(7)}))
    assert list(found.index) == ["y", "x"]
    assert found.loc["x", "requests 24 h"] == 7
    assert found.loc["y", "state"] == "waiting"
