"""SageMaker Pipelines.

Read `pipelines` (records and operations), `executions` (steps side by side), `steps` (a file for each
step type), `definitions` (what is accepted), `expressions` (the language in them), `cache` and `retries`.
"""
