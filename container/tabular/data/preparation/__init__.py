"""From a raw table to typed columns and split rows: all that PreprocessData decides, without writing.

Nothing is fitted here. Imputation, scaling and encoding are part of the pipeline that is cross-validated, so
that no fold sees another.

- `prepare`: all of it, in order; start here.
- `prepared`: what comes of it, and how the rows are to be divided.
- `division`: groups, times and partitions, which rows train, and which are held out.
- `report`: what was read, decided and left out.
"""
