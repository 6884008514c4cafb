"""Projects of other people, as far as local_aws and the image are concerned: they import nothing of this one.

`older` was written for version 2 of the SageMaker SDK, `abalone` for version 3, as their documentation builds
pipelines: each has its own data set, its scripts, and a program that defines the pipeline.
"""
