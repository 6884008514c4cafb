"""The timeline: a lane for each version, thick where it serves, and a sentence that says the same."""

import pandas as pd
import pytest

from helpers.plots import history

BEGIN = pd.Timestamp("2026-01-02 03:04:05", tz="UTC")


def happened(*events: tuple[int | None, str, str], dataset: str = "wine") -> pd.DataFrame:
    rows = [
        (dataset, BEGIN + pd.Timedelta(minutes=minute), version, what, by, "")
        for minute, (version, what, by) in enumerate(events)
    ]
    return pd.DataFrame(rows, columns=["data set", "at", "version", "what", "by", "why"]).set_index(
        "data set"
    )


STORY = happened(
    *[(1, "registered", ""), (1, "approved", "ana"), (1, "serves", "deployer"), (2, "registered", "")],
    *[(2, "rejected", "ben"), (None, "refused by the gate", "gate"), (3, "registered", "")],
)


def test_each_version_has_a_lane_and_refused_models_one_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (axes,) = history.timeline(STORY)
    lanes = [label.get_text() for label in axes.get_yticklabels()]
    assert lanes == ["version 1", "version 2", "version 3", "no version"]
    told = [text.get_text() for text in axes.texts]
    assert {"serves", "rejected", "waits", "by ana", "by ben", "refused by the gate"} == set(told)
    thick = [line for line in axes.lines if line.get_linewidth() == 9]
    assert [list(line.get_xdata()) for line in thick] == [[2, 6.5]]
    assert capsys.readouterr().out.strip() == (
        "Timelines of versions. wine: version 1: approved by ana, serves; version 2: rejected by ben; "
        "version 3: waits; 1 model was refused by the gate."
    )


def test_a_version_that_was_switched_away_served_until_then(capsys: pytest.CaptureFixture[str]) -> None:
    more = happened(
        *[(1, "registered", ""), (1, "approved", "ana"), (1, "serves", ""), (2, "registered", "")],
        *[(2, "approved", "ana"), (2, "serves", ""), (2, "rejected", "ana"), (2, "out of service", "")],
        *[(3, "registered", ""), (3, "approved", "ben"), (3, "not served", "deployer")],
    )
    (axes,) = history.timeline(more)
    thick = [list(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 9]
    assert thick == [[2, 5], [5, 7]]
    assert "version 3: approved by ben, not served." in capsys.readouterr().out


def test_many_tables_stand_below_each_other_and_none_is_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = STORY.rename(index={"wine": "churn"})
    assert len(history.timeline(pd.concat([STORY, other]))) == 2
    empty = STORY.iloc[:0]
    empty.attrs["instead"] = "Nothing has happened yet."
    assert history.timeline(empty) == []
    assert capsys.readouterr().out.endswith("Nothing has happened yet.\n")
