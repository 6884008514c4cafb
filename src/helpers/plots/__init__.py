"""All plots in the notebooks; each function returns Axes."""
