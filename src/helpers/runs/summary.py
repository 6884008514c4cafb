"""The results of a run: facts that the notebooks leave in their outputs, gathered when the run ends."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import display

from helpers.storage import write_whole

__all__ = ["gather", "record", "table", "write"]

# Jupyter does not show an output of this type; the runner reads it.
MIME_TYPE = "application/vnd.many-models.facts+json"


def record(dataset: str, **facts: Any) -> None:
    """Leave facts about a data set in the notebook's outputs."""
    display({MIME_TYPE: {"dataset": dataset, "facts": facts}}, raw=True)


def gather(notebooks: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """The facts about each data set, from the outputs of executed notebooks; later ones win."""
    found: dict[str, dict[str, Any]] = {}
    for path in notebooks:
        for cell in json.loads(path.read_text())["cells"]:
            for output in cell.get("outputs", []):
                if content := output.get("data", {}).get(MIME_TYPE):
                    found.setdefault(content["dataset"], {}).update(content["facts"])
    return found


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole, so that nobody reads half of it."""
    with write_whole(path) as part:
        part.write_text(json.dumps(content, indent=1, default=str))


def table(facts: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """A row for each data set, as printed when a run ends."""
    rows = {
        name: {
            "algorithm": found.get("algorithm", ""),
            "cross-validation": _number(found.get("cross_validation_score")),
            "held-out": f"{found['metric']} {_number(found.get('metric_value'))}"
            if "metric" in found
            else "",
            "outcome": found.get("outcome", ""),
            "in service": f"version {found['serving_version']}" if found.get("serving_version") else "",
            "predictions": found.get("prediction_check", ""),
            "seconds": _number(sum(found.get("seconds", {}).values()), 0) if "seconds" in found else "",
        }
        for name, found in facts.items()
    }
    whole = pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")
    return whole.loc[:, (whole != "").any()]  # facts that no notebook of this run recorded are left out


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"
