"""Notebook 01: what the image contains, and what builds it; its modules in reading order.

`commands` (who calls the image, and what for), `opt_ml` (what a job sees), `contents` and `hashes` (what
an edit changes). `builders` chooses between `docker` and `codebuild`; `ecr` has the images, and
`pip_settings` is where this machine gets packages from.
"""
