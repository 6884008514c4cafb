"""The C extensions; where they were not compiled, NumPy and Python give the same results."""
