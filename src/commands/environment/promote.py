"""Take models over from the environment that trains into one that only serves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from commands.environment.terraform import PROGRAM, ROOT, Environment
from helpers import parameters
from helpers.deployment.promotion import Source, promote
from helpers.errors import BadInput
from helpers.session import Session, connect, connect_two_accounts, state_folder
from helpers.session.outputs import outputs_of

__all__ = ["take_over"]

LOCAL = ROOT / "parameters/local.yaml"


def take_over(environment: Environment | None, datasets: Sequence[str], version: int | None) -> None:
    """Promote a version of each data set, by default the newest approved one, and say what to do next.

    Args:
        environment: The environment that takes them over; None for a second account on this machine.
        datasets: The names of the data sets.
        version: The version where it was trained, if it is not the newest approved one.

    Raises:
        BadInput: the environment takes nothing over, or there is no such approved version.
        UserError: the environment that trains does not allow it.
    """
    with _on_aws(environment) if environment else _here(datasets) as (session, source):
        named = []
        for dataset in datasets:
            made = promote(session, source, dataset, version)
            named.append(f"{dataset}: {made.version}")
            print(
                f"{dataset}: version {made.version} of {session.pipeline_name} in account "
                f"{session.account_id}, {made.status}."
            )
        if environment is None:
            print(
                "To decide on it there, run notebook 04 in that account:\n"
                f"  LOCAL_AWS_HOME={state_folder()} {PROGRAM} run {LOCAL.relative_to(ROOT)} "
                f"--only 04 -p DATASETS '[{', '.join(datasets)}]' -p VERSIONS '{{{', '.join(named)}}}'"
            )


@contextmanager
def _on_aws(environment: Environment) -> Iterator[tuple[Session, Source]]:
    file = environment.outputs_file
    if not file.is_file():
        raise BadInput(
            f"{environment.name} does not exist yet; `{PROGRAM} up --env {environment.name}` creates it."
        )
    outputs = outputs_of(str(file))
    if not (names := outputs.get("promote_from")):
        raise BadInput(
            f"{environment.name} trains its own models; to take models over, set promote_from in "
            f"{environment.variables}, apply, and write the outputs again."
        )
    session = connect("aws", outputs["pipeline_name"], str(file))
    yield session, _source(names, session.client)


@contextmanager
def _here(datasets: Sequence[str]) -> Iterator[tuple[Session, Source]]:
    with connect_two_accounts(parameters.read(LOCAL)["PIPELINE_NAME"], datasets) as (session, names, client):
        yield session, _source(names, client)


def _source(names: Mapping[str, str], client: Callable[[str], Any]) -> Source:
    return Source(names["account_id"], names["region"], names["pipeline_name"], names["bucket"], client)
