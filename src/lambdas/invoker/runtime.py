"""InvokeEndpoint over connections that stay open.

A boto3 client spends more of the processor on a call than everything else that the function does for a
request: it walks through some thirty hooks, validators and parsers. One call needs none of them. boto3 still
says where the endpoint is and who calls, and its certificates are trusted.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import functools
import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from botocore.exceptions import ClientError

from lambdas import clients
from lambdas.connections import Answer, Connections
from lambdas.invoker.signing import signed

__all__ = ["CUSTOM_ATTRIBUTES", "Runtime", "runtime"]

SERVICE = "sagemaker"  # which requests are signed for
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
TARGET_MODEL = "X-Amzn-SageMaker-Target-Model"


class Runtime:
    """The SageMaker runtime of one region; many threads may share it.

    Args:
        url: Where it is, such as https://runtime.sagemaker.eu-west-1.amazonaws.com.
        region: The region that requests are signed for.
    """

    def __init__(self, url: str, region: str) -> None:
        """Nothing is sent yet."""
        self._region = region
        self._host, self._path = urlsplit(url).netloc, urlsplit(url).path.rstrip("/")
        config = clients.CONFIGS["sagemaker-runtime"]
        self._connections = Connections(
            url, config["max_pool_connections"], config["connect_timeout"], config["read_timeout"]
        )

    def invoke(
        self, endpoint_name: str, target_model: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[bytes, Mapping[str, str]]:
        """Invoke one model once, and return the body and the headers of its answer, named in lower case.

        Raises:
            ClientError: It was refused, as a boto3 client says it.
            BotoCoreError: There are no credentials, or no answer came.
        """
        path = f"{self._path}/endpoints/{quote(endpoint_name, safe='')}/invocations"
        asked = {"Host": self._host, **headers, TARGET_MODEL: target_model}
        asked = signed(clients.credentials(), SERVICE, self._region, "POST", path, asked, body)
        answer = self._connections.request("POST", path, asked, body)
        if answer.status >= 300:
            raise _refusal(answer)
        return answer.body, answer.headers


def _refusal(answer: Answer) -> ClientError:
    """Return what AWS says as boto3 says it: the code is in a header, the other fields in a JSON body."""
    try:
        fields = json.loads(answer.body)
    except ValueError:
        fields = None
    fields = fields if isinstance(fields, dict) else {}
    code = answer.headers.get("x-amzn-errortype") or fields.get("__type") or fields.get("code")
    code = str(code or answer.status).partition(":")[0].rpartition("#")[2]
    message = fields.get("message") or fields.get("Message") or ""
    response = {
        "Error": {"Code": code, "Message": str(message)},
        "ResponseMetadata": {"HTTPStatusCode": answer.status},
        **{name: fields[name] for name in ("OriginalStatusCode", "OriginalMessage") if name in fields},
    }
    return ClientError(response, "InvokeEndpoint")


@functools.cache
def runtime() -> Runtime:
    """Return the process's connections to the runtime."""
    about = clients.client("sagemaker-runtime").meta
    return Runtime(about.endpoint_url, about.region_name)
