"""Which configurations a search tries.

`proposals` (one after the other: what was good before, the portfolio, then Optuna's sampler), `portfolio`
(what was good on many tables, portfolio.json) and `space` (what may be drawn for each algorithm).
"""
