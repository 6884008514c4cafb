"""The image's `serve` command: a SageMaker multi-model container, and a single-model one with the same code.

Follows https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
import uvicorn

from tabular import paths
from tabular.codec import BadRequest, decode, encode
from tabular.portable import PortableModel, UnusableModel, load_model

__all__ = ["ModelServer", "main"]

MAX_BODY_BYTES = 6_291_456  # of an invocation of a SageMaker endpoint
INLINE_BODY_BYTES = 16_384  # larger bodies are answered in a thread, so that /ping stays prompt
PAGE_SIZE = 100
SINGLE_MODEL = "model"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = tuple[int, bytes, str]

logger = logging.getLogger("serve")


def main() -> None:
    """Serve on SAGEMAKER_BIND_TO_PORT (default 8080) until SIGTERM; requests under way are answered first."""
    server = ModelServer()
    if os.environ.get("SAGEMAKER_MULTI_MODEL", "false").lower() != "true":
        try:
            server.load(SINGLE_MODEL, str(paths.model_dir()))
        except BadRequest as refusal:
            raise SystemExit(str(refusal)) from None
    uvicorn.run(
        server,
        host=os.environ.get("SERVE_HOST", "0.0.0.0"),  # noqa: S104 - SageMaker connects from outside
        port=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")),
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=25,  # SageMaker kills 30 s after SIGTERM
    )


class ModelServer:
    """The models that are loaded, as an ASGI application."""

    def __init__(self) -> None:
        self.models: dict[str, tuple[PortableModel, str]] = {}

    def load(self, name: str, url: str) -> None:
        """Load the model in the folder that SageMaker names.

        Raises:
            BadRequest: 409 it is loaded, 507 there is no memory for it, 400 it cannot be used.
        """
        if name in self.models:
            raise BadRequest(409, f"Model {name!r} is already loaded.")
        try:
            loaded = (load_model(paths.rooted(url)), url)
        except UnusableModel as error:
            raise BadRequest(400, str(error)) from None
        except MemoryError:
            raise BadRequest(507, f"There is not enough memory for model {name!r}.") from None
        if self.models.setdefault(name, loaded) is not loaded:  # by another request at the same time
            raise BadRequest(409, f"Model {name!r} is already loaded.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            status, body, content_type = await self._route(scope, receive)
        except BadRequest as refusal:
            status, body, content_type = _json(refusal.status, {"error": str(refusal)})
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            status, body, content_type = _json(500, {"error": "The server failed; its log says why."})
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _route(self, scope: Scope, receive: Receive) -> Answer:
        method, parts = (
            scope["method"],
            [unquote(part) for part in scope["raw_path"].decode().strip("/").split("/")],
        )
        match method, parts:
            case "POST", ["models", name, "invoke"]:
                return await self._invoke(name, scope, receive)
            case "POST", ["invocations"]:
                return await self._invoke(SINGLE_MODEL, scope, receive)
            case "GET", ["ping"]:
                return 200, b"", "text/plain"
            case "POST", ["models"]:
                name, url = _load_request(await _read(receive))
                await asyncio.to_thread(self.load, name, url)
                return _json(200, {"modelName": name, "modelUrl": url})
            case "GET", ["models"]:
                return _json(200, self._page(scope["query_string"].decode()))
            case "GET", ["models", name]:
                return _json(200, self._describe(name))
            case "DELETE", ["models", name]:
                self._find(name)
                del self.models[name]
                return _json(200, {"modelName": name})
        raise BadRequest(404, f"{method} {scope['path']} is not part of this server.")

    async def _invoke(self, name: str, scope: Scope, receive: Receive) -> Answer:
        model, _ = self._find(name)
        headers = dict(scope["headers"])
        content_type = headers.get(b"content-type", b"text/csv").decode("latin-1")
        accept = headers.get(b"accept", b"").decode("latin-1")
        body = await _read(receive)
        if len(body) <= INLINE_BODY_BYTES:
            return _answer(model, body, content_type, accept)
        return await asyncio.to_thread(_answer, model, body, content_type, accept)

    def _find(self, name: str) -> tuple[PortableModel, str]:
        if name not in self.models:
            raise BadRequest(404, f"Model {name!r} is not loaded.")
        return self.models[name]

    def _describe(self, name: str) -> dict[str, str]:
        return {"modelName": name, "modelUrl": self._find(name)[1]}

    def _page(self, query: str) -> dict[str, Any]:
        token = parse_qs(query).get("next_page_token", ["0"])[0]
        if not (token.isascii() and token.isdigit() and len(token) < 10):
            raise BadRequest(400, f"next_page_token {token[:20]!r} is not one that this server gave.")
        start, names = int(token), list(self.models)
        page: dict[str, Any] = {"models": [self._describe(name) for name in names[start : start + PAGE_SIZE]]}
        if start + PAGE_SIZE < len(names):
            page["nextPageToken"] = str(start + PAGE_SIZE)
        return page


def _answer(model: PortableModel, body: bytes, content_type: str, accept: str) -> Answer:
    prediction = model.predict(*decode(body, content_type, model))
    return (200, *encode(prediction, accept, model))


def _load_request(body: bytes) -> tuple[str, str]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        request = None
    match request:
        case {"model_name": str(name), "url": str(url)}:
            return name, url
    raise BadRequest(400, 'The body is not {"model_name": text, "url": text}.')


async def _read(receive: Receive) -> bytes:
    chunks, size = [], 0
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise BadRequest(
                413, f"The body is larger than {MAX_BODY_BYTES:,} bytes; send fewer rows at a time."
            )
        if not message.get("more_body"):
            return b"".join(chunks)


def _json(status: int, content: dict[str, Any]) -> Answer:
    return status, orjson.dumps(content), "application/json"


if __name__ == "__main__":
    main()
