"""A training job."""

from contract.caching import COMPARED
from local_aws.services.jobs.training.jobs import TrainingJobs
from local_aws.services.pipelines.steps.jobs.shared import JobStep

__all__ = ["Training"]


class Training(JobStep):
    """Later steps can refer to the job, for example to its ModelArtifacts."""

    type = "Training"
    operation = "CreateTrainingJob"
    metadata = "TrainingJob"
    cached_attributes = COMPARED[type]

    @property
    def family(self) -> TrainingJobs:
        """Training jobs."""
        return self.services.training
