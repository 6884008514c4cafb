"""The sweep over all groups: a few lists say which groups have changed since they were last in order.

What the lists show of a group is compared with what they showed when a look at it found nothing to do. So an
unchanged group costs no call of its own, however many groups there are.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from contract import names
from contract.endpoints import endpoint_of
from lambdas import ledger, models_map
from lambdas.deployer import registry
from lambdas.errors import code_of
from lambdas.settings import Settings

__all__ = ["look", "read_settled", "write_settled"]


def look(s3: BaseClient, sagemaker: BaseClient, settings: Settings) -> dict[str, str]:
    """Return a digest of what there is of each group: approved version, map entry, artifacts, last record.

    The endpoint that should serve it counts too, if that is not the first. A group of which there is nothing
    at all is left out.
    """
    bucket, prefix, contract = settings.bucket, names.group_prefix(settings.pipeline_name), names.load()
    seen: dict[str, dict[str, Any]] = defaultdict(dict)
    for group, newest in registry.all_newest_approved(sagemaker, prefix).items():
        seen[group]["approved"] = newest
    for group, entry in models_map.read(s3, bucket).entries.items():
        if group.startswith(prefix):
            seen[group]["entry"] = entry
    for found in _objects(s3, bucket, f"{contract.prefixes.models}{prefix}"):
        group = found["Key"].removeprefix(contract.prefixes.models).partition("/")[0]
        # An artifact that is retired is written again, so it has another time.
        artifact = (found["Key"], found["ETag"], found["LastModified"].isoformat())
        seen[group].setdefault("artifacts", []).append(artifact)
    for found in _objects(s3, bucket, f"{contract.ledger_prefix}{prefix}"):
        group = found["Key"].removeprefix(contract.ledger_prefix).partition("/")[0]
        seen[group]["record"] = max(found["Key"], seen[group].get("record", ""))
    for group, facts in seen.items():
        if (endpoint := endpoint_of(group, settings.endpoint_names)) != settings.endpoint_name:
            facts["endpoint"] = endpoint
    return {group: _digest(facts) for group, facts in seen.items()}


def read_settled(s3: BaseClient, bucket: str) -> dict[str, str]:
    """Return the digest with which each group was last found in order; none if that is not known."""
    try:
        body = s3.get_object(Bucket=bucket, Key=_key())["Body"].read()
        settled = json.loads(body)
    except ClientError as error:
        if code_of(error) != "NoSuchKey":
            raise
        return {}
    except ValueError:
        return {}
    return settled if isinstance(settled, dict) else {}


def write_settled(s3: BaseClient, bucket: str, settled: Mapping[str, str]) -> None:
    """Keep the digests. If two sweeps write, one is lost, and its groups are looked at once more."""
    body = json.dumps(settled, sort_keys=True).encode()
    s3.put_object(Bucket=bucket, Key=_key(), Body=body, ContentType="application/json")


def _key() -> str:
    return f"{names.load().ledger_prefix}{ledger.SETTLED}"


def _objects(s3: BaseClient, bucket: str, prefix: str) -> list[dict[str, Any]]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [found for page in pages for found in page.get("Contents", [])]


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
