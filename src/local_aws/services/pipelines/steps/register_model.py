"""Registers the next version of a model."""

from uuid import NAMESPACE_URL, uuid5

from local_aws.services.pipelines.step import Creation, StepRun, StepType

__all__ = ["RegisterModel"]

_CREATION = Creation("CreateModelPackage", "model-package-group", "ModelPackageGroupName")


class RegisterModel(StepType):
    """Later steps can refer to the model package."""

    type = "RegisterModel"
    operation = "CreateModelPackage"
    retriable = True

    def execute(self, run: StepRun) -> None:
        """Register a model package, and create its group if it does not exist."""
        request, registry = run.scope.resolve(run.step["Arguments"]), self.services.registry
        self.check_request(run, _CREATION, request)
        if not registry.has_group(request["ModelPackageGroupName"]):
            arn = registry.group_arn(request["ModelPackageGroupName"])
            self.services.authorize(run.role, "sagemaker:CreateModelPackageGroup", arn, {})
        registry.ensure_group(request["ModelPackageGroupName"])
        # An execution registers only once, even if it is retried after the server was killed at this moment.
        token = str(uuid5(NAMESPACE_URL, f"{run.execution_arn}/{run.name}"))
        arn = registry.create_model_package({"ClientToken": token, **request})["ModelPackageArn"]
        self._show(run, arn)
        run.note(RegisterModel={"Arn": arn})

    def restore(self, run: StepRun) -> None:
        """Show the package of an earlier attempt."""
        self._show(run, run.record["Metadata"]["RegisterModel"]["Arn"])

    def _show(self, run: StepRun, arn: str) -> None:
        described = self.services.registry.describe_model_package({"ModelPackageName": arn})
        run.scope.properties[run.name] = described
