"""From a raw file to features and splits.

- `preparation`: all of it, in the order in which PreprocessData does it; start here.
- `files`: any file becomes a table of raw cells.
- `values`: what one cell means, in training and in serving.
- `decisions`: what a column is, decided once from all its cells.
- `tables`: the files of a table together, with what was decided about its columns.
- `cleaning`, `schema`, `doubts`: which rows are kept, what is predicted from what, and what may mislead.
- `figures`: the ends and gaps of the columns of numbers, which several of these ask for.
- `features`: cells as estimators get them.
- `splits`: which rows are held out, and the files of a split.
"""
