"""SageMaker Pipelines.

Read `pipelines` (records and operations), `executions` (run steps side by side), `step` (a step type, and a
running step), `steps` (a file for each step type), `definitions` and `arguments` (check a definition),
`expressions` (the language in definitions), `outputs` (what a step declares), `callbacks` (what it waits
for), `cache` and `retries`.
"""
