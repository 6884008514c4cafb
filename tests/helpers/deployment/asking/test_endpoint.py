"""Predictions through the Function URL, mistakes, and a load test that counts its errors."""

import dataclasses
import hashlib
import itertools
import json
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from support import HANGS
from support.helpers.shared import Connected, decide, first_version, settings
from tabular.serving.models import needed_bytes

from helpers import runs
from helpers.deployment import deployments
from helpers.deployment.asking import endpoint, request, what_if
from helpers.deployment.performance import capacity, load, traffic, unloaded
from helpers.errors import JobFailed
from helpers.runs import facts
from helpers.session import Session, storage
from local_aws.services.endpoints.hosting import unpack_archive

Rows = dict[str, list[list[Any]]]


@pytest.fixture(scope="module")
def wine(connected: Connected, ran: runs.Execution) -> str:
    """The data set wine, its first version in service."""
    with settings(connected.settings):
        if first_version(connected.session).status != "Approved":
            decisions = decide(connected.session, "approve", "wine")
            deployments.wait(connected.session, decisions, seconds=HANGS)
    return "wine"


@pytest.fixture
def rows(session: Session, wine: str) -> Rows:
    return {wine: endpoint.held_out_rows(session)[wine]}


@pytest.fixture
def unreachable(session: Session) -> Session:
    """The same, but nobody listens at its URL."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    return dataclasses.replace(session, invoker_url=f"http://127.0.0.1:{port}/")


# Signing


def test_a_call_is_signed_for_lambda_with_its_body(session: Session) -> None:
    body = b'{"model": "wine"}'
    headers = endpoint.signed(session, body, {"Content-Type": "application/json"})
    credential = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=local/\d{8}/us-east-1/lambda/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        headers["Authorization"],
    )
    assert credential
    assert {"host", "x-amz-date"} <= set(credential[1].split(";"))

    again = AWSRequest("POST", session.invoker_url, data=body, headers={"Content-Type": "application/json"})
    again.headers["Host"] = headers["Host"]
    again.context["timestamp"] = headers["X-Amz-Date"]
    again.headers["X-Amz-Date"] = headers["X-Amz-Date"]
    signer = SigV4Auth(session.boto.get_credentials(), "lambda", session.region)
    canonical = signer.canonical_request(again)
    assert canonical.endswith(hashlib.sha256(body).hexdigest()), "the signature covers the body"
    assert signer.signature(signer.string_to_sign(again, canonical), again) == credential[2]


def test_another_body_is_another_signature(session: Session) -> None:
    signatures = {endpoint.signed(session, body, {})["Authorization"] for body in (b"1", b"2")}
    assert len(signatures) == 2


# Asking


def test_a_prediction_has_a_label_and_the_probability_of_each_class(session: Session, rows: Rows) -> None:
    answer = endpoint.predict(session, "wine", rows["wine"][:3])
    assert answer["classes"] == ["class_0", "class_1", "class_2"]
    assert [sum(shares) for shares in answer["probabilities"]] == pytest.approx([1, 1, 1])
    for label, shares in zip(answer["predictions"], answer["probabilities"], strict=True):
        assert label == answer["classes"][shares.index(max(shares))]


def test_an_answer_may_be_csv(session: Session, rows: Rows) -> None:
    body = {"model": "wine", "data": rows["wine"][:2]}
    answer = endpoint.invoke(session, body, accept="text/csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.text.split() == endpoint.predict(session, "wine", rows["wine"][:2])["predictions"]


def test_a_refusal_is_told_in_the_endpoints_own_words(session: Session, wine: str) -> None:
    with pytest.raises(JobFailed, match=r"^wine: the endpoint answers 400: .*13"):
        endpoint.predict(session, wine, [[1.0]])
    with pytest.raises(JobFailed, match=r"^nowhere: the endpoint answers 404: "):
        endpoint.predict(session, "nowhere", [[1.0]])


def test_no_answer_is_told_with_where_none_came_from(unreachable: Session) -> None:
    with pytest.raises(JobFailed, match=r"wine: no answer from http://127.* see the log of the function "):
        endpoint.predict(unreachable, "wine", [[1.0]])


def test_first_predictions_show_label_and_shares(session: Session, rows: Rows) -> None:
    row = endpoint.first_predictions(session, rows).loc["wine"]
    assert row["prediction"] in {"class_0", "class_1", "class_2"}
    assert re.fullmatch(
        r"class_0: [01]\.\d{4}, class_1: [01]\.\d{4}, class_2: [01]\.\d{4}", row["probabilities"]
    )


def test_a_mistake_is_answered_with_a_status_and_a_sentence(session: Session, rows: Rows) -> None:
    table = endpoint.mistakes(session, rows)
    assert table["status"].to_dict() == {
        "a model that does not exist": 404,
        "a row with one cell": 400,
        "text instead of a number": 400,
    }
    for sentence in table["answer"]:
        assert sentence.strip()
        assert "Traceback" not in sentence
        assert "\n" not in sentence


def test_what_is_no_mistake_for_a_model_shows_its_answer(session: Session, rows: Rows) -> None:
    # A table whose first column contains words would accept the text.
    fine = {"wine": [["many", *rows["wine"][0][1:]]]}
    answer = endpoint.invoke(session, {"model": "wine", "data": rows["wine"][:1]})
    assert endpoint._said(answer) == answer.text
    assert endpoint.mistakes(session, fine).loc["text instead of a number", "status"] == 400


def test_with_nothing_in_service_one_may_still_ask_for_what_is_not_there(session: Session) -> None:
    assert endpoint.mistakes(session, {})["status"].tolist() == [404]
    assert endpoint.first_predictions(session, {}).empty


def test_empty_cells_travel_as_null() -> None:
    table = pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": [True, False]})
    assert endpoint.rows_of(table) == [[1.5, "x", True], [None, None, False]]
    assert json.dumps(endpoint.rows_of(table), allow_nan=False)


# Checking


def test_the_share_of_right_answers_is_the_one_that_was_measured(
    session: Session, wine: str, ran: runs.Execution
) -> None:
    table = endpoint.check(session, wine, 1)
    measured = runs.metrics({wine: runs.evaluation(session, ran)}).loc[wine, "accuracy"]
    assert len(table) == 36
    assert (table["label"] == table["prediction"]).mean() == pytest.approx(measured)
    assert table["probability"].between(1 / 3, 1).all()
    assert endpoint.accuracy({wine: table}).loc[wine].tolist() == [36, pytest.approx(measured)]


def test_a_version_that_has_just_come_into_service_is_waited_for(
    session: Session, wine: str, register: Callable[..., str]
) -> None:
    # The invoker has just read the map, and keeps it for a few seconds.
    assert endpoint.invoke(session, {"model": wine, "data": [[1.0] * 13]}).status_code == 200
    dataset = register("PendingManualApproval")
    deployments.wait(session, decide(session, "approve", dataset), seconds=HANGS)
    assert len(endpoint.check(session, dataset, 1)) == 36


def test_a_url_that_goes_on_answering_by_another_version_is_an_error(
    session: Session, wine: str, register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = register("PendingManualApproval", "PendingManualApproval")
    monkeypatch.setattr(endpoint, "SETTLE_SECONDS", 0.5)
    with pytest.raises(JobFailed, match=rf"{dataset}: version 2 is in service, but the URL has not .* 404: "):
        endpoint.check(session, dataset, 2)


def test_answers_that_are_not_those_that_were_measured_are_an_error(
    session: Session, wine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = endpoint.predict

    def other(*arguments: Any) -> dict[str, Any]:
        answer = real(*arguments)
        return answer | {"predictions": ["class_0"] * len(answer["predictions"])}

    monkeypatch.setattr(endpoint, "predict", other)
    with pytest.raises(JobFailed, match=r"wine: accuracy 0\.\d+ on the held-out rows, .* reject it in 04"):
        endpoint.check(session, wine, 1)


def test_a_version_that_is_gone_from_the_registry_is_told(session: Session, wine: str) -> None:
    with pytest.raises(JobFailed, match="wine: version 99 is in service but no longer in the registry"):
        endpoint.check(session, wine, 99)


def test_every_model_in_service_is_checked_and_leaves_its_facts(
    session: Session, wine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[dict[str, Any]] = []
    monkeypatch.setattr(facts, "display", lambda data, raw: left.append(data[facts.MIME_TYPE]))
    checked = endpoint.check_all(session)
    assert set(checked) == set(deployments.in_service(session))
    found = {name: fact for each in left if each["dataset"] == wine for name, fact in each["facts"].items()}
    assert found["in_service"] == 1
    assert "/models/many-models--wine/1-" in found["links"]["artifact"]
    assert re.fullmatch(r"36 rows, accuracy [01]\.\d{4}", found["predictions"])


def test_a_model_that_answers_otherwise_keeps_no_other_from_being_checked(
    session: Session, wine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[dict[str, Any]] = []
    monkeypatch.setattr(facts, "display", lambda data, raw: left.append(data[facts.MIME_TYPE]))
    entry = deployments.in_service(session)[wine]
    gone = {"gone": entry | {"version": 99}, wine: entry}
    monkeypatch.setattr(endpoint, "in_service", lambda _: gone)
    with pytest.raises(JobFailed, match="gone: version 99 is in service but no longer in the registry"):
        endpoint.check_all(session)
    told = [(each["dataset"], each["facts"]) for each in left]
    assert ("gone", "failed") in [(name, fact.get("outcome")) for name, fact in told]
    assert "predictions" in told[-1][1]
    assert told[-1][0] == wine


# Many at a time


def test_a_ramp_asks_with_more_and_more_clients_and_ends_in_time(session: Session, rows: Rows) -> None:
    answers = load.ramp(session, rows, 1, 4)
    assert answers["clients"].unique().tolist() == [1, 2, 4]
    assert set(answers["data set"]) == {"wine"}
    assert set(answers["status"]) == {200}
    assert answers["second"].between(0, 1 / 3).all()
    assert (answers["milliseconds"] > 0).all()
    table = load.by_clients(answers)
    assert table.index.tolist() == [1, 2, 4]
    assert (table["errors"] == 0).all()
    assert (table["p50 ms"] <= table["p95 ms"]).all()


@pytest.mark.parametrize(("seconds", "asked"), [(0, True), (1, False)], ids=["switched off", "no model"])
def test_without_time_or_models_nothing_is_sent(
    unreachable: Session, rows: Rows, seconds: int, asked: bool
) -> None:
    answers = load.ramp(unreachable, rows if asked else {}, seconds, 2)
    for table in (answers, load.by_clients(answers), load.by_model(answers)):
        assert table.empty
        assert "LOAD_TEST" in table.attrs["instead"]


def test_refused_requests_count_as_errors(session: Session, rows: Rows) -> None:
    answers = load.ramp(session, {"wine": [*rows["wine"][:1], [1.0]]}, 0.5, 2)
    refused = int((answers["status"] == 400).sum())
    assert refused > 0
    assert load.by_model(answers).loc["wine", "errors"] == refused


def test_requests_without_an_answer_count_as_errors(
    session: Session, rows: Rows, unreachable: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The endpoint exists while the test warms up, and is gone afterwards.
    monkeypatch.setattr(load, "invoke", lambda _, body: endpoint.invoke(session, body))
    answers = load.ramp(unreachable, rows, 0.2, 2)
    assert set(answers["status"]) == {0}
    table = load.by_clients(answers)
    assert table["errors"].sum() == len(answers) > 0
    assert (table["predictions per second"] == 0).all()


@pytest.mark.parametrize(("most", "numbers"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_a_ramp_doubles_the_clients_and_ends_with_the_most(most: int, numbers: list[int]) -> None:
    assert load.steps(most) == numbers


def test_a_load_reaches_every_model_at_once_and_every_row_of_it_before_any_twice() -> None:
    tables = {"a": [[number] for number in range(5)], "b": [[10], [11]], "c": [[20]]}
    sent = list(itertools.islice(load.interleaved(tables), 15))
    assert [name for name, _ in sent[:6]] == ["a", "b", "c", "a", "b", "c"]
    assert sorted(row for name, row in sent if name == "a") == tables["a"]
    assert sent == list(itertools.islice(load.interleaved(tables), 15)), "in the same order each time"
    assert [row for name, row in sent if name == "a"] != tables["a"]


SENT = ["clients", "data set", "second", "milliseconds", "status"]


def test_errors_are_no_predictions_and_do_not_make_them_look_fast() -> None:
    answers = pd.DataFrame(
        [
            (1, "a", 0.0, 100.0, 200),
            (1, "a", 0.1, 300.0, 200),
            (1, "a", 0.999, 1.0, 500),
            (2, "b", 0.5, 1, 0),
        ],
        columns=SENT,
    )
    table = load.by_clients(answers)
    assert table.loc[1].to_dict() == {
        "predictions per second": 2.0,
        "p50 ms": 200.0,
        "p95 ms": 290.0,
        "p99 ms": 298.0,
        "errors": 1,
    }
    assert table["errors"].to_dict() == {1: 1, 2: 1}
    assert table.loc[2, "predictions per second"] == 0
    assert pd.isna(table.loc[2, "p50 ms"])
    assert load.by_model(answers)["errors"].to_dict() == {"a": 1, "b": 1}


def test_answers_that_come_late_make_the_time_longer() -> None:
    late = pd.DataFrame([(1, "a", 0.5, 9500.0, 200)] * 8, columns=SENT)
    assert load.by_clients(late).loc[1, "predictions per second"] == 0.8


# The request itself, one cell changed, and calls after an unload


def test_the_request_that_is_shown_is_answered_by_curl_and_by_python(
    session: Session, rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = request.question(session, rows)
    expected = endpoint.predict(session, "wine", rows["wine"][:1])
    shown = request.answered(session, asked).rows
    assert json.loads(shown["body"]) == expected
    assert (shown["status"], shown["headers"][1]) == (200, "x-model-version: 1")
    request.by_python(asked)
    command, _, said = capsys.readouterr().out.rpartition("\n200 1 ")
    assert command.startswith("import boto3")
    assert json.loads(said) == expected
    request.by_curl(asked)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("curl ")
    if shutil.which("curl"):
        assert (said[-2], json.loads(said[-1])) == ("HTTP/1.1 200 OK", expected)


def test_a_cell_is_changed_to_the_values_of_its_column(session: Session, rows: Rows) -> None:
    moved = what_if.vary(session, rows)
    assert set(moved["data set"]) == {"wine"}
    assert moved["column"].nunique() == len(rows["wine"][0])
    own = moved[moved["own"]]
    assert own["value"].tolist() == rows["wine"][0]
    assert own["probability"].nunique() == 1, "the row as it is"
    predicted = endpoint.predict(session, "wine", rows["wine"][:1])
    assert own["probability"].iloc[0] == pytest.approx(max(predicted["probabilities"][0]))
    assert what_if.columns_that_matter(moved)["moves"].is_monotonic_decreasing


def test_after_an_unload_the_first_call_of_a_model_is_cold(session: Session, rows: Rows) -> None:
    before = traffic.total(traffic.by_minute(session)).loc["all"]
    called = unloaded.calls(session, rows, 4)
    after = traffic.total(traffic.by_minute(session)).loc["all"]
    assert called["cold"].tolist() == [True, False, False, False]
    # As the endpoint counts them, which the check of a deployment may have called as well.
    assert after["cold"] - before["cold"] >= 1
    assert after["warm"] - before["warm"] >= 3


def test_on_aws_nothing_is_unloaded_and_that_is_said(
    session: Session, rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    on_aws = dataclasses.replace(session, environment="aws")
    called = unloaded.calls(on_aws, rows, 2)
    assert not called["cold"].any()
    assert capsys.readouterr().out.startswith("SageMaker has no operation that unloads a model")


# What a model takes


def test_what_a_model_takes_is_measured_at_the_endpoint(
    session: Session, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = traffic.by_minute(session)
    model = capacity.measured(session, {"wine": rows["wine"]}, calls)
    entries = deployments.in_service(session).values()
    contents = [storage.read(session, session.uri(entry["key"])) for entry in entries]
    folders = [tmp_path / str(number) for number in range(len(contents))]
    for content, folder in zip(contents, folders, strict=True):
        unpack_archive(content, "an artifact", folder)
    assert model.memory_bytes == pytest.approx(sum(map(needed_bytes, map(str, folders))) / len(folders))
    # The answers of the last hour may have taken longer than those of a moment ago, on the whole way.
    assert 0 < model.answer_seconds <= model.answer_seconds + model.path_seconds < HANGS
    assert model.load_seconds > 0
    assert capacity.inputs(model).loc["memory, MB", "a model takes"] > 0
    assert capacity.measured(session, {}, calls) == capacity.GUESS
    monkeypatch.setattr(capacity, "average", lambda *_: [1.0])  # microseconds, shorter than any way
    at_once = capacity.measured(session, {"wine": rows["wine"]}, calls)
    assert at_once.answer_seconds == 1e-6 < at_once.path_seconds < HANGS
