"""`many-models up` and `down`: the real Terraform with the stand-in provider, local_aws instead of AWS."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from support import HANGS, PATIENCE, ROOT
from support.helpers.shared import Connected, settings
from support.local_aws.aws import server_of

import local_aws
from commands.__main__ import main
from commands.environment import deploy, teardown, terraform
from helpers.errors import UserError
from helpers.image import builders, contents
from helpers.pipeline import infrastructure
from helpers.session import Session, connect
from helpers.session.outputs import outputs_of

NAME = "shop"  # of the pipeline; other tests use the same local_aws under other names
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
REPOSITORY, BASE_IMAGE = f"{REGISTRY}/{NAME}", f"{REGISTRY}/{NAME}-base:1.9-0-cpu-py3"
VARIABLES = f'environment = "try"\nregion = "us-east-1"\npipeline_name = "{NAME}"\n'
# The state stays on this machine, and values that the stand-in would invent are those of local_aws.
OVERRIDE = """
terraform {
  backend "local" {}
}

output "bucket" {
  value = local.bucket_name
}

output "job_role_arn" {
  value = local.role_arns.jobs
}

output "repository_url" {
  value = local.repository_url
}

output "base_image" {
  value = "BASE_IMAGE"
}
""".replace("BASE_IMAGE", BASE_IMAGE)
STEPS = ("1. terraform init:", "2. first apply:", "3. image:", "4. notebook 02:", "5. second apply:")

pytestmark = pytest.mark.skipif(
    shutil.which("terraform") is None,
    reason="there is no terraform on this machine; install Terraform 1.11 or newer",
)


@contextmanager
def recorded(file: Path) -> Iterator[None]:
    """A file with everything that this process, or others that it starts, print in this context."""
    with file.open("a", buffering=1) as out, redirect_stdout(out), redirect_stderr(out):
        saved = [(number, os.dup(number)) for number in (1, 2)]
        try:
            for number, _ in saved:
                os.dup2(out.fileno(), number)
            yield
        finally:
            for number, copy in saved:
                os.dup2(copy, number)
                os.close(copy)


@contextmanager
def typed(text: str) -> Iterator[None]:
    """What others that this process starts in this context read, as if a person typed it in."""
    with tempfile.TemporaryFile("w+") as given:
        given.write(text)
        given.seek(0)
        saved = os.dup(0)
        try:
            os.dup2(given.fileno(), 0)
            yield
        finally:
            os.dup2(saved, 0)
            os.close(saved)


class Place:
    """A copy of the configuration with its own state, and the commands run on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.terraform = folder, folder / "terraform"
        self.environments = self.terraform / "environments"
        self.definition = self.environments / "try.pipeline.json"
        self.definition_of_regression = self.environments / "try.pipeline-regression.json"

    def copy(self, folder: Path) -> "Place":
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, symlinks=True)
        return Place(folder)

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and what was printed."""
        log = self.folder / "log.txt"
        log.unlink(missing_ok=True)
        with recorded(log):
            code = main([*arguments, "--env", "try", "--terraform", str(self.terraform)])
        said = log.read_text()
        assert "Traceback" not in said
        return code, said

    @property
    def state(self) -> str:
        return (self.terraform / "try.tfstate").read_text()

    def kinds(self) -> set[str]:
        return {resource["type"] for resource in json.loads(self.state)["resources"]}

    def outputs(self) -> dict[str, Any]:
        return outputs_of(str(self.environments / "try.outputs.json"))


@pytest.fixture(scope="module")
def aws(connected: Connected) -> Iterator[Session]:
    """local_aws with an environment that nobody else uses, and the stand-in provider."""
    sys.path.insert(0, str(ROOT / "tests/terraform"))
    from support.terraform.stand_in import provider
    from support.terraform.workspace import QUIET

    with provider.environment() as found, settings({**connected.settings, **found, **QUIET}):
        session = connect("local", NAME)
        session.client("ecr").create_repository(repositoryName=f"{NAME}-base")
        push(session, f"{NAME}-base", "1.9-0-cpu-py3")
        del os.environ["MANY_MODELS_ENVIRONMENT"]  # whatever a test starts takes this for AWS
        yield session


def push(session: Session, repository: str, tag: str) -> str:
    """Put an image into a repository, and return its digest."""
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
    put = session.client("ecr").put_image(
        repositoryName=repository, imageTag=tag, imageManifest=json.dumps({**manifest, "tag": tag})
    )
    return put["image"]["imageId"]["imageDigest"]


def tag(session: Session) -> str:
    """The tag of the current container/."""
    name, _ = builders.wanted(session.client("ecr"), REPOSITORY, BASE_IMAGE)
    return name.rpartition(":")[2]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, aws: Session) -> Place:
    from support.terraform.workspace import prepare

    place = Place(tmp_path_factory.mktemp("deploy"))
    prepare(place.folder)
    (place.terraform / "local_override.tf").write_text(OVERRIDE)
    (place.environments / "try.tfvars").write_text(VARIABLES)
    (place.environments / "try.s3.tfbackend").write_text('path = "try.tfstate"\n')
    return place


@pytest.fixture(scope="module")
def first(empty: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, int, str]:
    """After `up` without an image."""
    place = empty.copy(tmp_path_factory.mktemp("first"))
    return place, *place.run("up", "--yes")


@pytest.fixture(scope="module")
def whole(
    first: tuple[Place, int, str], aws: Session, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Place, int, str]:
    """After `up` with an image in ECR and the real notebook 02."""
    push(aws, NAME, tag(aws))
    place = first[0].copy(tmp_path_factory.mktemp("whole"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deploy, "RUNS", place.folder / "runs")
        return place, *place.run("up", "--yes")


@pytest.fixture
def made(
    whole: tuple[Place, int, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compiled_again: Callable[..., None],
) -> Place:
    """A copy of all of it; from here on, notebook 02 takes no time."""
    monkeypatch.setattr(deploy, "_compile", compiled_again)
    return whole[0].copy(tmp_path)


@pytest.fixture
def compiled_again() -> Callable[..., None]:
    """The definitions that notebook 02 compiled once, for the image and VPC that the outputs name."""

    def compiled(environment: terraform.Environment, outputs: dict[str, Any]) -> None:
        told = json.loads(environment.outputs_file.read_text())
        for file in map(environment.folder.joinpath, environment.definitions.values()):
            text = re.sub(rf"{re.escape(REPOSITORY)}[@:][^\"]+", told["image_uri"]["value"], file.read_text())
            document = json.loads(text)
            if told["vpc"]["value"]:
                infrastructure.place(document["Steps"], told["vpc"]["value"])
            file.write_text(json.dumps(document, indent=1))

    return compiled


def documented(step: int) -> list[str]:
    """The lines that the page of the first run says to expect of a step, with the names in these tests."""
    page = (ROOT / "docs/operations/first-run-on-aws.md").read_text()
    section = page.split(f"\n## {step}. ")[1].split("\n## ")[0]
    blocks = [block for block in section.split("```")[1::2] if block.startswith("\n")]  # what is no shell
    lines = "\n".join(blocks).split("\n")
    for theirs, ours in {"dev": "try", "many-models": NAME, "eu-central-1": "us-east-1"}.items():
        lines = [re.sub(rf"(?<!bin/)\b{theirs}\b", ours, line) for line in lines]
    return [line for line in lines if line]


def assert_documented(step: int, said: str) -> None:
    """The documented lines of a step were printed, in that order; two dots or more stand for anything."""
    lines = documented(step)
    assert len(lines) > 1
    patterns = [re.sub(r"(\\\.){2,}", ".*", re.escape(line)) for line in lines]
    assert re.search("(?ms)" + ".*".join(f"^ *{pattern}" for pattern in patterns), said), "\n".join(lines)


# Up


def test_without_an_image_up_makes_the_rest_and_says_how_to_build_one(
    first: tuple[Place, int, str], aws: Session
) -> None:
    place, code, said = first
    assert code == 1
    assert [said.find(step) >= 0 for step in STEPS] == [True, True, True, False, False]
    assert {"aws_s3_bucket", "aws_iam_role", "aws_ecr_repository", "aws_lambda_function"} <= place.kinds()
    assert not [kind for kind in place.kinds() if kind.startswith(deploy.LATER)]
    assert f"There is no image {REPOSITORY}:{tag(aws)} yet. Build it, then run this command again" in said
    assert ".venv/bin/many-models image --env try" in said
    assert said.rstrip().endswith(".venv/bin/many-models up --env try")


def test_the_checklist_says_what_the_first_up_prints(first: tuple[Place, int, str]) -> None:
    assert_documented(5, first[2])


def test_notebooks_can_read_the_outputs_of_the_first_apply(first: tuple[Place, int, str]) -> None:
    outputs = first[0].outputs()
    assert outputs["bucket"] == f"{NAME}-123456789012-us-east-1"
    assert not outputs.get("image_uri")


def test_up_of_an_environment_that_takes_models_over_is_one_apply_with_the_image_from_there(
    empty: Place, tmp_path: Path
) -> None:
    place = empty.copy(tmp_path)
    key = "arn:aws:kms:us-east-1:111111111111:key/k"
    source = f'account_id = "111111111111", pipeline_name = "{NAME}", kms_key_arn = "{key}"'
    (place.environments / "try.tfvars").write_text(f"{VARIABLES}promote_from = {{ {source} }}\n")
    code, said = place.run("up", "--yes")
    assert code == 0, said
    assert (
        f"({NAME} in account 111111111111), and run this again:\n    image_uri in environments/try.tfvars"
        in said
    )
    image = f"111111111111.dkr.ecr.us-east-1.amazonaws.com/{NAME}@sha256:{'0' * 64}"
    code, said = place.run("up", "--yes", "--image-uri", image)
    assert code == 0, said
    assert [step for step in STEPS[1:] if step in said] == []
    assert f'write into environments/try.tfvars:\n    image_uri = "{image}"' in said
    assert ".venv/bin/many-models promote <data set> --env try" in said
    assert "aws_sagemaker_endpoint" in place.kinds()
    assert not {"aws_sagemaker_pipeline", "aws_codebuild_project", "aws_ecr_repository"} & place.kinds()
    assert place.outputs()["promote_from"]["bucket"] == f"{NAME}-111111111111-us-east-1"
    code, said = place.run("up", "--yes")
    assert (code, "Nothing to change." in said) == (0, True), "the image in use is kept"


@pytest.mark.slow
def test_up_goes_through_every_step_in_order(whole: tuple[Place, int, str]) -> None:
    place, code, said = whole
    assert code == 0, said
    places = [said.index(step) for step in STEPS]
    assert places == sorted(places)
    assert {"aws_sagemaker_endpoint", "aws_sagemaker_model", "aws_sagemaker_pipeline"} <= place.kinds()


def test_definition_endpoint_and_outputs_have_the_image_of_this_fingerprint(
    whole: tuple[Place, int, str], aws: Session
) -> None:
    place = whole[0]
    tagged = [{"imageTag": tag(aws)}]
    details = aws.client("ecr").describe_images(repositoryName=NAME, imageIds=tagged)["imageDetails"]
    uri = f"{REPOSITORY}@{details[0]['imageDigest']}"
    assert place.outputs()["image_uri"] == uri
    state = {item["type"]: item["instances"] for item in json.loads(place.state)["resources"]}
    assert state["aws_sagemaker_model"][0]["attributes"]["primary_container"][0]["image"] == uri
    definitions = {
        each["index_key"]: each["attributes"]["pipeline_definition"]
        for each in state["aws_sagemaker_pipeline"]
    }
    assert definitions == {
        "classification": place.definition.read_text(),
        "regression": place.definition_of_regression.read_text(),
    }
    assert all(uri in definition for definition in definitions.values())


def test_up_ends_with_what_there_is_and_what_comes_next(whole: tuple[Place, int, str]) -> None:
    place, _, said = whole
    end = said[said.index("try is up to date.") :]
    for text in ("bucket ", "image ", "pipelines ", "endpoint ", "URL ", "dashboard "):
        assert f"\n  {text}" in end
    assert f'    image_uri = "{place.outputs()["image_uri"]}"' in end
    assert '    pipeline_definition_file = "environments/try.pipeline.json"' in end
    assert '    pipeline_definition_regression_file = "environments/try.pipeline-regression.json"' in end
    assert ".venv/bin/many-models run parameters/aws.yaml --from 03 -p TERRAFORM_OUTPUTS " in end
    assert end.rstrip().endswith(".venv/bin/many-models down --env try")
    said = said.replace(f"{place.folder}/", "").replace(
        "mock-function_url", "https://id.lambda-url.us-east-1.on.aws/"
    )
    assert_documented(7, said)


def test_a_second_up_changes_nothing_and_says_so_even_if_the_container_has_changed_since(
    made: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, image_uri = made.state, made.outputs()["image_uri"]
    monkeypatch.setattr(contents, "fingerprint", lambda: "f" * 64)
    code, said = made.run("up", "--yes")
    assert code == 0
    assert "Done before; the existing image and definition are kept." in said
    assert "container/ has changed since this image was built." in said
    assert ".venv/bin/many-models image --env try" in said
    assert f"The image is {image_uri}." in said
    assert "try is unchanged." in said
    assert made.state == before


def test_interrupted_before_the_second_apply_up_continues(
    made: Place,
    aws: Session,
    monkeypatch: pytest.MonkeyPatch,
    compiled_again: Callable[..., None],
) -> None:
    newer = f"{REPOSITORY}@{push(aws, NAME, 'newer')}"
    before = made.state

    def interrupted(*given: Any) -> None:
        compiled_again(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(deploy, "_compile", interrupted)
    code, said = made.run("up", "--yes", "--image-uri", newer)
    assert code == 130
    assert said.endswith("Interrupted; run the same command again to continue.\n")
    assert made.state == before, "endpoint and pipeline go on with the image that they have"

    monkeypatch.setattr(deploy, "_compile", compiled_again)
    code, said = made.run("up", "--yes", "--image-uri", newer)
    assert code == 0, said
    assert "try is up to date." in said
    assert made.outputs()["image_uri"] == newer


@pytest.mark.parametrize(
    ("uri", "code", "sentence"),
    [
        ("somewhere/else:1", 2, f"it must be one in {REPOSITORY}, with its :tag or @digest"),
        (f"{REPOSITORY}-prod:1", 2, f"it must be one in {REPOSITORY}, with its :tag or @digest"),
        (f"{REPOSITORY}:never", 1, "which does not exist; push it, or name another."),
    ],
    ids=["another registry", "another repository", "not there"],
)
def test_an_image_that_cannot_be_used_is_refused_before_anything_changes(
    made: Place, uri: str, code: int, sentence: str
) -> None:
    before = made.state
    ended, said = made.run("up", "--yes", "--image-uri", uri)
    assert ended == code
    assert f"--image-uri names the image {uri}" in said
    assert sentence in said
    assert made.state == before


def test_an_image_and_a_vpc_that_the_variables_name_reach_jobs_endpoint_and_functions_at_once(
    made: Place, aws: Session
) -> None:
    push(aws, NAME, "pinned")
    with (made.environments / "try.tfvars").open("a") as file:
        file.write(f'image_uri = "{REPOSITORY}:pinned"\n')
        file.write('vpc = {\n  subnet_ids = ["subnet-1"]\n  security_group_ids = ["sg-1"]\n}\n')
    code, said = made.run("up", "--yes")
    assert code == 0, said
    assert f"The image is {REPOSITORY}:pinned." in said
    assert "    image_uri = " not in said
    state = {
        item["type"]: [instance["attributes"] for instance in item["instances"]]
        for item in json.loads(made.state)["resources"]
    }
    assert state["aws_sagemaker_pipeline"][0]["pipeline_definition"].count('"subnet-1"') == 9
    inside = [*state["aws_sagemaker_model"], *state["aws_lambda_function"]]
    assert [each["vpc_config"][0]["security_group_ids"] for each in inside] == [["sg-1"]] * 4
    assert made.outputs()["vpc"] == {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}


@pytest.mark.parametrize("command", ["up", "down"])
def test_an_environment_that_was_renamed_is_refused(made: Place, command: str) -> None:
    file = made.environments / "try.tfvars"
    file.write_text(VARIABLES.replace(f'"{NAME}"', '"market"'))
    before = made.state
    code, said = made.run(command, "--yes")
    assert code == 2
    assert said.rstrip().endswith(
        "try was created with pipeline_name 'shop', but environments/try.tfvars now says 'market'; change it "
        "back, or delete the environment before you rename it."
    )
    assert made.state == before


def test_a_notebook_that_fails_ends_up_with_one_sentence(
    made: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    code, said = made.run("up", "--yes")
    assert code == 1
    assert said.rstrip().endswith(
        "Notebook 02 ended with exit code 1, and says why above; fix that and run this command again: it "
        "continues where it stopped."
    )


def test_what_terraform_refuses_is_shown(empty: Place, tmp_path: Path) -> None:
    place = empty.copy(tmp_path)
    (place.environments / "try.tfvars").write_text(VARIABLES.replace("shop", "Shop"))
    code, said = place.run("up", "--yes")
    assert code == 1
    assert "pipeline_name must be up to 32 lower-case letters" in said
    assert "`terraform plan` ended with exit code 1, and says why above; fix that and run this" in said


def test_terraform_asks_before_it_applies(empty: Place, tmp_path: Path) -> None:
    place = empty.copy(tmp_path)
    with typed("no\n"):
        code, said = place.run("up")
    assert code == 1
    assert "Only 'yes' will be accepted to approve." in said
    assert "`terraform apply` ended with exit code 1" in said
    assert not (place.terraform / "try.tfstate").exists() or not place.kinds()


# Down


@pytest.fixture
def registered(made: Place, aws: Session) -> Iterator[Place]:
    """With two versions in the registry, a developer's pipeline, and the same of another environment."""
    sagemaker = aws.client("sagemaker")
    definition = {"Version": "2020-12-01", "Steps": [{"Name": "No", "Type": "Fail", "Arguments": {}}]}
    container = {"Image": "image", "ModelDataUrl": f"s3://{aws.bucket}/executions/model.tar.gz"}
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    for name in (NAME, f"{NAME}-prod"):
        sagemaker.create_model_package_group(ModelPackageGroupName=f"{name}--wine")
        for _ in range(2):
            sagemaker.create_model_package(
                ModelPackageGroupName=f"{name}--wine", InferenceSpecification=specification
            )
        sagemaker.create_pipeline(
            PipelineName=f"{name}-ana",
            PipelineDefinition=json.dumps(definition),
            RoleArn=f"arn:aws:iam::123456789012:role/of/a/path/{name}-jobs",
        )
    yield made
    for group in groups(aws):
        for package in sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    for name in pipelines(aws):
        sagemaker.delete_pipeline(PipelineName=name)


def groups(session: Session) -> list[str]:
    found = session.client("sagemaker").list_model_package_groups(NameContains=NAME)
    return sorted(group["ModelPackageGroupName"] for group in found["ModelPackageGroupSummaryList"])


def pipelines(session: Session) -> list[str]:
    found = session.client("sagemaker").list_pipelines(PipelineNamePrefix=NAME)["PipelineSummaries"]
    return sorted(pipeline["PipelineName"] for pipeline in found)


def test_down_without_the_name_typed_in_deletes_nothing(
    registered: Place, aws: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    before = registered.state
    code, said = registered.run("down")
    assert code == 1
    assert said.rstrip().endswith(
        "Nothing was deleted: try was not typed in. If nobody can type it, add --yes."
    )
    assert registered.state == before
    assert (groups(aws), pipelines(aws)) == (["shop--wine", "shop-prod--wine"], ["shop-ana", "shop-prod-ana"])
    assert registered.outputs()


@pytest.mark.parametrize("typed", ["", "\n", "y\n", "prod\n", "TRY\n"])
def test_nothing_but_the_name_is_a_confirmation(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with pytest.raises(UserError, match="Nothing was deleted"):
        teardown._confirm(terraform.Environment("try", Path()), yes=False)


def test_down_lists_first_then_deletes_all_of_this_environment_and_nothing_else(
    registered: Place, aws: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("try\n"))
    code, said = registered.run("down")
    assert code == 0, said
    assert (
        "so it is set first, by an apply of only aws_s3_bucket.this and aws_ecr_repository.this[0]." in said
    )
    assert "Resources: 0 added, 2 changed, 0 destroyed." in said
    asked, deleted = said.index("Type try to delete all this: "), said.index("3. terraform destroy:")
    assert asked < deleted < said.index("4. registry and pipelines:")
    listed = said[:asked]
    assert "     1 aws_sagemaker_endpoint\n" in listed
    assert re.search(r"\n +\d+ versions of objects, [\d,]+ bytes\n", listed)
    assert "       shop--wine: 2 PendingManualApproval\n" in listed
    assert "     1 developers' pipelines\n       shop-ana\n" in listed
    assert "This stays, and costs a few cents a month:" in listed
    assert "/aws/sagemaker/ProcessingJobs and TrainingJobs" in listed
    assert "prod" not in listed

    assert registered.kinds() == set()
    assert (groups(aws), pipelines(aws)) == (["shop-prod--wine"], ["shop-prod-ana"])
    assert not (registered.environments / "try.outputs.json").exists()
    assert_documented(11, said)

    code, said = registered.run("down")
    assert code == 0
    assert "try has nothing to delete." in said


def test_down_refuses_while_executions_are_under_way(
    registered: Place, aws: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = aws.client("sagemaker").start_pipeline_execution(PipelineName=f"{NAME}-ana")
    monkeypatch.setattr(teardown, "RUNNING", ("Executing", "Stopping", "Failed"))
    before = registered.state
    code, said = registered.run("down", "--yes")
    assert code == 1
    assert (
        f"Nothing was deleted, because executions are still running: {started['PipelineExecutionArn']}."
        in said
    )
    assert registered.state == before
    assert "shop--wine" in groups(aws)


def test_down_waits_for_an_endpoint_that_sagemaker_would_not_delete(registered: Place, aws: Session) -> None:
    """Terraform would take the refusal for a deletion, and the endpoint would be billed for ever."""
    sagemaker = aws.client("sagemaker")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig=PATIENCE)
    before = registered.state
    local_aws.set_endpoint_seconds(server_of(aws), HANGS)
    try:
        sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
        code, said = registered.run("down", "--yes")
    finally:
        local_aws.set_endpoint_seconds(server_of(aws), 0)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig=PATIENCE)
    assert code == 1
    assert "SageMaker deletes no endpoint in such a state: shop is Updating. Wait until" in said
    assert registered.state == before


@pytest.mark.parametrize(
    ("restless", "wait"),
    [
        ({"a": "Updating"}, "a is InService or Failed"),
        ({"a": "Deleting"}, "a is gone"),
        (
            {"a": "Creating", "b": "Deleting", "c": "RollingBack"},
            "b is gone and a, c are InService or Failed",
        ),
    ],
)
def test_of_an_endpoint_that_is_being_deleted_the_end_is_awaited(restless: dict[str, str], wait: str) -> None:
    assert teardown.Contents(0, 0, {}, [], [], restless).rest() == wait


# The command line


@pytest.mark.parametrize("command", ["up", "down"])
def test_an_unknown_environment_is_refused_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, "--env", "dve"]) == 2
    assert "There is no environment 'dve'; there are dev, prod in " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["up"], ["down"], [], ["sideways", "--env", "dev"]])
def test_bad_arguments_are_exit_code_2(arguments: list[str]) -> None:
    assert main(arguments) == 2


@pytest.mark.parametrize("target", ["preflight", "deploy", "down"])
def test_make_without_an_environment_says_so_before_it_installs(target: str) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", target, "ENV="], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(
        "ENV is not set; give the name of an environment in terraform/environments, such as ENV=dev.\n"
    )


def test_without_terraform_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["up", "--env", "dev"]) == 1
    assert capsys.readouterr().err == ("\nThere is no terraform on PATH; install Terraform 1.11 or newer.\n")


def test_variables_that_terraform_cannot_read_are_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "terraform/environments", tmp_path / "environments")
    shutil.copy(ROOT / "terraform/variables.tf", tmp_path)
    (tmp_path / "environments/dev.tfvars").write_text("region = \n")
    with pytest.raises(UserError, match=r"dev\.tfvars cannot be read; Terraform says: .*Invalid expression"):
        terraform.find("dev", tmp_path).settings()


SLOW = """#!/bin/sh
# A Terraform whose plan never ends, and which saves its state when it is interrupted.
case "$1" in
  console) echo '"{\\"region\\":\\"us-east-1\\",\\"pipeline_name\\":\\"shop\\",\\"promote_from\\":null}"' ;;
  show) echo '{}' ;;
  plan) trap 'sleep 0.5; echo saved > saved; exit 1' INT
    echo planning > planning
    while :; do sleep 0.05; done ;;
esac
"""


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_terraform_is_let_end_when_a_person_interrupts(tmp_path: Path) -> None:
    programs, configuration = tmp_path / "bin", tmp_path / "terraform"
    programs.mkdir()
    (programs / "terraform").write_text(SLOW)
    (programs / "terraform").chmod(0o755)
    shutil.copytree(ROOT / "terraform", configuration)
    process = subprocess.Popen(
        [sys.executable, "-m", "commands", "up", "--env", "dev", "--terraform", configuration],
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while process.poll() is None and not (configuration / "planning").exists():
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, errors = process.communicate(timeout=HANGS)
    assert (configuration / "saved").read_text() == "saved\n", out + errors
    assert process.returncode == 130
    assert errors == "\nInterrupted; run the same command again to continue.\n"
