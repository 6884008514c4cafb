"""The commands of the image: who calls each, and what it then runs."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["COMMANDS", "Command"]
__dir__ = __all__.copy


@dataclass(frozen=True)
class Command:
    """A command of the image, as `[project.scripts]` in container/pyproject.toml has it.

    Attributes:
        callers: what starts a container with it.
        runs: the modules that it runs.
        reads: where it finds what it needs.
        leaves: where it leaves what it makes, or how it answers.
    """

    callers: tuple[str, ...]
    runs: tuple[str, ...]
    reads: str
    leaves: str


COMMANDS: Mapping[str, Command] = {
    "process": Command(
        ("PreprocessData", "EvaluateBestModel", "the check for drift"),
        ("tabular.jobs.preprocess", "tabular.jobs.evaluate", "tabular.jobs.monitor"),
        "reads /opt/ml/processing/input",
        "leaves /opt/ml/processing/output",
    ),
    "train": Command(
        ("TuningWithCrossValidation", "RefitBestModel", "SearchAndRefit"),
        ("tabular.jobs.train", "tabular.jobs.refit", "tabular.jobs.search"),
        "reads /opt/ml/input/data",
        "leaves /opt/ml/model and /opt/ml/output",
    ),
    "serve": Command(
        ("the endpoint", "batch transform"),
        ("tabular.serving.serve",),
        "loads a model when it is first asked",
        "answers on port 8080",
    ),
}
