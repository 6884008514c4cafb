"""The invoker: a question over HTTP, answered by the endpoint.

Read `handler`, `question` (what may be asked), `endpoint` (who answers) and `served` (which models there
are).
"""
