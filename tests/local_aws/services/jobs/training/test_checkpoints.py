"""Checkpoints of training jobs: found by the next job with the same address, whatever became of this one."""

import errno
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws, wait_for
from support.local_aws.pipeline import resources, training_request

import local_aws
from local_aws.core.errors import AwsError
from local_aws.services.jobs.run import Instance, JobFailed, Run
from local_aws.services.jobs.training.checkpoints import mirrored

FOLDER = "folder = base + '/checkpoints'; names = sorted(os.listdir(folder)); "
HOST = "host = json.load(open(base + '/input/config/resourceconfig.json'))['current_host']; "


@pytest.fixture
def sagemaker(aws: Aws) -> Any:
    return aws.client("sagemaker")


def start(sagemaker: Any, name: str, code: str, prefix: str, count: int = 1, **more: Any) -> None:
    request = training_request(
        "exec(os.environ['CODE'])",
        Environment={"CODE": FOLDER + HOST + code},
        CheckpointConfig={"S3Uri": f"s3://toys/{prefix}"},
        ResourceConfig={**resources(), "InstanceCount": count},
        **more,
    )
    sagemaker.create_training_job(TrainingJobName=name, **request)


def ended(sagemaker: Any, name: str) -> dict[str, Any]:
    def check() -> dict[str, Any] | None:
        job = sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return wait_for(check)


def keys(aws: Aws, prefix: str) -> dict[str, bytes]:
    s3 = aws.client("s3")
    listed = s3.list_objects_v2(Bucket="toys", Prefix=f"{prefix}/").get("Contents", [])
    return {
        one["Key"].removeprefix(f"{prefix}/"): s3.get_object(Bucket="toys", Key=one["Key"])["Body"].read()
        for one in listed
    }


def test_a_job_goes_on_from_the_checkpoints_of_one_that_was_stopped(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    prefix = f"{name}-checkpoints"
    start(sagemaker, name, "open(folder + '/a.txt', 'w').write('1'); time.sleep(600)", prefix)
    wait_for(lambda: keys(aws, prefix) == {"a.txt": b"1"})  # while the job runs
    sagemaker.stop_training_job(TrainingJobName=name)
    assert ended(sagemaker, name)["TrainingJobStatus"] == "Stopped"
    code = (
        "assert names == ['a.txt'], names; open(folder + '/' + host, 'w').write('2')\n"
        "if host == 'algo-1': os.remove(folder + '/a.txt')\n"
        "sys.exit(1 if host == 'algo-1' else time.sleep(600))"
    )
    start(sagemaker, f"{name}-2", code, prefix, count=2)
    assert ended(sagemaker, f"{name}-2")["FailureReason"].startswith("AlgorithmError: exit code 1")
    # Whatever becomes of a job, its checkpoints stay; one that an instance deletes is deleted.
    assert keys(aws, prefix).get("algo-1") == b"2"
    assert "a.txt" not in keys(aws, prefix)


def test_two_instances_may_not_write_the_same_checkpoint(sagemaker: Any, bucket: str, name: str) -> None:
    start(sagemaker, name, "open(folder + '/same', 'w').write(host)", name, count=2)
    assert "two instances wrote the checkpoint 'same'" in ended(sagemaker, name)["FailureReason"]


@pytest.mark.parametrize("path", ["/opt/ml/model", "/opt/ml/input/data/x", "/opt/ml/output"])
def test_checkpoints_have_a_folder_of_their_own(sagemaker: Any, name: str, path: str) -> None:
    request = training_request("pass", CheckpointConfig={"S3Uri": "s3://toys/x", "LocalPath": path})
    with pytest.raises(ClientError, match="a folder that SageMaker uses itself"):
        sagemaker.create_training_job(TrainingJobName=name, **request)


def test_the_role_must_be_allowed_to_keep_checkpoints(tmp_path: Any) -> None:
    asked = []

    def refuse(role: str, action: str, resource: str, _context: Any) -> None:
        asked.append((role, action, resource))
        raise AwsError("AccessDenied", "no identity-based policy allows it")

    job = {
        "TrainingJobName": "j",
        "RoleArn": "arn:aws:iam::1:role/r",
        "CheckpointConfig": {"S3Uri": "s3://b/x"},
    }
    with (
        pytest.raises(JobFailed, match="ClientError: the checkpoints cannot be mirrored"),
        mirrored(None, job, [Instance("algo-1", tmp_path)], refuse),
    ):
        raise AssertionError("it must not begin")
    assert asked == [("r", "s3:ListBucket", "arn:aws:s3:::b")]


def test_a_job_fails_if_its_checkpoints_cannot_be_written(tmp_path: Path) -> None:
    class Full:
        """Buckets on a disk that is full."""

        def keys(self, *_: str) -> list[str]:
            return []

        def download(self, _uri: str, folder: Path) -> None:
            folder.mkdir(parents=True)

        def put(self, *_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "a file")

    job = {
        "TrainingJobName": "j",
        "RoleArn": "arn:aws:iam::1:role/r",
        "CheckpointConfig": {"S3Uri": "s3://b/x"},
    }
    instance = Instance("algo-1", tmp_path)
    with (
        pytest.raises(JobFailed, match=r"checkpoints cannot be written: .*No space is left on the disk"),
        mirrored(Full(), job, [instance], lambda *_: None),
    ):
        (instance.base / "checkpoints" / "trial").write_text("1")


def test_an_interruption_may_come_before_there_is_a_process(tmp_path: Path) -> None:
    Run("j", tmp_path).end(120.0)  # nothing to end, and no error


def spot(seconds: int = 600, wait: int = 600) -> dict[str, Any]:
    limits = {"MaxRuntimeInSeconds": seconds, "MaxWaitTimeInSeconds": wait}
    return {"EnableManagedSpotTraining": True, "StoppingCondition": limits}


def statuses(job: dict[str, Any]) -> list[str]:
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


ONCE = ["Starting", "Downloading", "Training"]


def test_a_job_on_spot_capacity_begins_again_with_nothing_but_its_checkpoints(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    prefix = f"{name}-checkpoints"
    code = (
        "write = lambda name: open(folder + '/' + name, 'w').close()\n"
        "def note(*_): write('b'); sys.exit(1)\n"
        "import signal; signal.signal(15, note)\n"
        "assert not os.listdir(base + '/model'); open(base + '/model/left', 'w').close()\n"
        "if len(names) < 3: write('ac'[len(names) // 2]); time.sleep(600)\n"
    )
    start(sagemaker, name, code, prefix, **spot())
    wait_for(lambda: set(keys(aws, prefix)) == {"a"})
    local_aws.interrupt(aws.server, name)
    wait_for(lambda: set(keys(aws, prefix)) == {"a", "b", "c"})  # b was written on notice, c by the second
    local_aws.interrupt(aws.server, name, notice=0)
    job = ended(sagemaker, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert statuses(job) == [*ONCE, "Interrupted", *ONCE, "Interrupted", *ONCE, "Uploading", "Completed"]
    assert set(keys(aws, prefix)) == {"a", "b", "c"}
    with pytest.raises(local_aws.LocalAwsError, match="it is not training, Completed"):
        local_aws.interrupt(aws.server, name)


def test_what_is_not_on_spot_capacity_is_not_interrupted(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    start(sagemaker, name, "time.sleep(600)", name)
    with pytest.raises(local_aws.LocalAwsError, match="it does not run on spot capacity"):
        local_aws.interrupt(aws.server, name)
    for notice in (-1, float("inf"), float("nan")):
        with pytest.raises(local_aws.LocalAwsError, match=f"notice is {notice}"):
            local_aws.interrupt(aws.server, name, notice=notice)
    sagemaker.stop_training_job(TrainingJobName=name)
    assert ended(sagemaker, name)["TrainingJobStatus"] == "Stopped"


def test_interruptions_do_not_prolong_the_time_of_a_job(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    start(sagemaker, name, "open(folder + '/a', 'w').write('1'); time.sleep(600)", name, **spot(seconds=3))
    wait_for(lambda: keys(aws, name) == {"a": b"1"})
    local_aws.interrupt(aws.server, name, notice=0)
    job = ended(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert job["TrainingTimeInSeconds"] < 60


def test_a_job_on_spot_capacity_has_to_be_complete_in_time_from_its_creation_on(
    sagemaker: Any, bucket: str, name: str
) -> None:
    # What it waits for a processor counts, so the time is over before it has run for as long.
    start(sagemaker, name, "time.sleep(600)", name, **spot(seconds=2, wait=2))
    job = ended(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert statuses(job)[-1] == "MaxWaitTimeExceeded"
