"""Checks a request's Signature Version 4: computes it again and compares.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

The methods of botocore's `SigV4Auth` that this module calls are not a documented interface. They were checked
on the version that `core/validation.py` names, and `tests/local_aws/core/test_botocore.py` tests them.
"""

import hashlib
import hmac
import re
import time
from calendar import timegm

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_aws.core.account import SECRET
from local_aws.core.errors import AwsError
from local_aws.core.wire import Request

__all__ = ["signer_of"]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request,\s*"
    r"SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})"
)
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_SKEW_SECONDS = 300


def signer_of(request: Request, service: str, region: str) -> str | None:
    """Return the access key that signed a request, or None if it is not signed.

    Raises:
        AwsError: The signature has the wrong secret, service or region, or is out of date.
    """
    if not (given := request.header("Authorization")):
        return None
    match = _AUTHORIZATION.fullmatch(given)
    if match is None:
        raise AwsError("IncompleteSignatureException", "The Authorization header is not SigV4's.", 403)
    key, day, scoped_region, scoped_service, names, signature = match.groups()
    if (scoped_service, scoped_region) != (service, region):
        raise _invalid(f"Credential should be scoped to {service} in {region}.")
    stamp = request.header("X-Amz-Date")
    try:
        age = time.time() - timegm(time.strptime(stamp, _TIMESTAMP))
    except ValueError:
        raise _invalid(f"X-Amz-Date {stamp!r} is not a time such as 20260101T000000Z.") from None
    if abs(age) > _SKEW_SECONDS or not stamp.startswith(day):
        raise _invalid(f"Signature expired: {stamp} is more than {_SKEW_SECONDS} seconds from now.")
    headers = {name: request.header(name) for name in names.split(";")}
    declared = headers.get("x-amz-content-sha256")
    is_whole = declared in (None, "UNSIGNED-PAYLOAD", hashlib.sha256(request.body).hexdigest())
    if not is_whole or "host" not in headers or "x-amz-date" not in headers:
        raise _invalid("The body, the Host or the X-Amz-Date differs from what was signed.")
    if not hmac.compare_digest(signature, _sign(request, headers, key, service, region)):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. "
            f"Check your AWS Secret Access Key and signing method. The key of local_aws is {SECRET!r}."
        )
    return key


def _sign(request: Request, headers: dict[str, str], key: str, service: str, region: str) -> str:
    """Return the signature that a request should have."""
    url = f"http://{headers['host']}{request.raw_path}{'?' * bool(request.query)}{request.query}"
    same = AWSRequest(request.method, url, headers, request.body)
    same.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(key, SECRET), service, region)
    return signer.signature(signer.string_to_sign(same, signer.canonical_request(same)), same)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidSignatureException", message, 403)
