"""The programs of jobs: the pipeline's steps preprocess, train, refit and evaluate, and the check monitor."""
