"""The C extension; if it was not compiled, pyarrow reads the same cells."""
