"""Messages between the server and a function's process."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from local_aws.services.functions.frames import Frames


@pytest.fixture
def ends() -> Iterator[tuple[Frames, Frames]]:
    one, other = socket.socketpair()
    pair = Frames(one, 0.2), Frames(other)
    yield pair
    for end in pair:
        end.close()


@pytest.mark.parametrize("content", [b"", b"\0{", b"a" * 5_000_000])
@pytest.mark.parametrize("head", [{}, {"ends": True, "error": {"errorMessage": "ü"}}])
def test_a_message_arrives_as_it_was_sent(
    ends: tuple[Frames, Frames], head: dict[str, object], content: bytes
) -> None:
    sending = threading.Thread(target=ends[0].send, args=(head, content))
    sending.start()
    assert ends[1].receive() == (head, content)
    sending.join()


def test_messages_that_arrive_together_are_returned_one_by_one(ends: tuple[Frames, Frames]) -> None:
    sent = [({"over": str(number)}, b"x" * number) for number in range(50)]
    for message in sent:
        ends[0].send(*message)
    assert [ends[1].receive() for _ in sent] == sent


def test_a_message_may_arrive_in_pieces() -> None:
    one, other = socket.socketpair()

    def send() -> None:
        for byte in b"\0\0\0\2\0\0\0\3{}abc":
            one.sendall(bytes([byte]))
            time.sleep(0.005)

    with one, other:
        sending = threading.Thread(target=send)
        sending.start()
        assert Frames(other, 20).receive() == ({}, b"abc")
        sending.join()


def test_receiving_and_sending_wait_no_longer_than_they_may(ends: tuple[Frames, Frames]) -> None:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        ends[0].receive()
    with pytest.raises(TimeoutError):
        ends[0].send({}, b"a" * 5_000_000)  # nobody receives it
    assert time.monotonic() - begin > 0.35


@pytest.mark.parametrize("begun", [b"", b"\0\0\0\2", b"\0\0\0\2\0\0\0\3{}ab"])
def test_nothing_is_returned_of_a_message_that_ends_too_early(begun: bytes) -> None:
    one, other = socket.socketpair()
    with other:
        one.sendall(begun)
        one.close()
        assert Frames(other).receive() is None


def test_who_is_receiving_gets_nothing_once_this_end_is_closed(ends: tuple[Frames, Frames]) -> None:
    got: list[object] = []
    receiving = threading.Thread(target=lambda: got.append(ends[1].receive()))
    receiving.start()
    ends[1].close()
    receiving.join(20)
    assert got == [None]
