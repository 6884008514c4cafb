"""The programs of the pipeline's steps, one each: preprocess, train (a trial), refit, evaluate."""
