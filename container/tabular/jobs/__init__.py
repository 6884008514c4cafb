"""The programs of jobs: the steps preprocess, train, refit, search and evaluate, and the check monitor."""
