"""InvokeEndpoint over HTTP.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import re
from urllib.parse import unquote

from local_aws.compute.processors import keep_thread
from local_aws.core.errors import not_emulated
from local_aws.core.requests.wire import Reply, Request
from local_aws.services.endpoints.endpoints import Endpoints

__all__ = ["Runtime"]

_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
# The request headers that are sent to a model.
_ASKED = (
    "accept",
    "content-type",
    "x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-target-model",
)
# The headers of its answer that are returned to the client.
_ANSWERED = ("Content-Type", "X-Amzn-SageMaker-Custom-Attributes")


class Runtime:
    """Answers requests to the SageMaker runtime."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def answer(self, request: Request) -> Reply | None:
        """Answer an invocation of an endpoint."""
        invocation = _INVOCATION.fullmatch(request.raw_path) if request.service == "sagemaker" else None
        if invocation is None:
            return None
        keep_thread()
        if request.method != "POST":
            raise not_emulated(f"{request.method} of an endpoint's invocations")
        asked = {name: value for name in _ASKED if (value := request.header(name))}
        answer, variant = self._endpoints.invoke(unquote(invocation[1]), request.body, asked)
        status, headers, content = answer
        answered = {name: headers[name.lower()] for name in _ANSWERED if name.lower() in headers}
        return Reply(content, status, {**answered, "x-Amzn-Invoked-Production-Variant": variant})
