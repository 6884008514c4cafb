"""What a check does beside its report: metrics for an alarm, a message that names models, a retraining."""

import json
from collections.abc import Container, Mapping
from typing import Any, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from tabular.monitoring.report import ModelReport, Report

__all__ = ["Retraining", "due", "message", "metrics", "retrain"]

MOST_NAMED = 20  # models in a message
SUBJECT = 99  # characters; SNS takes fewer than 100
Started = dict[str, int]  # by data set, the version whose drift has started a retraining


class Retraining(TypedDict):
    """What the retrainer is called with: a data set, its target, its family and other parameters."""

    dataset: str
    target: str
    family: str
    parameters: dict[str, str]


def metrics(report: Report, pipeline_name: str) -> list[dict[str, Any]]:
    """Three metrics of the pipeline, whatever the number of models: each one is billed by the month."""
    models = report["models"].values()
    shifts = [
        one["population_stability"]
        for model in models
        for one in (*model["columns"].values(), model["predictions"])
        if one is not None and one["drifted"]
    ]
    totals = report["totals"]
    values = {
        "DriftedModels": totals["drifted"],
        "UncheckedModels": totals["failed"],
        "LargestShift": max(shifts, default=0.0),
    }
    dimensions = [{"Name": "PipelineName", "Value": pipeline_name}]
    return [
        {"MetricName": name, "Dimensions": dimensions, "Value": value, "Unit": "None"}
        for name, value in values.items()
    ]


def message(report: Report, pipeline_name: str, uri: str) -> tuple[str, str] | None:
    """Subject and text of a message about drifted models, worst first; None if there are none."""
    drifted = [one for one in report["models"].values() if one["status"] == "drifted"]
    if not drifted:
        return None
    names = ", ".join(one["data_set"] for one in drifted[:3])
    more = f" and {len(drifted) - 3} more" if len(drifted) > 3 else ""
    window = report["window"]
    lines = [f"Requests from {window['from']} until {window['until']} differ from training:", ""]
    lines += [_line(one) for one in drifted[:MOST_NAMED]]
    if len(drifted) > MOST_NAMED:
        lines.append(f"- and {len(drifted) - MOST_NAMED} more models")
    lines += ["", f"The whole report: {uri}"]
    subject = f"{pipeline_name}: drift in {names}{more}"
    return "".join(each if each.isascii() else "?" for each in subject)[:SUBJECT], "\n".join(lines)


def due(report: Report, data_sets: Container[str], started: Started) -> tuple[Started, list[ModelReport]]:
    """The models among some data sets that are to be retrained, once for each drift.

    A drift ends when the model is steady again, or another version serves.

    Returns:
        The drifts that have started a retraining and have not ended, and the models whose drift has not.
    """
    before, found = dict(started), []
    for model in report["models"].values():
        name, version = model["data_set"], model["version"]
        if name not in data_sets:
            continue
        if model["status"] == "steady" or before.get(name, version) != version:
            before.pop(name, None)
        if model["status"] == "drifted" and name not in before:
            found.append(model)
    return before, found


def retrain(
    report: Report, events: Mapping[str, Retraining], started: Started, client: Any, function: str
) -> tuple[Started, list[str], list[str]]:
    """Call the retrainer for each drifted data set that asks for it, once for each drift.

    If there is no new table, the retrainer starts nothing, and is called again after the next window.

    Returns:
        The data sets whose drift has started a retraining, a sentence about each call that was answered, and
        one about each that failed.
    """
    before, models = due(report, events, started)
    said, failed = [], []
    for name, version in ((model["data_set"], model["version"]) for model in models):
        try:
            answer = client.invoke(FunctionName=function, Payload=json.dumps(events[name]).encode())
            outcome = json.loads(answer["Payload"].read() or b"{}")
        except (ClientError, BotoCoreError, ValueError) as error:  # the others that have started are noted
            failed.append(f"{name}: the retrainer did not answer: {error}")
            continue
        if answer.get("FunctionError"):
            failed.append(f"{name}: the retrainer failed: {outcome.get('errorMessage', 'see its log')}")
        elif outcome.get("action") == "started":
            before[name] = version
            said.append(f"{name}: a retraining has started, {outcome.get('execution')}.")
        else:
            said.append(f"{name}: no newer table than the one it was trained on, so nothing was started.")
    return before, said, failed


def _line(one: ModelReport) -> str:
    return f"- {one['data_set']}, version {one['version']}: {one['said']}"
