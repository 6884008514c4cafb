"""Lambda's Extensions API: an extension works after the answer, and its environment stays busy until then."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.local_aws.aws import is_running, needs_proc, wait_for

from local_aws.core.account import Account
from local_aws.core.store import Store
from local_aws.services.functions.functions import Functions

HERE = str(ROOT / "tests/support/local_aws")
SLOW = 1.5  # seconds


@pytest.fixture
def functions(account: Account) -> Iterator[Functions]:
    store = Store(account.home / "records.db")
    functions = Functions(account, store)
    yield functions
    functions.close()
    store.close()


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    """What the extension writes when it has finished its work."""
    return tmp_path / "diary"


@pytest.fixture
def put(functions: Functions, diary: Path) -> Any:
    """Create or change the function with the extension."""

    def change(color: str = "red", timeout: int = 10) -> None:
        values = {"PYTHONPATH": HERE, "COLOR": color, "DIARY": str(diary)}
        role = "arn:aws:iam::123456789012:role/toy"
        functions.put("toy", "extended.handle", values, timeout, 128, role, "NONE")

    change()
    return change


def invoke(functions: Functions, seconds: float = 0, **work: str) -> Any:
    invocation = functions.invoke("toy", {"seconds": seconds, **work})
    assert invocation.error is None, invocation
    return json.loads(invocation.payload)


def events(diary: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in diary.read_text().splitlines()] if diary.exists() else []


def test_the_answer_comes_first_and_the_work_after_it(
    functions: Functions, diary: Path, tmp_path: Path, put: Any
) -> None:
    invoke(functions)
    answer = invoke(functions, until=str(tmp_path / "answered"))
    assert len(events(diary)) < 2
    (tmp_path / "answered").touch()
    wait_for(lambda: len(events(diary)) == 2)
    event = events(diary)[1]
    assert event["eventType"] == "INVOKE"
    assert event["requestId"] == answer["request_id"]
    assert 0 < event["deadlineMs"] / 1000 - time.time() < 10
    assert event["invokedFunctionArn"].endswith(":function:toy")
    assert answer["about"] == {
        "functionName": "toy",
        "functionVersion": "$LATEST",
        "handler": "extended.handle",
    }


def test_what_aws_refuses_is_refused(functions: Functions, put: Any) -> None:
    answer = invoke(functions)
    assert answer["refusals"] == [
        [403, "Extension.InvalidExtensionState"],
        [403, "Extension.InvalidEventType"],
        [403, "Extension.InvalidEventType"],
        [403, "Extension.InvalidExtensionName"],
        [403, "InvalidRequestFormat"],
        [403, "Extension.MissingExtensionIdentifier"],
        [403, "Extension.UnknownExtensionIdentifier"],
        [404, "NotFound"],
    ]
    assert answer["late"] == "Extension.RegistrationClosed"


@needs_proc
def test_a_changed_function_lets_the_extension_finish_before_its_process_ends(
    functions: Functions, diary: Path, put: Any
) -> None:
    pid = invoke(functions, SLOW)["pid"]
    put("blue")
    assert invoke(functions)["pid"] != pid
    wait_for(lambda: len(events(diary)) == 2)
    wait_for(lambda: not is_running(pid))


@needs_proc
def test_an_extension_that_takes_longer_than_the_functions_time_ends_its_environment(
    functions: Functions, account: Account, put: Any
) -> None:
    put(timeout=3)
    pid = invoke(functions, 60)["pid"]
    wait_for(lambda: not Path(f"/proc/{pid}").exists())  # and whoever started it has noticed
    assert invoke(functions)["pid"] != pid
    assert "Task timed out" in (account.home / "functions/toy/log.txt").read_text()
