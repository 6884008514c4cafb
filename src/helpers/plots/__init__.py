"""All plots in the notebooks; each function shows its figures and returns their Axes.

- `pipelines`: notebook 02; `overview`, `quality`, `partitions`: notebooks 03 to 05, by what is plotted.
- `figures`, `many`: the style, the colours, and what is drawn of very many data sets.
"""
