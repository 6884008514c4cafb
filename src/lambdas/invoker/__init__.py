"""The invoker: answers HTTP requests with predictions from the endpoint.

Read `handler`, `question` (which requests are valid), `endpoint` (invokes the model) and `served` (which
models are in service).
"""
