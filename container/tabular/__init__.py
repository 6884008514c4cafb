"""What runs inside SageMaker's jobs and the endpoint.

The folders, in reading order:

- `jobs`: the pipeline's steps preprocess, train (one trial), refit, search (all trials and the refit) and
  evaluate, and the check monitor.
- `spec`: the vocabulary: algorithms, metrics, options, columns, trials, documents. Standard library only.
- `data`: from the raw file to typed features and splits.
- `learning`: folds, the pipeline of preprocessing and estimator, and how it is fitted.
- `searching`: the packed search: all trials of a table in one job, and an ensemble of them.
- `fleets`: a model for each partition of a table: its own, or the pooled one of all.
- `portable`: a fitted model as arrays, from which NumPy and C predict without scikit-learn.
- `judging`: held-out metrics with their uncertainty, the champion, the gate, the report of it all.
- `serving`: the multi-model server.
- `monitoring`: what a model in service is asked, compared with its training.
"""
