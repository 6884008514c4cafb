"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from helpers.session.storage import write_whole


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep/table.csv"
    for contents in ("first", "second"):
        before = path.read_text() if path.exists() else None
        with write_whole(path) as part:
            part.write_text(contents)
            assert (path.read_text() if path.exists() else None) == before
        assert path.read_text() == contents
    assert list(path.parent.iterdir()) == [path]


def test_of_what_is_half_written_nothing_is_left_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("whole")
    with pytest.raises(KeyboardInterrupt), write_whole(path) as part:
        part.write_text("ha")
        raise KeyboardInterrupt
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("table.csv", "whole")]


def test_a_file_that_is_never_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), write_whole(tmp_path / "table.csv"):
        pass
