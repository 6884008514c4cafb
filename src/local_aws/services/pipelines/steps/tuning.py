"""A hyperparameter tuning job."""

from typing import Any

from local_aws.core.store import Document
from local_aws.services.jobs.tuning import TuningJobs
from local_aws.services.pipelines.steps.jobs import JobStep

__all__ = ["Tuning"]

# The cache compares these parts of each TrainingJobDefinition.
_TRIAL_ATTRIBUTES = (
    "AlgorithmSpecification",
    "DefinitionName",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)


class Tuning(JobStep):
    """Later steps can refer to the job, for example to its BestTrainingJob."""

    type = "Tuning"
    metadata = "TuningJob"
    cached_attributes = ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions")

    @property
    def family(self) -> TuningJobs:
        """Tuning jobs."""
        return self.services.tuning

    @classmethod
    def cached(cls, request: Document) -> dict[str, Any]:
        """Return the parts that are compared, without where the trials run or write."""
        attributes = super().cached(request)
        if definition := attributes.get("TrainingJobDefinition"):
            attributes["TrainingJobDefinition"] = _trial_attributes(definition)
        if definitions := attributes.get("TrainingJobDefinitions"):
            attributes["TrainingJobDefinitions"] = [_trial_attributes(each) for each in definitions]
        return attributes

    def exception_type(self, reason: str) -> None:
        """Return None: the tuning job handles its trials itself, and no policy retries them."""


def _trial_attributes(definition: Document) -> Document:
    return {name: definition[name] for name in _TRIAL_ATTRIBUTES if name in definition}
