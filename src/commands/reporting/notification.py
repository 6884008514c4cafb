"""NOTIFY: what is told about a run when it ends, and how often that is tried; see docs/operations/runs.md."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from commands.reporting.channels import Channel, Content, NotSent, channel
from commands.reporting.sentences import STATUS, awaiting, ending, headline
from helpers.errors import BadInput, UserError
from helpers.runs import summary
from helpers.runs.summary import Summary

__all__ = ["MOST", "content", "send", "shortened", "tell", "unless_it_begins"]

SCHEMA = 1
# Seconds that telling may take; who interrupts a run waits for its end.
PATIENCE, AFTER_AN_INTERRUPT = 30.0, 3.0
PAUSES = (1.0, 4.0)  # seconds before each further attempt
ATTENTION = ("failed", "interrupted", "refused")  # the outcomes of tables that are named one by one
MOST = 20  # of them; SNS takes 256 KB
LONGEST = 500  # characters of a sentence


def tell(channel: Channel, document: Summary) -> None:
    """Tell somebody how a run ended, and try again for a while if that fails.

    Raises:
        UserError: it was not possible; the message says why.
    """
    patience = AFTER_AN_INTERRUPT if document["status"] == "interrupted" else PATIENCE
    send(channel, content(document), "how this run ended", patience)


def send(channel: Channel, content: Content, what: str, patience: float | None = None) -> None:
    """Tell somebody something, and try again for a while if that fails.

    Args:
        channel: to whom.
        content: what is told.
        what: the same in words.
        patience: for how many seconds; PATIENCE if it is not given.

    Raises:
        UserError: it was not possible; the message says why.
    """
    end = time.monotonic() + (PATIENCE if patience is None else patience)
    pauses = iter(PAUSES)
    while True:
        try:
            return channel.send(content, end - time.monotonic())
        except NotSent as error:
            pause = next(pauses, None) if error.again else None
            if pause is None or time.monotonic() + pause >= end:
                raise UserError(f"NOTIFY: {channel.shown} was not told {what}: {error}.") from None
            time.sleep(pause)


@contextmanager
def unless_it_begins(values: Mapping[str, Any]) -> Iterator[None]:
    """Tell whoever NOTIFY names what keeps a run from beginning, if anything in this context does.

    Args:
        values: the run's parameters, as somebody gave them.
    """
    pipeline, environment = values.get("PIPELINE_NAME"), values.get("ENVIRONMENT")
    document = summary.new(
        "",
        {},
        environment if environment in ("local", "aws") else "local",
        pipeline if isinstance(pipeline, str) and pipeline else "many-models",
        [],
        [],
    )
    begin = time.monotonic()
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        code, document["error"] = ending(error)
        document["status"], document["exit_code"] = STATUS[code], int(code)
        document["ended"], document["seconds"] = summary.now(), round(time.monotonic() - begin, 1)
        try:
            if to := channel(str(values.get("NOTIFY") or "")):
                tell(to, document)
        except BadInput:  # it names nobody, which the next run says if this one ends for another reason
            raise error from None
        except UserError as failure:
            print(f"\n{failure}", file=sys.stderr)
        raise


def content(document: Summary) -> dict[str, Any]:
    """What is told, from a run's summary: docs/schemas/notification.schema.json."""
    document = summary.redacted(document)
    tables = document["data_sets"]
    outcomes = [each["outcome"] for each in tables.values()]
    attention = sorted(
        (each["outcome"], name) for name, each in tables.items() if each["outcome"] in ATTENTION
    )
    waiting = awaiting(tables)
    copied = ("run", "pipeline", "environment", "status", "exit_code", "started", "ended", "seconds")
    return {
        "schema": SCHEMA,
        "text": _short(headline(document)),
        **{key: document[key] for key in copied},  # type: ignore[literal-required]
        "run": document["run"] or None,
        "host": document["process"]["host"],
        "error": _short(document["error"]),
        "outcomes": {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
        "attention": [
            {"data_set": name, "outcome": outcome}
            | {key: _short(tables[name][key]) for key in ("said", "advice", "log")}  # type: ignore[literal-required]
            for outcome, name in attention[:MOST]
        ],
        "awaits_decision": [
            {"data_set": name, "version": version} for name, version in list(waiting.items())[:MOST]
        ],
        "awaits_decision_count": len(waiting),
        "killed": document["killed"][:MOST],
    }


def shortened(value: Any) -> Any:
    """The same with no sentence longer than LONGEST."""
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, Mapping):
        return {name: shortened(each) for name, each in value.items()}
    return [shortened(each) for each in value] if isinstance(value, list) else value


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
