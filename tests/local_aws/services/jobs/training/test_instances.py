"""Training on several instances: what each gets, how they fail, and what becomes of what they leave."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws, is_running, needs_proc, wait_for
from support.local_aws.pipeline import channel, resources, training_request

from local_aws.services.jobs.run import JobFailed
from local_aws.services.jobs.training.instances import archive, hosts_of

START = "host = json.load(open(base + '/input/config/resourceconfig.json'))['current_host']; "
# What an instance has, as its own model.
SEEN = """
from pathlib import Path
config = json.load(open(base + "/input/config/resourceconfig.json"))
folders = Path(base, "input/data").iterdir()
seen = {"hosts": config["hosts"], "groups": config["instance_groups"][0]["hosts"], "channels": {
    folder.name: sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*")) for folder in folders
}}
how = json.load(open(base + "/input/config/inputdataconfig.json"))
seen["how"] = {name: each["S3DistributionType"] for name, each in how.items()}
Path(base, "model", config["current_host"] + ".json").write_text(json.dumps(seen))
print(config["current_host"], "is here; score=" + config["current_host"][-1])
"""


@pytest.fixture
def sagemaker(aws: Aws) -> Any:
    return aws.client("sagemaker")


def train(sagemaker: Any, name: str, code: str, count: int = 2, **more: Any) -> dict[str, Any]:
    more = {"ResourceConfig": {**resources(), "InstanceCount": count}, **more}
    request = training_request("exec(os.environ['CODE'])", Environment={"CODE": code}, **more)
    sagemaker.create_training_job(TrainingJobName=name, **request)
    return wait_for(lambda: ended(sagemaker, name))


def ended(sagemaker: Any, name: str) -> dict[str, Any] | None:
    job = sagemaker.describe_training_job(TrainingJobName=name)
    return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None


def sharded(uri: str) -> dict[str, Any]:
    found = channel("shards", uri)
    found["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    return found


def test_each_instance_gets_its_share_and_the_models_become_one(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    s3 = aws.client("s3")
    keys = [f"{name}/shards/{number}.csv" for number in range(2)] + [f"{name}/code/job.py"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=SEEN.encode())
    channels = [
        sharded(f"s3://{bucket}/{name}/shards/"),
        channel("code", f"s3://{bucket}/{name}/code/"),
    ]
    code = "exec(open(base + '/input/data/code/job.py').read())"
    job = train(sagemaker, name, code, 3, InputDataConfig=channels)
    assert job["TrainingJobStatus"] == "Completed", job
    assert job["FinalMetricDataList"][0]["Value"] == 1
    body = s3.get_object(Bucket=bucket, Key=f"training/{name}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as model:
        seen = {host: json.load(model.extractfile(f"{host}.json")) for host in hosts_of(3)}
        assert model.getnames() == ["algo-1.json", "algo-2.json", "algo-3.json"]
    # There are fewer objects than instances: the last one has an empty folder.
    assert [seen[host]["channels"]["shards"] for host in hosts_of(3)] == [["0.csv"], ["1.csv"], []]
    assert all(one["channels"]["code"] == ["job.py"] for one in seen.values())
    assert all(one["hosts"] == one["groups"] == hosts_of(3) for one in seen.values())
    assert seen["algo-2"]["how"] == {"shards": "ShardedByS3Key", "code": "FullyReplicated"}
    logs = aws.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    assert [one["logStreamName"].split("/")[1][:6] for one in streams] == hosts_of(3)
    lines = logs.get_log_events(logGroupName=group, logStreamName=streams[1]["logStreamName"])["events"]
    assert lines[0]["message"] == "algo-2 is here; score=2"
    job_folder = aws.home / "jobs" / name
    assert all((job_folder / place / "ml/input/data").is_symlink() for place in ("", "algo-2"))  # kept once


@needs_proc
def test_one_instance_that_fails_ends_the_others_and_the_job(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    pid_file = aws.home / "jobs" / name / "ml" / "pid"
    code = START + (
        "pid = base.removesuffix('/algo-2/ml') + '/ml/pid'\n"
        "if host == 'algo-1': open(base + '/pid', 'w').write(str(os.getpid())); time.sleep(600)\n"
        "while not (os.path.exists(pid) and open(pid).read()): time.sleep(.01)\n"
        "open(base + '/output/failure', 'w').write('no rows on ' + host); sys.exit(1)"
    )
    job = train(sagemaker, name, code)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: no rows on algo-2\nLog: ")
    assert f"{name}/algo-2/log.txt" in job["FailureReason"]
    assert not is_running(pid_file.read_text())
    assert aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"training/{name}")["KeyCount"] == 0


def test_all_instances_are_stopped_when_the_time_is_up(sagemaker: Any, bucket: str, name: str) -> None:
    code = START + "time.sleep(600 if host == 'algo-2' else 0)"
    job = train(sagemaker, name, code, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    # DescribeTrainingJob tells seconds on the clock, whatever the number of instances.
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] < 60


@pytest.mark.parametrize("folder", ["model", "output/data"])
def test_equal_names_of_two_instances_fail_the_job(
    sagemaker: Any, bucket: str, name: str, folder: str
) -> None:
    code = f"open(base + '/{folder}/same.txt', 'w').close()"
    reason = train(sagemaker, name, code)["FailureReason"]
    assert reason.startswith(f"ClientError: algo-1 and algo-2 both wrote 'same.txt' into /opt/ml/{folder}.")


def test_a_job_has_an_instance(sagemaker: Any, name: str) -> None:
    request = training_request("pass", ResourceConfig={**resources(), "InstanceCount": 0})
    with pytest.raises(ClientError, match="InstanceCount must be at least 1"):
        sagemaker.create_training_job(TrainingJobName=name, **request)


def test_hosts_are_sorted_as_text() -> None:
    assert hosts_of(11)[:3] == ["algo-1", "algo-10", "algo-11"]


def test_an_archive_depends_on_names_and_contents_only(tmp_path: Path) -> None:
    for index, folder in enumerate(("one", "two")):
        for file in ("b.txt", "a/c.txt")[:: 1 - 2 * index]:
            path = tmp_path / folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file)
            path.chmod(0o600 + 0o40 * index)
    one, two = (archive({"algo-1": tmp_path / folder}) for folder in ("one", "two"))
    assert one == two


def test_folders_with_the_same_name_clash_too(tmp_path: Path) -> None:
    for host in ("algo-1", "algo-2"):
        (tmp_path / host / "model" / "shared").mkdir(parents=True)
        (tmp_path / host / "model" / "shared" / host).write_text("")
    with pytest.raises(JobFailed, match="both wrote 'shared'"):
        archive({host: tmp_path / host / "model" for host in ("algo-1", "algo-2")})
