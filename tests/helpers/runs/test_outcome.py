"""What became of an execution, and what to do about it, from its steps alone."""

from types import SimpleNamespace

import pytest

from helpers.runs import outcome
from helpers.runs.executions.execution import Execution


@pytest.mark.parametrize(
    ("step", "is_local", "advice"),
    [
        (
            "SearchAndRefit",
            False,
            "a larger TRAINING_INSTANCE, or let the trials see fewer rows (SEARCH_ROWS)",
        ),
        ("EvaluateBestModel", False, "name a larger EVALUATION_INSTANCE; then run 03 again"),
        ("PreprocessData", True, "close other programs or lower MAX_PARALLEL_EXECUTIONS; then run 03 again"),
    ],
)
def test_a_job_that_was_killed_may_have_run_out_of_memory(step: str, is_local: bool, advice: str) -> None:
    reason = (
        "Job x: AlgorithmError: , exit code: 137" if not is_local else "AlgorithmError: exit code 137: it was"
    )
    steps = [{"StepName": step, "StepStatus": "Failed", "FailureReason": reason}]
    found = outcome.verdict(
        SimpleNamespace(is_local=is_local),
        Execution("wine", "arn:aws:sagemaker:eu-west-1:1:pipeline/p/execution/e"),
        {"PipelineExecutionStatus": "Failed"},
        steps,
    )
    assert found["advice"].startswith("It may have run out of memory: ")
    assert advice in found["advice"]
