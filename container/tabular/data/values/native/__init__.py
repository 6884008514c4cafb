"""The C extensions; if they were not compiled, pyarrow and NumPy give the same results."""
