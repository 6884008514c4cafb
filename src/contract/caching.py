"""What SageMaker compares of a step before it takes the step's result from an earlier execution.

Follows https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
"""

from collections.abc import Mapping

__all__ = ["COMPARED"]

# The parts of a step's request, by the type of the step.
COMPARED: Mapping[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
}
