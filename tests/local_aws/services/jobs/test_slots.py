"""The processors of the machine are shared by the jobs that run, and never given twice."""

from pathlib import Path

from local_aws.services.jobs.slots import Slots


def test_each_job_may_use_its_share_of_the_processors(tmp_path: Path) -> None:
    file = tmp_path / "cores"
    slots = Slots(file, cores=3)

    def share() -> int:
        return int(file.read_text())

    assert share() == 3
    shares = []
    for running in (1, 2, 3):
        assert slots.acquire(timeout=0)
        shares.append(share())
        assert running * share() <= 3
    assert shares == [3, 1, 1]
    assert not slots.acquire(timeout=0.01)
    slots.release()
    assert slots.acquire(timeout=0)
    for _ in range(3):
        slots.release()
    assert share() == 3
