"""How long the state of many models takes to gather: `make bench-status` prints it as a table.

Each has a version in service, an uploaded table, an execution and 20 requests in the log, in local_aws, where
a call takes about as long as nothing. The second time, what cannot change is in the status stored before.
"""

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.helpers.calls import counted
from support.local_aws.aws import server_of
from support.local_aws.pipeline import definition, fail

import local_aws
from commands.reporting.status import render
from helpers.monitoring import fetching
from helpers.monitoring.status import gather
from helpers.session import Session, connect, local, state_folder
from lambdas import log

REQUESTS = 20  # of each model
AT_A_TIME = 8


def main() -> None:
    """Measure and print."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_AWS_HOME", home)
        with local("local"):
            session = connect("local", "many-models")
            local_aws.set_deliveries(
                server_of(session), lost=1.0, seed=0
            )  # the deployer would find no artifact
            make(session, [f"store-{place:04}" for place in range(number)])
            print(f"| {number:,} models | calls | seconds |\n|---|---:|---:|")
            for time_ in ("first", "second"):
                with counted(session) as called:
                    begin = time.perf_counter()
                    document = gather(session)
                    seconds = time.perf_counter() - begin
                print(f"| the {time_} time | {len(called):,} | {seconds:.1f} |")
                key = f"monitoring/{fetching.STORED}"
                session.client("s3").put_object(
                    Bucket=session.bucket, Key=key, Body=json.dumps(document).encode()
                )
            begin = time.perf_counter()
            page = render(document)
            print(f"| the page, {len(page.encode()) / 1e6:.1f} MB | | {time.perf_counter() - begin:.1f} |")
            assert document["totals"]["in_service"] == number
            assert all(row["requests"]["day"]["requests"] == REQUESTS for row in document["models"])
            assert all(row["retraining"]["outcome"] == "failed" for row in document["models"])


def make(session: Session, names: list[str]) -> None:
    """Make models as the pipeline and the deployer leave them, but for the artifacts, which nobody reads."""
    s3, sagemaker = session.client("s3"), session.client("sagemaker")
    sagemaker.create_pipeline(
        PipelineName=session.pipeline(),
        PipelineDefinition=definition([fail("End", "It ends here.")]),
        RoleArn=session.job_role_arn,
    )

    def one(name: str) -> None:
        s3.put_object(Bucket=session.bucket, Key=f"raw/{name}/0/dataset.json", Body=b"{}")
        sagemaker.create_model_package_group(ModelPackageGroupName=session.group(name))
        sagemaker.create_model_package(
            ModelPackageGroupName=session.group(name),
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": "i", "ModelDataUrl": session.uri("executions/x/model.tar.gz")}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            CustomerMetadataProperties={"algorithm": "XGBoost", "input-data": session.uri(f"raw/{name}/0/")},
        )
        arn = sagemaker.start_pipeline_execution(
            PipelineName=session.pipeline(),
            PipelineExecutionDescription=f"{name}, retraining",
            ClientRequestToken=f"{name:0<32}",
        )["PipelineExecutionArn"]
        while sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] in (
            "Executing"
        ):
            time.sleep(0.01)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(one, names))
    entry = {"key": "models/x", "version": 1, "sha256": "0", "approved_at": log.now()}
    entries = {session.group(name): entry for name in names}
    s3.put_object(Bucket=session.bucket, Key="deployments/models-map.json", Body=json.dumps(entries).encode())
    path = Path(state_folder(), f"functions/{session.invoker_function_name}/log.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for place in range(REQUESTS * len(names)):
            values = {"Requests": 1, "4XXErrors": 0, "5XXErrors": 0, "Rows": 1}
            line = {"function": "invoker", "group": session.group(names[place % len(names)]), "status": 200}
            metrics = log.metrics("ManyModels", [], values, {})
            file.write(json.dumps({**line, "milliseconds": 5.0, **metrics}) + "\n")


if __name__ == "__main__":
    main()
