"""The server as an ASGI application, with the paths of a multi-model and of a single-model container.

Follows https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

import orjson

from tabular.portable.table_model import TableModel
from tabular.serving.bodies import INLINE_BODY_BYTES, Bodies, ClientGone, Receive
from tabular.serving.codec import BadRequest, decode, encode
from tabular.serving.models import Models, needed_bytes

__all__ = ["SINGLE_MODEL", "ModelServer"]

# Larger models are loaded in a thread, so that /ping responds promptly.
INLINE_MODEL_BYTES = 1_048_576
PAGE_SIZE = 100
RETRY_SECONDS = b"1"  # the largest requests take a few
SINGLE_MODEL = "model"
CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

logger = logging.getLogger("serve")


class Answer(NamedTuple):
    """An answer, and the custom attributes, the only header of a container that SageMaker passes on."""

    status: int
    body: bytes
    content_type: str
    attributes: bytes = b""


class ModelServer:
    """An ASGI application that serves the loaded models.

    Args:
        models: The models.
        token: What each request must carry, as `Authorization: Bearer TOKEN`. Without one, everybody who can
            connect may do everything, as SageMaker expects: on AWS, only the platform can.
        bodies: The memory for requests; by default, there is no limit.
        probabilities: Whether answers in CSV contain them without being asked: a transform job cannot ask.
    """

    def __init__(
        self, models: Models, token: str = "", bodies: Bodies | None = None, probabilities: bool = False
    ) -> None:
        self.models, self.bodies, self._probabilities = models, bodies or Bodies(), probabilities
        self._authorization = f"Bearer {token}".encode() if token else b""
        self._changing = asyncio.Lock()  # so that the event loop never blocks on a load in a thread

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            status, body, content_type, attributes = await self._route(scope, receive)
        except ClientGone:
            return
        except BadRequest as refusal:
            status, body, content_type, attributes = _json(refusal.status, {"error": str(refusal)})
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            status, body, content_type, attributes = _json(
                500, {"error": "The server failed; its log says why."}
            )
        headers = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
        if attributes:
            headers.append((CUSTOM_ATTRIBUTES, attributes))
        if status == 503:
            headers.append((b"retry-after", RETRY_SECONDS))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _route(self, scope: Scope, receive: Receive) -> Answer:
        if self._authorization and not hmac.compare_digest(_authorization(scope), self._authorization):
            raise BadRequest(403, "This server only answers the platform that started it.")
        path = scope["raw_path"].decode("latin-1")
        match scope["method"], [unquote(part) for part in path.strip("/").split("/")]:
            case "POST", ["models", name, "invoke"]:
                return await self._invoke(name, scope, receive)
            case "POST", ["invocations"]:
                return await self._invoke(SINGLE_MODEL, scope, receive)
            case "GET", ["ping"]:
                return Answer(200, b"", "text/plain")
            case "POST", ["models"]:
                with self.bodies.room() as room:
                    name, url = _load_request(await room.read(await receive(), receive))
                await self._load(name, url)
                return _json(200, {"modelName": name, "modelUrl": url})
            case "GET", ["models"]:
                return _json(200, self._page(scope["query_string"].decode("latin-1")))
            case "GET", ["models", name]:
                return _json(200, {"modelName": name, "modelUrl": self.models.find(name).url})
            case "DELETE", ["models", name]:
                async with self._changing:
                    await asyncio.to_thread(self.models.unload, name)
                return _json(200, {"modelName": name})
        raise BadRequest(404, f"{scope['method']} {scope['path']} is not part of this server.")

    async def _load(self, name: str, url: str) -> None:
        async with self._changing:
            needed = needed_bytes(url)
            if needed <= INLINE_MODEL_BYTES:
                self.models.load(name, url, needed)
            else:
                await asyncio.to_thread(self.models.load, name, url, needed)

    async def _invoke(self, name: str, scope: Scope, receive: Receive) -> Answer:
        model = self.models.find(name).model
        headers = dict(scope["headers"])
        content_type = headers.get(b"content-type", b"text/csv").decode("latin-1")
        accept = headers.get(b"accept", b"").decode("latin-1")
        probabilities = self._probabilities and bool(model.classes)
        if CUSTOM_ATTRIBUTES in headers:
            probabilities = probabilities or _asks_for_probabilities(headers[CUSTOM_ATTRIBUTES])
        wanted = (content_type, accept, probabilities)
        first = await receive()
        body = first.get("body", b"")
        if not (first.get("more_body", True) or len(body) > INLINE_BODY_BYTES):
            return _answer(model, body, *wanted)
        with self.bodies.room() as room:
            body = await room.read(first, receive)
            if len(body) <= INLINE_BODY_BYTES:
                return _answer(model, body, *wanted)
            return await asyncio.to_thread(_answer, model, body, *wanted)

    def _page(self, query: str) -> dict[str, Any]:
        token = parse_qs(query).get("next_page_token", ["0"])[0]
        if not (token.isascii() and token.isdigit() and len(token) < 10):
            raise BadRequest(400, f"next_page_token {token[:20]!r} does not come from this server.")
        models, more = self.models.page(int(token), PAGE_SIZE)
        page: dict[str, Any] = {"models": models}
        if more:
            page["nextPageToken"] = str(int(token) + PAGE_SIZE)
        return page


def _answer(model: TableModel, body: bytes, content_type: str, accept: str, probabilities: bool) -> Answer:
    prediction = model.predict(*decode(body, content_type, model))
    encoded = encode(prediction, accept, model, probabilities)
    if prediction.served_by is None:
        return Answer(200, *encoded)
    return Answer(
        200, *encoded, ",".join(f"{name}={rows}" for name, rows in prediction.served_by.items()).encode()
    )


def _asks_for_probabilities(attributes: bytes) -> bool:
    """Whether the custom attributes, `name=value` separated by commas, contain `probabilities=true`."""
    given = attributes.decode("latin-1").lower().replace(" ", "").split(",")
    return "probabilities=true" in given


def _authorization(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"authorization"), b"")


def _load_request(body: bytes) -> tuple[str, str]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        request = None
    match request:
        case {"model_name": str(name), "url": str(url)}:
            return name, url
    raise BadRequest(400, 'The body is not {"model_name": text, "url": text}.')


def _json(status: int, content: dict[str, Any]) -> Answer:
    return Answer(status, orjson.dumps(content), "application/json")
