"""What a check for drift prints."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.container import streams

from commands import monitor


def printed(capsys: pytest.CaptureFixture[str], models: int, drifted: int) -> list[str]:
    """The lines below the table about so many models, and one more without a baseline three times."""
    found: Any = streams.report(np.random.default_rng(1), models=models, drifted=drifted, count=100)
    old = found["models"]["shop--old"]
    found["models"] |= {f"shop--old{n}": old | {"data_set": f"old{n}"} for n in (2, 3)}
    found["totals"]["models"] += 2
    monitor._print(found, Path("pages"))
    return capsys.readouterr().out.split("\n\n")[-1].splitlines()


def test_what_is_the_same_for_many_models_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    drifted, alike, last = printed(capsys, models=2, drifted=1)
    assert drifted.startswith("toys-0, version 3: x5: drift;")
    assert alike == (
        "old, version 1; old2, version 1; old3, version 1: "
        "The model has no baseline beside it; train it again to have one."
    )
    assert last == "1 of 5 models has drifted."


def test_no_drift_is_said_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, models=1, drifted=0)[-1] == "No drift was found in 4 models."
