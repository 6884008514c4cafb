"""SageMaker's multi-model endpoints.

Read `endpoints` (records and operations), `runtime` (InvokeEndpoint), `hosting` (loads and unloads models)
and `serve_process` (the container).
"""
