"""Create an environment on AWS, or update it.

Every step says what it does and why. If it is interrupted anywhere, the same command continues.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from commands.environment.terraform import (
    NOTHING_BUILT,
    PROGRAM,
    ROOT,
    Environment,
    announce,
    call,
    same_environment,
)
from contract.endpoints import endpoint_names
from helpers.errors import BadInput, UserError
from helpers.image import builders, ecr
from helpers.session.storage import write_whole

__all__ = ["PARAMETERS", "up"]

PARAMETERS = ROOT / "parameters/aws.yaml"
RUNS = ROOT / "runs"
# Created only when there is an image or a definition.
LATER = ("aws_sagemaker_endpoint", "aws_sagemaker_model", "aws_sagemaker_pipeline")


def up(environment: Environment, image_uri: str = "", *, yes: bool = False) -> None:
    """Create the environment, or update it: apply, image, definition, apply.

    Raises:
        BadInput: the image is in another registry, or the environment was created under another name.
        UserError: a step failed or was declined, or there is no image yet; the message says what to do.
    """
    settings = environment.settings()
    announce(1, "terraform init", "fetches the providers and finds the state of this environment")
    environment.init()
    outputs, kinds = environment.state()
    same_environment(environment, settings, outputs)
    if settings["promote_from"]:
        _serve_only(environment, settings, outputs, image_uri, yes=yes)
        return

    announce(
        2, "first apply", "the definition needs bucket, roles and registry; image and endpoint come later"
    )
    if "repository_url" in outputs and any(kind.startswith(LATER) for kind in kinds):
        # Without image and definition, this apply would delete what the second one created.
        print("Done before; the existing image and definition are kept. Other changes come in step 5.")
        changed = False
    else:
        changed = environment.apply(NOTHING_BUILT, yes=yes)
        outputs, _ = environment.state()
    _write_outputs(environment, outputs)

    announce(3, "image", "jobs and endpoint run in it; it is named by the contents of container/")
    chosen = _image(environment, settings, outputs, image_uri)
    print(f"The image is {chosen}.")

    files = " and ".join(environment.definitions.values())
    announce(4, "notebook 02", f"compiles the pipelines to {files} in terraform/")
    # The notebook compiles for what the next step applies, which is not in the outputs yet.
    coming = {"image_uri": chosen, "vpc": settings["vpc"], "kms_key_arn": settings["kms_key_arn"]}
    coming = {name: {"value": value} for name, value in coming.items()}
    _write_outputs(environment, {**outputs, **coming})
    _compile(environment, outputs)

    announce(5, "second apply", "adds pipelines, model and endpoint, which is then billed by the hour")
    built = {"image_uri": chosen, **environment.definitions}
    changed = environment.apply(built, yes=yes) or changed
    outputs, _ = environment.state()
    _write_outputs(environment, outputs)

    print()
    print(f"{environment.name} is {'up to date' if changed else 'unchanged'}.")
    _show_what_there_is(environment, outputs)
    _show_what_comes_next(environment, settings, built, outputs)


def _serve_only(
    environment: Environment,
    settings: Mapping[str, Any],
    outputs: Mapping[str, Any],
    given: str,
    *,
    yes: bool,
) -> None:
    """Create or update an environment that takes models over: neither image nor definition is made for it."""
    announce(2, "apply", "models and image come from the environment in promote_from; the endpoint is billed")
    image = given or settings["image_uri"] or outputs.get("image_uri", {}).get("value")
    changed = environment.apply({"image_uri": image}, yes=yes)
    outputs, _ = environment.state()
    _write_outputs(environment, outputs)
    print(f"\n{environment.name} is {'up to date' if changed else 'unchanged'}.")
    _show_what_there_is(environment, outputs)
    print("\nNext:")
    if image is None:
        source = settings["promote_from"]
        print(
            "  There is no endpoint yet. Name the image, by its digest, that serves where models are trained"
        )
        print(f"  ({source['pipeline_name']} in account {source['account_id']}), and run this again:")
        print(f"    image_uri in {environment.variables}")
    elif image != settings["image_uri"]:
        print(f"  So that CI applies the same, write into {environment.variables}:")
        print(f'    image_uri = "{image}"')
    print("  Take over what was trained and approved there (docs/models/promotion.md):")
    print(f"    {PROGRAM} promote <data set> --env {environment.name}")


def _write_outputs(environment: Environment, outputs: Mapping[str, Any]) -> None:
    with write_whole(environment.outputs_file) as part:
        part.write_text(json.dumps(outputs, indent=1, sort_keys=True))


def _image(
    environment: Environment, settings: Mapping[str, Any], outputs: Mapping[str, Any], given: str
) -> str:
    """The image to apply: the named one, else that of the current container/, else the one in use."""
    repository, region = outputs["repository_url"]["value"], outputs["region"]["value"]
    client = boto3.Session(region_name=region).client("ecr")
    if named := given or settings["image_uri"]:
        where = "--image-uri" if given else environment.variables
        reference = named.removeprefix(repository)
        if reference == named or reference[:1] not in (":", "@"):
            raise BadInput(
                f"{where} names the image {named}; it must be one in {repository}, with its :tag or @digest, "
                "because the roles may pull from nowhere else."
            )
        if not ecr.usable_digest(client, named):
            raise UserError(
                f"{where} names the image {named}, which does not exist; push it, or name another."
            )
        return named
    name, _ = builders.wanted(client, repository, outputs["base_image"]["value"])
    if digest := ecr.usable_digest(client, name):
        return f"{repository}@{digest}"
    how = f"{PROGRAM} image --env {environment.name}  # with Docker, or with CodeBuild if there is no Docker"
    if current := outputs.get("image_uri", {}).get("value"):
        print(f"container/ has changed since this image was built. To serve its new code:\n  {how}")
        return current
    raise UserError(
        f"There is no image {name} yet. Build it, then run this command again: it continues here.\n"
        f"  {how}\n  {PROGRAM} up --env {environment.name}"
    )


def _compile(environment: Environment, outputs: Mapping[str, Any]) -> None:
    """Run notebook 02 for this environment; it writes the definitions."""
    values = {
        "TERRAFORM_OUTPUTS": str(environment.outputs_file),
        "PIPELINE_NAME": outputs["pipeline_name"]["value"],
        "DEFINITION_FILE": str(environment.folder / environment.definition),
        "DEVELOPER": "",  # with a name, it would also create that developer's pipeline
        "DATASETS": ["breast-cancer"],  # notebook 02 uses no tables: none must be downloaded
    }
    command = [sys.executable, "-m", "commands", "run", str(PARAMETERS), "--only", "02", "--runs", str(RUNS)]
    for name, value in values.items():
        command += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
    # The SDK needs a region when it is imported.
    region = {"AWS_DEFAULT_REGION": outputs["region"]["value"]}
    done = call(command, ROOT, environment=region)
    if done.returncode:
        raise UserError(
            f"Notebook 02 ended with exit code {done.returncode}, and says why above; fix that and run this "
            "command again: it continues where it stopped."
        )


def _show_what_there_is(environment: Environment, outputs: Mapping[str, Any]) -> None:
    value = {name: output.get("value") for name, output in outputs.items()}
    rows = {
        "bucket": value["bucket"],
        "image": value.get("image_uri") or "none yet",
        "pipelines": ", ".join(value["pipelines"].values()) or "none",
        "endpoint": ", ".join(endpoint_names(value["endpoint_name"], value.get("endpoints") or 1))
        if value["endpoint_in_service"]
        else "none: endpoint_enabled is false"
        if value.get("image_uri")
        else "none yet",
        "URL": value["invoker_url"],
        "dashboard": value["dashboard_url"],
        "outputs": _shown(environment.outputs_file),
    }
    for name, text in rows.items():
        print(f"  {name:10} {text}")


def _show_what_comes_next(
    environment: Environment,
    settings: Mapping[str, Any],
    built: Mapping[str, str],
    outputs: Mapping[str, Any],
) -> None:
    print("\nNext:")
    lines = [f'{name} = "{value}"' for name, value in built.items() if settings[name] != value]
    if lines:
        print(f"  So that CI applies the same, commit {' and '.join(environment.definitions.values())},")
        print(f"  and write into {environment.variables}:")
        for line in lines:
            print(f"    {line}")
    print("  Train, up to the decision (docs/operations/first-run-on-aws.md continues from here):")
    print(
        f"    {PROGRAM} run {_shown(PARAMETERS)} --from 03 "
        f"-p TERRAFORM_OUTPUTS {_shown(environment.outputs_file)} "
        f"-p PIPELINE_NAME {outputs['pipeline_name']['value']}"
    )
    if outputs["endpoint_in_service"]["value"]:
        print(
            "  The endpoint is billed by the hour, whether it gets requests or not. To stop that, set "
            "endpoint_enabled = false, or run:"
        )
        print(f"    {PROGRAM} down --env {environment.name}")


def _shown(path: Path) -> str:
    """A path as one would type it in the project's folder."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
