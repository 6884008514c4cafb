"""A model of a small table in the registry, which no pipeline has made."""

import csv
import io
from pathlib import Path
from uuid import uuid4

import pandas as pd
from tabular.portable.files import save_model
from tabular.serving.codec import decode, encode

from contract.names import MODEL_SHA256
from helpers.session import Session
from support.container.tables import Fitted
from support.local_aws.toy_models import packed

__all__ = ["Registered"]


class Registered:
    """A model in the registry: its data set, and what it was made of."""

    def __init__(self, session: Session, folder: Path, one: Fitted, sha256: str = "") -> None:
        self.dataset, self.one = f"scored-{uuid4().hex[:6]}", one
        save_model(folder, {"sample": {}, **one.manifest}, one.arrays)
        key, sagemaker = f"executions/{self.dataset}/model.tar.gz", session.client("sagemaker")
        session.client("s3").put_object(Bucket=session.bucket, Key=key, Body=packed(folder))
        sagemaker.create_model_package_group(ModelPackageGroupName=session.group(self.dataset))
        sagemaker.create_model_package(
            ModelPackageGroupName=session.group(self.dataset),
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": session.image_uri, "ModelDataUrl": session.uri(key)}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            CustomerMetadataProperties={
                "algorithm": "LightGBM",
                **({MODEL_SHA256: sha256} if sha256 else {}),
            },
        )

    def served(self, table: pd.DataFrame) -> list[list[str]]:
        """What the server answers to the rows, cell by cell."""
        body = table[self.one.model.names].to_csv(index=False, header=False).encode()
        model = self.one.model
        has_classes = bool(model.classes)
        answer, _ = encode(model.predict(*decode(body, "text/csv", model)), "text/csv", model, has_classes)
        return list(csv.reader(io.StringIO(answer.decode())))
