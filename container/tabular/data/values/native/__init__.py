"""The C extension; if it was not compiled, pyarrow gives the same results."""
