"""Score a whole table from a shell, and say where the predictions are."""

from collections.abc import Mapping, Sequence
from typing import Any

from commands.environment.terraform import Environment
from commands.running import planning
from helpers.deployment.scoring.score import score as score_table

__all__ = ["score"]


def score(
    values: Mapping[str, Any],
    environment: Environment | None,
    table: str,
    model: str,
    version: int | None,
    output: str,
    ids: Sequence[str],
    written: Mapping[str, Any],
) -> None:
    """Send a table to a model, and print where the output is.

    Args:
        values: The parameters that say where the model is, unless an environment does.
        environment: Where it is, on AWS.
        table: A path, a glob or a URI.
        model: Its data set or group.
        version: Its version; None for the one in service.
        output: Where to write; empty for beside the table.
        ids: The columns that identify a row.
        written: How its files are written, where it is not detected.

    Raises:
        BadInput: a parameter, the model, the table or the output cannot be used.
        JobFailed: the model's server or the transform job failed.
    """
    value = environment.parameters() if environment else planning.known(values)
    with planning.connected(value) as session:
        done = score_table(session, table, model, version, output, ids, written=written)
    for note in done.notes:
        print(note)
    rate = done.rows / done.seconds
    print(
        f"{done.rows:,} rows by version {done.version} of {done.dataset} in {done.seconds:.1f} s, "
        f"{rate:,.0f} a second: {done.output}"
    )
