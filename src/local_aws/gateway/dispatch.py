"""Which part of this AWS answers a request: the first of a list that does."""

import time
import traceback
from collections.abc import Callable

from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.wire import Reply, Request, to_reply

__all__ = ["Dispatcher", "Handler"]

Handler = Callable[[Request], Reply | None]
_XML_SERVICES = {"iam", "s3", "sts"}


class Dispatcher:
    """Asks the handlers in their order.

    Attributes:
        last_request: When there was one, by the monotonic clock.
    """

    def __init__(self, handlers: list[Handler]) -> None:
        self._handlers = handlers
        self.last_request = time.monotonic()

    def __call__(self, request: Request) -> Reply:
        """Answer one request, whatever it is."""
        self.last_request = time.monotonic()
        try:
            for handler in self._handlers:
                if (reply := handler(request)) is not None:
                    return reply
            raise not_emulated(f"the service {request.service!r}" if request.service else str(request))
        except AwsError as error:
            return to_reply(error, xml=request.service in _XML_SERVICES)
        except Exception as error:
            traceback.print_exc()
            failure = AwsError("InternalFailure", f"{type(error).__name__}: {error}", 500)
            return to_reply(failure, xml=request.service in _XML_SERVICES)
