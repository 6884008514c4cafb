"""What the tests of columns with many cells share: a decision must not depend on a compiler."""

from collections.abc import Callable
from types import ModuleType

import pyarrow as pa
import pytest
from tabular.data.decisions.decide import decide
from tabular.data.decisions.decision import Decision

Decided = Callable[[pa.ChunkedArray, ModuleType, str], tuple[Decision, Decision]]


@pytest.fixture
def decided_alike(monkeypatch: pytest.MonkeyPatch) -> Decided:
    """Decide what some cells are with and without a module's extension, and hold both alike."""

    def both(cells: pa.ChunkedArray, module: ModuleType, extension: str) -> tuple[Decision, Decision]:
        found = decide("a", cells)
        monkeypatch.setattr(module, extension, None)
        expected = decide("a", cells)
        assert (found.column, found.evidence, found.doubts) == (
            expected.column,
            expected.evidence,
            expected.doubts,
        )
        assert found.values.equals(expected.values)
        return found, expected

    return both
