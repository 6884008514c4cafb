"""What EvaluateBestModel found on held-out rows, in pictures.

- `quality`: metrics with their intervals, mistakes, the columns that matter, and the version in service.
- `gates`: what each model had to reach. `probabilities`: how far to trust one, and when to act on it.
- `partitions`: the models of one table's partitions.
"""
