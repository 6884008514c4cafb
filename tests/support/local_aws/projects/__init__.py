"""Projects of other people, as far as local_aws and the image are concerned: they import nothing of this one.

`older` was written for version 2 of the SageMaker SDK, `abalone` for version 3, as their documentation builds
pipelines: a data set of one's own, scripts, and a program that defines the pipeline.
"""
