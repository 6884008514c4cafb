"""A hyperparameter tuning job."""

from typing import Any

from local_aws.core.store import Document
from local_aws.services.jobs.tuning import TuningJobs
from local_aws.services.pipelines.steps.jobs import JobStep

__all__ = ["Tuning"]

# Of each TrainingJobDefinition the cache compares these.
_TRIAL_ATTRIBUTES = (
    "AlgorithmSpecification",
    "DefinitionName",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)


class Tuning(JobStep):
    """Later steps refer to the job, such as to its BestTrainingJob."""

    type = "Tuning"
    metadata = "TuningJob"
    cached_attributes = ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions")

    @property
    def family(self) -> TuningJobs:
        """Tuning jobs."""
        return self.services.tuning

    @classmethod
    def cached(cls, request: Document) -> dict[str, Any]:
        """Return what is compared; of trials neither where they run nor where they write."""
        attributes = super().cached(request)
        if definition := attributes.get("TrainingJobDefinition"):
            attributes["TrainingJobDefinition"] = _trial_attributes(definition)
        if definitions := attributes.get("TrainingJobDefinitions"):
            attributes["TrainingJobDefinitions"] = [_trial_attributes(each) for each in definitions]
        return attributes

    def exception_type(self, reason: str) -> None:
        """Return nothing: trials are the tuning job's own affair, no policy retries them."""


def _trial_attributes(definition: Document) -> Document:
    return {name: definition[name] for name in _TRIAL_ATTRIBUTES if name in definition}
