"""SageMaker Pipelines.

Read `pipelines` (records and operations), `executions` (run steps side by side), `step` (a step type, and a
running step), `steps` (a file for each step type), `definitions` (check a pipeline definition), `expressions`
(the language in definitions), `outputs` (what a step declares), `callbacks` (what it waits for), `cache` and
`retries`.
"""
