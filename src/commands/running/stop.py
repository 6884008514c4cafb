"""Stop executions that notebook 03 started, from a shell."""

from collections.abc import Mapping
from typing import Any

from tabular.spec.errors import amount

from commands.running import planning
from helpers import runs
from helpers.errors import UserError

__all__ = ["stop"]


def stop(values: Mapping[str, Any], yes: bool = False) -> None:
    """List the executions that run, ask, stop them, and print how each ended.

    Raises:
        BadInput: a parameter cannot be used.
        UserError: the answer was no, or an execution has not stopped yet.
    """
    value = planning.known(values)
    with planning.connected(value) as session:
        run_id = "" if value["RUN_ID"] == "new" else value["RUN_ID"]
        found = runs.find(session, run_id, value["DEVELOPER"])
        if not found:
            print(
                f"No execution{f' of run {run_id}' if run_id else ''} is running; there is nothing to stop."
            )
            return
        for execution in found:
            print(f"  {execution.dataset}, run {execution.run_id}: {execution.arn}")
        if not yes and input(f"Stop {amount(len(found), 'execution')}? [y/N] ").strip().lower() not in (
            "y",
            "yes",
        ):
            raise UserError("Nothing was stopped.")
        table = runs.stop(session, found)
    print(f"\n{table.to_string()}")
    if "Stopping" in set(table["status"]):
        raise UserError("Some have not stopped yet; they will. Run this again to see whether they have.")
