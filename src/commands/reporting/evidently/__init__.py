"""Evidently's page about one model, for whoever wants more tests and plots than the check has.

- `frames`: the rows of a window, and rows like those of training, from what the check reads.
- `page`: writes them, and lets Evidently make a page from them.
- `program`: what Evidently's own interpreter runs; Evidently cannot be imported beside this project's pandas.
"""

from commands.reporting.evidently.page import write

__all__ = ["write"]
