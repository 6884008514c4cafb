"""Facts about data sets: notebooks leave them in their outputs, where the runner sees them at once."""

from typing import Any

from IPython.display import display

__all__ = ["FOLDER", "MIME_TYPE", "record"]

# The environment variable in which a headless run tells its notebooks its folder.
FOLDER = "MANY_MODELS_RUN_FOLDER"

# Jupyter does not show an output of this type; the runner reads it.
MIME_TYPE = "application/vnd.many-models.facts+json"


def record(dataset: str, *, unless_known: bool = False, **facts: Any) -> None:
    """Leave facts about a data set, by the keys of `summary.DataSet`.

    Args:
        dataset: its name.
        unless_known: an outcome that is known already stays, with its sentences and its version.
        facts: what is new.
    """
    display({MIME_TYPE: {"dataset": dataset, "facts": facts, "unless_known": unless_known}}, raw=True)
