"""A choice between two branches of steps."""

from collections.abc import Mapping
from typing import Any

from local_aws.core.errors import invalid, not_emulated
from local_aws.services.pipelines.expressions import CONDITIONS
from local_aws.services.pipelines.step import StepRun, StepType

__all__ = ["Condition"]


class Condition(StepType):
    """Chooses a branch. The other branch's steps, and all steps that need one of them, are skipped."""

    type = "Condition"
    branches = ("IfSteps", "ElseSteps")

    @classmethod
    def check(cls, step: Mapping[str, Any]) -> None:
        """Refuse conditions that cannot be evaluated."""
        _check_conditions(step["Name"], step["Arguments"].get("Conditions"))

    def execute(self, run: StepRun) -> None:
        """Choose the branch."""
        outcome = all(run.scope.holds(condition) for condition in run.step["Arguments"]["Conditions"])
        self._choose(run, outcome)
        run.note(Condition={"Outcome": str(outcome)})

    def restore(self, run: StepRun) -> None:
        """Choose the same branch again."""
        self._choose(run, run.record["Metadata"]["Condition"]["Outcome"] == "True")

    def _choose(self, run: StepRun, outcome: bool) -> None:
        if_steps, else_steps = self.branches
        run.branch = if_steps if outcome else else_steps
        run.scope.properties[run.name] = {"Outcome": outcome}


def _check_conditions(step: str, conditions: Any) -> None:
    if not isinstance(conditions, list) or not conditions:
        raise invalid(f"Step {step} has no Conditions.")
    for condition in conditions:
        if not isinstance(condition, dict) or condition.get("Type") not in CONDITIONS:
            raise not_emulated(
                f"the condition {condition!r} (step {step!r}); it supports {', '.join(CONDITIONS)}"
            )
        if condition["Type"] == "Or":
            _check_conditions(step, condition.get("Conditions"))
        elif condition["Type"] == "Not":
            _check_conditions(step, [condition.get("Expression", condition.get("Condition"))])
        else:
            wanted = ("QueryValue", "Values") if condition["Type"] == "In" else ("LeftValue", "RightValue")
            if not all(key in condition for key in wanted):
                raise invalid(f"Step {step}: the condition {condition['Type']} needs {' and '.join(wanted)}.")
