"""The invoker: a question over HTTP, answered by the endpoint."""
