"""Which configurations a search tries.

`proposals` (one after the other: what did well before, the portfolio, then Optuna's sampler), `portfolio`
(what did well on many tables, portfolio.json) and `space` (what may be drawn for each algorithm).
"""
