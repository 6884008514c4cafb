"""Creates a model, for a transform job or an endpoint."""

from local_aws.services.pipelines.step import Creation, StepRun, StepType
from local_aws.services.pipelines.steps.jobs.shared import resource_name

__all__ = ["Model"]

_CREATION = Creation("CreateModel", "model", "ModelName")


class Model(StepType):
    """Later steps can refer to the model, for example to its ModelName."""

    type = "Model"
    operation = "CreateModel"
    retriable = True

    def execute(self, run: StepRun) -> None:
        """Create the model."""
        name = resource_name(run, _CREATION)
        request = {**run.scope.resolve(run.step["Arguments"]), "ModelName": name}
        self.check_request(run, _CREATION, request)
        arn = self.services.models.create_model(request)["ModelArn"]
        run.note(Model={"Arn": arn})
        self._show(run, name)

    def restore(self, run: StepRun) -> None:
        """Show the model of an earlier attempt."""
        request = self.services.store.find("request", f"{run.execution_arn}/{run.name}")["Request"]
        self._show(run, request["ModelName"])

    def _show(self, run: StepRun, name: str) -> None:
        run.scope.properties[run.name] = self.services.models.describe_model({"ModelName": name})
