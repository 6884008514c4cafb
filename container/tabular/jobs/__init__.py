"""The programs of the pipeline's steps, one per step: preprocess, train (one trial), refit, evaluate."""
