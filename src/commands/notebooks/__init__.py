"""The notebooks as files.

One is run by `papermill_engine`, in a kernel of `kernels`, then rendered as a page; all are stored with what
they show, and cleaned for a commit.
"""
