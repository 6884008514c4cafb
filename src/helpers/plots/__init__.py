"""All plots in the notebooks; each function shows its figures and returns their Axes.

- `pipelines`: notebook 02.
- Notebook 03: `overview` of the tables, `searches` (who won, and was the tuning worth it?), `quality` on
  held-out rows, `probabilities` (when to act on one?), `partitions`, `gates`.
- Notebook 04: `history` of versions, `quality` beside the version in service. Notebook 05: `answers`, and
  `overview` of capacity.
- `figures`, `many`: the style, the colours, and what is drawn of very many data sets.
"""
