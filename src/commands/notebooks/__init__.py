"""The notebooks as files.

One is run by `papermill_engine`, in a kernel of `kernels`, and `rendering` makes it a page. `store` keeps
what all of them show after a `history` of runs, and `clean` prepares them for a commit. `slides/` is the
template with which `make slides` makes slides from them.
"""
