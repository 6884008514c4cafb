"""A thread stays awake for what comes in a moment, and only while one client asks alone."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from local_aws.core import sockets
from local_aws.core.sockets import Turns, arrivals_of, stay_awake

ONE, OTHER = ("127.0.0.1", 1), ("127.0.0.1", 2)
SOON, LATE = 0.0, 1.0  # seconds


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


def asked(turns: Turns, *requests: tuple[tuple[str, int], float]) -> Turns:
    """Let clients ask, each so many seconds after its last answer."""
    for client, seconds in requests:
        turns.note(client, seconds)
    return turns


def test_a_client_that_asks_alone_and_promptly_is_waited_for_awake() -> None:
    turns = asked(Turns(2), *[(ONE, SOON)] * 9)
    assert turns.are_with(ONE)
    assert turns.are_with()
    assert not turns.are_with(OTHER)


@pytest.mark.parametrize(
    ("processors", "requests"),
    [
        (2, [(ONE, SOON)] * 4),
        (2, [(ONE, SOON)] * 20 + [(ONE, LATE)]),
        (2, [(ONE, SOON)] * 20 + [(OTHER, SOON)]),
        (2, [(ONE, SOON), (OTHER, SOON)] * 20),
        (1, [(ONE, SOON)] * 20),
    ],
    ids=["only a few requests", "a pause", "another client", "two clients in turn", "a single processor"],
)
def test_nobody_else_is(processors: int, requests: list[tuple[tuple[str, int], float]]) -> None:
    turns = asked(Turns(processors), *requests)
    assert not turns.are_with()
    assert not turns.are_with(ONE)


def test_a_client_that_has_gone_is_forgotten() -> None:
    turns = asked(Turns(2), *[(ONE, SOON)] * 20)
    turns.end()
    assert not turns.are_with()
    assert not asked(turns, (ONE, SOON)).are_with(ONE)


def test_what_arrives_ends_the_wait(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "_MOMENT", 60.0)
    threading.Timer(0.05, pair[1].sendall, (b"x",)).start()
    begin = time.monotonic()
    assert stay_awake(arrivals_of(pair[0]))
    assert time.monotonic() - begin < 30
    assert pair[0].recv(8) == b"x"


def test_nobody_waits_awake_for_longer_than_a_moment(pair: tuple[socket.socket, socket.socket]) -> None:
    used = time.thread_time()
    assert not stay_awake(arrivals_of(pair[0]))
    assert time.thread_time() - used < 0.1
