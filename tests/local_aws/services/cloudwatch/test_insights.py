"""Logs Insights: the saved queries over what a function logged, and what AWS would refuse."""

import json
import re
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support import ROOT
from support.local_aws.aws import Aws

import local_aws
from local_aws.core.errors import AwsError
from local_aws.services.cloudwatch.query import parse

# As Terraform saves them.
SAVED = dict(
    re.findall(
        r"(\S+) = \{\n\s+title = .*\n\s+text  = <<-END\n((?:.*\n)*?)\s+END",
        (ROOT / "terraform/alarms.tf").read_text(),
    )
)


def line(group: str | None, status: int, milliseconds: float, rows: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "function": "invoker",
        "status": status,
        "milliseconds": milliseconds,
        "4XXErrors": int(400 <= status < 500),
        "5XXErrors": int(status >= 500),
        "Rows": rows,
        **({} if group is None else {"group": group, "version": 1}),
        **more,
    }


ROWS = [
    *(line("demo--wine", 200, float(milliseconds)) for milliseconds in range(1, 11)),
    line("demo--churn", 400, 3.5, 0, cause="RequestError"),
    line("demo--churn", 503, 40.0, 0, cause="ModelError"),
    line(None, 404, 1.0, 0, cause="RequestError"),
    {"@message": "START RequestId"},
]


def test_the_saved_query_adds_up_each_models_requests() -> None:
    assert parse(SAVED["by-model"]).run(ROWS) == [
        {
            "group": "demo--wine",
            "version": 1,
            "requests": 10,
            "client_errors": 0,
            "server_errors": 0,
            "rows_predicted": 10,
            "p50": 5.0,
            "p90": 9.0,
            "p99": 10.0,
        },
        {
            "group": "demo--churn",
            "version": 1,
            "requests": 2,
            "client_errors": 1,
            "server_errors": 1,
            "rows_predicted": 0,
            "p50": 3.5,
            "p90": 40.0,
            "p99": 40.0,
        },
    ]


def test_the_other_saved_queries_list_errors_and_the_slowest() -> None:
    rows = [{**row, "@timestamp": f"2026-11-26 12:00:{second:02}.000"} for second, row in enumerate(ROWS)]
    assert {(row.get("group"), row["status"], row["cause"]) for row in parse(SAVED["errors"]).run(rows)} == {
        ("demo--churn", 400, "RequestError"),
        ("demo--churn", 503, "ModelError"),
        (None, 404, "RequestError"),
    }
    slowest = parse(SAVED["slowest"]).run(rows)
    assert [row["milliseconds"] for row in slowest[:2]] == [40.0, 10.0]
    assert set(slowest[0]) == {"@timestamp", "group", "version", "status", "milliseconds"}


@pytest.mark.parametrize(
    ("condition", "number"),
    [
        ("status = 200", 10),
        ("status != 200", 3),
        ('status = "200"', 10),
        ("status >= 400 and not ispresent(group)", 1),
        ("(status = 400 or status = 503) and ispresent(group)", 2),
        ("cause > 3", 0),
        ("absent != 3", 0),
        ("`4XXErrors` = 1 or cause = 'ModelError'", 3),
    ],
)
def test_conditions(condition: str, number: int) -> None:
    assert len(parse(f"filter {condition}").run(ROWS)) == number


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "MalformedQueryException"),
        ("filter", "MalformedQueryException"),
        ("stats sum(4XXErrors)", "MalformedQueryException"),
        ("filter status >= 400 group", "MalformedQueryException"),
        ("stats pct(milliseconds, 101)", "MalformedQueryException"),
        ("limit 10001", "MalformedQueryException"),
        ("limit 1.5", "MalformedQueryException"),
        ("fields a;", "MalformedQueryException"),
        ("parse @message '*' as x", "UnsupportedOperation"),
        ("filter status like /4/", "UnsupportedOperation"),
        ("filter a = b", "UnsupportedOperation"),
        ("stats count_distinct(group)", "UnsupportedOperation"),
        ("sort status", "UnsupportedOperation"),
    ],
)
def test_what_is_refused(query: str, code: str) -> None:
    with pytest.raises(AwsError) as found:
        parse(query)
    assert found.value.code == code


@pytest.fixture(scope="module")
def logged(aws: Aws) -> Any:
    """The log of a function that was called twice: it has the lines of ROWS, and one of a week ago."""
    local_aws.ensure_environment(aws.server, "insights")
    aws.client("lambda").invoke(FunctionName="insights-invoker", Payload=b"{}")
    old = line("demo--wine", 200, 1.0, _aws={"Timestamp": round(1000 * (time.time() - 7 * 24 * 3600))})
    path = Path(aws.server.home) / "functions/insights-invoker/log.txt"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in [old, *ROWS]))
    return aws.client("logs")


def ask(logs: Any, hours: float, query: str = SAVED["by-model"], **more: Any) -> dict[str, Any]:
    now = int(time.time()) + 1
    started = logs.start_query(
        **{"logGroupName": "/aws/lambda/insights-invoker", **more},
        startTime=now - int(3600 * hours),
        endTime=now,
        queryString=query,
    )
    while (answer := logs.get_query_results(**{"queryId": started["queryId"]}))["status"] == "Running":
        time.sleep(0.01)
    return answer


def test_a_query_reads_the_lines_of_its_period(logged: boto3.client) -> None:
    def requests(hours: float) -> list[str]:
        answer = ask(logged, hours)
        assert answer["status"] == "Complete"
        return [row[2]["value"] for row in answer["results"]]

    assert requests(24) == ["10", "2"]
    assert requests(8 * 24) == ["11", "2"]
    (row, *_) = ask(logged, 24, "fields status | filter status = 503")["results"]
    assert [cell["field"] for cell in row] == ["status", "@ptr"]
    assert row[0]["value"] == "503"


def test_a_query_that_cannot_run(logged: boto3.client) -> None:
    with pytest.raises(ClientError, match="MalformedQueryException"):
        ask(logged, 1, "stats everything, please")
    with pytest.raises(logged.exceptions.ResourceNotFoundException, match="log group"):
        ask(logged, 1, logGroupName="/aws/lambda/absent")
    with pytest.raises(logged.exceptions.InvalidParameterException, match="before"):
        ask(logged, -1)
    with pytest.raises(logged.exceptions.ResourceNotFoundException, match="query"):
        logged.get_query_results(queryId="absent")
