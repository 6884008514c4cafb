"""Starting: what is attached to instead of started again, what is started later, and what is refused."""

import dataclasses
import itertools
import os
import subprocess
import sys
import time

import pytest
from botocore.stub import Stubber
from support import HANGS, ROOT
from support.helpers.calls import counted
from support.helpers.quick import Quick, table
from support.local_aws.pipeline import definition, fail
from tabular.spec.options import Options

from helpers import runs
from helpers.errors import BadInput, JobFailed
from helpers.runs.executions.queue import start_waiting
from helpers.runs.executions.request import requests


def wait_for(quick: Quick, execution: runs.Execution, status: str) -> None:
    deadline = time.monotonic() + HANGS
    while (seen := quick.status(execution)) != status:
        assert seen == "Executing"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_after_its_kernel_died_a_run_goes_on_where_it_was(
    quick: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("done", "running", "waiting")
    died = subprocess.run(
        [sys.executable, "-c", quick.in_another_process(*names, most=2)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    assert (died.returncode, died.stderr) == (-9, "")
    run_id = died.stdout.splitlines()[-1]
    assert f"Run {run_id}: 2 started, 1 wait." in died.stdout
    (done,) = [it for it in runs.find(quick.session, run_id, quick.developer) if it.dataset == "done"]
    quick.end("done")
    wait_for(quick, done, "Succeeded")

    executions = quick.start(*names, most=1)
    assert capsys.readouterr().out.strip() == (
        f"Attached to run {run_id}: 1 going on, 1 ended earlier, 0 started, 1 wait. "
        'RUN_ID = "new" starts new executions instead.'
    )
    assert executions[0].arn == done.arn
    assert quick.started() == 2, "nothing is paid for twice"
    quick.end("running", "waiting")
    quick.watch(executions, most=1)
    assert quick.started() == 3
    assert [quick.status(it) for it in executions] == ["Succeeded"] * 3

    # The next day, everything has ended: the same request is a new run. Its id attaches to the old one.
    assert quick.start("done")[0].run_id != run_id
    again = quick.start(*names, run_id=run_id)
    assert [it.arn for it in again] == [it.arn for it in executions]
    assert quick.started() == 4


def test_new_executions_may_be_asked_for(quick: Quick) -> None:
    (first,) = quick.start("one")
    (second,) = quick.start("one", run_id="new")
    assert first.run_id != second.run_id
    assert quick.status(first) == quick.status(second) == "Executing"
    assert quick.start("one")[0].arn == second.arn, "the newest run is attached to"
    assert quick.start("one", run_id=first.run_id)[0].arn == first.arn


@pytest.mark.parametrize("change", ["parameter", "data", "definition"])
def test_what_is_asked_for_differently_is_a_new_run(quick: Quick, change: str) -> None:
    (first,) = quick.start("one", run_id="mine")
    if change == "data":
        one = dataclasses.replace(table(quick.folder, "other"), name="one")
        (quick.folder / "other.csv").write_text("a,b,label\n" + "5,2,x\n3,4,y\n" * 20)
        (second,) = runs.start(quick.session, [one], {"Colour": "red"}, developer=quick.developer)
    elif change == "definition":
        quick.create(update=True, Description="changed")
        (second,) = quick.start("one")
    else:
        (second,) = quick.start("one", colour="blue")
    assert second.run_id != first.run_id
    assert second.arn != first.arn


def test_a_run_that_was_about_something_else_is_refused(quick: Quick) -> None:
    (first,) = quick.start("one", run_id="mine")
    with pytest.raises(BadInput, match=rf"RUN_ID is 'mine', .* \({first.arn}, Executing\); give another"):
        quick.start("one", colour="blue", run_id="mine")
    assert quick.started() == 1


def test_of_a_resumed_run_only_the_table_that_has_changed_is_refused(
    quick: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    first = quick.start("one", "two", run_id="mine")
    changed = dataclasses.replace(table(quick.folder, "other"), name="one")
    (quick.folder / "other.csv").write_text("a,b,label\n" + "5,2,x\n3,4,y\n" * 20)
    tables = [changed, table(quick.folder, "two")]
    second = runs.start(quick.session, tables, {"Colour": "red"}, developer=quick.developer, run_id="mine")
    assert {it.dataset: it.arn for it in second} == {"two": first[1].arn, "one": ""}
    assert "one is not started. RUN_ID is 'mine', but that run's execution" in capsys.readouterr().out
    assert quick.started() == 2


def test_what_failed_in_a_run_is_started_again_and_what_succeeded_is_not(quick: Quick) -> None:
    first = quick.start("good", "bad", "slow", run_id="mine")
    quick.end("good")
    quick.end("bad", failing="no")
    for execution, status in zip(first, ("Succeeded", "Failed", "Executing"), strict=True):
        wait_for(quick, execution, status)
    (quick.folder / "bad").unlink()
    for times in (1, 2):
        second = quick.start("good", "bad", "slow", run_id="mine" if times == 2 else "")
        assert [new.arn == old.arn for new, old in zip(second, first, strict=True)] == [True, False, True]
        assert {it.run_id for it in second} == {"mine"}
        assert quick.started() == 4


def test_executions_beyond_the_limit_wait_until_others_end(
    quick: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("one", "two", "three")
    quick.end(*names)
    started = quick.start(*names, most=1)
    assert [bool(it.arn) for it in started] == [True, False, False]
    quick.watch(started, most=1)
    assert "2 of 3 executions wait for others to end; 1 may run at a time." in capsys.readouterr().out
    sagemaker = quick.session.client("sagemaker")
    about = [sagemaker.describe_pipeline_execution(PipelineExecutionArn=it.arn) for it in started]
    for before, after in itertools.pairwise(about):
        assert before["LastModifiedTime"] <= after["CreationTime"]


@pytest.mark.parametrize("code", ["ResourceLimitExceeded", "ThrottlingException"])
def test_an_execution_that_aws_does_not_start_now_is_started_later_and_once(quick: Quick, code: str) -> None:
    (execution,) = quick.start("one", most=0)
    assert execution.waits
    refusing = dataclasses.replace(quick.session)
    with Stubber(refusing.client("sagemaker")) as stub:
        stub.add_client_error("start_pipeline_execution", code)
        assert start_waiting(refusing, [execution], 1) == 1
    quick.end("one")
    quick.watch([execution])
    assert quick.status(execution) == "Succeeded"
    repeated = quick.session.client("sagemaker").start_pipeline_execution(**execution.request)
    assert repeated["PipelineExecutionArn"] == execution.arn, "the token makes it the same"


def test_a_refusal_names_what_has_started(quick: Quick) -> None:
    """The parameters of the second table are refused when the first one runs."""
    (first,) = quick.start("one", most=0)
    second = runs.Execution("second", request={**first.request, "PipelineName": "nowhere"})
    with pytest.raises(
        BadInput, match=r"There is no pipeline 'nowhere'; .* have started and go on: arn:aws:"
    ):
        start_waiting(quick.session, [first, second], 2)


def test_a_pipeline_that_is_not_there_is_refused(quick: Quick) -> None:
    nowhere = dataclasses.replace(quick, developer="nobody")
    with pytest.raises(BadInput, match="There is no pipeline 'many-models-nobody'; run 02_define_pipeline"):
        nowhere.start("one")


def test_two_hundred_executions_wait_for_room_and_none_fails_to_start(
    quick: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    """The step ends at once, so this is the queue, the account's limit, and the watching."""
    session = quick.session
    sagemaker, pipeline = session.client("sagemaker"), session.pipeline(developer=quick.developer)
    sagemaker.update_pipeline(
        PipelineName=pipeline,
        PipelineDefinition=definition([fail("End", "It ends here.")]),
        RoleArn=session.job_role_arn,
    )
    asked = [
        runs.Execution(
            f"table-{number:03}",
            run_id="many",
            request={"PipelineName": pipeline, "ClientRequestToken": f"{quick.developer}-{number:032}"},
        )
        for number in range(200)
    ]
    with counted(session) as called, pytest.raises(JobFailed, match="It ends here"):
        runs.watch(session, asked, 40)
    assert all(execution.arn and not execution.refused for execution in asked)
    listed = sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline)
    started = [one for page in listed for one in page["PipelineExecutionSummaries"]]
    assert len({one["PipelineExecutionArn"] for one in started}) == len(started) == 200
    assert {one["PipelineExecutionStatus"] for one in started} == {"Failed"}
    capsys.readouterr()
    # Each is looked at a few times at most, however long the others take.
    assert called.count("DescribePipelineExecution") <= 2 * len(asked)


def test_a_table_with_partitions_is_left_out_before_it_is_uploaded(
    quick: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = dataclasses.replace(table(quick.folder, "parted"), options=Options(partition=("a",)))
    given = [fleet, table(quick.folder, "one")]
    asked = runs.start(quick.session, given, {"Colour": "red"}, developer=quick.developer)
    assert {it.dataset: bool(it.arn) for it in asked} == {"parted": False, "one": True}
    said = capsys.readouterr().out
    assert "parted has the option partition, and SEARCH is 'jobs'; set SEARCH to 'packed'" in said
    s3, bucket = quick.session.client("s3"), quick.session.bucket
    assert s3.list_objects_v2(Bucket=bucket, Prefix="raw/parted/")["KeyCount"] == 0


def test_only_a_table_with_partitions_is_searched_on_several_instances(quick: Quick) -> None:
    fleet = dataclasses.replace(table(quick.folder, "fleet"), options=Options(partition=("a",)))
    given = [fleet, table(quick.folder, "one")]
    asked = {"Search": "packed", "FleetInstances": 3}
    made, refused = requests(quick.session, given, asked, {}, quick.developer)
    assert {one.dataset: one.parameters["FleetInstances"] for one in made} == {"fleet": "3", "one": "1"}
    assert refused == {}
