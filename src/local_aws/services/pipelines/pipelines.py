"""Pipelines and their executions, as records and operations."""

import json
import secrets
import string
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local_aws.core.account import Account
from local_aws.core.concurrency import together
from local_aws.core.errors import AwsError, invalid, not_emulated, not_found
from local_aws.core.requests.listing import listing, page
from local_aws.core.store import Document, Store
from local_aws.services.pipelines.definitions import parse, typed_parameters
from local_aws.services.pipelines.executions import Execution
from local_aws.services.pipelines.expressions import Scope
from local_aws.services.pipelines.steps import STEP_TYPES, Services
from local_aws.services.s3 import Buckets

__all__ = ["Pipelines"]

_ID_LENGTH = 12
_UNDER_WAY = ("Executing", "Stopping")
_LONGEST_NAME = 82  # aws/sagemaker-python-sdk #2933, though the model of the API says 256
# https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-feature-processor-quotas.html
_MOST_EXECUTIONS = 20
_RETRIABLE = ("Failed", "Stopped")
_UNEMULATED_START = (
    "SelectiveExecutionConfig",
    "PipelineVersionId",
    "PipelineVersionAlias",
    "MlflowExperimentName",
)


class Pipelines:
    """The operations on pipelines and executions.

    Args:
        expect_jobs: Called when there is a pipeline, whose jobs will follow; it returns at once.
    """

    def __init__(
        self,
        account: Account,
        store: Store,
        buckets: Buckets,
        services: Services,
        expect_jobs: Callable[[], None],
    ) -> None:
        self._account, self._store, self._buckets = account, store, buckets
        self._expect_jobs = expect_jobs
        self._step_types = {name: step_type(services) for name, step_type in STEP_TYPES.items()}
        self._executions: dict[str, Execution] = {}

    # Pipelines

    def create_pipeline(self, request: Document) -> Document:
        """Record a pipeline, after checking that its definition can be executed."""
        name = request["PipelineName"]
        arn = self._account.arn("sagemaker", f"pipeline/{name}")
        earlier = self._store.find("token", f"{arn}#{request['ClientRequestToken']}") is not None
        if earlier and self._store.find("pipeline", name):
            return {"PipelineArn": arn}
        if len(name) > _LONGEST_NAME:
            raise invalid(
                f'[string "{name}" is too long (length: {len(name)}, maximum allowed: {_LONGEST_NAME})]'
            )
        definition, now = self._definition(request), time.time()
        document = {
            "PipelineName": name,
            "PipelineArn": arn,
            "PipelineDisplayName": request.get("PipelineDisplayName", name),
            "PipelineDescription": request.get("PipelineDescription"),
            "PipelineDefinition": definition,
            "ParallelismConfiguration": request.get("ParallelismConfiguration"),
            "RoleArn": request["RoleArn"],
            "PipelineStatus": "Active",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        if not self._store.add("pipeline", name, document):
            # The SDK's upsert relies on this code and these words.
            raise invalid(
                "Pipeline names must be unique within an AWS account and region. "
                f"Pipeline with name ({name}) already exists."
            )
        self._store.put("token", f"{arn}#{request['ClientRequestToken']}", {})
        self._expect_jobs()
        return {"PipelineArn": arn}

    def update_pipeline(self, request: Document) -> Document:
        """Change a pipeline's record; running executions keep their definition."""
        pipeline = self._pipeline(request["PipelineName"])
        changes = {
            field: request[field]
            for field in ("PipelineDisplayName", "PipelineDescription", "ParallelismConfiguration", "RoleArn")
            if field in request
        }
        if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
            changes["PipelineDefinition"] = self._definition(request)
        self._store.update("pipeline", pipeline["PipelineName"], LastModifiedTime=time.time(), **changes)
        return {"PipelineArn": pipeline["PipelineArn"]}

    def describe_pipeline(self, request: Document) -> Document:
        """Return a pipeline's record."""
        return self._pipeline(request["PipelineName"])

    def list_pipelines(self, request: Document) -> Document:
        """List pipelines, by default newest first."""
        prefix = request.get("PipelineNamePrefix", "")
        pipelines = [it for it in self._store.list("pipeline") if it["PipelineName"].startswith(prefix)]
        chosen, following = listing(pipelines, request, name="PipelineName")
        summaries = [{**item, "LastExecutionTime": item.get("LastRunTime")} for item in chosen]
        return {"PipelineSummaries": summaries, **following}

    def delete_pipeline(self, request: Document) -> Document:
        """Delete a pipeline and its executions."""
        pipeline = self._pipeline(request["PipelineName"])
        executions = self._executions_of(pipeline)
        if any(item["PipelineExecutionStatus"] in _UNDER_WAY for item in executions):
            raise AwsError(
                "ConflictException", f"Pipeline {pipeline['PipelineName']} has running executions."
            )
        for item in executions:
            for kind in ("execution", "execution-definition", "execution-steps", "tags"):
                self._store.delete(kind, item["PipelineExecutionArn"])
        self._store.delete("pipeline", pipeline["PipelineName"])
        self._store.delete("tags", pipeline["PipelineArn"])
        return {"PipelineArn": pipeline["PipelineArn"]}

    # Executions

    def start_pipeline_execution(self, request: Document) -> Document:
        """Start an execution; a repeated request with the same ClientRequestToken starts nothing.

        AWS documents neither how long it keeps a token nor what it does with one that comes with another
        request. Nothing may rely on either, so here a token is kept and another request with it is refused.
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html
        """
        for field in _UNEMULATED_START:
            if request.get(field):
                raise not_emulated(f"{field} of StartPipelineExecution")
        pipeline = self._pipeline(request["PipelineName"])
        definition = json.loads(pipeline["PipelineDefinition"])
        parameters = typed_parameters(definition, request.get("PipelineParameters", []))
        token = f"{pipeline['PipelineArn']}#{request['ClientRequestToken']}"
        asked = {**request, "PipelineName": pipeline["PipelineName"]}
        with self._store.lock:
            if earlier := self._store.find("token", token):
                if earlier["Request"] != asked:
                    raise AwsError(
                        "ConflictException",
                        f"The ClientRequestToken {request['ClientRequestToken']} has started "
                        f"{earlier['PipelineExecutionArn']} with another request.",
                    )
                return {"PipelineExecutionArn": earlier["PipelineExecutionArn"]}
            if len(self._executions) >= _MOST_EXECUTIONS:
                raise AwsError(
                    "ResourceLimitExceeded",
                    "The account-level service limit 'concurrent pipeline executions' is "
                    f"{_MOST_EXECUTIONS}, with current utilization of {len(self._executions)} and a request "
                    "delta of 1.",
                )
            document = self._new_execution(pipeline, request, parameters)
            arn = document["PipelineExecutionArn"]
            with self._store.transaction():
                self._store.put("execution", arn, document)
                self._store.put("execution-definition", arn, definition)
                self._store.put("token", token, {"PipelineExecutionArn": arn, "Request": asked})
                self._store.update("pipeline", pipeline["PipelineName"], LastRunTime=document["CreationTime"])
                execution = self._prepare(document, definition)
            self._begin(execution)
        return {"PipelineExecutionArn": arn}

    def retry_pipeline_execution(self, request: Document) -> Document:
        """Continue an execution that failed or was stopped, after the steps that have succeeded.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryPipelineExecution.html
        """
        arn = request["PipelineExecutionArn"]
        token = f"{arn}#{request['ClientRequestToken']}"
        with self._store.lock:
            document = self._execution(request)
            if earlier := self._store.find("token", token):
                return earlier
            status = document["PipelineExecutionStatus"]
            if status not in _RETRIABLE:
                raise AwsError(
                    "ConflictException",
                    f"Pipeline execution with ARN {arn} is in status {status}; "
                    f"only {' and '.join(_RETRIABLE)} executions can be retried.",
                )
            changes = {field: request[field] for field in ("ParallelismConfiguration",) if field in request}
            with self._store.transaction():
                document = self._store.update(
                    "execution",
                    arn,
                    PipelineExecutionStatus="Executing",
                    FailureReason=None,
                    LastModifiedTime=time.time(),
                    **changes,
                )
                self._store.put("token", token, {"PipelineExecutionArn": arn})
                execution = self._prepare(document, self._store.find("execution-definition", arn))
            self._begin(execution)
        return {"PipelineExecutionArn": arn}

    def describe_pipeline_execution(self, request: Document) -> Document:
        """Return an execution's record."""
        return self._execution(request)

    def describe_pipeline_definition_for_execution(self, request: Document) -> Document:
        """Return the definition with which an execution was started."""
        execution = self._execution(request)
        definition = self._store.find("execution-definition", execution["PipelineExecutionArn"])
        return {"PipelineDefinition": json.dumps(definition), "CreationTime": execution["CreationTime"]}

    def list_pipeline_executions(self, request: Document) -> Document:
        """List a pipeline's executions, by default newest first."""
        executions = self._executions_of(self._pipeline(request["PipelineName"]))
        chosen, following = listing(executions, request)
        summaries = [
            {
                **item,
                "StartTime": item["CreationTime"],
                "PipelineExecutionFailureReason": item.get("FailureReason"),
            }
            for item in chosen
        ]
        return {"PipelineExecutionSummaries": summaries, **following}

    def list_pipeline_execution_steps(self, request: Document) -> Document:
        """List an execution's steps that have started, by default newest first."""
        execution = self._execution(request)
        steps = self._store.find("execution-steps", execution["PipelineExecutionArn"])["Steps"]
        if request.get("SortOrder") != "Ascending":
            steps.reverse()
        chosen, following = page(steps, request, 100)
        return {"PipelineExecutionSteps": chosen, **following}

    def list_pipeline_parameters_for_execution(self, request: Document) -> Document:
        """List an execution's parameters, including defaults."""
        values = self._execution(request)["Parameters"]
        parameters = [
            {"Name": name, "Value": value if isinstance(value, str) else json.dumps(value)}
            for name, value in values.items()
        ]
        chosen, following = page(parameters, request, 100)
        return {"PipelineParameters": chosen, **following}

    def stop_pipeline_execution(self, request: Document) -> Document:
        """Stop an execution and its jobs; a repeated request with the same ClientRequestToken does nothing.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopPipelineExecution.html
        """
        with self._store.lock:
            document = self._execution(request)
            arn = document["PipelineExecutionArn"]
            token = f"stop#{arn}#{request['ClientRequestToken']}"
            if earlier := self._store.find("token", token):
                return earlier
            if document["PipelineExecutionStatus"] != "Executing":
                status = document["PipelineExecutionStatus"]
                raise AwsError(
                    "ConflictException", f"Pipeline execution with ARN {arn} is in status {status}."
                )
            with self._store.transaction():
                self._store.update(
                    "execution", arn, PipelineExecutionStatus="Stopping", LastModifiedTime=time.time()
                )
                self._store.put("token", token, {"PipelineExecutionArn": arn})
        if execution := self._executions.get(arn):  # otherwise it has just ended
            execution.stop()
        return {"PipelineExecutionArn": arn}

    # For the server

    def running(self) -> list[str]:
        """Return the ARNs of the running executions."""
        return sorted(self._executions)

    def requests(self) -> list[Document]:
        """Return the resolved requests of all steps so far."""
        return self._store.list("request")

    def recover(self) -> None:
        """Mark executions that were running when the last server ended as failed."""
        if self._store.list("pipeline"):
            self._expect_jobs()
        reason = (
            "The local_aws server was stopped while this execution ran. "
            "RetryPipelineExecution continues after its last finished step."
        )
        for execution in self._store.list("execution"):
            if execution["PipelineExecutionStatus"] not in _UNDER_WAY:
                continue
            arn, now = execution["PipelineExecutionArn"], time.time()
            self._store.update(
                "execution", arn, PipelineExecutionStatus="Failed", FailureReason=reason, LastModifiedTime=now
            )
            steps = self._store.find("execution-steps", arn)["Steps"]
            for step in steps:
                if step["StepStatus"] == "Executing":
                    step.update(StepStatus="Failed", FailureReason=reason, EndTime=now)
            self._store.put("execution-steps", arn, {"Steps": steps})

    def abandon(self) -> None:
        """Start no further steps."""
        for execution in list(self._executions.values()):
            execution.abandon()

    def close(self) -> None:
        """Stop all executions at once and wait until they have ended."""
        executions = list(self._executions.values())
        together(execution.stop for execution in executions)
        for execution in executions:
            execution.done.wait()

    # Inside

    def _prepare(self, document: Document, definition: Document) -> Execution:
        scope = self._scope(document, document["Parameters"])
        execution = Execution(self._store, self._step_types, document, definition, scope)
        execution.forget_failures()
        return execution

    def _begin(self, execution: Execution) -> None:
        """Run an execution in its own thread."""
        self._executions[execution.arn] = execution
        threading.Thread(target=self._run, args=(execution,), name=execution.arn[-_ID_LENGTH:]).start()

    def _run(self, execution: Execution) -> None:
        execution.run()
        with self._store.lock:  # a retry may have replaced it
            if self._executions.get(execution.arn) is execution:
                del self._executions[execution.arn]

    def _pipeline(self, name_or_arn: str) -> Document:
        pipeline = self._store.find("pipeline", name_or_arn.rsplit("/", 1)[-1])
        if pipeline is None:
            arn = self._account.arn("sagemaker", f"pipeline/{name_or_arn}")
            raise not_found(f"Pipeline '{arn}' does not exist.")
        return pipeline

    def _execution(self, request: Document) -> Document:
        arn = request["PipelineExecutionArn"]
        execution = self._store.find("execution", arn)
        if execution is None:
            raise not_found(f"Pipeline execution with ARN {arn} does not exist.")
        return execution

    def _executions_of(self, pipeline: Document) -> list[Document]:
        arn = pipeline["PipelineArn"]
        return [item for item in self._store.list("execution") if item["PipelineArn"] == arn]

    def _definition(self, request: Document) -> str:
        if location := request.get("PipelineDefinitionS3Location"):
            text = self._buckets.read(f"s3://{location['Bucket']}/{location['ObjectKey']}").decode()
        elif "PipelineDefinition" in request:
            text = request["PipelineDefinition"]
        else:
            raise invalid("The request needs PipelineDefinition or PipelineDefinitionS3Location.")
        parse(text)
        return text

    def _new_execution(self, pipeline: Document, request: Document, parameters: dict[str, Any]) -> Document:
        letters = string.ascii_lowercase + string.digits
        identifier = "".join(secrets.choice(letters) for _ in range(_ID_LENGTH))
        now = time.time()
        parallelism = request.get("ParallelismConfiguration") or pipeline.get("ParallelismConfiguration")
        document = {
            "PipelineArn": pipeline["PipelineArn"],
            "PipelineName": pipeline["PipelineName"],
            "PipelineExecutionArn": f"{pipeline['PipelineArn']}/execution/{identifier}",
            "PipelineExecutionDisplayName": request.get("PipelineExecutionDisplayName")
            or f"execution-{round(now * 1000)}",
            "PipelineExecutionDescription": request.get("PipelineExecutionDescription"),
            "PipelineExecutionStatus": "Executing",
            "ParallelismConfiguration": parallelism,
            "RoleArn": request.get("RoleArn", pipeline["RoleArn"]),
            "CreationTime": now,
            "LastModifiedTime": now,
            "Parameters": parameters,
        }
        return {field: value for field, value in document.items() if value is not None}

    def _scope(self, document: Document, parameters: dict[str, Any]) -> Scope:
        arn = document["PipelineExecutionArn"]
        execution = {
            "PipelineName": document["PipelineName"],
            "PipelineArn": document["PipelineArn"],
            "PipelineExecutionArn": arn,
            "PipelineExecutionId": arn.rsplit("/", 1)[-1],
            "StartDateTime": datetime.fromtimestamp(document["CreationTime"], UTC).isoformat(),
        }
        return Scope(parameters, execution, self._buckets.read)
