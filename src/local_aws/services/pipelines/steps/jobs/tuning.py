"""A hyperparameter tuning job."""

from typing import Any

from contract.caching import COMPARED
from local_aws.core.store import Document
from local_aws.services.jobs.tuning import TuningJobs
from local_aws.services.pipelines.steps.jobs.shared import JobStep

__all__ = ["Tuning"]

# What the cache compares of a TrainingJobDefinition. Of TrainingJobDefinitions, it compares everything.
_TRIAL_ATTRIBUTES = (
    "AlgorithmSpecification",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)


class Tuning(JobStep):
    """Later steps can refer to the job, for example to its BestTrainingJob."""

    type = "Tuning"
    operation = "CreateHyperParameterTuningJob"
    metadata = "TuningJob"
    cached_attributes = COMPARED[type]

    @property
    def family(self) -> TuningJobs:
        """Tuning jobs."""
        return self.services.tuning

    @classmethod
    def cached(cls, request: Document) -> dict[str, Any]:
        """Return the parts that are compared."""
        attributes = super().cached(request)
        if definition := attributes.get("TrainingJobDefinition"):
            attributes["TrainingJobDefinition"] = {
                name: definition[name] for name in _TRIAL_ATTRIBUTES if name in definition
            }
        return attributes

    def exception_type(self, reason: str) -> None:
        """Return None: the tuning job handles its trials itself, and no policy retries them."""
