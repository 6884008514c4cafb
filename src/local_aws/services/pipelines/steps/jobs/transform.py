"""A batch transform job."""

from local_aws.services.jobs.transform import TransformJobs
from local_aws.services.pipelines.steps.jobs.shared import JobStep

__all__ = ["Transform"]


class Transform(JobStep):
    """Later steps can refer to the job, for example to its TransformOutput."""

    type = "Transform"
    operation = "CreateTransformJob"
    metadata = "TransformJob"
    cached_attributes = ("DataProcessing", "Environment", "ModelName", "TransformInput")

    @property
    def family(self) -> TransformJobs:
        """Transform jobs."""
        return self.services.transform
