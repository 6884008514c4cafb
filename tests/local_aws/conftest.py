"""One server in a temporary home for the whole session; each test uses its own names."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from support.local_aws.aws import SCOPE, Aws, told

import local_aws
from local_aws.core.account import Account


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The session's server, whose jobs are forks of one process that has their imports."""
    home = tmp_path_factory.mktemp("aws") / "home"
    server = local_aws.start(home, owner=os.getpid())
    yield Aws(server.endpoint_url, home)
    asked = set(told(server, "operations"))
    local_aws.stop(home)
    asked.discard("sagemaker:NoSuchOperation")  # which AWS has not either
    unlisted = sorted(asked - {operation for listed in SCOPE.values() for operation in listed})
    assert not unlisted, f"not in src/local_aws/gateway/scope.json: {unlisted}"


@pytest.fixture(scope="session")
def bucket(aws: Aws) -> str:
    """A bucket of the session's server."""
    aws.client("s3").create_bucket(Bucket="toys")
    return "toys"


@pytest.fixture
def name() -> str:
    """A name nobody has used."""
    return f"toy-{uuid4().hex[:8]}"


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """An account without a server, for parts that are tested separately."""
    return Account(tmp_path, "us-east-1", "http://127.0.0.1:9", "secret")
