"""CloudWatch's rules of metrics, their queries and alarms.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.utils import parse_to_aware_datetime

from local_aws.core.errors import AwsError
from local_aws.gateway.limits.tags import tag_problem

__all__ = ["RULES"]

_Document = dict[str, Any]

_MOST_METRICS, _MOST_VALUES, _LARGEST = 1000, 150, 2.0**360
_OLDEST, _NEWEST = 14 * 86400, 2 * 3600  # seconds before and after now
_TEXT = re.compile(r"[ -~]*[!-~][ -~]*")  # ASCII without control characters, and not blank
_STATISTIC = re.compile(r"SampleCount|Average|Sum|Minimum|Maximum")
_BOUND = r"(\d+(\.\d+)?%?)?"
_EXTENDED = re.compile(
    rf"(p|tm|tc|ts|wm)(\d{{1,2}}(\.\d{{1,10}})?|100)|IQM|(PR|TC|TM|TS|WM)\((?!:\)){_BOUND}:{_BOUND}\)"
)
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[a-z0-9]*:.+")
_MOST_QUERIES, _MOST_POINTS = 500, 100_800
_DAY, _HOUR = 86400, 3600
_SHORT_OF_ALARMS, _SHORT_OF_QUERIES = {10, 20, 30}, {1, 5, 10, 20, 30}  # seconds
_OF_ONE_METRIC = {"Dimensions", "ExtendedStatistic", "Namespace", "Period", "Statistic", "Unit"}
_CHOICES = {
    "TreatMissingData": ("breaching", "notBreaching", "ignore", "missing"),
    "EvaluateLowSampleCountPercentile": ("evaluate", "ignore"),
}
_BANDS = {
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
}


def _put_metric_data(request: _Document) -> None:
    if not (request.get("MetricData") or request.get("EntityMetricData")):
        raise AwsError("MissingParameter", "The parameter MetricData is required.")
    data = [
        *request.get("MetricData", ()),
        *(datum for one in request.get("EntityMetricData", ()) for datum in one.get("MetricData", ())),
    ]
    _refuse("InvalidParameterValue", _data_problems(request["Namespace"], data))


def _data_problems(namespace: str, data: list[_Document]) -> Iterator[str]:
    if namespace.startswith("AWS/") or not _TEXT.fullmatch(namespace):
        yield f"The value {namespace} for parameter Namespace is invalid."
    if len(data) > _MOST_METRICS:
        yield f"The collection MetricData must not have a size greater than {_MOST_METRICS}."
    for number, datum in enumerate(data, 1):
        yield from (f"The parameter MetricData.member.{number}.{it}" for it in _datum_problems(datum))


def _datum_problems(datum: _Document) -> Iterator[str]:
    for dimension in datum.get("Dimensions", ()):
        for field, text in dimension.items():
            if not _TEXT.fullmatch(text) or (field == "Name" and text.startswith(":")):
                yield f"Dimensions has the invalid {field} {text!r}."
    values, counts = datum.get("Values", []), datum.get("Counts")
    if len(values) > _MOST_VALUES:
        yield f"Values must not have a size greater than {_MOST_VALUES}."
    if counts is not None and len(counts) != len(values):
        yield "Counts must have as many items as Values."
    given = [name for name in ("Value", "Values", "StatisticValues") if name in datum]
    if len(given) != 1:
        yield f"Value, Values and StatisticValues exclude each other, and one is required; given: {given}."
    numbers = [*values, *(counts or ()), *datum.get("StatisticValues", {}).values()]
    if any(not -_LARGEST <= number <= _LARGEST for number in [*numbers, datum.get("Value", 0)]):
        yield "Value must be a number from -2^360 to 2^360."
    if datum.get("StorageResolution", 60) not in (1, 60):
        yield "StorageResolution must be 1 or 60."
    if "Timestamp" in datum:
        age = time.time() - _seconds(datum["Timestamp"])
        if age > _OLDEST:
            yield "Timestamp must specify a time within the past two weeks."
        if age < -_NEWEST:
            yield "Timestamp must specify a time no more than two hours in the future."


def _get_metric_data(request: _Document) -> None:
    _refuse("ValidationError", _query_problems(request))
    _no_token(request)


def _query_problems(request: _Document) -> Iterator[str]:
    queries = request["MetricDataQueries"]
    if len(queries) > _MOST_QUERIES:
        yield f"The collection MetricDataQueries must not have a size greater than {_MOST_QUERIES}."
    yield from _metric_problems("MetricDataQueries", queries)
    begin, end = _seconds(request["StartTime"]), _seconds(request["EndTime"])
    if begin == end:
        yield "The parameter StartTime must not equal parameter EndTime."
    if begin > end:
        yield "The parameter StartTime must be less than the parameter EndTime."
    if not 1 <= request.get("MaxDatapoints", _MOST_POINTS) <= _MOST_POINTS:
        yield f"The parameter MaxDatapoints must be from 1 to {_MOST_POINTS}."


def _metric_problems(field: str, queries: list[_Document]) -> Iterator[str]:
    """Say what is wrong with queries of metrics, those of an alarm or of GetMetricData."""
    names = [query["Id"] for query in queries]
    if len(set(names)) < len(names):
        yield f"The values for parameter id in {field} are not unique."
    for number, query in enumerate(queries, 1):
        at = f"{field}.member.{number}"
        if not _ID.fullmatch(query["Id"]):
            yield (
                f"The value {query['Id']} for parameter {at}.Id is not matching the expected pattern "
                "^[a-z][a-zA-Z0-9_]*$."
            )
        if ("Expression" in query) == ("MetricStat" in query):
            yield f"Either the parameter {at}.Expression or {at}.MetricStat is required, and not both."
        stat = query.get("MetricStat", {})
        for period in (one["Period"] for one in (query, stat) if "Period" in one):
            if period % 60 and period not in _SHORT_OF_QUERIES:
                yield f"The parameter {at}.Period must be 1, 5, 10, 20, 30 or a multiple of 60."
        if stat and not (_STATISTIC.fullmatch(stat["Stat"]) or _EXTENDED.fullmatch(stat["Stat"])):
            yield f"The value {stat['Stat']} for parameter {at}.MetricStat.Stat is not supported."


def _put_metric_alarm(request: _Document) -> None:
    _refuse("ValidationError", _alarm_problems(request))


def _alarm_problems(request: _Document) -> Iterator[str]:
    for field, choices in _CHOICES.items():
        if request.get(field, choices[0]) not in choices:
            yield f"{field} must be one of: {', '.join(choices)}"
    for field in ("AlarmActions", "InsufficientDataActions", "OKActions"):
        yield from (f"Invalid arn syntax: {arn}" for arn in request.get(field, ()) if not _ARN.fullmatch(arn))
    if problem := tag_problem(request.get("Tags", ())):
        yield problem
    ways = [name for name in ("MetricName", "Metrics", "EvaluationCriteria") if request.get(name)]
    if len(ways) != 1:
        yield f"Exactly one of MetricName, Metrics and EvaluationCriteria must be specified; given: {ways}"
    elif ways != ["EvaluationCriteria"]:
        yield from _evaluation_problems(request)
        yield from (_one_metric_problems if ways == ["MetricName"] else _math_problems)(request)


def _evaluation_problems(request: _Document) -> Iterator[str]:
    for field in ("ComparisonOperator", "EvaluationPeriods"):
        if field not in request:
            yield f"{field} is required"
    band = request.get("ComparisonOperator") in _BANDS
    wanted, unwanted = ("ThresholdMetricId", "Threshold")[:: 1 if band else -1]
    if wanted not in request or unwanted in request:
        yield f"With this ComparisonOperator, {wanted} is required, and {unwanted} must not be specified"
    periods = request.get("EvaluationPeriods", 1)
    if request.get("DatapointsToAlarm", periods) > periods:
        yield "DatapointsToAlarm must be less than or equal to EvaluationPeriods"
    period = max((one["Period"] for one in _with_periods(request)), default=60)
    if period * periods > (_DAY if period < _HOUR else 7 * _DAY):
        yield (
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), "
            "or seven days (604800) with a period of at least an hour"
        )


def _with_periods(request: _Document) -> Iterator[_Document]:
    for query in request.get("Metrics", ()):
        yield from (one for one in (query, query.get("MetricStat", {})) if "Period" in one)
    if "Period" in request:
        yield request


def _one_metric_problems(request: _Document) -> Iterator[str]:
    for field in ("Namespace", "Period"):
        if field not in request:
            yield f"{field} must be specified with MetricName"
    period, extended = request.get("Period", 60), request.get("ExtendedStatistic")
    if period % 60 and period not in _SHORT_OF_ALARMS:
        yield "Period must be 10, 20, 30 or a multiple of 60"
    if ("Statistic" in request) == (extended is not None):
        yield "Exactly one of Statistic and ExtendedStatistic must be specified"
    if extended is not None and not _EXTENDED.fullmatch(extended):
        yield f"The value {extended} for parameter ExtendedStatistic is not supported."


def _math_problems(request: _Document) -> Iterator[str]:
    if given := sorted(_OF_ONE_METRIC & request.keys()):
        yield f"With Metrics, these must not be specified: {', '.join(given)}"
    yield from _metric_problems("Metrics", request["Metrics"])
    returned = sum(query.get("ReturnData", True) for query in request["Metrics"])
    if "ThresholdMetricId" not in request and returned != 1:
        yield "Exactly one element of the metrics list should return data."


def _describe_alarms(request: _Document) -> None:
    if "AlarmNames" in request and "AlarmNamePrefix" in request:
        _refuse("ValidationError", ["AlarmNames and AlarmNamePrefix must not be specified together"])
    _no_token(request)


def _set_alarm_state(request: _Document) -> None:
    try:
        json.loads(request.get("StateReasonData", "{}"))
    except ValueError:
        raise AwsError("InvalidFormat", "StateReasonData is not valid JSON.") from None


def _no_token(request: _Document) -> None:
    """Refuse any token: moto's answers have one page, so no answer has given one."""
    if request.get("NextToken"):
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")


def _seconds(value: Any) -> float:
    """Return a time in seconds since 1970."""
    return parse_to_aware_datetime(value).timestamp()


def _refuse(code: str, problems: Iterable[str]) -> None:
    if found := list(problems):
        raise AwsError(code, " ".join(found[:10]))


RULES: dict[str, Callable[[_Document], None]] = {
    "monitoring:DescribeAlarms": _describe_alarms,
    "monitoring:GetMetricData": _get_metric_data,
    "monitoring:PutMetricAlarm": _put_metric_alarm,
    "monitoring:PutMetricData": _put_metric_data,
    "monitoring:SetAlarmState": _set_alarm_state,
}
