"""Watching: what it survives, what it says when it cannot go on or is interrupted, and how all is stopped."""

import dataclasses
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from support.helpers.quick import Quick

from helpers import runs
from helpers.errors import ExitCode, Interrupted, JobFailed, UserError
from helpers.session import patience

UNREACHABLE = EndpointConnectionError(endpoint_url="https://api.sagemaker.us-east-1.amazonaws.com")
Inject = Callable[..., None]


@pytest.fixture
def inject(quick: Quick, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inject]:
    """Make the next calls of an operation fail, with AWS's codes or by exceptions."""
    events, prepared = quick.session.client("sagemaker").meta.events, []
    monkeypatch.setattr(patience, "FIRST_PAUSE", {True: 0.01, False: 0.01})

    def prepare(operation: str, *failures: Any) -> None:
        left = list(failures)

        def fail(**_: Any) -> Any:
            if not left:
                return None
            failure = left.pop(0)
            if isinstance(failure, BaseException):
                raise failure
            status, code = failure
            answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            return SimpleNamespace(status_code=status), answer

        prepared.append((f"before-call.sagemaker.{operation}", fail))
        events.register(*prepared[-1])

    yield prepare
    for registered in prepared:
        events.unregister(*registered)


@pytest.mark.parametrize(
    ("failures", "sentence"),
    [
        ([(400, "ThrottlingException")] * 3, "AWS throttles the calls (ThrottlingException); this goes on"),
        ([(503, "ServiceUnavailable")], "AWS fails (An error occurred (ServiceUnavailable)"),
        ([UNREACHABLE] * 2, "AWS cannot be reached (Could not connect"),
        (
            [(400, "ExpiredTokenException")],
            "The credentials have expired (ExpiredTokenException); log",
        ),
    ],
    ids=["throttled", "failing", "unreachable", "expired"],
)
def test_what_passes_is_waited_for_and_told_once(
    quick: Quick, inject: Inject, capsys: pytest.CaptureFixture[str], failures: list[Any], sentence: str
) -> None:
    executions = quick.start("one")
    quick.end("one")
    inject("DescribePipelineExecution", *failures)
    quick.watch(executions)
    told = capsys.readouterr().out
    assert told.count(sentence) == 1
    assert "AWS answers again after" in told
    assert "Wait" in told, "what was seen is shown"


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        ((400, "ExpiredTokenException"), "The credentials have expired (ExpiredTokenException). Of run "),
        ((400, "AccessDeniedException"), "AWS refused: An error occurred (AccessDeniedException) when"),
    ],
)
def test_where_it_cannot_go_on_it_says_that_the_executions_do_and_how_to_find_and_stop_them(
    quick: Quick, inject: Inject, monkeypatch: pytest.MonkeyPatch, failure: Any, sentence: str
) -> None:
    executions = quick.start("one", "two", most=1)
    monkeypatch.setattr(patience, "LIMIT", 0.0)
    inject("DescribePipelineExecution", failure)
    with pytest.raises(UserError) as raised:
        runs.watch(quick.session, executions, most=1)
    run_id = executions[0].run_id
    told = str(raised.value)
    assert told.startswith(sentence)
    assert (
        f"Of run {run_id}, the executions that have started and not ended go on, 1 at most; "
        "the 1 that wait are started only by watching."
    ) in told
    assert f"RUN_ID = '{run_id}'" in told
    assert f"`many-models stop FILE -p RUN_ID {run_id}`" in told
    assert raised.value.exit_code == ExitCode.FAILED
    assert quick.status(executions[0]) == "Executing"


def test_an_interrupt_says_that_the_executions_go_on_and_the_next_call_attaches(
    quick: Quick, inject: Inject
) -> None:
    executions = quick.start("one")
    inject("ListPipelineExecutionSteps", KeyboardInterrupt())
    with pytest.raises(Interrupted, match=r"Interrupted\. Of run .* go on, 1 at most\. To watch") as raised:
        runs.watch(quick.session, executions)
    assert raised.value.exit_code == ExitCode.INTERRUPTED
    assert quick.status(executions[0]) == "Executing"
    assert quick.start("one")[0].arn == executions[0].arn


def test_an_interrupt_while_starting_names_the_run(quick: Quick, inject: Inject) -> None:
    inject("StartPipelineExecution", (400, "ThrottlingException"), KeyboardInterrupt())
    executions = quick.start("one")
    with pytest.raises(Interrupted, match="No execution was started; run this again"):
        runs.watch(quick.session, executions)
    (first,) = quick.start("one")
    inject("StartPipelineExecution", KeyboardInterrupt())
    with pytest.raises(Interrupted, match=f"Of run {first.run_id}, .* 1 at most; the 1 that wait are"):
        quick.start("one", "two")


def test_all_is_stopped_with_its_jobs_and_what_waits_is_given_up(quick: Quick) -> None:
    executions = quick.start("one", "two", "three", most=2)
    quick.end("one")
    quick.watch(executions[:1])
    table = runs.stop(quick.session, executions)
    assert table["status"].to_dict() == {"one": "Succeeded", "two": "Stopped", "three": "not started"}
    assert set(table["run"]) == {executions[0].run_id}
    assert runs.find(quick.session, developer=quick.developer) == []
    sagemaker = quick.session.client("sagemaker")
    step = runs.steps(quick.session, executions[1])
    assert step["status"].to_dict() == {"Wait": "Stopped"}
    (listed,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=executions[1].arn)[
        "PipelineExecutionSteps"
    ]
    job = listed["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[-1]
    assert sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Stopped"

    with pytest.raises(JobFailed, match=r"two: The execution was stopped before it had .*\.\nRun 03 again"):
        runs.watch(quick.session, executions)
    assert quick.started() == 2, "what was given up is not started"
    assert quick.start("two")[0].arn != executions[1].arn, "and the next run is a new one"


def test_only_the_executions_of_a_run_are_found(quick: Quick) -> None:
    (first,) = quick.start("one", run_id="first")
    (second,) = quick.start("one", run_id="second")
    elsewhere = dataclasses.replace(quick.session, pipeline_name="nowhere")
    assert [it.arn for it in runs.find(quick.session, "first", quick.developer)] == [first.arn]
    assert [it.arn for it in runs.find(quick.session, "", quick.developer)] == [second.arn, first.arn]
    assert runs.find(elsewhere) == []
