"""SageMaker's multi-model endpoints.

Read `endpoints` (records and operations), `runtime` (InvokeEndpoint), `hosting` (models are loaded and
unloaded) and `serve_process` (the container).
"""
