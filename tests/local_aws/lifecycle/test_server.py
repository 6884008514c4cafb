"""The server: one per home, gone when it should be, back with everything it had."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from support import HANGS, PATIENCE
from support.local_aws.aws import Aws, is_running, needs_proc, processes_of, wait_for
from support.local_aws.pipeline import create, fail, finish, processing, source_archive, training_request

import local_aws
from local_aws.__main__ import main
from local_aws.lifecycle import daemon

pytestmark = pytest.mark.slow

PYTHON = [sys.executable, "-m", "local_aws"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    local_aws.stop(home)


def start(home: Path) -> Aws:
    return Aws(local_aws.start(home, owner=os.getpid(), preload=False).endpoint_url, home)


def test_a_second_start_finds_the_first_server(home: Path) -> None:
    first = local_aws.start(home, owner=os.getpid())
    second = local_aws.start(home)
    assert (first.started, second.started) == (True, False)
    assert (first.pid, first.endpoint_url) == (second.pid, second.endpoint_url)
    assert local_aws.stop(home)
    assert not local_aws.stop(home)
    assert local_aws.status(home) is None


def test_two_students_on_one_machine_do_not_disturb_each_other(home: Path, tmp_path: Path) -> None:
    """docs/teaching.md: each has a state folder, and so an address, a key and models of their own."""
    ana, ben = (
        local_aws.start(folder, owner=os.getpid(), preload=False) for folder in (home, tmp_path / "b")
    )
    try:
        assert (ana.endpoint_url != ben.endpoint_url, ana.secret != ben.secret) == (True, True)
        buckets = [local_aws.ensure_environment(server, "many-models")["bucket"] for server in (ana, ben)]
        assert buckets[0] == buckets[1]  # of one name, and not the same
        hers, his = Aws(ana.endpoint_url, home), Aws(ben.endpoint_url, tmp_path / "b")
        hers.client("s3").put_object(Bucket=buckets[0], Key="raw/table.csv", Body=b"a,b")
        assert "raw/table.csv" not in {
            found["Key"] for found in his.client("s3").list_objects_v2(Bucket=buckets[0]).get("Contents", [])
        }
        local_aws.stop(home)
        assert his.client("sts").get_caller_identity()["Account"]
        assert local_aws.status(tmp_path / "b")["environments"] == ["many-models"]
    finally:
        local_aws.stop(tmp_path / "b")


def test_another_account_is_known_by_its_number_and_goes_with_the_first_one(home: Path) -> None:
    other = start(local_aws.account_home("210987654321", home))
    assert other.client("sts").get_caller_identity()["Account"] == "210987654321"
    policy = {"account_ids": ["123456789012"], "datasets": []}
    made = local_aws.ensure_environment(other.server, "toy-open", promote_to=policy)
    key = {"Bucket": made["bucket"], "Key": "executions/RefitBestModel/model.tar.gz"}
    assert "-210987654321-" in made["bucket"]
    other.client("s3").put_object(**key, Body=b"a model")
    local_aws.stop(home)
    assert local_aws.status(other.home) is None
    again = start(other.home)
    caller = boto3.Session(
        local_aws.foreign_key("123456789012"), again.server.secret, region_name="us-east-1"
    )
    s3 = caller.client("s3", endpoint_url=again.endpoint_url)
    assert s3.get_object(**key)["Body"].read() == b"a model", "a restart keeps what is open"
    local_aws.reset(home)
    assert not home.exists()


def test_two_starters_get_one_server(home: Path) -> None:
    arguments = f"pathlib.Path({str(home)!r}), owner={os.getpid()}"
    code = f"import local_aws, pathlib; print(local_aws.start({arguments}).pid)"
    starters = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(3)]
    pids = {starter.communicate()[0] for starter in starters}
    assert len(pids) == 1


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(local_aws.LocalAwsError, match="Address already in use"):
            local_aws.start(home, port=taken.getsockname()[1])


@needs_proc
def test_stop_ends_everything_it_started(home: Path) -> None:
    aws = start(home)
    local_aws.ensure_environment(aws.server, "toy")
    aws.client("s3").create_bucket(Bucket="toys")
    aws.client("lambda").invoke(FunctionName="toy-invoker", Payload=b"{}")
    begin_sleeping_job(aws)
    running = processes_of(home)
    assert aws.server.pid in running
    assert len(running) >= 4  # server, container, function, job
    local_aws.stop(home)
    wait_for(lambda: not processes_of(home))


def begin_sleeping_job(aws: Aws) -> None:
    arguments = processing("Sleep", "time.sleep(600)")["Arguments"]
    aws.client("sagemaker").create_processing_job(ProcessingJobName="sleep", **arguments)
    wait_for(lambda: any("sleep(600)" in command(pid) for pid in processes_of(aws.home)))


def command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


@needs_proc
def test_after_kill_9_nothing_is_left_and_nothing_is_lost(home: Path) -> None:
    aws = start(home)
    environment = local_aws.ensure_environment(aws.server, "toy")
    s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
    bucket = environment["bucket"]
    s3.put_object(Bucket=bucket, Key="kept", Body=b"kept", Tagging="retired=true")
    create(sagemaker, "toy", [processing("Sleep", "time.sleep(600)", bucket=bucket)])
    arn = sagemaker.start_pipeline_execution(PipelineName="toy")["PipelineExecutionArn"]
    wait_for(lambda: any("sleep(600)" in command(pid) for pid in processes_of(home)))
    os.kill(local_aws.status(home)["pid"], signal.SIGKILL)
    wait_for(lambda: not processes_of(home))

    aws = start(home)
    s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"kept"
    execution, steps = finish(sagemaker, arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "server was stopped" in execution["FailureReason"]
    assert "server was stopped" in steps["Sleep"]["FailureReason"]
    (job,) = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    assert job["ProcessingJobStatus"] == "Failed"
    aws.client("iam").get_role(RoleName="toy-jobs")
    wait_for(lambda: sagemaker.describe_endpoint(EndpointName="toy")["EndpointStatus"] == "InService")


@needs_proc
def test_after_kill_9_a_forked_job_which_had_all_imports_is_gone_too(home: Path) -> None:
    aws = Aws(local_aws.start(home, owner=os.getpid()).endpoint_url, home)
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="toys")
    code = "import sys, time; open('imported', 'w').write(str('sklearn.ensemble' in sys.modules)); "
    s3.put_object(
        Bucket="toys", Key="source.tar.gz", Body=source_archive("toy_sleep", code + "time.sleep(600)")
    )
    parameters = {"sagemaker_program": "toy_sleep", "sagemaker_submit_directory": "s3://toys/source.tar.gz"}
    aws.client("sagemaker").create_training_job(
        TrainingJobName="sleep", **training_request(HyperParameters=parameters)
    )
    imported = home / "jobs/sleep/imported"
    assert wait_for(lambda: imported.exists() and imported.read_text()) == "True"
    os.kill(local_aws.status(home)["pid"], signal.SIGKILL)
    wait_for(lambda: not processes_of(home))


@needs_proc
def test_the_process_that_jobs_are_forks_of_is_there_once_there_is_a_pipeline(home: Path) -> None:
    def is_there() -> bool:
        return any("multiprocessing.forkserver" in command(pid) for pid in processes_of(home))

    sagemaker = start(home).client("sagemaker")
    assert not is_there()
    create(sagemaker, "toy", [fail("Stop", "enough")])
    wait_for(is_there)
    local_aws.stop(home)
    start(home)
    wait_for(is_there)


def test_an_endpoint_serves_after_a_restart_though_its_configuration_and_model_were_deleted(
    home: Path,
) -> None:
    aws = start(home)
    environment = local_aws.ensure_environment(aws.server, "toy")
    sagemaker = aws.client("sagemaker")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="toy", WaiterConfig=PATIENCE)
    model = sagemaker.describe_model(ModelName="toy")
    sagemaker.create_model(
        ModelName="newer",
        ExecutionRoleArn=model["ExecutionRoleArn"],
        PrimaryContainer={
            **model["PrimaryContainer"],
            "ModelDataUrl": f"s3://{environment['bucket']}/newer/",
        },
    )
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName="toy")["ProductionVariants"]
    sagemaker.create_endpoint_config(
        EndpointConfigName="newer", ProductionVariants=[{**variant, "ModelName": "newer"}]
    )
    sagemaker.update_endpoint(EndpointName="toy", EndpointConfigName="newer")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="toy", WaiterConfig=PATIENCE)
    sagemaker.delete_endpoint_config(EndpointConfigName="newer")
    sagemaker.delete_model(ModelName="newer")
    local_aws.stop(home)

    aws = start(home)
    aws.client("sagemaker").get_waiter("endpoint_in_service").wait(EndpointName="toy", WaiterConfig=PATIENCE)
    with pytest.raises(ClientError, match=f"s3://{environment['bucket']}/newer/absent.tar.gz"):
        aws.client("sagemaker-runtime").invoke_endpoint(
            EndpointName="toy", TargetModel="absent.tar.gz", Body=b"1"
        )


def test_objects_are_the_same_after_a_restart(home: Path) -> None:
    s3 = start(home).client("s3")
    for bucket in ("toys", "gone"):
        s3.create_bucket(Bucket=bucket)
    s3.delete_bucket(Bucket="gone")
    s3.put_object(
        Bucket="toys", Key="a/ü b+c", Body=b"one", ContentType="text/csv", Metadata={"color": "red"}
    )
    s3.copy_object(Bucket="toys", Key="copy", CopySource={"Bucket": "toys", "Key": "a/ü b+c"})
    s3.put_object_tagging(
        Bucket="toys", Key="copy", Tagging={"TagSet": [{"Key": "retired", "Value": "true"}]}
    )
    s3.put_object(Bucket="toys", Key="overwritten", Body=b"old")
    s3.put_object(Bucket="toys", Key="overwritten", Body=b"new")
    for key in ("deleted", "deleted-with-others"):
        s3.put_object(Bucket="toys", Key=key, Body=b"x")
    s3.delete_object(Bucket="toys", Key="deleted")
    s3.delete_objects(Bucket="toys", Delete={"Objects": [{"Key": "deleted-with-others"}]})
    upload = s3.create_multipart_upload(Bucket="toys", Key="parts")["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(
                Bucket="toys",
                Key="parts",
                UploadId=upload,
                PartNumber=number,
                Body=bytes([number]) * 5 * 2**20,
            )["ETag"],
        }
        for number in (1, 2)
    ]
    s3.complete_multipart_upload(
        Bucket="toys", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    before = snapshot(s3)
    local_aws.stop(home)
    s3 = start(home).client("s3")
    assert snapshot(s3) == before
    assert set(before) == {"a/ü b+c", "copy", "overwritten", "parts"}
    assert before["overwritten"]["body"] == b"new"
    assert before["copy"]["tags"] == [{"Key": "retired", "Value": "true"}]
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["toys"]


def snapshot(s3: Any) -> dict[str, dict[str, Any]]:
    """Return everything a client can see of the objects."""
    found = {}
    for item in s3.list_objects_v2(Bucket="toys").get("Contents", []):
        answer = s3.get_object(Bucket="toys", Key=item["Key"])
        answer.pop("ResponseMetadata")
        body = answer.pop("Body").read()
        tags = s3.get_object_tagging(Bucket="toys", Key=item["Key"])["TagSet"]
        found[item["Key"]] = {**answer, "body": body, "tags": tags, "listed": item}
    return found


def test_conditional_writes_are_atomic(aws: Aws, bucket: str, name: str) -> None:
    s3 = aws.client("s3")
    etag = s3.put_object(Bucket=bucket, Key=name, Body=b"0", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed") as error:
        s3.put_object(Bucket=bucket, Key=name, Body=b"1", IfNoneMatch="*")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412, "by which a deployer knows it"
    s3.put_object(Bucket=bucket, Key=name, Body=b"1", IfMatch=etag)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key=name, Body=b"2", IfMatch=etag)


def test_a_presigned_url(aws: Aws, bucket: str, name: str) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key=name, Body=b"content")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": name})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"


@needs_proc
def test_the_server_ends_with_its_owner(home: Path) -> None:
    owner = subprocess.Popen(["sleep", "600"])
    server = local_aws.start(home, owner=owner.pid)
    owner.kill()
    owner.wait()
    wait_for(lambda: not is_running(server.pid))


@needs_proc
def test_the_server_ends_when_nobody_needs_it(home: Path) -> None:
    server = local_aws.start(home, idle_minutes=0.01)
    wait_for(lambda: not is_running(server.pid))
    assert local_aws.start(home, owner=os.getpid()).started


def test_the_command_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In processes of their own: what starts a server that outlives it, and what asks on a terminal."""
    monkeypatch.setenv("LOCAL_AWS_HOME", str(home))

    def call(*arguments: str) -> tuple[int, str]:
        code, said = main(arguments), capsys.readouterr()
        return code, said.out + said.err

    def process(*arguments: str, answer: str = "") -> tuple[int, str]:
        result = subprocess.run(
            [*PYTHON, *arguments], capture_output=True, text=True, input=answer, check=False
        )
        return result.returncode, result.stdout + result.stderr

    assert call("status")[0] == 1
    code, output = process("start", "--idle-minutes", "1")
    assert code == 0
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in output
    code, output = call("status")
    assert code == 0
    assert str(home) in output
    assert re.search(r"home .* \(\d+\.\d MB\)", output)
    assert call("deliveries", "--lost", "0.9", "--duplicated", "0.2")[0] == 1
    assert "50% of deliveries are lost" in call("deliveries", "--lost", "0.5")[1]
    assert "50% lost, 0% made twice" in call("status")[1]
    assert "takes at least 600 seconds" in call("endpoints", "--seconds", "600")[1]
    assert call("endpoints", "--seconds", "-1")[0] == 1
    assert call("interrupt", "no-such-job")[0] == 1
    assert process("reset", answer="n\n")[0] == 1
    assert (home / "records.db").exists()
    (home / "mine.txt").write_text("not local_aws's")
    assert call("reset", "--yes")[0] == 0
    assert [path.name for path in home.iterdir()] == ["mine.txt"]
    assert "No server" in call("stop")[1]


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "complaint"),
    [
        ("sagemaker", "list_notebook_instances", {}, "ListNotebookInstances"),
        (
            "sagemaker",
            "delete_app",
            {"DomainId": "d", "AppType": "KernelGateway", "AppName": "a"},
            "DeleteApp",
        ),
        ("dynamodb", "list_tables", {}, "dynamodb"),
        ("sqs", "list_queues", {}, "sqs"),
        # What moto has, and nobody here asks for.
        ("ecr", "describe_registry", {}, "ecr:DescribeRegistry"),
        ("iam", "list_users", {}, "iam:ListUsers"),
        ("s3", "get_bucket_acl", {"Bucket": "toys"}, "s3:GetBucketAcl"),
        ("sts", "get_session_token", {}, "sts:GetSessionToken"),
        ("cloudwatch", "list_metrics", {}, "monitoring:ListMetrics"),
        ("sns", "list_topics", {}, "sns:ListTopics"),
        ("lambda", "list_functions", {}, "GET /2015-03-31/functions"),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(
    aws: Aws, service: str, operation: str, arguments: dict[str, Any], complaint: str
) -> None:
    client = aws.client(service)
    with pytest.raises(ClientError, match=complaint) as raised:
        getattr(client, operation)(**arguments)
    assert raised.value.response["Error"]["Code"] == "UnsupportedOperation"


def test_a_role_of_no_environment_may_do_everything(aws: Aws) -> None:
    results = aws.client("iam").simulate_principal_policy(
        PolicySourceArn="arn:aws:iam::123456789012:role/toy", ActionNames=["s3:GetObject", "s3:PutObject"]
    )["EvaluationResults"]
    assert [(it["EvalActionName"], it["EvalDecision"]) for it in results] == [
        ("s3:GetObject", "allowed"),
        ("s3:PutObject", "allowed"),
    ]


RawRequest = Callable[..., tuple[int, bytes]]


@pytest.fixture
def raw(aws: Aws) -> Iterator[RawRequest]:
    connection = http.client.HTTPConnection(aws.endpoint_url.removeprefix("http://"))

    def request(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()

    yield request
    connection.close()


def signed(aws: Aws, body: bytes, headers: dict[str, str]) -> dict[str, str]:
    """Return the headers of a signed request to SageMaker."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest("POST", f"{aws.endpoint_url}/", named, body)
    SigV4Auth(Credentials("test", aws.server.secret), "sagemaker", "us-east-1").add_auth(request)
    return dict(request.headers)


def test_rubbish_gets_a_documented_error(aws: Aws, raw: RawRequest) -> None:
    for body, headers in (
        (b"{", {"X_Amz_Target": "SageMaker.DescribePipeline"}),
        (b"[]", {"X_Amz_Target": "SageMaker.DescribePipeline"}),
        (b"{}", {"X_Amz_Target": "SageMaker.DescribePipeline"}),
        (b"{}", {"X_Amz_Target": "SageMaker.NoSuchOperation"}),
        (b"{}", {"X_Amz_Target": "NoSuchOperation"}),
        (b"", {}),
    ):
        status, content = raw("POST", "/", body, **signed(aws, body, headers))
        assert 400 <= status < 500, content
        assert "oken" not in json.loads(content)["__type"], "it was not refused for its signature"
    assert raw("GET", "/_local/health", Authorization=f"Bearer {aws.server.secret}")[0] == 200


def test_a_page_in_a_browser_cannot_control_the_server(raw: RawRequest) -> None:
    assert raw("POST", "/_local/stop", Origin="https://example.com")[0] == 403
    assert raw("GET", "/_local/status", Host="example.com")[0] == 403


def test_what_is_not_http_is_refused(aws: Aws) -> None:
    address = ("127.0.0.1", int(aws.endpoint_url.rsplit(":", 1)[-1]))
    for text in (b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n"):
        with socket.create_connection(address) as connection:
            connection.sendall(text)
            answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"<" not in answer


@needs_proc
def test_the_address_is_local(aws: Aws) -> None:
    port = int(aws.endpoint_url.rsplit(":", 1)[-1])
    listening = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    assert f"0100007F:{port:04X}" in listening
    assert f"00000000:{port:04X}" not in listening


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stubborn", flush=True)
time.sleep(3600)
"""


def tuning_step(count: int, parallel: int) -> dict[str, Any]:
    """A tuning step whose trials neither end nor listen to SIGTERM."""
    trial = {
        **training_request(),
        "DefinitionName": "toy",
        "TuningObjective": {"Type": "Maximize", "MetricName": "score"},
        "HyperParameterRanges": {"CategoricalParameterRanges": [{"Name": "x", "Values": ["a", "b"]}]},
        "StaticHyperParameters": {
            "sagemaker_program": "toy_stubborn",
            "sagemaker_submit_directory": "s3://toys/source.tar.gz",
        },
    }
    limits = {"MaxNumberOfTrainingJobs": count, "MaxParallelTrainingJobs": parallel}
    arguments = {
        "HyperParameterTuningJobConfig": {"Strategy": "Random", "ResourceLimits": limits, "RandomSeed": 1},
        "TrainingJobDefinitions": [trial],
    }
    return {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}


@needs_proc
def test_a_stop_ends_all_trials_at_once_and_starts_no_others(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "_CLOSE_SECONDS", HANGS)  # it is not killed: it ends by itself
    aws = start(home)
    aws.client("s3").create_bucket(Bucket="toys")
    aws.client("s3").put_object(
        Bucket="toys", Key="source.tar.gz", Body=source_archive("toy_stubborn", STUBBORN)
    )
    for name in ("one", "two"):
        create(aws.client("sagemaker"), name, [tuning_step(count=8, parallel=2)])
        aws.client("sagemaker").start_pipeline_execution(PipelineName=name)
    wait_for(lambda: any("stubborn" in log.read_text() for log in home.glob("jobs/*/log.txt")))
    wait_for(lambda: len(aws.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]) == 4)
    assert local_aws.stop(home)
    wait_for(lambda: not processes_of(home))
    jobs = start(home).client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    assert [job["TrainingJobStatus"] for job in jobs] == ["Failed"] * 4


@needs_proc
def test_a_server_that_does_not_end_is_killed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "_CLOSE_SECONDS", 0.1)
    server = local_aws.start(home, owner=os.getpid(), preload=False)
    os.kill(server.pid, signal.SIGSTOP)
    assert local_aws.stop(home)
    assert not is_running(server.pid)
    assert local_aws.status(home) is None
