"""Signatures by Version 4: those of botocore."""

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from lambdas.invoker.signing import signed

pytestmark = pytest.mark.runtime
HEADERS = {"Host": "runtime.sagemaker.eu-west-1.amazonaws.com", "Content-Type": "text/csv"}


def botocores(credentials: ReadOnlyCredentials, path: str, headers: dict[str, str], body: bytes) -> str:
    """What botocore would write into Authorization for the same headers."""
    request = AWSRequest("POST", f"https://{headers['Host']}{path}", headers, body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    signer = SigV4Auth(credentials, "sagemaker", "eu-west-1")
    names = signer.signed_headers(signer.headers_to_sign(request))
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    scope = signer.scope(request)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"


@pytest.mark.parametrize("token", [None, "a-session-token"])
@pytest.mark.parametrize("path", ["/endpoints/shop/invocations", "/base/endpoints/a%20b%2Fc~d/invocations"])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        (
            {"X-Amzn-SageMaker-Target-Model": "shop--wine/a.tar.gz", "Accept": "application/json"},
            b"1,2\n",
        ),
        ({"X-Amzn-SageMaker-Custom-Attributes": "  a   b=c  ", "accept": "*/*"}, bytes(range(256))),
    ],
)
def test_a_signature_is_the_one_that_botocore_makes(
    token: str | None, path: str, headers: dict[str, str], body: bytes
) -> None:
    credentials = ReadOnlyCredentials("key", "secret", token)
    sent = signed(credentials, "sagemaker", "eu-west-1", "POST", path, {**HEADERS, **headers}, body)
    assert sent.get("X-Amz-Security-Token") == token
    assert {**HEADERS, **headers}.items() <= sent.items(), "what is signed is sent as it is"
    given = sent.pop("Authorization")
    assert given == botocores(credentials, path, sent, body)


def test_credentials_that_were_renewed_sign_with_their_own_secret() -> None:
    first, renewed = ReadOnlyCredentials("one", "secret", "a"), ReadOnlyCredentials("two", "another", "b")
    for credentials in (first, renewed, first):
        sent = signed(credentials, "sagemaker", "eu-west-1", "POST", "/", HEADERS, b"")
        assert sent.pop("Authorization") == botocores(credentials, "/", sent, b"")
