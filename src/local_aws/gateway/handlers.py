"""Handlers of a request: each answers it, refuses it, or leaves it to the next."""

import functools
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable

from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.moto import Moto, keeping_alarm_states
from local_aws.core.requests.wire import Reply, Request
from local_aws.gateway.operations import offered

__all__ = [
    "MOTO_SERVICES",
    "no_browser_pages",
    "only_this_machine",
    "recorded",
    "refuse_unlisted",
    "uncompressed",
]

# Only recorded, by moto. CloudWatch's requests are signed for `monitoring`.
MOTO_SERVICES = {"ecr", "iam", "monitoring", "sns", "sqs", "sts"}
_LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")


def only_this_machine(request: Request) -> None:
    """Refuse requests to any host name but this machine's, such as those of a DNS rebinding attack."""
    if not _is_here(request.headers.get("host", "127.0.0.1")):
        raise AwsError("AccessDenied", "This server only answers requests to 127.0.0.1 and localhost.", 403)


@functools.lru_cache(64)
def _is_here(host: str) -> bool:
    return _LOCAL_HOST.fullmatch(host) is not None


def no_browser_pages(request: Request) -> None:
    """Refuse requests from pages in a browser, which could otherwise write an object that a job then runs."""
    if request.header("Origin") and not request.path.startswith("/function-url/"):
        raise AwsError("AccessDenied", "A page in a browser may only call function URLs.", 403)


def refuse_unlisted(request: Request) -> None:
    """Refuse operations that moto would answer, but whose answers nobody has compared with AWS's."""
    if request.service in ("s3", *MOTO_SERVICES) and request.operation not in offered():
        raise not_emulated(f"the operation {request.operation or request}")


def uncompressed(request: Request) -> None:
    """Decompress a body, which boto3 compresses if it has more than 10 KB of metrics.

    Raises:
        AwsError: The body is not what its header says.
    """
    if request.service in MOTO_SERVICES and request.header("Content-Encoding") == "gzip":
        try:
            request.body = gzip.decompress(request.body)
        except (EOFError, OSError, zlib.error):
            raise AwsError("SerializationException", "The body is not compressed by gzip.") from None
        del request.headers["content-encoding"]


def recorded(moto: Moto) -> Callable[[Request], Reply | None]:
    """Return a handler that lets moto answer for the services that are only recorded."""

    def answer(request: Request) -> Reply | None:
        if request.service not in MOTO_SERVICES:
            return None
        if request.operation == "ecr:PutImage":
            _name_by_manifest(request)
        if request.operation == "monitoring:PutMetricAlarm":
            with keeping_alarm_states():
                return moto.answer(request)
        reply = moto.answer(request)
        if request.operation == "sts:GetCallerIdentity":  # moto's user is nobody whom the registry names
            reply.body = reply.body.replace(b":user/moto<", b":user/local<").replace(b":sts::", b":iam::")
            reply.headers = {k: v for k, v in reply.headers.items() if k.lower() != "content-length"}
        return reply

    return answer


def _name_by_manifest(request: Request) -> None:
    """Give a pushed image the digest of its manifest, as ECR does; moto draws one from a hundred.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html

    Raises:
        AwsError: The request names another digest.
    """
    asked = request.document()
    digest = f"sha256:{hashlib.sha256(asked['imageManifest'].encode()).hexdigest()}"
    if asked.setdefault("imageDigest", digest) != digest:
        raise AwsError(
            "ImageDigestDoesNotMatchException",
            f"The digest {asked['imageDigest']} is not that of the manifest, which is {digest}.",
        )
    request.body = json.dumps(asked).encode()
