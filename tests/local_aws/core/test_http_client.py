"""The connection to a container: whatever a server sends, its answer or an error."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from support import HANGS

from local_aws.core.http_client import Connection

Says = Callable[..., Connection]


@pytest.fixture
def says() -> Iterator[Says]:
    """A connection to a server that answers any request with these parts, and then closes it."""
    made: list[Connection] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def connection_to(*parts: bytes) -> Connection:
            def serve() -> None:
                accepted, _ = server.accept()
                with accepted:
                    for part in parts:
                        accepted.recv(65536)
                        accepted.sendall(part)

            threading.Thread(target=serve, daemon=True).start()
            made.append(Connection(server.getsockname()[1], HANGS))
            return made[-1]

        yield connection_to
        for connection in made:
            connection.close()


def asked(connection: Connection, seconds: float = HANGS) -> tuple[int, dict[str, str], bytes, bool]:
    (status, headers, body), is_open = connection.request("POST", "/x", b"1,2", {"A": "b"}, seconds)
    return status, dict(headers), body, is_open


def test_a_connection_serves_several_requests(says: Says) -> None:
    connection = says(*[b"HTTP/1.1 200 OK\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nok"] * 2)
    for _ in range(2):
        assert not connection.is_closed
        assert asked(connection) == (200, {"x-own": "1", "content-length": "2"}, b"ok", True)


@pytest.mark.parametrize(
    ("sent", "body", "is_open"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", b"1", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1", b"1", False),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", b"to the end", False),
    ],
    ids=["in chunks", "after another", "that closes", "without a length"],
)
def test_an_answer_ends_where_it_says(says: Says, sent: bytes, body: bytes, is_open: bool) -> None:
    status, _, content, stays = asked(says(sent))
    assert (status, content, stays) == (200, body, is_open)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "before the answer was complete"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "before the answer was complete"),
        (b"nonsense\r\n\r\n", "not HTTP"),
    ],
    ids=["nothing", "half of it", "something else"],
)
def test_what_is_no_whole_answer_is_an_error(says: Says, sent: bytes, said: str) -> None:
    with pytest.raises(ConnectionError, match=said):
        asked(says(sent))


def test_a_server_that_does_not_answer_is_left_after_some_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = Connection(server.getsockname()[1], HANGS)
        with pytest.raises(TimeoutError):
            asked(connection, seconds=0.05)
        connection.close()


def test_a_connection_knows_that_its_server_has_gone(says: Says) -> None:
    connection = says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert asked(connection)[0] == 200
    for _ in range(1000):  # the server closes it right after the answer
        if connection.is_closed:
            return
        threading.Event().wait(0.01)
    raise AssertionError("It does not notice.")
