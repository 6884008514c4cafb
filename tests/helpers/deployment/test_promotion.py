"""A model that one account trained, approved and served by another: two local_aws side by side."""

import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import HANGS
from support.helpers.shared import Connected, first_version, settings
from support.local_aws.aws import server_of, told
from support.terraform.grants import PROMOTION

import local_aws
from commands.environment import promote as command
from commands.environment import terraform
from contract.names import DECISION
from helpers.deployment import decisions, deployments, promotion, registry
from helpers.deployment.asking import endpoint
from helpers.deployment.promotion import Source, promote
from helpers.deployment.rollout import answers
from helpers.errors import BadInput, UserError
from helpers.session import OTHER_ACCOUNT, Session, connect_two_accounts
from helpers.session.storage import read

TRAINED_IN = "123456789012"


@dataclass(frozen=True)
class Promoted:
    """The other account, how it calls the first one, the data set, and what was promoted of it."""

    there: Session
    source: Source
    dataset: str
    first: registry.ModelVersion


@pytest.fixture
def dataset(session: Session, register: Callable[..., str]) -> str:
    """Version 2 is the newest approved one of three."""
    name = register("Approved", "PendingManualApproval", "PendingManualApproval")
    decisions.set_status(session, registry.packages(session, name)[1], "Approved", "good in training")
    return name


@pytest.fixture(scope="module")
def other(connected: Connected) -> Iterator[tuple[Session, Source]]:
    """Another account, and how it calls the first one."""
    with (
        settings(connected.settings),
        connect_two_accounts(connected.session.pipeline_name, []) as (there, names, client),
    ):
        for service in ("lambda", "logs", "s3", "sagemaker", "sts"):
            there.client(service)  # made now, at the address of that account
        yield (
            there,
            Source(names["account_id"], names["region"], names["pipeline_name"], names["bucket"], client),
        )


@pytest.fixture
def promoted(session: Session, other: tuple[Session, Source], dataset: str) -> Promoted:
    """Its newest approved version, promoted to the other account."""
    there, source = other
    opened = {"account_ids": [OTHER_ACCOUNT], "datasets": [dataset]}
    local_aws.ensure_environment(server_of(session), session.pipeline_name, promote_to=opened)
    return Promoted(there, source, dataset, promote(there, source, dataset))


def address(session: Session) -> str:
    return session.client("s3").meta.endpoint_url


def denied(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return raised.value.response["Error"]["Message"]


def calls(session: Session) -> list[dict[str, Any]]:
    return told(server_of(session), "calls")


def test_it_awaits_approval_there_and_says_where_it_comes_from(session: Session, promoted: Promoted) -> None:
    original = registry.packages(session, promoted.dataset)[1]
    assert (original.version, promoted.first.version) == (2, 1)
    assert promoted.first.arn.split(":")[4] == OTHER_ACCOUNT != TRAINED_IN
    (found,) = registry.packages(promoted.there, promoted.dataset)
    assert found == promoted.first
    assert found.status == "PendingManualApproval"
    before = registry.metadata(session, original)
    after = registry.metadata(promoted.there, found)
    assert after.pop(promotion.ORIGIN) == original.arn
    assert after.pop("evaluation") == before.pop("evaluation").replace(session.bucket, promoted.there.bucket)
    assert [key for key in before if key.startswith(DECISION)], "a decision is about the version there"
    before = {key: value for key, value in before.items() if not key.startswith(DECISION)}
    assert after == before, "everything else still names the account in which it was trained"
    report = registry.evaluations(promoted.there, [found])[promoted.dataset]
    assert report == registry.evaluations(session, [original])[promoted.dataset]


def test_an_approver_there_puts_the_copy_into_service(session: Session, promoted: Promoted) -> None:
    there, dataset = promoted.there, promoted.dataset
    decision = decisions.set_status(there, promoted.first, "Approved", "good in production")
    served = deployments.wait(there, [decision], seconds=HANGS)
    assert served.loc[dataset, "version"] == 1
    manifest = sample(there, deployments.in_service(there)[dataset]["key"])
    assert answers.question(there, [promoted.first]) == {}, "the held-out rows stay where it was trained"
    answer = endpoint.invoke(there, {"model": dataset, "data": manifest["instances"]}).json()
    assert answer["predictions"] == manifest["predictions"]


def sample(session: Session, key: str) -> dict[str, Any]:
    with tarfile.open(fileobj=BytesIO(read(session, session.uri(key)))) as archive:
        return json.load(archive.extractfile("manifest.json"))["sample"]


def test_what_was_copied_stays_whatever_happens_to_the_original(session: Session, promoted: Promoted) -> None:
    there, dataset = promoted.there, promoted.dataset
    described = there.client("sagemaker").describe_model_package(ModelPackageName=promoted.first.arn)
    (container,) = described["InferenceSpecification"]["Containers"]
    key = container["ModelDataUrl"].removeprefix(there.uri(""))
    original = read(session, session.uri(key))
    assert read(there, there.uri(key)) == original
    assert promote(there, promoted.source, dataset) == promoted.first, "once is enough"
    for replaced, sentence in (
        (session, "is not the model that was evaluated and approved"),
        (there, r"is there already, is not the same .+ not overwritten"),
    ):
        try:
            replaced.client("s3").put_object(Bucket=replaced.bucket, Key=key, Body=b"another model")
            with pytest.raises(UserError, match=sentence):
                promote(there, promoted.source, dataset, version=1)
        finally:
            replaced.client("s3").put_object(Bucket=replaced.bucket, Key=key, Body=original)
    assert promote(there, promoted.source, dataset, version=1).version == 2


def test_only_what_was_approved_where_it_was_trained_is_promoted(promoted: Promoted) -> None:
    with pytest.raises(BadInput, match=r"does not have version 3 approved of .+, but 1, 2; approve one"):
        promote(promoted.there, promoted.source, promoted.dataset, version=3)


def test_other_data_sets_and_everything_else_are_closed(
    session: Session, promoted: Promoted, register: Callable[..., str]
) -> None:
    another = register("Approved")
    with pytest.raises(
        UserError, match=rf"no resource-based policy allows .+ name this account and {another}"
    ):
        promote(promoted.there, promoted.source, another)
    s3, sagemaker = promoted.source.client("s3"), promoted.source.client("sagemaker")
    (model,) = [
        container["ModelDataUrl"].removeprefix(session.uri(""))
        for container in session.client("sagemaker").describe_model_package(
            ModelPackageName=first_version(session).arn
        )["InferenceSpecification"]["Containers"]
    ]
    assert denied(s3.put_object, Bucket=session.bucket, Key=model, Body=b"1") == (
        f"User: arn:aws:iam::{OTHER_ACCOUNT}:user/local is not authorized to perform: s3:PutObject on "
        f"resource: arn:aws:s3:::{session.bucket}/{model} because no resource-based policy allows the "
        "s3:PutObject action"
    )
    denied(s3.get_object, Bucket=session.bucket, Key="deployments/models-map.json")
    denied(s3.list_objects_v2, Bucket=session.bucket, Prefix="executions/")
    denied(sagemaker.list_pipelines)
    opened = registry.packages(session, promoted.dataset)[1].arn
    denied(sagemaker.update_model_package, ModelPackageArn=opened, ModelApprovalStatus="Rejected")


def test_it_asks_each_account_for_what_the_policies_open(session: Session, promoted: Promoted) -> None:
    made = {call["action"] for call in calls(session) if call["role"] == local_aws.foreign_key(OTHER_ACCOUNT)}
    assert made >= PROMOTION["there"]
    made = {call["action"] for call in calls(promoted.there) if call["role"] == "person"}
    assert made >= PROMOTION["here"]


def test_the_command_says_what_comes_next(
    session: Session, other: tuple[Session, Source], dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with settings({}):
        command.take_over(None, [dataset], 1)
    said = capsys.readouterr().out
    assert f"{dataset}: version 1 of many-models in account {OTHER_ACCOUNT}, PendingManualApproval." in said
    assert f"accounts/{OTHER_ACCOUNT} .venv/bin/many-models run parameters/local.yaml --only 04" in said


def test_an_environment_that_trains_takes_nothing_over(tmp_path: Any) -> None:
    prod = terraform.Environment("prod", tmp_path)
    with pytest.raises(BadInput, match=r"prod does not exist yet; `.+ up --env prod` creates it"):
        command.take_over(prod, ["wine"], None)
    names = ("account_id", "region", "bucket", "job_role_arn", "endpoint_name", "invoker_url")
    functions = ("deployer_function_name", "invoker_function_name")
    outputs = {name: {"value": "x"} for name in (*names, *functions)}
    prod.outputs_file.parent.mkdir()
    prod.outputs_file.write_text(json.dumps(outputs))
    with pytest.raises(
        BadInput, match=r"trains its own models; .+ set promote_from in environments/prod.tfv"
    ):
        command.take_over(prod, ["wine"], None)
