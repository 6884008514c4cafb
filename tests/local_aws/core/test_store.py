"""Records on a full disk."""

from pathlib import Path

import pytest
from support.local_aws.disk import full_disk, needs_prlimit

from local_aws.core.store import Store

pytestmark = needs_prlimit


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "records.db")
    store.put("job", "one", {"Status": "InProgress"})
    store.put("job", "two", {"Status": "InProgress"})
    return store


def test_a_write_on_a_full_disk_is_refused_as_a_whole(store: Store) -> None:
    with full_disk(), pytest.raises(OSError), store.transaction():
        store.update("job", "one", Status="Completed")
        store.put("tags", "one", {"a": "b"})
    assert store.find("job", "one") == {"Status": "InProgress"}
    assert store.list("tags") == []
    store.put("tags", "one", {"a": "b"})
    assert store.find("tags", "one") == {"a": "b"}


def test_what_is_noted_on_a_full_disk_is_seen_at_once_and_written_when_there_is_space(
    store: Store, tmp_path: Path
) -> None:
    with full_disk():
        assert store.note("job", "one", Status="Failed", Reason="full") == {
            "Status": "Failed",
            "Reason": "full",
        }
        store.note("job", "one", Reason="disk full")
        assert store.find("job", "one") == {"Status": "Failed", "Reason": "disk full"}
        assert store.list("job") == [{"Status": "Failed", "Reason": "disk full"}, {"Status": "InProgress"}]
    store.note("job", "two", Status="Completed")
    store.close()
    again = Store(tmp_path / "records.db")
    assert again.list("job") == [{"Status": "Failed", "Reason": "disk full"}, {"Status": "Completed"}]


def test_a_list_may_ask_for_names_that_begin_so(store: Store) -> None:
    for name in ("b/1", "a/2", "a/1", "a/é", "a", "ab/1"):
        store.put("package", name, {"name": name})
    assert [each["name"] for each in store.list("package", "a/")] == ["a/2", "a/1", "a/é"]
    assert len(store.list("package")) == 6
