"""Which version of each table a person approves or rejects, and what became of that.

- `wishes`: what a person asks for; `choosing`: the versions that this is about.
- `deciding`: approves or rejects them; `records`: what the registry keeps of it.
- `tables`: both to look at, before and after.
"""

from helpers.deployment.decisions.choosing import Candidate, candidates
from helpers.deployment.decisions.deciding import decide
from helpers.deployment.decisions.records import Decision, set_status
from helpers.deployment.decisions.tables import report, table

__all__ = ["Candidate", "Decision", "candidates", "decide", "report", "set_status", "table"]
__dir__ = __all__.copy
