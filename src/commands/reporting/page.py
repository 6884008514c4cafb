"""The page of a run, `runs/<id>/index.html`: one file to open or to mail, without a server or a network."""

import json
import re
import time
from collections import Counter
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from commands.reporting.sentences import (
    WORDS,
    WORST_FIRST,
    amount,
    awaiting,
    billed,
    cost,
    decisions,
    duration,
    fleet,
    forecast,
    headline,
    searched,
)
from commands.reporting.templates import TEMPLATES
from helpers.runs import summary
from helpers.runs.summary import DataSet, Scores, Summary
from helpers.session.storage import write_whole

__all__ = ["DRIFT_FOLDER", "FILE", "STATUS_FOLDER", "Page", "render"]

FILE = "index.html"
# Beside the runs: the folder with the page of all models, and that with the pages about drift.
STATUS_FOLDER, DRIFT_FOLDER = "status", "monitoring"
# Pages of many tables take longer to make; at most this share of a run's time goes into its page.
SHARE = 0.02
CLOUDWATCH = re.compile(r"CloudWatch (?P<group>/\S+), job (?P<job>[\w-]+)")
REGION = re.compile(r"arn:[^:]+:sagemaker:(?P<region>[\w-]+):")


class Page:
    """Keeps the page of a run up to date with its summary."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._not_before = 0.0

    def write(self, document: Summary) -> None:
        """Write the page, unless the run goes on and the page was written too recently."""
        begin = time.monotonic()
        if document["status"] == "running" and begin < self._not_before:
            return
        with write_whole(self._path) as part:
            folder = self._path.parent
            beside = {path.name for path in folder.glob("*.html")}
            models = (folder.parent / STATUS_FOLDER / FILE).is_file()
            part.write_text(render(document, beside, models), encoding="utf-8")
        end = time.monotonic()
        self._not_before = end + (end - begin) / SHARE


def render(document: Summary, beside: Container[str] = (), models: bool = False) -> str:
    """The page about a run.

    Args:
        document: the run's summary.
        beside: the names of the other pages in its folder.
        models: whether beside the folder there is one with the page of all models.
    """
    document = summary.redacted(document)
    found = Counter(each["outcome"] for each in document["data_sets"].values())
    rank = {outcome: place for place, outcome in enumerate(WORST_FIRST)}
    tables = sorted(
        document["data_sets"].items(),
        key=lambda item: (rank[item[1]["outcome"]], not item[1]["awaits_decision"], item[0]),
    )
    return TEMPLATES.get_template("run.html").render(
        run=document,
        models=f"../{STATUS_FOLDER}/{FILE}" if models else "",
        headline=headline(document),
        outcomes=[(outcome, found[outcome]) for outcome in WORST_FIRST if found[outcome]],
        tables=[(name, each, _links(each), _details(each)) for name, each in tables],
        notebooks=[
            (stem, it, page if (page := f"{stem}.html") in beside else it["path"])
            for stem, it in document["notebooks"].items()
        ],
        cost=cost(document),
        # While the run goes on, its notebook 04 may still decide.
        decisions="" if document["status"] == "running" else decisions(awaiting(document["data_sets"])),
        rank=rank,
        words=WORDS,
        amount=amount,
        duration=duration,
        as_text=_as_text,
        model=summary.model,
    )


def _links(each: DataSet) -> dict[str, str]:
    """Where to read more about a table, by name; what is not safe to click is left out."""
    found = {name: address for name, address in each["links"].items() if _is_safe(address)}
    if "page" in found:  # the copy beside this page needs no access to the bucket
        found = {"evaluation": found.pop("page"), **found}
    if log := each["log"]:
        if cloudwatch := CLOUDWATCH.search(log):
            found["log"] = _console(each, **cloudwatch.groupdict())
        elif Path(log).is_absolute():
            found["log"] = Path(log).as_uri()
    return {name: address for name, address in found.items() if address}


def _is_safe(address: str) -> bool:
    """Whether it is a web address, or a file beside the page: never `javascript:`."""
    return bool(re.match(r"https?://", address) or re.fullmatch(r"[\w.-]+(/[\w.-]+)*", address))


def _console(each: DataSet, group: str, job: str) -> str:
    """The address of a job's log in the AWS console, or nothing if its region is not known."""
    region = REGION.match(each["execution"] or "")
    if not region:
        return ""
    # The console decodes what follows # twice.
    escaped = quote(group, safe="").replace("%", "$25")
    return (
        f"https://{region['region']}.console.aws.amazon.com/cloudwatch/home?region={region['region']}"
        f"#logsV2:log-groups/log-group/{escaped}$3FlogStreamNameFilter$3D{job}"
    )


def _details(each: DataSet) -> dict[str, str]:
    """What is shown when a row is opened, in words."""
    scores = each["scores"]
    found: dict[str, Any] = {
        "cross-validation": f"{scores['scorer']} {scores['cross_validation']:.4g}{_nested(scores)}"
        if scores
        else None,
        "held-out rows": ", ".join(f"{name} {value:.4g}" for name, value in scores["held_out"].items())
        if scores
        else None,
        "threshold": f"{scores['metric']} {scores['threshold']:.4g}" if scores else None,
        "search": searched(each),
        "partitions": fleet(each),
        "hyperparameters": ", ".join(f"{k} = {v}" for k, v in (each["hyperparameters"] or {}).items()),
        "predictions": each["predictions"],
        "steps": ", ".join(f"{name} {duration(seconds)}" for name, seconds in each["steps"].items()),
        "billed": billed(each),
        "forecast on AWS": forecast(each["forecast"]),
        "forecast here": forecast(each["forecast_here"]),
        "failed step": each["step"],
        "job": each["job"],
        "log": each["log"],
        "execution": each["execution"],
    }
    found |= {name: address for name, address in each["links"].items() if not _is_safe(address)}
    return {name: text for name, text in found.items() if text}


def _nested(scores: Scores) -> str:
    found = scores.get("nested_cross_validation")  # which earlier summaries do not have
    return "" if found is None else f", by nested cross-validation {found:.4g}"


def _as_text(value: Mapping[str, Any] | list[Any] | str | float | None) -> str:
    """A parameter's value, as a parameter file would have it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
