"""The invoker: answers HTTP requests with predictions from the endpoint.

Read `handler`, `question` (which requests are valid), `endpoint` and `runtime` (invoke the model), `signing`
(says who asks) and `served` (which models are in service). If requests are captured: `capture` (sample,
buffer and stream), `left_out` (empties columns) and `extension` (works after the response).
"""
