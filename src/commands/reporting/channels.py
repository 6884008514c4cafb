"""How NOTIFY reaches somebody: a webhook, an SNS topic or a command."""

import ipaddress
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from helpers.errors import BadInput

__all__ = ["Channel", "Content", "NotSent", "channel"]

TOPIC = re.compile(r"arn:aws[\w-]*:sns:(?P<region>[\w-]+):\d{12}:[\w-]{1,256}(\.fifo)?")
VARIABLE = "env:"
ATTEMPT = 10.0  # seconds that one attempt to reach a server may take
ALLOWED = "https://..., the ARN of an SNS topic, a command, or env:NAME for a variable with one of them"

Content = Mapping[str, Any]  # docs/schemas/notification.schema.json, or of a check, drift.schema.json


class NotSent(Exception):
    """Why an attempt failed, as the rest of a sentence; `again` says whether another one may succeed."""

    def __init__(self, said: str, again: bool = False) -> None:
        super().__init__(said)
        self.again = again


@dataclass(frozen=True)
class Channel:
    """A way to somebody.

    Attributes:
        shown: It, without a secret: whoever knows a webhook's path may post there.
        send: Sends once, within so many seconds.
    """

    shown: str
    send: Callable[[Content, float], None]


def channel(notify: str) -> Channel | None:
    """The channel that NOTIFY names, or None if it is empty.

    Raises:
        BadInput: it names none. The message does not repeat it, because it may be a secret.
    """
    if notify.startswith(VARIABLE):
        name = notify.removeprefix(VARIABLE)
        if not (notify := os.environ.get(name, "")):
            raise BadInput(f"NOTIFY names the environment variable {name!r}, which is not set; set it.")
    if not notify.strip():
        return None
    if match := TOPIC.fullmatch(notify):
        return _topic(notify, match["region"])
    return _webhook(notify) if re.match(r"https?:", notify) else _command(notify)


def _webhook(url: str) -> Channel:
    """A channel that posts JSON to an address."""
    parts = _checked(url)

    def send(content: Content) -> None:
        import requests

        session = requests.Session()
        session.trust_env = not _is_loopback(parts.hostname or "")  # through a proxy, it is another machine
        try:
            # A redirect would pass the secret on.
            answer = session.post(url, json=content, timeout=ATTEMPT, allow_redirects=False)
        except requests.RequestException as error:  # its message has the address in it
            raise NotSent(f"it cannot be reached ({type(error).__name__})", again=True) from None
        if not 200 <= answer.status_code < 300:
            passing = answer.status_code == 429 or answer.status_code >= 500
            raise NotSent(f"it answered {answer.status_code}", again=passing)

    return Channel(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/...", _bounded(send))


def _topic(arn: str, region: str) -> Channel:
    """A channel that publishes JSON to an SNS topic, and sentences to its subscribers by e-mail.

    Follows https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """

    def send(content: Content) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        by_protocol = {"default": json.dumps(content), "email": _letter(content)}
        fifo = {
            "MessageGroupId": content["pipeline"],
            "MessageDeduplicationId": content.get("run") or content["started"],
        }
        config = Config(connect_timeout=ATTEMPT, read_timeout=ATTEMPT, retries={"total_max_attempts": 1})
        try:
            boto3.client("sns", region_name=region, config=config).publish(
                TopicArn=arn,
                Subject=content["text"].encode("ascii", "replace").decode()[:99],  # what SNS takes
                Message=json.dumps(by_protocol),
                MessageStructure="json",
                **(fifo if arn.endswith(".fifo") else {}),
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            denied = "; it needs the permission sns:Publish" if code.startswith(("Auth", "AccessD")) else ""
            passing = error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500 or "Throttl" in code
            raise NotSent(f"SNS answered {code}{denied}", again=passing) from None
        except BotoCoreError as error:
            raise NotSent(f"SNS cannot be called ({type(error).__name__})", again=True) from None

    return Channel(arn, _bounded(send))


def _bounded(send: Callable[[Content], None]) -> Callable[[Content, float], None]:
    """Let an attempt to reach a server take so many seconds at most, whatever it waits for.

    The time limits of the libraries are those of one packet, and of the search for an address there is none.
    So the attempt is made by a thread, which is left alone afterwards and keeps no process from ending.
    """

    def bounded(content: Content, seconds: float) -> None:
        failed: list[BaseException] = []
        done = threading.Event()

        def attempt() -> None:
            try:
                send(content)
            except BaseException as error:  # raised below, where somebody hears it
                failed.append(error)
            done.set()

        threading.Thread(target=attempt, daemon=True).start()
        limit = min(ATTEMPT, seconds)
        if not done.wait(limit):
            raise NotSent(f"it had not answered after {limit:.0f} s", again=True)
        if failed:
            raise failed[0]

    return bounded


def _command(text: str) -> Channel:
    """A channel that runs a command without a shell, with JSON on its standard input."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadInput(f"NOTIFY is not a command that can be read ({error}); give {ALLOWED}.") from None
    program = shutil.which(words[0])
    if program is None:
        raise BadInput(
            f"NOTIFY names neither a program that can be run nor anything else that is known; give {ALLOWED}."
        )

    def send(content: Content, seconds: float) -> None:
        process = subprocess.Popen(
            [program, *words[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # what it says may have a secret in it, as its arguments may
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MANY_MODELS_TEXT": content["text"]},
            start_new_session=True,
        )
        try:
            process.communicate(json.dumps(content).encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            raise NotSent(f"it had not ended after {seconds:.0f} s") from None
        finally:
            _end(process)
        if process.returncode:  # it may have told half of it, so it is not run again
            raise NotSent(f"it ended with exit code {process.returncode}")

    return Channel(f"the command {Path(program).name}", send)


def _end(process: subprocess.Popen) -> None:
    """Leave nothing of a command running, whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # all of it has ended
    process.wait()


def _checked(url: str) -> SplitResult:
    """The parts of a webhook's address.

    Raises:
        BadInput: it is not an address, or what is sent there could be read on the way.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise BadInput(f"NOTIFY is not a web address that can be used; give {ALLOWED}.")
    if parts.scheme != "https" and not _is_loopback(host):
        raise BadInput(
            f"NOTIFY is an http:// address at {host}, which is not encrypted; give one with https://."
        )
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _letter(content: Content) -> str:
    """The message as sentences."""
    lines = [content["text"], ""]
    lines += [content["error"], ""] if content["error"] else []
    for each in content["attention"]:
        lines += [f"{each['data_set']}: {each['said']} {each.get('advice') or ''}".rstrip()]
        lines += [f"  {key}: {each[key]}" for key in ("log", "page") if each.get(key)]
    if waiting := content.get("awaits_decision"):
        more = content["awaits_decision_count"] - len(waiting)
        named = ", ".join(f"{each['data_set']} version {each['version']}" for each in waiting)
        lines += ["", f"Awaiting a decision: {named}{f' and {more} more' if more else ''}."]
    if "run" in content:
        what = f"Run {content['run']}" if content["run"] else "A run"
    else:
        what = "A check for drift"
    lines += ["", f"{what} on {content['host']}, environment {content['environment']}."]
    return "\n".join(lines)
