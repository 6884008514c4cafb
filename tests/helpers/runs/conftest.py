"""A quick pipeline of each test's own."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from support.helpers.quick import Quick

from helpers import runs
from helpers.session import Session


@pytest.fixture
def quick(session: Session, tmp_path: Path) -> Iterator[Quick]:
    """Whatever a test leaves running is stopped."""
    made = Quick(session, f"quick-{uuid4().hex[:6]}", tmp_path)
    made.create()
    yield made
    runs.stop(session, runs.find(session, developer=made.developer))
