"""The surest mistakes as a table, also of models from before they were kept."""

from typing import Any

from support.helpers.documents.evaluated import BINARY, REGRESSION

from helpers import runs
from helpers.runs.evaluations import mistakes
from helpers.session import Session

TOYS: dict[str, Any] = {**BINARY, "permutation_importance": {"size": {}, "colour": {}}}
FOUND: dict[str, Any] = {
    "format": "tabular-mistakes",
    "format_version": 1,
    "wrong": 2,
    "rows": [
        {
            **{"row": 4, "label": "no", "predicted": "yes", "probability": 0.93},
            "cells": {"colour": None, "size": "2,5", **{f"other {i}": i for i in range(10)}},
        },
        {"row": 0, "label": "yes", "predicted": "no", "probability": 0.6, "cells": {"size": "1"}},
    ],
}


def test_each_mistake_has_a_row_with_the_cells_that_matter_most() -> None:
    table = mistakes.of_documents({"toys": FOUND}, {"toys": TOYS})
    assert table.index.tolist() == [("toys", 5), ("toys", 1)]
    first = table.loc[("toys", 5)]
    assert first[["label", "predicted", "how sure"]].tolist() == ["no", "yes", "93%"]
    assert first["cells"].startswith("size=2,5, colour=, other 0=0, ")
    assert first["cells"].endswith(", and 6 more")
    assert len(mistakes.of_documents({"toys": FOUND}, {"toys": TOYS}, most=1)) == 1


def test_a_number_is_off_by_so_much() -> None:
    row = {"row": 0, "label": 2.0, "predicted": 3.5, "cells": {}}
    table = mistakes.of_documents({"houses": {**FOUND, "rows": [row]}}, {"houses": REGRESSION})
    assert table["how sure"].tolist() == ["off by +1.5"]


def test_a_predicted_number_has_no_digits_that_say_nothing() -> None:
    row = {"row": 0, "label": 50.9, "predicted": 55.596877863661774, "cells": {}}
    table = mistakes.of_documents({"houses": {**FOUND, "rows": [row]}}, {"houses": REGRESSION})
    assert table[["label", "predicted"]].to_numpy().tolist() == [["50.9", "55.5969"]]


def test_nothing_wrong_and_nothing_kept_are_told_apart() -> None:
    flawless = mistakes.of_documents({"toys": {**FOUND, "wrong": 0, "rows": []}}, {"toys": TOYS})
    assert flawless.attrs["instead"] == "No held-out row of these tables is predicted wrongly."
    assert "run 03 again" in mistakes.of_documents({}, {}).attrs["instead"]


def test_a_real_evaluation_has_them_and_its_file_may_be_missing(
    session: Session, ran: runs.Execution, monkeypatch
) -> None:
    report = runs.evaluation(session, ran)
    found = mistakes.read(session, ran)
    assert found is not None
    counts = report["multiclass_classification_metrics"]["confusion_matrix"]
    assert found["wrong"] == 36 - sum(row[label] for label, row in counts.items())
    assert len(mistakes.surest(session, [ran], {"wine": report})) == min(5, found["wrong"])
    monkeypatch.setattr(mistakes, "MISTAKES_FILE", "absent.json")
    assert mistakes.read(session, ran) is None
    assert "run 03 again" in mistakes.surest(session, [ran], {"wine": report}).attrs["instead"]
