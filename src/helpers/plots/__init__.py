"""Every plot of the notebooks; each function returns Axes."""
