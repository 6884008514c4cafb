"""What the functions ask of AWS: which of their modules, which operation, with which parameters.

tests/lambdas/calls.txt lists it. Whatever a test has them ask must be listed there, and with the boto3 of the
Lambda runtime, the tests with the mark `runtime` must have them ask all of it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient

from support import ROOT

__all__ = ["FILE", "known", "recorded"]

FILE = ROOT / "tests/lambdas/calls.txt"
FUNCTIONS, TESTS = (f"{ROOT / folder}/" for folder in ("src/lambdas", "tests"))
BETWEEN = ("alone", "recording")  # what tests put between a function and the client that it calls


def known() -> set[str]:
    """What the list says."""
    return set(FILE.read_text().splitlines())


@contextmanager
def recorded(asked: set[str]) -> Iterator[None]:
    """Add every call of the functions, through any client, for as long as this lasts."""
    call = BaseClient._make_api_call

    def recording(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if module := _asking():
            asked.add(f"{module} {operation}({', '.join(sorted(parameters))})")
        return call(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", recording)
        yield


def _asking() -> str | None:
    """The module of the functions that calls; None if a test calls, or calls in a function's place."""
    frame = sys._getframe(1)
    while frame := frame.f_back:
        file = frame.f_code.co_filename
        if file.startswith(FUNCTIONS):
            return file.removeprefix(FUNCTIONS)
        if file.startswith(TESTS) and frame.f_code.co_name not in BETWEEN:
            return None
    return None
