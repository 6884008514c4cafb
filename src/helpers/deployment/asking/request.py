"""The request itself: its address, its body, and how curl and Python send it.

Requests are signed with Signature Version 4, for the service `lambda`:
https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

import contextlib
import io
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.names import MODEL_VERSION
from helpers import display
from helpers.deployment.asking.endpoint import NOTHING, TIMEOUT_SECONDS, invoke
from helpers.display import AsCard, Card
from helpers.errors import JobFailed
from helpers.session import Session

__all__ = ["Question", "answered", "by_curl", "by_python", "question"]
__dir__ = __all__.copy

HEADERS_SHOWN = ("content-type", MODEL_VERSION, "x-request-id", "x-amzn-sagemaker-custom-attributes")
CURL = """\
curl --silent --show-error --include --aws-sigv4 "aws:amz:{region}:lambda" \\
     --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
     --header 'content-type: application/json' --header 'accept: application/json' \\
     --data {body} \\
     {url}"""
PYTHON = """\
import boto3, json, requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

body = json.dumps({body})
headers = {{"content-type": "application/json", "accept": "application/json"}}
request = AWSRequest("POST", {url!r}, headers, body)
SigV4Auth(boto3.Session().get_credentials(), "lambda", {region!r}).add_auth(request)
answer = requests.post(request.url, data=body, headers=dict(request.headers))
print(answer.status_code, answer.headers["x-model-version"], answer.text)"""


@dataclass(frozen=True, repr=False)
class Question(AsCard):
    """One request: where it goes, and its body."""

    url: str
    region: str
    body: Mapping[str, Any]

    def card(self) -> Card:
        """The address, the headers and the body."""
        rows = {
            "method and URL": f"POST {self.url}",
            "headers": [
                "content-type: application/json",
                "accept: application/json",
                "authorization: AWS4-HMAC-SHA256 ..., the signature of all of this",
            ],
            "body": json.dumps(self.body),
        }
        return Card("A request", rows)

    @property
    def curl(self) -> str:
        """A command for a shell whose environment has the credentials."""
        body = shlex.quote(json.dumps(self.body))
        return CURL.format(region=self.region, body=body, url=shlex.quote(self.url))

    @property
    def python(self) -> str:
        """Lines for a program whose environment has the credentials."""
        return PYTHON.format(body=self.body, url=self.url, region=self.region)


def question(session: Session, rows: Mapping[str, Sequence[Sequence[Any]]]) -> Question | None:
    """The first row of the data set with the fewest columns as a request; a sentence if there is none."""
    if not rows:
        display.say(NOTHING)
        return None
    dataset, examples = min(rows.items(), key=lambda item: len(item[1][0]))
    return Question(session.invoker_url, session.region, {"model": dataset, "data": [list(examples[0])]})


def answered(session: Session, asked: Question | None) -> Card | None:
    """The answer to a request: its status, its headers and its JSON."""
    if asked is None:
        display.say(NOTHING)
        return None
    answer = invoke(session, asked.body)
    headers = [f"{name}: {answer.headers[name]}" for name in HEADERS_SHOWN if name in answer.headers]
    return display.card("The answer", {"status": answer.status_code, "headers": headers, "body": answer.text})


def by_curl(asked: Question | None) -> str | None:
    """Run the request's curl command, and show what it prints; where curl is not, only show the command.

    Raises:
        JobFailed: curl fails.
    """
    if asked is None:
        display.say(NOTHING)
        return None
    print(asked.curl)
    if shutil.which("curl") is None:
        display.say("curl is not installed here, so the command was not run.")
        return None
    shell = ["sh", "-c", _with_token(asked.curl)]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    if done.returncode:
        raise JobFailed(f"curl ends with {done.returncode}: {done.stderr.strip()[-300:]}")
    head, _, body = done.stdout.replace("\r", "").partition("\n\n")
    print(f"\n{head.splitlines()[0]}\n{body}")
    return None


def by_python(asked: Question | None) -> None:
    """Run the request's lines of Python as a program of its own would, after showing them.

    Raises:
        JobFailed: the endpoint refuses.
    """
    if asked is None:
        display.say(NOTHING)
        return
    print(asked.python)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(asked.python, "<request>", "exec"), {})  # noqa: S102 - what was printed above
    print(f"\n{printed.getvalue().rstrip()}")


def _with_token(command: str) -> str:
    """The command with the token that temporary credentials need."""
    if not os.environ.get("AWS_SESSION_TOKEN"):
        return command
    return f'{command} --header "x-amz-security-token: $AWS_SESSION_TOKEN"'
