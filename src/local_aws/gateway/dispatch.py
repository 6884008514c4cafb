"""Passes a request to a list of handlers; the first one that returns an answer answers it."""

import time
from collections.abc import Callable

from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.faults import fault, log_exception
from local_aws.core.requests.wire import Reply, Request, to_reply

__all__ = ["Dispatcher", "Handler"]

Handler = Callable[[Request], Reply | None]
_XML_SERVICES = {"iam", "s3", "sns", "sts"}
_ALSO_XML = {"monitoring", "sqs"}  # of older clients, which send forms


class Dispatcher:
    """Calls the handlers in order.

    Attributes:
        last_request: The time of the last request, in seconds of the monotonic clock.
    """

    def __init__(self, handlers: list[Handler]) -> None:
        self._handlers = handlers
        self.last_request = time.monotonic()

    def __call__(self, request: Request) -> Reply:
        """Answer any request."""
        self.last_request = time.monotonic()
        try:
            for handler in self._handlers:
                if (reply := handler(request)) is not None:
                    return reply
            raise not_emulated(f"the service {request.service!r}" if request.service else str(request))
        except AwsError as error:
            return to_reply(error, xml=_speaks_xml(request))
        except Exception as error:
            log_exception()
            return to_reply(fault(error), xml=_speaks_xml(request))


def _speaks_xml(request: Request) -> bool:
    if request.service in _ALSO_XML:
        return not request.header("X-Amz-Target")
    return request.service in _XML_SERVICES
