"""The folder of a finished job, as it really was."""

import pytest

from helpers.image import opt_ml
from helpers.session import Session


@pytest.mark.slow
def test_a_job_is_run_to_be_looked_at_and_shows_what_it_read_and_left(session: Session) -> None:
    shown = repr(opt_ml.look_inside(session)).splitlines()
    assert shown[0].startswith("$ process tabular.jobs.preprocess --target diagnosis")
    assert shown[1] == "/opt/ml"
    rows = {parts[-3]: parts[-1] for line in shown[2:] if len(parts := line.replace(" kB", "kB").split()) > 3}
    assert rows["breast-cancer.csv"] == rows["source.tar.gz"] == "read"
    assert rows["data.parquet"] == rows["schema.json"] == "left"
    assert opt_ml.look_inside(session) == opt_ml.look_inside(session), "it runs once"


def test_files_stand_in_their_folders() -> None:
    nested = opt_ml._nested({"input/a": ["one\t1 kB\tread", "two\t20 kB\tread"], "output": []})
    assert list(opt_ml._aligned(opt_ml._drawn(nested))) == [
        "├── input/",
        "│   └── a/",
        "│       ├── one          1 kB  read",
        "│       └── two         20 kB  read",
        "└── output/",
    ]


def test_without_a_job_that_has_run_it_says_what_to_do(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Session, "is_local", False)  # on AWS, none is started to be looked at
    monkeypatch.setattr(opt_ml, "earlier", lambda *_: [])
    assert opt_ml.look_inside(session) is None
    assert "run notebook 3" in capsys.readouterr().out
