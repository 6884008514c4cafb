"""`many-models preflight`: what it asks, what it says, and that it changes nothing."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError
from botocore.stub import ANY, Stubber
from support import ROOT
from support.helpers.shared import Connected, settings

from commands.__main__ import main
from commands.environment.deploy import PARAMETERS
from commands.environment.preflight import report
from commands.environment.preflight.check import Check
from commands.environment.terraform import Environment, find
from helpers import parameters
from helpers.session import Session, connect
from helpers.session.outputs import OUTPUTS

NAME = "shop"
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
BASE_IMAGE = f"{REGISTRY}/sagemaker-scikit-learn:1.9-0-cpu-py3"
ROLES = f"arn:aws:iam::123456789012:role/{NAME}"
ENOUGH = {
    "ml.m5.large for training job usage": 12,
    "ml.t3.medium for processing job usage": 3,
    "ml.m5.large for endpoint usage": 3,
}
# How many calls are checked for each role.
CALLS = {"jobs": 6, "endpoint": 3, "deployer": 4, "invoker": 2, "retrainer": 1, "scheduler": 1, "build": 2}
VALUES = parameters.read(PARAMETERS)
READ: dict[str, dict[str, Any]] = {}

pytestmark = pytest.mark.skipif(
    shutil.which("terraform") is None,
    reason="there is no terraform on this machine; install Terraform 1.11 or newer",
)


@pytest.fixture(scope="module")
def aws(connected: Connected) -> Iterator[Session]:
    """local_aws with a separate environment, a bucket for the state, and the base image."""
    with settings(connected.settings):
        session = connect("local", NAME)
        session.client("s3").create_bucket(Bucket="states")
        ecr = session.client("ecr")
        ecr.create_repository(repositoryName="sagemaker-scikit-learn")
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
        ecr.put_image(
            repositoryName="sagemaker-scikit-learn",
            imageTag="1.9-0-cpu-py3",
            imageManifest=json.dumps(manifest),
        )
        yield session


@pytest.fixture
def environment(aws: Session, tmp_path: Path) -> Environment:
    """An environment after its first apply."""
    folder = tmp_path / "terraform"
    (folder / "environments").mkdir(parents=True)
    shutil.copy(ROOT / "terraform/variables.tf", folder)
    files = {
        "try.tfvars": f'environment = "try"\nregion = "us-east-1"\npipeline_name = "{NAME}"\n',
        "try.s3.tfbackend": 'bucket = "states"\nkey = "try.tfstate"\nregion = "us-east-1"\nencrypt = true\n',
        "try.outputs.json": outputs(aws),
    }
    for name, text in files.items():
        (folder / "environments" / name).write_text(text)
    return Remembering("try", folder)


class Remembering(Environment):
    """Does not ask Terraform twice about the same text."""

    def settings(self) -> dict[str, Any]:
        return self._once("try.tfvars", super().settings)

    def backend(self) -> dict[str, Any]:
        return self._once("try.s3.tfbackend", super().backend)

    def _once(self, name: str, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        text = (self.folder / "environments" / name).read_text()
        if text not in READ:
            READ[text] = read()
        return READ[text]


def outputs(session: Session, **others: Any) -> str:
    values = {name: getattr(session, name) for name in OUTPUTS}
    values |= {"base_image": BASE_IMAGE, "pipeline_name": NAME, **others}
    return json.dumps({name: {"value": value} for name, value in values.items()})


def change(environment: Environment, name: str, text: str) -> None:
    (environment.folder / "environments" / f"try.{name}").write_text(text)


Client = Callable[[str], Any]


@pytest.fixture
def client(aws: Session) -> Iterator[Client]:
    """Clients of local_aws and, as it has no quotas, a stub for these: enough of everything."""
    with quotas(ENOUGH) as service:
        yield lambda name: service if name == "service-quotas" else aws.client(name)


def quotas(values: dict[str, float]) -> Any:
    """A context with a client of Service Quotas whose two pages hold these values."""
    service = boto3.client("service-quotas", region_name="us-east-1")
    rows = [
        {"QuotaName": name, "Value": float(value), "QuotaCode": f"L-{number:08d}"}
        for number, (name, value) in enumerate(values.items())
    ]
    stub = Stubber(service)
    other = {"QuotaName": "Rate of CreateApp requests", "Value": 6.0, "QuotaCode": "L-99999999"}
    asked = {"ServiceCode": "sagemaker"}
    stub.add_response("list_service_quotas", {"Quotas": [other, *rows[:1]], "NextToken": "more"}, asked)
    stub.add_response("list_service_quotas", {"Quotas": rows[1:]}, {**asked, "NextToken": "more"})

    class Context:
        def __enter__(self) -> Any:
            stub.activate()
            return service

        def __exit__(self, *_: object) -> None:
            stub.deactivate()

    return Context()


def failing(
    aws: Session, service: str, operation: str, code: str = "", error: Any = None, **more: Any
) -> Client:
    """Clients of local_aws, but one service refuses an operation, or does not answer at all."""
    refusing = boto3.client(service, region_name="us-east-1")
    stub = Stubber(refusing)
    stub.add_client_error(operation, code, "No.", **more)
    stub.activate()
    if error:
        setattr(refusing, operation, lambda **_: (_ for _ in ()).throw(error))

    def client(name: str) -> Any:
        return refusing if name == service else aws.client(name)

    return client


def look(environment: Environment, client: Client, only: str = "", **values: Any) -> dict[str, list[Check]]:
    """Every check by name, or only this one and those that come first."""
    wanted = [check for check in report.CHECKS if check[0] in (only or check[0], "credentials", "region")]
    found: dict[str, list[Check]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "CHECKS", wanted)
        for check in report.checks(environment, VALUES | values, client):
            found.setdefault(check.name, []).append(check)
    return found


def test_all_is_well_where_it_is(environment: Environment, client: Client) -> None:
    found = look(environment, client)
    assert all(check.ok for checks in found.values() for check in checks)
    assert list(found) == [
        "terraform",
        "credentials",
        "region",
        "state bucket",
        "quota",
        "base image",
        "role",
        "endpoint",
    ]
    assert found["credentials"][0].seen == "arn:aws:iam::123456789012:user/local"
    assert found["region"][0].seen == "us-east-1, where SageMaker is available"
    assert found["state bucket"][0].seen == "states"
    assert found["base image"][0].seen.startswith(f"{BASE_IMAGE} is sha256:")
    assert [check.seen for check in found["role"]] == [
        f"{ROLES}-{role} has the permissions it needs ({calls} calls)" for role, calls in CALLS.items()
    ]
    assert found["endpoint"][0].seen == f"{NAME} is InService"


def test_an_environment_that_takes_models_over_needs_nothing_to_train_with(
    environment: Environment, aws: Session, client: Client
) -> None:
    source = {
        "account_id": "123456789012",
        "pipeline_name": NAME,
        "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/k",
    }
    role = aws.job_role_arn.replace("-jobs", "-endpoint")
    made = json.loads(outputs(aws, promote_from=source, endpoint_role_arn=role))
    change(environment, "outputs.json", json.dumps({**made, "job_role_arn": {"value": None}}))
    variables = (environment.folder / environment.variables).read_text()
    named = ", ".join(f'{name} = "{value}"' for name, value in source.items())
    change(environment, "tfvars", f"{variables}promote_from = {{ {named} }}\n")
    found = look(environment, client)
    assert "base image" not in found
    assert [check.seen.split(":")[0] for check in found["quota"]] == ["ml.m5.large for endpoint usage"]
    checked = {check.seen.split(" ")[0]: check.ok for check in found["role"]}
    expected = ("endpoint", "deployer", "invoker", "scheduler")
    assert checked == dict.fromkeys([f"{ROLES}-{name}" for name in expected], True)


def test_a_line_has_the_verdict_what_was_seen_and_what_to_do() -> None:
    assert str(Check("region", True, "us-east-1")) == "ok  region        us-east-1"
    assert str(Check("region", False, "none", "Name one.")) == "NO  region        none. Name one."


# Quotas


def test_what_is_needed_follows_from_tables_trials_and_the_endpoint(
    environment: Environment, client: Client
) -> None:
    assert [check.seen for check in look(environment, client, "quotas")["quota"]] == [
        "ml.m5.large for training job usage: 12 allowed, 12 needed (3 tables x 4 trials at a time)",
        "ml.t3.medium for processing job usage: 3 allowed, 3 needed (3 tables)",
        "ml.m5.large for endpoint usage: 3 allowed, 3 needed (up to 2, plus 1 during an update)",
    ]


def test_a_quota_that_is_too_low_says_what_to_ask_for(environment: Environment, aws: Session) -> None:
    with quotas(ENOUGH | {"ml.m5.large for training job usage": 0}) as service:
        found = look(
            environment, lambda name: service if name == "service-quotas" else aws.client(name), "quotas"
        )
    low, *others = found["quota"]
    assert not low.ok
    assert all(check.ok for check in others)
    assert low.seen.startswith("ml.m5.large for training job usage: 0 allowed, 12 needed ")
    assert low.todo == (
        "Request 12 with `aws service-quotas request-service-quota-increase --service-code sagemaker "
        "--quota-code L-00000000 --desired-value 12 --region us-east-1`, or lower MAX_TUNING_PARALLEL_JOBS "
        "or DATASETS in parameters/aws.yaml."
    )


def test_small_parameters_need_little(environment: Environment, aws: Session) -> None:
    little = dict.fromkeys(ENOUGH, 1) | {"ml.t3.large for processing job usage": 1}
    change(
        environment,
        "tfvars",
        f'region = "us-east-1"\npipeline_name = "{NAME}"\nendpoint_enabled = false\n',
    )
    with quotas(little) as service:
        found = look(
            environment,
            lambda name: service if name == "service-quotas" else aws.client(name),
            "quotas",
            DATASETS=["wine"],
            MAX_TUNING_JOBS=1,
            EVALUATION_INSTANCE="ml.t3.large",
        )
    assert [check.seen for check in found["quota"]] == [
        "ml.m5.large for training job usage: 1 allowed, 1 needed (1 table x 1 trials at a time)",
        "ml.t3.medium for processing job usage: 1 allowed, 1 needed (1 table)",
        "ml.t3.large for processing job usage: 1 allowed, 1 needed (1 table)",
    ]
    assert all(check.ok for check in found["quota"])


def test_executions_at_a_time_stay_inside_the_accounts_quota(environment: Environment, aws: Session) -> None:
    name = "Maximum number of concurrent pipeline executions"  # as far as AWS documents it
    with quotas(ENOUGH | {name: 2}) as service:
        found = look(
            environment, lambda name: service if name == "service-quotas" else aws.client(name), "quotas"
        )["quota"]
    assert found[-1].seen == "concurrent pipeline executions: 2 allowed, 3 needed (3 tables)"
    assert found[-1].todo.endswith("or lower MAX_PARALLEL_EXECUTIONS in parameters/aws.yaml.")
    with quotas(ENOUGH | {name: 2}) as service:
        found = look(
            environment,
            lambda name: service if name == "service-quotas" else aws.client(name),
            "quotas",
            MAX_PARALLEL_EXECUTIONS=2,
        )["quota"]
    assert found[0].seen.endswith("8 needed (2 tables x 4 trials at a time)")
    assert all(check.ok for check in found)


@pytest.mark.parametrize(
    ("chosen", "usage", "setting"),
    [
        (["TRAINING_INSTANCE"], "training job usage", "TRAINING_INSTANCE in parameters/aws.yaml"),
        (["EVALUATION_INSTANCE"], "processing job usage", "EVALUATION_INSTANCE in parameters/aws.yaml"),
        (
            ["PREPROCESSING_INSTANCE", "EVALUATION_INSTANCE"],
            "processing job usage",
            "PREPROCESSING_INSTANCE and EVALUATION_INSTANCE in parameters/aws.yaml",
        ),
    ],
)
def test_an_instance_type_without_a_quota_comes_with_the_parameter_that_sets_it(
    environment: Environment, client: Client, chosen: list[str], usage: str, setting: str
) -> None:
    found = look(environment, client, "quotas", **dict.fromkeys(chosen, "ml.m99.large"))["quota"]
    (unknown,) = [check for check in found if not check.ok]
    assert unknown.seen == f"there is no quota for ml.m99.large for {usage}"
    assert unknown.todo == f"Set {setting} to an instance type that us-east-1 offers."


def test_an_endpoint_of_an_unknown_instance_type_comes_with_the_variable_that_sets_it(
    environment: Environment, client: Client
) -> None:
    endpoint = 'endpoint = { instance_type = "ml.m99.large" }'
    change(environment, "tfvars", f'region = "us-east-1"\npipeline_name = "{NAME}"\n{endpoint}\n')
    (unknown,) = [check for check in look(environment, client, "quotas")["quota"] if not check.ok]
    assert unknown.seen == "there is no quota for ml.m99.large for endpoint usage"
    assert unknown.todo == (
        f"Set endpoint.instance_type in {environment.variables} to an instance type that us-east-1 offers."
    )


# What may not be checked, and what does not answer


@pytest.mark.parametrize(
    ("name", "service", "operation", "permission"),
    [
        ("quotas", "service-quotas", "list_service_quotas", "servicequotas:ListServiceQuotas"),
        ("base image", "ecr", "batch_get_image", "ecr:BatchGetImage"),
        ("roles", "iam", "simulate_principal_policy", "iam:SimulatePrincipalPolicy"),
        ("endpoint", "sagemaker", "describe_endpoint", "sagemaker:DescribeEndpoint"),
    ],
)
def test_a_check_that_may_not_be_asked_names_the_missing_permission(
    environment: Environment, aws: Session, name: str, service: str, operation: str, permission: str
) -> None:
    (check,) = look(environment, failing(aws, service, operation, "AccessDeniedException"), name)[name]
    assert not check.ok
    assert check.seen == "may not be checked"
    assert check.todo == f"Give arn:aws:iam::123456789012:user/local the permission {permission}."


def test_without_credentials_nothing_else_is_asked(environment: Environment, aws: Session) -> None:
    client = failing(aws, "sts", "get_caller_identity", error=NoCredentialsError())
    found = look(environment, client)
    assert list(found) == ["terraform", "credentials", "region"]
    assert found["credentials"][0].seen == "Unable to locate credentials"
    assert "aws configure" in found["credentials"][0].todo


def test_expired_credentials_are_told(environment: Environment, aws: Session) -> None:
    found = look(environment, failing(aws, "sts", "get_caller_identity", "ExpiredToken"))
    assert not found["credentials"][0].ok
    assert "ExpiredToken" in found["credentials"][0].seen


def test_what_does_not_answer_is_told_and_the_rest_is_asked_all_the_same(
    environment: Environment, aws: Session
) -> None:
    error = ConnectTimeoutError(endpoint_url="https://ecr.us-east-1.amazonaws.com")
    found = look(environment, failing(aws, "ecr", "batch_get_image", error=error))
    assert not found["base image"][0].ok
    assert found["base image"][0].seen.startswith("Connect timeout on endpoint URL")
    assert "endpoint" in found


# Region, state, image, roles, endpoint


@pytest.mark.parametrize("region", ["eu-nowhere-9", "Frankfurt"])
def test_a_region_without_sagemaker(environment: Environment, client: Client, region: str) -> None:
    change(environment, "tfvars", f'region = "{region}"\npipeline_name = "{NAME}"\n')
    found = look(environment, client)
    assert list(found) == ["terraform", "credentials", "region"]
    assert found["region"][0].seen == f"SageMaker is not available in {region}"


@pytest.mark.parametrize(
    ("backend", "seen", "todo"),
    [
        ('bucket = "nowhere"\n', "nowhere does not exist", "Create it, versioned"),
        ('key = "x"\n', "environments/try.s3.tfbackend does not name a bucket", "Name one"),
    ],
)
def test_a_state_bucket_that_is_not_there(
    environment: Environment, client: Client, backend: str, seen: str, todo: str
) -> None:
    change(environment, "s3.tfbackend", backend)
    (check,) = look(environment, client, "state bucket")["state bucket"]
    assert not check.ok
    assert check.seen == seen
    assert check.todo.startswith(todo)


def test_a_state_bucket_that_may_not_be_listed(environment: Environment, aws: Session) -> None:
    client = failing(aws, "s3", "head_bucket", "403", http_status_code=403)
    (check,) = look(environment, client, "state bucket")["state bucket"]
    assert check.seen == "states may not be listed"
    assert "s3:ListBucket" in check.todo


def test_a_base_image_that_is_not_there(environment: Environment, aws: Session, client: Client) -> None:
    change(environment, "outputs.json", outputs(aws, base_image=BASE_IMAGE.replace("1.9", "1.99")))
    (check,) = look(environment, client, "base image")["base image"]
    assert not check.ok
    assert check.seen.endswith("1.99-0-cpu-py3 does not exist")
    assert "base_image_tag" in check.todo


def test_a_role_that_may_not_do_what_it_must(environment: Environment, aws: Session) -> None:
    iam = boto3.client("iam", region_name="us-east-1")
    with Stubber(iam) as stub:
        for number in range(sum(CALLS.values())):
            decision = "implicitDeny" if number == 1 else "allowed"
            result = {"EvalActionName": "s3:GetObject", "EvalDecision": decision}
            stub.add_response(
                "simulate_principal_policy",
                {"EvaluationResults": [result]},
                {"PolicySourceArn": ANY, "ActionNames": ANY, "ResourceArns": ANY, "ContextEntries": ANY},
            )
        jobs, *others = look(environment, lambda name: iam if name == "iam" else aws.client(name), "roles")[
            "role"
        ]
    assert not jobs.ok
    assert jobs.seen == (f"{ROLES}-jobs may not s3:GetObject on arn:aws:s3:::{aws.bucket}/raw/preflight.csv")
    assert [check.ok for check in others] == [True] * (len(CALLS) - 1)


def test_a_role_that_is_gone(environment: Environment, aws: Session) -> None:
    iam = boto3.client("iam", region_name="us-east-1")
    with Stubber(iam) as stub:
        for _ in CALLS:
            stub.add_client_error("simulate_principal_policy", "NoSuchEntity")
        checks = look(environment, lambda name: iam if name == "iam" else aws.client(name), "roles")["role"]
    assert [check.seen for check in checks] == [f"there is no {ROLES}-{role}" for role in CALLS]
    assert {check.todo for check in checks} == {"Run `many-models up --env try`, which creates it."}


@pytest.mark.parametrize(
    ("status", "ok", "todo"),
    [
        ("Updating", True, ""),
        ("Creating", False, "Wait a few minutes, and check again."),
        ("Failed", False, "Fix the reason (its log is in CloudWatch), then run `many-models up --env try`."),
    ],
)
def test_an_endpoint_is_described(
    environment: Environment, aws: Session, status: str, ok: bool, todo: str
) -> None:
    described = aws.client("sagemaker").describe_endpoint(EndpointName=NAME)
    del described["ResponseMetadata"]
    sagemaker = boto3.client("sagemaker", region_name="us-east-1")
    with Stubber(sagemaker) as stub:
        answer = described | {"EndpointStatus": status} | ({"FailureReason": "It fell."} if todo else {})
        stub.add_response("describe_endpoint", answer, {"EndpointName": NAME})
        found = look(
            environment, lambda name: sagemaker if name == "sagemaker" else aws.client(name), "endpoint"
        )
    assert (found["endpoint"][0].ok, found["endpoint"][0].todo) == (ok, todo)
    assert found["endpoint"][0].seen == f"{NAME} is {status}" + (" It fell" if todo else "")


@pytest.mark.parametrize(
    ("variables", "image", "ok", "seen"),
    [
        ("", "", True, "none yet; it comes with the image"),
        ("", "there", False, "there is no nobody"),
        ("endpoint_enabled = false\n", "there", True, "none: endpoint_enabled is false"),
    ],
)
def test_no_endpoint_is_well_until_it_is_due(
    environment: Environment, aws: Session, client: Client, variables: str, image: str, ok: bool, seen: str
) -> None:
    change(environment, "tfvars", f'region = "us-east-1"\npipeline_name = "nobody"\n{variables}')
    change(environment, "outputs.json", outputs(aws, image_uri=image))
    (check,) = look(environment, client, "endpoint")["endpoint"]
    assert (check.ok, check.seen) == (ok, seen)


def test_outputs_that_are_something_else_are_told(environment: Environment, client: Client) -> None:
    change(environment, "outputs.json", "[]")
    found = look(environment, client)
    assert not found["roles"][0].ok
    assert "is not what `terraform output -json` writes; write it again" in found["roles"][0].seen


# The command


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's, of itself
def test_before_the_first_apply_the_base_image_is_the_sdks_and_the_command_says_what_is_missing(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.outputs_file.unlink()
    arguments = ["--env", "try", "-p", "DATASETS", "[wine]", "--terraform", str(environment.folder)]
    assert main(["preflight", *arguments]) == 1
    out = capsys.readouterr().out
    lines = {line[4:].split("  ")[0]: line for line in out.splitlines()[:-2]}
    assert lines["roles"] == "ok  roles         none yet; the first apply creates them"
    registry = "683313688378.dkr.ecr.us-east-1.amazonaws.com"  # of SageMaker's own images in this region
    assert f"{registry}/sagemaker-scikit-learn:1.9-0-cpu-py3 is sha256:" in lines["base image"]
    assert "does not emulate the service 'servicequotas'" in lines["quotas"]
    assert out.endswith("\n\n1 of the lines above say NO.\n")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_base_image_that_the_sdk_does_not_know_is_told(environment: Environment, client: Client) -> None:
    environment.outputs_file.unlink()
    change(
        environment,
        "tfvars",
        f'region = "us-east-1"\npipeline_name = "{NAME}"\nbase_image_tag = "9.9-0-cpu-py3"\n',
    )
    (check,) = look(environment, client, "base image")["base image"]
    assert not check.ok
    assert check.seen.startswith("There is no scikit-learn image 9.9-0-cpu-py3 in us-east-1: Unsupported ")


def test_nothing_is_changed(environment: Environment, aws: Session, client: Client) -> None:
    asked: list[str] = []

    def watched(name: str) -> Any:
        made = client(name)
        made.meta.events.register("provide-client-params", lambda model, **_: asked.append(model.name))
        return made

    look(environment, watched)
    assert set(asked) == {
        "BatchGetImage",
        "DescribeEndpoint",
        "GetCallerIdentity",
        "HeadBucket",
        "ListServiceQuotas",
        "SimulatePrincipalPolicy",
    }


def test_exit_codes_follow_from_the_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    well = Check("region", True, "us-east-1")
    monkeypatch.setattr(report, "checks", lambda *_: iter([well]))
    assert main(["preflight", "--env", "dev"]) == 0
    assert capsys.readouterr().out == f"{well}\n\nAll checks passed.\n"
    monkeypatch.setattr(report, "checks", lambda *_: iter([well, Check("x", False, "y", "Z.")]))
    assert main(["preflight", "--env", "dev"]) == 1
    assert capsys.readouterr().out.endswith("\n\n1 of the lines above say NO.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--env", "dve"], "There is no environment 'dve'; there are dev, prod in "),
        (["--env", "dev", "-p", "MAX_TUNING_JOB", "3"], "Unknown parameter 'MAX_TUNING_JOB': did you mean "),
        (["--env", "dev", "-p", "MAX_TUNING_JOBS", "x"], "MAX_TUNING_JOBS is 'x'; it must be a whole number"),
    ],
)
def test_bad_arguments_are_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["preflight", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.strip().startswith(sentence)


def test_without_an_environment_there_is_nothing_to_look_at() -> None:
    assert main(["preflight"]) == 2


def test_without_terraform_there_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (check,) = report.checks(find("dev"), VALUES)
    assert (check.ok, check.todo) == (False, "Install Terraform 1.11 or newer, and check again.")


def test_variables_that_cannot_be_read_are_one_line(environment: Environment) -> None:
    change(environment, "tfvars", "region = \n")
    (check,) = report.checks(environment, VALUES)
    assert not check.ok
    assert "try.tfvars cannot be read; Terraform says: " in check.seen
