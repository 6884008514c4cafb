"""Checks the signatures of requests: computes them again and compares.

Everybody on this machine can connect to the server, but only its user can read the secret. Version 4 is in a
header or, in a presigned URL, in the query; boto3 presigns S3's URLs by version 2.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

Version 4 is computed here, in a third of the time that botocore's signer takes for a whole request: every
request is checked, and one through a function's URL twice. Version 2 is left to botocore, whose methods that
this module calls are not a documented interface. They were checked on the version that `validation` names,
and `tests/local_aws/core/requests/test_botocore.py` tests them.
"""

import functools
import hashlib
import hmac
import math
import re
import time
from calendar import timegm
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import normalize_url_path

from local_aws.core.errors import AwsError
from local_aws.core.requests.wire import Request

__all__ = ["CONTROL", "FUNCTION_URL", "Signatures"]

CONTROL, FUNCTION_URL = "/_local/", "/function-url/"  # where other rules apply
_SCOPE = r"([^/,\s]+)/(\d{8})/([^/]*)/([^/]+)/aws4_request"
_CREDENTIAL = re.compile(rf"AWS4-HMAC-SHA256 Credential={_SCOPE},\s*SignedHeaders=([^,\s]+),\s*")
_HEXADECIMAL, _SIGNATURE_LENGTH = "0123456789abcdef", 64
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_SKEW_SECONDS = 300
_LONGEST_LIFETIME = 604_800  # seconds of a presigned URL, a week
_UNSIGNED = "UNSIGNED-PAYLOAD"


class _Credential(NamedTuple):
    """What an Authorization header says before the signature."""

    key: str
    day: str
    region: str
    service: str
    names: tuple[str, ...]  # of the signed headers, sorted
    has_needed: bool  # whether Host and X-Amz-Date are among them


class Signatures:
    """Signatures that are made with one secret, which goes with every access key."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def require(self, request: Request) -> None:
        """Refuse a request to AWS that is not signed, and one to this package that does not have the secret.

        Function URLs have rules of their own.

        Raises:
            AwsError: It is refused.
        """
        if request.path.startswith(CONTROL):
            if not _same(request.header("Authorization"), f"Bearer {self._secret}"):
                raise AwsError(
                    "AccessDenied", "Only whoever can read the server's secret may ask for this.", 403
                )
        elif not request.path.startswith(FUNCTION_URL) and self.signer_of(request) is None:
            raise AwsError("MissingAuthenticationToken", "Missing Authentication Token", 403)

    def signer_of(self, request: Request, service: str = "", region: str = "") -> str | None:
        """Return the access key that signed a request, or None if it is not signed.

        Args:
            request: The request.
            service: The service that it must be signed for; by default, any.
            region: The region that it must be signed for; by default, any.

        Raises:
            AwsError: The signature has the wrong secret, service or region, or is out of date.
        """
        if given := request.headers.get("authorization"):
            return self._header(request, given, service, region)
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        if "X-Amz-Signature" in query:
            return self._query(request, query, service, region)
        if "Signature" not in query or service not in ("", "s3"):  # only S3 knows version 2
            return None
        return self._query_of_version_2(request, query)

    def _header(self, request: Request, given: str, service: str, region: str) -> str:
        credential = _credential(request.credential)
        signature = given[len(request.credential) :].removeprefix("Signature=")
        if credential is None or len(signature) != _SIGNATURE_LENGTH or signature.strip(_HEXADECIMAL):
            raise AwsError("IncompleteSignatureException", "The Authorization header is not SigV4's.", 403)
        key, day, scoped_region, scoped_service, names, has_needed = credential
        _check_scope(scoped_service, scoped_region, service, region)
        stamp = request.headers.get("x-amz-date", "")
        if abs(_age(stamp, day)) > _SKEW_SECONDS:
            raise _invalid(f"Signature expired: {stamp} is more than {_SKEW_SECONDS} seconds from now.")
        headers = {name: request.headers.get(name, "") for name in names}
        if not (has_needed and _is_whole(request, headers, scoped_service)):
            raise _invalid("The body, the Host or the X-Amz-Date differs from what was signed.")
        _check_signed(request, headers, scoped_service)
        payload = headers.get("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest()
        text = _canonical(request, request.query, headers, payload, scoped_service)
        signed = self._version_4(text, stamp, day, scoped_region, scoped_service)
        return self._compared(key, signed, signature)

    def _query(self, request: Request, query: Mapping[str, str], service: str, region: str) -> str:
        scope, names = re.fullmatch(_SCOPE, query.get("X-Amz-Credential", "")), _signed_names(query)
        if scope is None or not _is_lifetime(query.get("X-Amz-Expires", "")) or "host" not in names:
            raise AwsError(
                "AuthorizationQueryParametersError", "The query is not that of a presigned URL.", 400
            )
        key, day, scoped_region, scoped_service = scope.groups()
        _check_scope(scoped_service, scoped_region, service, region)
        stamp = query.get("X-Amz-Date", "")
        if not -_SKEW_SECONDS < _age(stamp, day) < int(query["X-Amz-Expires"]):
            raise AwsError("AccessDenied", "Request has expired", 403)
        headers = {name: request.header(name) for name in names}
        _check_signed(request, headers, scoped_service)
        rest = "&".join(part for part in request.query.split("&") if not part.startswith("X-Amz-Signature="))
        payload = _UNSIGNED if scoped_service == "s3" else hashlib.sha256(request.body).hexdigest()
        text = _canonical(request, rest, headers, payload, scoped_service)
        signed = self._version_4(text, stamp, day, scoped_region, scoped_service)
        return self._compared(key, signed, query["X-Amz-Signature"])

    def _query_of_version_2(self, request: Request, query: Mapping[str, str]) -> str:
        key, expires = query.get("AWSAccessKeyId", ""), query.get("Expires", "")
        if not expires.isdecimal() or int(expires) < time.time():
            raise AwsError("AccessDenied", "Request has expired", 403)
        same = AWSRequest(
            request.method, _url(request, request.header("Host"), request.query), _of_version_2(request)
        )
        signer = _PresignedUntil(Credentials(key, self._secret), expires)
        signed = signer.get_signature(request.method, urlsplit(same.url), same.headers)
        return self._compared(key, signed, query["Signature"])

    def _version_4(self, canonical_request: str, stamp: str, day: str, region: str, service: str) -> str:
        """Return the signature that a request should have, which was made at a time of this day."""
        digest = hashlib.sha256(canonical_request.encode()).hexdigest()
        inner, outer = _keyed(self._secret, day, region, service)
        inner, outer = inner.copy(), outer.copy()
        inner.update(f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{region}/{service}/aws4_request\n{digest}".encode())
        outer.update(inner.digest())
        return outer.hexdigest()

    def _compared(self, key: str, expected: str, given: str) -> str:
        if not _same(expected, given):
            raise _invalid(
                "The request signature we calculated does not match the signature you provided. Check your "
                "AWS Secret Access Key and signing method; the key is in the file `secret` of the state."
            )
        return key


class _PresignedUntil(HmacV1QueryAuth):
    """Signs a URL that is valid until a given time instead of for some time from now."""

    def _get_date(self) -> str:
        return self._expires


def _canonical(
    request: Request, query: str, headers: Mapping[str, str], payload_hash: str, service: str
) -> str:
    """Return what is signed of a request; `headers` are the signed ones, with names in lower case."""
    names = sorted(headers)
    # S3 signs a path as it is sent, every other service a second time encoded.
    path = request.raw_path if service == "s3" else _normalized(request.raw_path)
    query = "&".join([f"{key}={value}" for key, value in sorted(_pairs(query))]) if query else ""
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in names]
    return "\n".join([request.method, path, query, *lines, "", ";".join(names), payload_hash])


def _pairs(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query, as they are encoded in it."""
    return [(name, value) for name, _, value in (part.partition("=") for part in query.split("&"))]


@functools.lru_cache(256)
def _credential(text: str) -> _Credential | None:
    """Return what a client's requests say of a day; None if it is not Version 4's."""
    match = _CREDENTIAL.fullmatch(text)
    if match is None:
        return None
    *scope, names = match.groups()
    signed = sorted(set(names.split(";")))
    return _Credential(*scope, tuple(signed), {"host", "x-amz-date"} <= set(signed))


@functools.lru_cache(256)
def _normalized(path: str) -> str:
    return quote(normalize_url_path(path), safe="/~")


@functools.lru_cache(64)
def _keyed(secret: str, day: str, region: str, service: str) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """Return the two hashes of an HMAC that have read the key for a day, a region and a service.

    The key is the same in most requests. Copies of the hashes sign a text without letting go of the
    interpreter's lock, unlike `hmac.digest`, and in less time than a copy of an `HMAC`.
    https://www.rfc-editor.org/rfc/rfc2104
    """
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    block = key.ljust(64, b"\0")
    return tuple(hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))


def _url(request: Request, host: str, query: str) -> str:
    return f"http://{host}{request.raw_path}{'?' * bool(query)}{query}"


def _of_version_2(request: Request) -> dict[str, str]:
    """Return the headers that version 2 signs."""
    amazon = {name: value for name, value in request.headers.items() if name.startswith("x-amz-")}
    named = {name: request.header(name) for name in ("content-md5", "content-type")}
    return {name: value for name, value in {**amazon, **named}.items() if value}


def _check_scope(scoped_service: str, scoped_region: str, service: str, region: str) -> None:
    """Refuse a signature for another service or region; an empty one stands for any."""
    if (service or scoped_service, region or scoped_region) != (scoped_service, scoped_region):
        raise _invalid(f"Credential should be scoped to {service} in {region}.")


def _check_signed(request: Request, headers: Mapping[str, str], service: str) -> None:
    """Refuse S3's own headers that nobody signed, with which a presigned address would do something else."""
    if service != "s3":
        return
    signed = {"x-amz-content-sha256", *headers}
    # Of names with an underscore, moto reads those of metadata.
    if any(name.replace("_", "-").startswith("x-amz-") and name not in signed for name in request.headers):
        raise AwsError("AccessDenied", "There were headers present in the request which were not signed", 403)


def _signed_names(query: Mapping[str, str]) -> list[str]:
    return query.get("X-Amz-SignedHeaders", "").split(";")


def _is_lifetime(text: str) -> bool:
    return text.isdecimal() and len(text) <= 6 and 1 <= int(text) <= _LONGEST_LIFETIME


def _is_whole(request: Request, headers: Mapping[str, str], service: str) -> bool:
    """Whether the body is the one whose hash was signed, if a header has it; only S3 takes others."""
    declared = headers.get("x-amz-content-sha256", "")
    if not declared or (service == "s3" and (declared == _UNSIGNED or declared.startswith("STREAMING-"))):
        return True
    return declared == hashlib.sha256(request.body).hexdigest()


def _age(stamp: str, day: str) -> float:
    """Return how many seconds ago a signature was made; infinitely many if it was not on its day.

    Raises:
        AwsError: The text is not a time.
    """
    try:
        age = time.time() - _seconds(stamp)
    except ValueError:
        raise _invalid(f"X-Amz-Date {stamp!r} is not a time such as 20260101T000000Z.") from None
    return age if stamp.startswith(day) else math.inf


@functools.lru_cache(64)
def _seconds(stamp: str) -> int:
    """Return a time in seconds since 1970; many requests are signed in the same second."""
    return timegm(time.strptime(stamp, _TIMESTAMP))


def _same(one: str, other: str) -> bool:
    """Compare in a time that does not depend on where two texts differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidSignatureException", message, 403)
