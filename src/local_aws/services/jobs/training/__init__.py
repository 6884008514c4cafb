"""Training jobs, as SageMaker runs them on one instance or several.

Read `jobs` (the operations, and a job from its channels to its model), `clusters` (which instances are
refused), `instances` (what each instance gets, and how their folders become one archive) and `checkpoints`
(a folder that S3 mirrors while a job runs).
"""
