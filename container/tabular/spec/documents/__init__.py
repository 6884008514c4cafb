"""The contents of the JSON files that one program writes and several read, a module for each file.

- `schemas`: schema.json next to a split, which PreprocessData writes; it is part of every manifest.
- `models`: manifest.json of a model, which the step that fits it writes.
- `partitions`: the parts of a table that may have models of their own, as several of these files have them.
- `searches`: search.json, which a packed search writes.
- `reports`: evaluation.json and mistakes.json, which EvaluateBestModel writes.
- `words`: what they say about a model, for people.

A job brings only those that it imports: a new field of a report makes no training run again.
"""
