"""SageMaker's multi-model endpoints.

Read `endpoints` (records and operations), `runtime` (InvokeEndpoint), `guardrails` (how an update moves the
traffic), `instances` (what is behind an endpoint), `hosting` (loads and unloads models) and `serve_process`
(the container).
"""
