"""All plots in the notebooks; each function shows its figures and returns their Axes.

- `images`: notebook 01; `pipelines`: notebook 02.
- Notebook 03: `overview` of the tables, `searches` (who won, and was the tuning worth it?), `evaluations` on
  held-out rows.
- Notebook 04: `history` of versions, and `evaluations` beside the version in service.
- Notebook 05: `answers`, and `overview` of capacity.
- `figures`, `many`: the style, the colours, the panels, and what is drawn of very many data sets.
"""
