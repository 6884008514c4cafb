"""The monitoring job: compare what was captured of every model in service with its training, in one report.

A schedule or a person starts it; it is not a step of the pipeline. It runs from the image's own package.
"""

import json
import sys
import traceback
from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tabular.jobs.command import ArgumentParser, command
from tabular.monitoring import notices
from tabular.monitoring.baseline import unpacked
from tabular.monitoring.captured import Captured, Window, lines, table_of
from tabular.monitoring.drift import LEAST_SHIFT
from tabular.monitoring.durations import duration
from tabular.monitoring.objects import Entry, Fetched, Folder, Folders, fetched, late_files
from tabular.monitoring.page import html
from tabular.monitoring.quality import late_labels
from tabular.monitoring.report import ModelReport, Report, compare, complete, without_comparison
from tabular.spec import opt_ml
from tabular.spec.errors import BadInput

__all__ = ["main"]

RATE = 0.01  # of false discoveries: a false alarm in a hundred checks
LATEST, STARTED = "latest.json", "retrained.json"
CONNECTIONS = 16


def main() -> None:
    """Write a report about the models in service, and pages of those that have drifted or were named."""
    arguments = _arguments()
    now = datetime.now(UTC).replace(microsecond=0)
    window = Window(now - arguments.window, now)
    s3 = boto3.client("s3", config=Config(max_pool_connections=CONNECTIONS))
    models = _in_service(s3, arguments.models_map_uri, arguments.group)
    reports = _compared(s3, arguments, models, window)
    at = now.isoformat().replace("+00:00", "Z")
    report = complete(at, window, reports, arguments.false_discovery_rate, arguments.least_shift)
    if arguments.group:
        report["only"] = sorted(arguments.group)
    folder = Folder.of(arguments.monitoring_uri)
    uri = _write(s3, folder, report, now, arguments.group)
    for one in report["models"].values():
        if one["status"] != "steady":
            print(f"{one['data_set']}, version {one['version']}: {one['status']}. {one['said']}")
    print(json.dumps({"report": uri, **report["totals"]}), flush=True)
    _leave(uri)
    if not arguments.group:
        _notify(s3, arguments, folder, report, uri)


def _leave(uri: str) -> None:
    """Name the report in the job's exit message, which SageMaker shows of a job that succeeds, too."""
    message = opt_ml.base_dir() / "output/message"
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(uri)


def _in_service(s3: Any, uri: str, groups: list[str]) -> dict[str, Entry]:
    """The entries of the models map, or of the groups that are named.

    Raises:
        BadInput: if the map cannot be read, or a group is not in service.
    """
    folder = Folder.of(uri)
    try:
        found = json.load(s3.get_object(Bucket=folder.bucket, Key=folder.prefix)["Body"])
    except s3.exceptions.NoSuchKey:
        found = {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadInput(f"The models map {uri} is not a JSON object. Run the deployer to repair it.")
    if unknown := sorted(set(groups) - set(found)):
        raise BadInput(
            f"{', '.join(unknown)} is not in service; in service: {', '.join(sorted(found)) or 'nothing'}."
        )
    entries = {group: entry for group, entry in found.items() if not groups or group in groups}
    for group in sorted(group for group, entry in entries.items() if not _is_entry(entry)):
        print(f"{group} is left out: the models map names no artifact for it. Run the deployer to repair it.")
        del entries[group]
    return entries


def _is_entry(entry: Any) -> bool:
    kinds = {"key": str, "version": int}
    return isinstance(entry, dict) and all(isinstance(entry.get(name), kind) for name, kind in kinds.items())


def _compared(
    s3: Any, arguments: Namespace, models: Mapping[str, Entry], window: Window
) -> dict[str, ModelReport]:
    uris = (arguments.models_map_uri, arguments.captured_uri, arguments.labels_uri)
    folders = Folders(*map(Folder.of, uris))
    late_since = window.until - max(arguments.labels_window, arguments.window)
    late = late_files(s3, folders.labels, late_since)
    reports = {}
    for number, one in enumerate(fetched(s3, folders, models, late, window.since, late_since), start=1):
        data_set = one.group.rpartition("--")[2]
        reports[one.group] = found = _of_model(data_set, one, window)
        print(
            f"[{number}/{len(models)}] {data_set}: requests {found['requests']:,}, rows {found['rows']:,}, "
            f"columns compared {len(found['columns'])}",
            flush=True,
        )
    return reports


def _of_model(data_set: str, one: Fetched, window: Window) -> ModelReport:
    """The report of one model; whatever is wrong with it, the others go on."""
    version = one.entry["version"]
    if one.failure:
        return without_comparison(data_set, version, "failed", one.failure)
    if one.baseline is None:
        return without_comparison(
            data_set,
            version,
            "no_baseline",
            "The model has no baseline beside it; train it again to have one.",
        )
    try:
        baseline = unpacked(one.baseline)
        captured = Captured(table_of(baseline), one.group, version, window)
        for body in one.captured:
            _add(captured, body)
        labels, left_out = [], one.left_out
        for key, body in one.labels:
            labels += late_labels(key, body, left_out)
        return compare(data_set, baseline, captured, labels, left_out)
    except ValueError as error:
        return without_comparison(data_set, version, "failed", str(error))
    except Exception as error:  # what nobody has thought of, in one of a thousand models
        traceback.print_exc(file=sys.stdout)
        said = f"The comparison failed ({type(error).__name__}: {error}); the job's log has more."
        return without_comparison(data_set, version, "failed", said)


def _add(captured: Captured, body: bytes) -> None:
    try:
        for line in lines(body):
            captured.add(line)
    except ValueError as error:
        captured.left_out[str(error)] += 1


def _write(s3: Any, folder: Folder, report: Report, now: datetime, named: list[str]) -> str:
    """Write the report and the pages; a report about some models only is not the latest one.

    Returns:
        The report's URI.
    """
    place = f"{folder.prefix}reports/{now:%Y%m%dT%H%M%SZ}/"
    for group, one in report["models"].items():
        if one["columns"] and (group in named or one["status"] == "drifted"):
            key = f"{place}{one['data_set']}.html"
            page = html(one, report).encode()
            s3.put_object(Bucket=folder.bucket, Key=key, Body=page, ContentType="text/html; charset=utf-8")
            one["page"] = f"s3://{folder.bucket}/{key}"
    body = json.dumps(report, allow_nan=False, separators=(",", ":")).encode()
    keys = [f"{place}report.json", *([] if named else [f"{folder.prefix}{LATEST}"])]
    for key in keys:
        s3.put_object(Bucket=folder.bucket, Key=key, Body=body, ContentType="application/json")
    return f"s3://{folder.bucket}/{keys[0]}"


def _notify(s3: Any, arguments: Namespace, folder: Folder, report: Report, uri: str) -> None:
    """Metrics, a message and retrainings; the report stands, whichever of them AWS refuses.

    Raises:
        BadInput: if one was refused, so that the job fails and somebody looks.
    """
    refused = []
    for act in (_put_metrics, _publish, _retrain):
        try:
            act(s3, arguments, folder, report, uri)
        except (ClientError, BotoCoreError, ValueError) as error:
            refused.append(str(error))
    if refused:
        raise BadInput(
            f"The report is at {uri}, but not everything that follows from it was done: {' '.join(refused)}"
        )


def _put_metrics(s3: Any, arguments: Namespace, folder: Folder, report: Report, uri: str) -> None:
    if arguments.metrics_namespace:
        boto3.client("cloudwatch").put_metric_data(
            Namespace=arguments.metrics_namespace, MetricData=notices.metrics(report, arguments.pipeline_name)
        )


def _publish(s3: Any, arguments: Namespace, folder: Folder, report: Report, uri: str) -> None:
    said = notices.message(report, arguments.pipeline_name, uri) if arguments.topic_arn else None
    if said:
        boto3.client("sns").publish(TopicArn=arguments.topic_arn, Subject=said[0], Message=said[1])


def _retrain(s3: Any, arguments: Namespace, folder: Folder, report: Report, uri: str) -> None:
    if not (arguments.retrainer and arguments.on_drift_uri):
        return
    events = _json(s3, Folder.of(arguments.on_drift_uri))
    noted = Folder(folder.bucket, f"{folder.prefix}{STARTED}")
    before = _json(s3, noted)
    started, said, failed = notices.retrain(
        report, events, before, boto3.client("lambda"), arguments.retrainer
    )
    for sentence in said:
        print(sentence, flush=True)
    if started != before:
        s3.put_object(
            Bucket=noted.bucket, Key=noted.prefix, Body=json.dumps(started), ContentType="application/json"
        )
    if failed:
        raise ValueError(" ".join(failed))


def _json(s3: Any, place: Folder) -> dict[str, Any]:
    try:
        found = json.load(s3.get_object(Bucket=place.bucket, Key=place.prefix)["Body"])
    except s3.exceptions.NoSuchKey:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"s3://{place.bucket}/{place.prefix} is not a JSON object; delete it.")
    return found


def _duration(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="monitor")
    parser.add_argument("--pipeline-name", required=True)
    for name in ("models-map", "captured", "labels", "monitoring"):
        parser.add_argument(f"--{name}-uri", required=True)
    parser.add_argument("--window", type=_duration, default=timedelta(days=7))
    parser.add_argument("--labels-window", type=_duration, default=timedelta(days=30))
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--false-discovery-rate", type=float, default=RATE)
    parser.add_argument("--least-shift", type=float, default=LEAST_SHIFT)
    parser.add_argument("--metrics-namespace", default="")
    parser.add_argument("--topic-arn", default="")
    parser.add_argument("--retrainer", default="")
    parser.add_argument("--on-drift-uri", default="")
    arguments = parser.parse_args()
    if not 0 < arguments.false_discovery_rate < 1 or not arguments.least_shift >= 0:
        raise BadInput("--false-discovery-rate must be between 0 and 1, and --least-shift at least 0.")
    return arguments


if __name__ == "__main__":
    command(main)
