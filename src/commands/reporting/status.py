"""The page of all models and the same as JSON: in a folder, in the bucket, and in short in the terminal."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from commands.environment.terraform import Environment
from commands.reporting.page import FILE, STATUS_FOLDER
from commands.reporting.sentences import amount, columns, decisions
from commands.reporting.templates import TEMPLATES
from commands.running import planning
from contract.names import load
from helpers.monitoring.document import CONCERNS, Row, Status
from helpers.monitoring.fetching import DENIED
from helpers.monitoring.status import gather
from helpers.session import Session
from helpers.session.storage import require_room, write_whole

__all__ = ["render", "short", "show"]

DOCUMENT = "status.json"
SHOWN = 20  # rows in a terminal
WORDS = {kind: kind.replace("-", " ") for kind in (*CONCERNS, "fine")}
COST = "cost"
# What the page's columns are called, and how a first click sorts those that do not begin with the smallest.
COLUMNS = (
    ("state", ""),
    ("model", ""),
    ("what to look at", ""),
    ("version", "descending"),
    ("age", "descending"),
    ("data until", ""),
    ("requests", "descending"),
    ("errors", "descending"),
    ("p90 ms", "descending"),
    ("drift", "descending"),
    ("quality", ""),
    ("retrained", ""),
    ("waiting", ""),
    (COST, "descending"),
)
FIGURES = ("drifted", "steady")  # the results of a check that have figures


def show(values: Mapping[str, Any], environment: Environment | None, folder: Path, as_json: bool) -> None:
    """Gather the state of all models, write the page, put it into the bucket, and print it in short.

    Args:
        values: The parameters that say where the models are, unless an environment does.
        environment: Where they are, on AWS.
        folder: Where to write `index.html` and `status.json`.
        as_json: Print the document instead of a table.

    Raises:
        BadInput: a parameter or the folder cannot be used, or there is no such environment yet.
        UserError: what the deployer wrote is not a models map.
    """
    require_room(folder, "give another one with --out")
    value = environment.parameters() if environment else planning.known(values)
    with planning.connected(value) as session:
        document = gather(session, value["PRICES"])
        files = {FILE: render(document), DOCUMENT: _json(document)}
        for name, text in files.items():
            with write_whole(folder / name) as part:
                part.write_text(text, encoding="utf-8")
        where = _put(session, files)
    if as_json:
        print(files[DOCUMENT])
        return
    print(short(document))
    print(f"\nThe page about all models: {folder / FILE}")
    if where and not session.is_local:
        print(where)


def render(document: Status) -> str:
    """The page about all models."""
    priced = any(row["cost"] for row in document["models"])
    return TEMPLATES.get_template("status.html").render(
        status=document,
        headline=headline(document),
        decisions=decisions(_waiting(document)),
        states=[(state, document["totals"][state]) for state in WORDS if document["totals"][state]],
        words=WORDS,
        columns=[(name, first) for name, first in COLUMNS if priced or name != COST],
        priced=priced,
        figures=FIGURES,
        amount=amount,
        age=_age,
        minute=_minute,
    )


def headline(document: Status) -> str:
    """How the models are, in one line."""
    totals = document["totals"]
    counted = ", ".join(f"{totals[state]:,} {word}" for state, word in WORDS.items() if totals[state])
    said = f"{document['pipeline']}: {amount(totals['models'], 'model')}, {totals['in_service']:,} in service"
    return f"{said}; {counted}." if counted else f"{said}."


def short(document: Status) -> str:
    """The worst models as a table for a terminal, and what is not known."""
    rows = [("model", "state", "version", "24 h", "errors", "p90 ms", "drifted", "retrained", "waiting")]
    rows += map(_row, document["models"][:SHOWN])
    lines = [headline(document), *(said for said in document["sources"].values() if said)]
    if document["models"]:
        lines += ["", *columns(rows)]
    if (more := len(document["models"]) - SHOWN) > 0:
        lines.append(f"... and {more:,} more; the page has all of them.")
    if said := decisions(_waiting(document)):
        lines += ["", said]
    return "\n".join(lines)


def _waiting(document: Status) -> dict[str, int]:
    """The versions that wait for approval, by the names of their data sets."""
    return {row["data_set"]: row["waiting"]["version"] for row in document["models"] if row["waiting"]}


def _put(session: Session, files: Mapping[str, str]) -> str:
    """Put the files into the bucket, and return where they are, or why they are not."""
    prefix = f"{load().monitoring_prefix}{STATUS_FOLDER}/"
    kinds = {FILE: "text/html; charset=utf-8", DOCUMENT: "application/json"}
    try:
        for name, text in files.items():
            session.client("s3").put_object(
                Bucket=session.bucket, Key=f"{prefix}{name}", Body=text.encode(), ContentType=kinds[name]
            )
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        print("You may not write the page to the bucket; an operator may.", file=sys.stderr)
        return ""
    return session.uri(f"{prefix}{FILE}")


def _json(document: Status) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False)


def _row(row: Row) -> tuple[str, ...]:
    day = row["requests"]["day"] if row["requests"] else None
    watched, model = row["monitoring"], row["model"]
    return (
        row["data_set"],
        WORDS[row["state"]],
        str(model["version"]) if model else "none",
        f"{day['requests']:,}" if day else "?",
        f"{day['server_errors'] + day['client_errors']:,}" if day else "?",
        f"{day['p90_milliseconds']:.4g}" if day and day["p90_milliseconds"] is not None else "",
        str(watched["drifted_columns"]) if watched and watched["status"] in FIGURES else "?",
        row["retraining"]["outcome"] if row["retraining"] else "",
        f"version {waiting['version']}" if (waiting := row["waiting"]) else "",
    )


def _age(days: float) -> str:
    """An age that a person can read at a glance."""
    return f"{days * 24:.0f} h" if days < 2 else f"{days:.0f} days"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
