"""Processing and training jobs, created directly."""

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws, is_running, needs_proc, wait_for
from support.local_aws.pipeline import channel, processing, training_request

from local_aws.core.errors import AwsError
from local_aws.services.jobs.run import JobFailed, Run
from local_aws.services.jobs.training.clusters import check_training_cluster
from local_aws.services.jobs.training.jobs import last_metrics


@pytest.fixture
def sagemaker(aws: Aws) -> Any:
    return aws.client("sagemaker")


def ended_training(sagemaker: Any, name: str) -> dict[str, Any]:
    def check() -> dict[str, Any] | None:
        job = sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return wait_for(check)


def ended_processing(sagemaker: Any, name: str) -> dict[str, Any]:
    def check() -> dict[str, Any] | None:
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return wait_for(check)


def begin_processing(sagemaker: Any, name: str, code: str, **more: Any) -> None:
    arguments = processing("Step", code, **more)["Arguments"]
    for output in arguments["ProcessingOutputConfig"]["Outputs"]:
        output["S3Output"]["S3Uri"] = f"s3://toys/{name}/{output['OutputName']}"
    sagemaker.create_processing_job(ProcessingJobName=name, **arguments)


PROCESSING = """
from pathlib import Path
source = Path(base, "processing/in")
names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.txt"))
configuration = json.load(open(base + "/config/processingjobconfig.json"))
host = json.load(open(base + "/config/resourceconfig.json"))["current_host"]
report = [names, configuration["ProcessingJobName"], host]
Path(base, "processing/out/report.json").write_text(json.dumps(report))
Path(base, "output").mkdir()
Path(base, "output/message").write_text("two files")
"""


def test_processing_reads_its_inputs_and_writes_its_outputs(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    s3 = aws.client("s3")
    for key in ("a.txt", "deep/b.txt"):
        s3.put_object(Bucket=bucket, Key=f"{name}-in/{key}", Body=key.encode())
    s3.put_object(Bucket=bucket, Key=f"{name}-in-the-way", Body=b"not under the prefix as a folder")
    s3.put_object(Bucket=bucket, Key=f"{name}-code/job.py", Body=PROCESSING.encode())
    inputs = {"in": f"s3://{bucket}/{name}-in", "code": f"s3://{bucket}/{name}-code/job.py"}
    begin_processing(
        sagemaker, name, "exec(open(base + '/processing/code/job.py').read())", inputs=inputs, outputs=["out"]
    )
    job = ended_processing(sagemaker, name)
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExitMessage"] == "two files"
    report = json.load(s3.get_object(Bucket=bucket, Key=f"{name}/out/report.json")["Body"])
    assert report == [["a.txt", "deep/b.txt"], name, "algo-1"]


@needs_proc
def test_a_job_that_was_killed_says_how_much_memory_it_had(sagemaker: Any, bucket: str, name: str) -> None:
    begin_processing(sagemaker, name, "x = b'1' * 600_000_000; time.sleep(2.5); os.kill(os.getpid(), 9)")
    reason = ended_processing(sagemaker, name)["FailureReason"]
    said = "exit code 137: it was killed, as happens when memory runs out; its largest process had"
    assert re.match(f"AlgorithmError: {said}" + r" 0\.[67]\d? GB\n", reason), reason


def test_a_failed_job_uploads_nothing(aws: Aws, sagemaker: Any, bucket: str, name: str) -> None:
    code = "open(base + '/processing/out/half.txt', 'w').close(); sys.exit(3)"
    begin_processing(sagemaker, name, code, outputs=["out"])
    job = ended_processing(sagemaker, name)
    assert job["FailureReason"].startswith("AlgorithmError: exit code 3")
    assert aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=name)["KeyCount"] == 0


def test_a_job_sees_nothing_of_the_users_aws_settings(sagemaker: Any, bucket: str, name: str) -> None:
    code = "print(sorted(k for k in os.environ if k.startswith('AWS_')), os.environ['AWS_ACCESS_KEY_ID'])"
    begin_processing(sagemaker, name, code + "; sys.exit(1)")
    reason = ended_processing(sagemaker, name)["FailureReason"]
    names = (
        "'AWS_ACCESS_KEY_ID', 'AWS_CONFIG_FILE', 'AWS_DEFAULT_REGION', 'AWS_EC2_METADATA_DISABLED', "
        "'AWS_ENDPOINT_URL', 'AWS_REGION', 'AWS_SECRET_ACCESS_KEY', 'AWS_SHARED_CREDENTIALS_FILE'"
    )
    assert f"[{names}] role.toy-jobs" in reason


@pytest.mark.parametrize("uri", ["s3://no-such-bucket/x", "s3://toys/no-such-prefix"])
def test_an_input_that_is_not_there_fails_the_job(sagemaker: Any, bucket: str, name: str, uri: str) -> None:
    begin_processing(sagemaker, name, "pass", inputs={"in": uri})
    assert uri in ended_processing(sagemaker, name)["FailureReason"]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/opt/ml/processing/input", "processing/input"),
        ("/opt/ml//etc/x", "etc/x"),
        ("/opt/ml/./model//sub/", "model/sub"),
    ],
)
def test_a_path_of_the_container_is_within_the_job(tmp_path: Path, path: str, place: str) -> None:
    assert Run("job", tmp_path).local(path) == tmp_path / "ml" / place


@pytest.mark.parametrize(
    "path", ["/etc/x", "//etc/x", "/opt/ml", "/opt/mlx/y", "/opt/ml/../x", "opt/ml/x", "x"]
)
def test_a_path_outside_of_the_jobs_own_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(JobFailed, match="is not under /opt/ml/"):
        Run("job", tmp_path).local(path)


def test_a_command_that_does_not_exist_fails_the_job(sagemaker: Any, bucket: str, name: str) -> None:
    arguments = processing("Step", "pass")["Arguments"]
    arguments["AppSpecification"]["ContainerEntrypoint"] = ["no-such-command"]
    sagemaker.create_processing_job(ProcessingJobName=name, **arguments)
    assert "no-such-command: No such file" in ended_processing(sagemaker, name)["FailureReason"]


TRAINING = """
read = lambda path: open(base + path).read()
model = {
    "rows": read("/input/data/train/rows.csv"),
    "depth": json.loads(read("/input/config/hyperparameters.json"))["depth"],
    "channels": list(json.loads(read("/input/config/inputdataconfig.json"))),
    "job": os.environ["TRAINING_JOB_NAME"],
}
json.dump(model, open(base + "/model/model.json", "w"))
open(base + "/output/data/notes.txt", "w").write("kept")
print("score=nothing")
print("score=0.5")
print("score=-1.5e-3")
"""


def test_training_has_channels_and_hyperparameters_and_leaves_a_model(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key=f"{name}/train/rows.csv", Body=b"1,2")
    s3.put_object(Bucket=bucket, Key=f"{name}/train/job.py", Body=TRAINING.encode())
    request = training_request(
        "exec(open(base + '/input/data/train/job.py').read())",
        InputDataConfig=[channel("train", f"s3://{bucket}/{name}/train/")],
        HyperParameters={"depth": "3"},
    )
    sagemaker.create_training_job(TrainingJobName=name, **request)
    job = ended_training(sagemaker, name)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed", job
    assert [item["Status"] for item in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert job["FinalMetricDataList"][0]["Value"] == -0.0015
    url = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert url == f"s3://{bucket}/training/{name}/output/model.tar.gz"

    def archive(file: str) -> tarfile.TarFile:
        key = f"training/{name}/output/{file}"
        return tarfile.open(fileobj=io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))

    model = json.load(archive("model.tar.gz").extractfile("model.json"))
    assert model == {"rows": "1,2", "depth": "3", "channels": ["train"], "job": name}
    assert archive("output.tar.gz").getnames() == ["notes.txt"]


def test_the_failure_file_is_the_reason(sagemaker: Any, bucket: str, name: str) -> None:
    code = (
        "os.makedirs(base + '/output', exist_ok=True); "
        "open(base + '/output/failure', 'w').write('column price is missing'); sys.exit(1)"
    )
    sagemaker.create_training_job(TrainingJobName=name, **training_request(code))
    job = ended_training(sagemaker, name)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: column price is missing\nLog: ")


def test_a_job_that_takes_too_long_is_stopped(sagemaker: Any, bucket: str, name: str) -> None:
    request = training_request("time.sleep(600)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    sagemaker.create_training_job(TrainingJobName=name, **request)
    job = ended_training(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


@needs_proc
def test_a_stopped_job_ends_with_all_it_started(aws: Aws, sagemaker: Any, bucket: str, name: str) -> None:
    # Relative to the job, whose command has a limit of 256 characters that a long path would break.
    pid_file = aws.home / "jobs" / name / "ml" / "pid"
    code = (
        "import subprocess; child = subprocess.Popen(['sleep', '600']); "
        "open(base + '/pid', 'w').write(str(child.pid)); time.sleep(600)"
    )
    sagemaker.create_training_job(TrainingJobName=name, **training_request(code))
    pid = wait_for(lambda: pid_file.exists() and pid_file.read_text())
    sagemaker.stop_training_job(TrainingJobName=name)
    assert ended_training(sagemaker, name)["TrainingJobStatus"] == "Stopped"
    wait_for(lambda: not is_running(pid))
    with pytest.raises(ClientError, match="is in status Stopped"):
        sagemaker.stop_training_job(TrainingJobName=name)


def test_a_name_is_used_once(sagemaker: Any, bucket: str, name: str) -> None:
    sagemaker.create_training_job(TrainingJobName=name, **training_request("pass"))
    with pytest.raises(ClientError, match="ResourceInUse"):
        sagemaker.create_training_job(TrainingJobName=name, **training_request("pass"))
    ended_training(sagemaker, name)
    listed = sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
    assert [item["TrainingJobStatus"] for item in listed] == ["Completed"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {
                "ResourceConfig": {
                    "InstanceGroups": [
                        {"InstanceType": "ml.m5.large", "InstanceCount": 2, "InstanceGroupName": "one"}
                    ]
                }
            },
            "instance groups",
        ),
        ({"CheckpointConfig": {"S3Uri": "s3://toys/"}}, "a whole bucket"),
        ({"CheckpointConfig": {"S3Uri": "s3://toys/x", "LocalPath": "/tmp/x"}}, "not under /opt/ml/"),
        (
            {"InputDataConfig": [{**channel("train", "s3://toys/x"), "ShuffleConfig": {"Seed": 1}}]},
            "ShuffleConfig",
        ),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(
    sagemaker: Any, name: str, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ClientError, match=complaint) as raised:
        sagemaker.create_training_job(TrainingJobName=name, **{**training_request("pass"), **change})
    assert raised.value.response["Error"]["Code"] == "UnsupportedOperation"


def test_a_job_needs_instances_and_one_algorithm(sagemaker: Any, name: str) -> None:
    request = training_request("pass")
    named = {**request["AlgorithmSpecification"], "AlgorithmName": "toy"}
    without = {field: value for field, value in request.items() if field != "ResourceConfig"}
    for bad, complaint in (
        (without, "needs a ResourceConfig"),
        ({**request, "AlgorithmSpecification": named}, "use one"),
    ):
        with pytest.raises(ClientError, match=complaint):
            sagemaker.create_training_job(TrainingJobName=name, **bad)


@pytest.mark.parametrize(
    ("cluster", "complaint"),
    [
        ({"InstanceCount": 1, "VolumeSizeInGB": 1}, "need InstanceType"),
        ({"InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}, "need InstanceCount"),
        ({"InstanceType": "ml.m5.large", "InstanceCount": 1}, "VolumeSizeInGB is needed with ml.m5.large"),
        (
            {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1, "VolumeKmsKeyId": "k"},
            "cannot be used with ml.g4dn.xlarge",
        ),
        ({"InstanceType": "ml.c7i-flex.large", "InstanceCount": 1}, "VolumeSizeInGB is needed"),
        (
            {"InstanceType": "ml.p6-b200.48xlarge", "InstanceCount": 1, "VolumeKmsKeyId": "k"},
            "cannot be used with ml.p6-b200.48xlarge",
        ),
    ],
)
def test_instances_that_sagemaker_does_not_give_are_refused(cluster: dict[str, Any], complaint: str) -> None:
    with pytest.raises(AwsError, match=complaint):
        check_training_cluster({}, cluster)


@pytest.mark.parametrize("family", ["g5", "g7e", "p6-b200", "p6-b300", "p6e-gb200", "r5d", "trn2"])
def test_instances_with_storage_of_their_own_need_no_volume(family: str) -> None:
    check_training_cluster({}, {"InstanceType": f"ml.{family}.48xlarge", "InstanceCount": 1})


def test_of_instances_whose_storage_is_unknown_nothing_is_demanded_and_nothing_refused() -> None:
    check_training_cluster({}, {"InstanceType": "ml.g7.48xlarge", "InstanceCount": 1, "VolumeKmsKeyId": "k"})


def test_a_job_trains_for_four_weeks_at_most() -> None:
    cluster = {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1}  # with storage of its own
    four_weeks = 28 * 86_400
    check_training_cluster({"StoppingCondition": {"MaxRuntimeInSeconds": four_weeks}}, cluster)
    with pytest.raises(AwsError, match="28 days"):
        check_training_cluster({"StoppingCondition": {"MaxRuntimeInSeconds": four_weeks + 1}}, cluster)


@pytest.mark.parametrize("path", [None, "/opt/ml/input/a", "/opt/ml/processing/../a", "relative"])
def test_an_input_of_a_processing_job_is_where_sagemaker_puts_inputs(
    sagemaker: Any, name: str, path: str | None
) -> None:
    address = {"S3Uri": "s3://toys/x", "S3DataType": "S3Prefix"} | ({"LocalPath": path} if path else {})
    inputs = [{"InputName": "a", "S3Input": address}]
    request = {**processing("Step", "pass")["Arguments"], "ProcessingInputs": inputs}
    with pytest.raises(ClientError, match="must begin with /opt/ml/processing/"):
        sagemaker.create_processing_job(ProcessingJobName=name, **request)


@pytest.mark.parametrize(
    ("spot", "seconds", "complaint"),
    [
        (True, {"MaxRuntimeInSeconds": 60}, "must be present"),
        (True, {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}, "greater than or equal"),
        (False, {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}, "only allowed with Enable"),
    ],
)
def test_a_time_to_wait_belongs_to_spot_capacity(
    sagemaker: Any, name: str, spot: bool, seconds: dict[str, int], complaint: str
) -> None:
    request = training_request("pass", EnableManagedSpotTraining=spot, StoppingCondition=seconds)
    with pytest.raises(ClientError, match=complaint):
        sagemaker.create_training_job(TrainingJobName=name, **request)


def test_a_console_script_runs_in_a_fork_of_the_warm_process(sagemaker: Any, bucket: str, name: str) -> None:
    arguments = processing("Step", "pass")["Arguments"]
    arguments["AppSpecification"]["ContainerEntrypoint"] = ["process", "no.such.module"]
    sagemaker.create_processing_job(ProcessingJobName=name, **arguments)
    assert ended_processing(sagemaker, name)["ProcessingJobStatus"] == "Failed"


def test_a_metric_is_its_last_match_that_is_a_number() -> None:
    definitions = [{"Name": "score", "Regex": "score=(.*)"}, {"Name": "absent", "Regex": "(x)"}]
    (metric,) = last_metrics("score=1\nscore=2e-1\nscore=none\nscore=nan\n", definitions)
    assert (metric["MetricName"], metric["Value"]) == ("score", 0.2)
