"""A processing job, and the property files among its outputs."""

from collections.abc import Mapping
from typing import Any

from contract.caching import COMPARED
from local_aws.core.errors import invalid
from local_aws.services.jobs.processing import ProcessingJobs
from local_aws.services.pipelines.step import StepFailed, StepRun
from local_aws.services.pipelines.steps.jobs.shared import JobStep

__all__ = ["Processing"]

_FILE_FIELDS = ("PropertyFileName", "OutputName", "FilePath")


class Processing(JobStep):
    """Later steps can refer to the job and, with `Std:JsonGet`, to values in its property files."""

    type = "Processing"
    operation = "CreateProcessingJob"
    metadata = "ProcessingJob"
    cached_attributes = COMPARED[type]

    @property
    def family(self) -> ProcessingJobs:
        """Processing jobs."""
        return self.services.processing

    @classmethod
    def check(cls, step: Mapping[str, Any]) -> None:
        """Refuse property files without a name, an output or a path."""
        files = step.get("PropertyFiles", [])
        if not isinstance(files, list) or not all(
            isinstance(file, dict) and all(isinstance(file.get(field), str) for field in _FILE_FIELDS)
            for file in files
        ):
            raise invalid(f"Step {step['Name']}: each property file needs {', '.join(_FILE_FIELDS)}.")

    def show(self, run: StepRun, job: str) -> None:
        """Let later steps refer to a job and its property files."""
        super().show(run, job)
        configuration = run.scope.properties[run.name].get("ProcessingOutputConfig", {})
        outputs = {
            output["OutputName"]: output["S3Output"]["S3Uri"] for output in configuration.get("Outputs", [])
        }
        for file in run.step.get("PropertyFiles", []):
            name, output, path = (file[field] for field in _FILE_FIELDS)
            if output not in outputs:
                raise StepFailed(
                    f"Property file {name} names the output {output!r}; the job has {sorted(outputs)}"
                )
            content = run.scope.read_object(f"{outputs[output].rstrip('/')}/{path}")
            run.scope.property_files[run.name, name] = content
