"""Whether the requests of a model in service still look like the rows that it was trained on.

- `baseline`: what is kept of the training rows and of the held-out predictions, beside the model.
- `objects`: reads a window's files from S3, for one model after another.
- `durations`: the length of a window, as a person writes it.
- `captured`: the requests of a window, as the server reads them.
- `drift`: each column and the predictions against the baseline.
- `quality`: predictions against labels that arrived late.
- `report`: one report about all models, and which of them have drifted.
- `notices`: metrics, a message and a retraining.
- `page`: plots of one model.
"""
