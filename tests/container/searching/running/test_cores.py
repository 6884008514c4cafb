"""How many processes a search may have busy, alone on its instance and beside others on a laptop."""

import sys

import pytest
from tabular.searching.running.cores import cores, cores_now
from tabular.searching.running.workers import Processes, Task
from tabular.searching.trials import Configuration

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="there are no forks to hold back")


def test_alone_it_uses_as_many_as_it_may(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert cores() == 3
    assert cores_now(5) == 5, "what was decided at the beginning holds"
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert cores() >= 1


@LINUX
def test_beside_others_it_uses_its_share_which_changes(monkeypatch, tmp_path):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    file = tmp_path / "cores"
    monkeypatch.setenv("CORES_FILE", str(file))
    found = []
    for text in ("4", "1", "0", "3"):
        file.write_text(text)
        found.append(cores_now(3))
    assert found == [3, 1, 1, 3]
    file.unlink()
    assert cores_now(3) == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    every = cores()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores() == every, "so the result does not depend on what else runs"


class Waits:
    """Stands for the folds: a task takes until its process is killed."""

    def fit(self, _configuration, _fold):
        while True:
            pass


@LINUX
def test_a_process_begins_nothing_while_its_core_is_needed_elsewhere(monkeypatch, tmp_path):
    file = tmp_path / "cores"
    file.write_text("2")
    monkeypatch.setenv("CORES_FILE", str(file))
    crew = Processes(Waits(), 3)
    try:
        assert crew.idle == 2
        crew.start(Task(0, Configuration("A", {}, "default"), 0))
        assert crew.idle == 1
        file.write_text("1")
        assert crew.idle == 0
        file.write_text("3")
        assert crew.idle == 2
    finally:
        crew.close()
