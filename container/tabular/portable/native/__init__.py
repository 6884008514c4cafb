"""The C extensions; if they were not compiled, NumPy and Python give the same results."""
