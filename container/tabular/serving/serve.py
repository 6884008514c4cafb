"""The image's `serve` command: the server for a multi-model or a single-model container."""

import os
import sys

__all__ = ["main"]

SWITCH_SECONDS = 0.0005  # a small request waits at most this long for large ones in other threads


def main() -> None:
    """Serve on SAGEMAKER_BIND_TO_PORT (default 8080) until SIGTERM, then finish the requests in progress.

    Where the machine is not the container's alone, SERVE_HOST is the address to listen on, and requests must
    carry SERVE_TOKEN. With SERVE_PROBABILITIES=true, answers in CSV contain the probabilities of classes.
    """
    # NumPy reads this when it is imported. A request is too small for several threads, which would only wait.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.setswitchinterval(SWITCH_SECONDS)

    import uvicorn

    from tabular.portable import pickled
    from tabular.serving import memory
    from tabular.serving.bodies import Bodies
    from tabular.serving.codec import BadRequest
    from tabular.serving.connections import Connection, most_connections
    from tabular.serving.models import Models
    from tabular.serving.server import SINGLE_MODEL, ModelServer
    from tabular.spec import opt_ml

    try:
        models = Models(memory.budget(), pickled.allowed())
        if os.environ.get("SAGEMAKER_MULTI_MODEL", "false").lower() != "true":
            models.load(SINGLE_MODEL, str(opt_ml.model_dir()))
    except (BadRequest, ValueError) as refusal:
        raise SystemExit(str(refusal)) from None
    uvicorn.run(
        ModelServer(
            models,
            os.environ.get("SERVE_TOKEN", ""),
            Bodies(memory.for_requests()),
            probabilities=os.environ.get("SERVE_PROBABILITIES", "").lower() == "true",
        ),
        host=os.environ.get("SERVE_HOST", "0.0.0.0"),  # noqa: S104 - SageMaker connects from outside
        port=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")),
        http=Connection,
        ws="none",
        backlog=max(1, most_connections() // 2),  # asyncio accepts as many before it closes any
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,  # the server does not need the client's address
        timeout_keep_alive=75,
        timeout_graceful_shutdown=25,  # SageMaker kills 30 s after SIGTERM
    )


if __name__ == "__main__":
    main()
