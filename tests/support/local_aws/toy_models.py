"""Real models that take no time to make, and how to put them into service."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
from tabular.learning.pipeline import build_pipeline
from tabular.portable.export import export
from tabular.portable.files import save_model
from tabular.spec.columns import Column, Schema

import local_aws


def artifact(label: str, folder: Path) -> bytes:
    """A model.tar.gz, built in a folder: it predicts this label for positive numbers, and zzz for others."""
    schema = Schema("binary", "label", (label, "zzz"), (Column("x", "numeric"),))
    pipeline = build_pipeline(schema, "LogisticRegression", {}, random_state=1)
    frame = pd.DataFrame({"x": np.r_[np.linspace(1, 2, 10), np.linspace(-2, -1, 10)]})
    pipeline.fit(frame, np.repeat([0, 1], 10))
    model, arrays = export(pipeline, schema, "logistic")
    save_model(folder, {"sample": {"instances": [{"x": 1.0}], "predictions": [label]}, **model}, arrays)
    return packed(folder)


def packed(folder: Path) -> bytes:
    """The files of a folder as a model.tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    return buffer.getvalue()


def client(server: local_aws.Server, service: str) -> Any:
    """A person's client of a server in us-east-1."""
    session = boto3.Session("local", server.secret, region_name="us-east-1")
    return session.client(service, endpoint_url=server.endpoint_url)


def serve(server: local_aws.Server, outputs: Mapping[str, Any], group: str, content: bytes) -> None:
    """Register a model.tar.gz as a group's version 1, approved, and have the deployer put it into service."""
    key, sagemaker = f"executions/{group}.tar.gz", client(server, "sagemaker")
    client(server, "s3").put_object(Bucket=outputs["bucket"], Key=key, Body=content)
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": f"s3://{outputs['bucket']}/{key}"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    functions = client(server, "lambda")
    deployed = functions.invoke(FunctionName=outputs["deployer_function_name"], Payload=b"{}")
    assert "FunctionError" not in deployed, deployed["Payload"].read()


def another_invoker(
    server: local_aws.Server, outputs: Mapping[str, Any], name: str, role: str = "invoker", **settings: str
) -> None:
    """Create a function with the invoker's code, under a role of the environment and with other settings."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("again.py", "from lambdas.invoker.handler import handler\n")
    pipeline = outputs["pipeline_name"]
    names = {
        "BUCKET": outputs["bucket"],
        "PIPELINE_NAME": pipeline,
        "ENDPOINT_NAME": pipeline,
        "ENDPOINTS": "1",
    }
    client(server, "lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=f"arn:aws:iam::{outputs['account_id']}:role/{pipeline}-{role}",
        Handler="again.handler",
        Timeout=60,
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {**names, **settings}},
    )
