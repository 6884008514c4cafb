"""What is told about a run when it ends, and how often that is tried."""

import errno
import json
import time
from typing import Any

import pytest
from support import HANGS, ROOT, schemas
from support.helpers.documents.summaries import ended, judged
from support.helpers.loopback import closed_port
from support.helpers.webhook import webhook

from commands.reporting import notification
from commands.reporting.channels import channel
from helpers.errors import BadInput, UserError
from helpers.runs import summary

FORM = json.loads((ROOT / "docs/schemas/notification.schema.json").read_text())


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification, "PAUSES", (0.0, 0.0))


def content(document: summary.Summary) -> dict[str, Any]:
    """What is told, in the documented form."""
    found = notification.content(document)
    schemas.validate(found, "notification")
    assert list(found) == list(FORM["properties"])
    return found


def test_a_line_says_how_the_run_ended_and_what_awaits_a_decision() -> None:
    document = ended("failed", 1, wine=judged("registered", version=3, awaits_decision=True))
    document["data_sets"]["own"] = summary.data_set(
        "Only 12 rows.", "failed", advice="Give more.", log="a.log"
    )
    found = content(document)
    assert found["text"] == (
        "many-models: run 20261126-021500 failed after 22 min; 2 tables: 1 failed, 1 registered. "
        "1 version awaits a decision."
    )
    assert found["outcomes"] == {"failed": 1, "registered": 1}
    assert found["awaits_decision"] == [{"data_set": "wine", "version": 3}]
    said = {"said": "Only 12 rows.", "advice": "Give more.", "log": "a.log"}
    assert found["attention"] == [{"data_set": "own", "outcome": "failed", **said}]


@pytest.mark.parametrize("status", ["done", "failed", "refused", "interrupted"])
def test_every_end_is_told(status: str) -> None:
    assert content(ended(status))["status"] == status


def test_thousands_of_tables_with_long_errors_fit_into_a_message_of_sns() -> None:
    broken = {f"a{n}": judged("failed", "x" * 2000, advice="y" * 2000, log="z" * 2000) for n in range(1000)}
    waiting = {f"b{n}": judged("registered", version=1, awaits_decision=True) for n in range(2000)}
    document = ended("failed", 1, **broken, **waiting)
    document["error"] = "e" * 100_000
    found = content(document)
    assert len(json.dumps(found)) < 256 * 1024 / 4
    assert (found["outcomes"], found["awaits_decision_count"]) == ({"failed": 1000, "registered": 2000}, 2000)


def test_signatures_in_addresses_are_not_told() -> None:
    document = ended(own=summary.data_set("https://host/t.csv?signature=SECRET is gone.", "failed"))
    document["error"] = "https://host/t.csv?signature=SECRET is gone."
    assert "SECRET" not in json.dumps(content(document))


@pytest.mark.parametrize("passing", [429, 500, 503])
def test_a_webhook_that_fails_for_a_while_is_told_when_it_answers_again(passing: int) -> None:
    with webhook(passing, 200) as hook:
        notification.tell(channel(hook.url), ended())
    assert [body["text"] for _, body in hook.received] == [notification.content(ended())["text"]] * 2
    assert hook.received[0][0] == "/services/SECRET?key=SECRET"


@pytest.mark.parametrize(("answer", "attempts"), [(404, 1), (302, 1), (503, 3)])
def test_a_webhook_that_does_not_take_it_is_a_sentence_without_its_secret(answer: int, attempts: int) -> None:
    with webhook(answer) as hook, pytest.raises(UserError) as raised:
        notification.tell(channel(hook.url), ended())
    assert len(hook.received) == attempts
    address = f"http://127.0.0.1:{hook.server.server_port}/..."
    assert str(raised.value) == (f"NOTIFY: {address} was not told how this run ended: it answered {answer}.")


def test_a_webhook_that_cannot_be_reached_is_a_sentence_without_its_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = f"http://user:SECRET@localhost:{closed_port()}/SECRET"
    with pytest.raises(UserError, match=r"it cannot be reached \(ConnectionError\)\.") as raised:
        notification.tell(channel(url), ended())
    assert "SECRET" not in str(raised.value) + caplog.text


def test_who_interrupts_a_run_does_not_wait_long_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification, "AFTER_AN_INTERRUPT", 0.3)
    monkeypatch.setattr(notification, "PATIENCE", HANGS)
    begin = time.monotonic()
    with pytest.raises(
        UserError, match="the command sleep was not told how this run ended: it had not ended"
    ):
        notification.tell(channel(f"sleep {2 * HANGS}"), ended("interrupted", 130))
    assert time.monotonic() - begin < HANGS


def test_runs_that_were_killed_are_named() -> None:
    document = ended()
    document["killed"] = ["20261124-021500", "20261125-021500"]
    found = content(document)
    assert found["killed"] == document["killed"]
    assert found["text"].endswith(" Before it, runs 20261124-021500, 20261125-021500 were killed.")


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (BadInput("TEST_SET_SIZE is 3; it must be from 0.05 to 0.5."), 2, "failed"),
        (UserError("Another run is still running here."), 1, "failed"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "failed"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda it: type(it).__name__,
)
def test_what_keeps_a_run_from_beginning_is_told(error: BaseException, code: int, status: str) -> None:
    with (
        webhook() as hook,
        pytest.raises(type(error)),
        notification.unless_it_begins({"NOTIFY": hook.url, "PIPELINE_NAME": "shop"}),
    ):
        raise error
    ((_, told),) = hook.received
    schemas.validate(told, "notification")
    assert told["text"] == f"shop: a run did not begin. {told['error']}"
    assert (told["run"], told["exit_code"], told["status"]) == (None, code, status)


def test_a_run_that_begins_or_tells_nobody_tells_nothing_of_this(capsys: pytest.CaptureFixture[str]) -> None:
    with webhook() as hook, notification.unless_it_begins({"NOTIFY": hook.url}):
        pass
    assert hook.received == []
    for notify in ("", None, "env:NOT_SET"):
        with pytest.raises(BadInput, match="first"), notification.unless_it_begins({"NOTIFY": notify}):
            raise BadInput("The first error.")
    assert capsys.readouterr().err == ""


def test_that_nobody_can_be_told_hides_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput, match="first"), notification.unless_it_begins({"NOTIFY": "false"}):
        raise BadInput("The first error.")
    assert "NOTIFY: the command false was not told" in capsys.readouterr().err
