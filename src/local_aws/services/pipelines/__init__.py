"""SageMaker Pipelines.

Read `pipelines` (records and operations), `executions` (run steps side by side), `steps` (a file for each
step type), `definitions` (check a pipeline definition), `expressions` (the language in definitions),
`outputs` (what a step declares), `cache` and `retries`.
"""
