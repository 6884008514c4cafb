"""What is told about a check for drift, in the documented form, and when nothing is."""

import json
from typing import Any

import numpy as np
import pytest
from support import ROOT, schemas
from support.container import streams
from support.helpers.webhook import webhook

from commands.reporting import drift, notification
from commands.reporting.channels import _letter
from helpers.errors import BadInput, JobFailed

VALUES = {"ENVIRONMENT": "aws", "PIPELINE_NAME": "shop"}
STARTED = "2026-11-26T02:15:00.000Z"
FORM = json.loads((ROOT / "docs/schemas/drift.schema.json").read_text())


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """Of four models, two have drifted and one could not be checked."""
    found: Any = streams.report(np.random.default_rng(1), models=3, drifted=2, count=200)
    found["models"]["shop--old"]["status"] = "failed"
    found["totals"] |= {"failed": 1, "no_baseline": 0}
    return found


def content(found: Any, values: dict[str, Any] = VALUES) -> dict[str, Any]:
    told = drift.content(values, STARTED, found)
    schemas.validate(told, "drift")
    assert list(told) == list(FORM["properties"])
    return told


def test_a_line_names_models_and_their_worst_columns(report: dict[str, Any]) -> None:
    told = content(report)
    assert told["text"] == (
        "shop: 2 of 4 models have drifted: toys-1 (x6), toys-0 (x5). 1 model could not be checked: old."
    )
    assert (told["status"], told["exit_code"], told["error"]) == ("failed", 1, None)
    assert [(one["data_set"], one["columns"]) for one in told["attention"]] == [
        ("toys-1", ["x6"]),
        ("toys-0", ["x5"]),
        ("old", []),
    ]
    assert told["attention"][0]["said"] == report["models"]["shop--toys-1"]["said"]
    letter = _letter(told).splitlines()
    assert letter[2].startswith("toys-1: x6: drift; the values have moved by")
    assert letter[-1] == f"A check for drift on {told['host']}, environment aws."


def test_a_thousand_drifted_models_fit_into_a_message_of_sns(report: dict[str, Any]) -> None:
    one = report["models"]["shop--toys-0"]
    column = one["columns"]["x5"]
    wide = one | {"columns": {f"{'c' * 600}{n}": column for n in range(100)}, "said": "x" * 2000}
    many = {f"shop--m{n}": wide | {"data_set": f"m{n}"} for n in range(1000)}
    told = content(report | {"models": many, "totals": report["totals"] | {"drifted": 1000}})
    assert len(json.dumps(told)) < 256 * 1024 / 4
    assert len(told["attention"]) == 20


def test_a_check_without_a_report_is_told_with_its_reason() -> None:
    told = content(JobFailed("The check has failed: https://host/t.csv?signature=SECRET is gone."), {})
    assert told["text"].startswith("many-models: models could not be checked for drift. The check has failed")
    assert (told["status"], told["exit_code"], told["totals"]) == ("failed", 1, None)
    assert "SECRET" not in json.dumps(told)
    assert content(BadInput("ENVIRONMENT is 3."), {"ENVIRONMENT": 3})["exit_code"] == 2


def test_nobody_is_told_that_nothing_has_drifted(report: dict[str, Any]) -> None:
    steady = report | {"totals": report["totals"] | {"failed": 0, "drifted": 0}}
    with webhook() as hook:
        drift.tell(VALUES | {"NOTIFY": hook.url}, STARTED, steady)
        assert hook.received == []
        drift.tell(VALUES | {"NOTIFY": hook.url}, STARTED, report)
    ((_, told),) = hook.received
    assert told["text"] == content(report)["text"]


def test_who_cannot_be_told_is_a_sentence(
    report: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification, "PAUSES", ())
    with webhook(404) as hook:
        drift.tell(VALUES | {"NOTIFY": hook.url}, STARTED, report)
    assert capsys.readouterr().err.endswith("was not told what this check found: it answered 404.\n")
