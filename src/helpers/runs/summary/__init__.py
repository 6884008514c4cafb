"""The summary of a run, `runs/<id>/summary.json`.

- `document`: what it says; `files`: how it is written and read; `tables`: its data sets to look at.
"""

from helpers.runs.summary.document import (
    NOT_YET,
    Cost,
    DataSet,
    Ensemble,
    Fleet,
    Member,
    Notebook,
    Notification,
    Outcome,
    Process,
    Scores,
    Search,
    Status,
    Summary,
    data_set,
    new,
    now,
    this_process,
)
from helpers.runs.summary.files import FILE, is_redacted, read, redacted, write
from helpers.runs.summary.tables import model, table

__all__ = [
    "FILE",
    "NOT_YET",
    "Cost",
    "DataSet",
    "Ensemble",
    "Fleet",
    "Member",
    "Notebook",
    "Notification",
    "Outcome",
    "Process",
    "Scores",
    "Search",
    "Status",
    "Summary",
    "data_set",
    "is_redacted",
    "model",
    "new",
    "now",
    "read",
    "redacted",
    "table",
    "this_process",
    "write",
]
