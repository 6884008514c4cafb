"""Connections that stay open: a request arrives in one piece, and is tried once."""

import socket
import threading
from collections.abc import Iterator

import pytest
import urllib3
from support import HANGS

from lambdas.connections import pool

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers whatever it reads at once; its address, and what it has read."""
    read: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                while data := connection.recv(1 << 20):
                    read.append(data)
                    connection.sendall(ANSWER)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", read


@pytest.mark.parametrize("body", [b"1,2\n", b"POST / HTTP/1.1\r\n\r\n", b"", None])
def test_a_request_arrives_in_one_piece_on_one_connection(
    server: tuple[str, list[bytes]], body: bytes | None
) -> None:
    url, read = server
    connections = pool(url, 2, HANGS, HANGS)
    for _ in range(2):
        answer = connections.urlopen("POST", "/x", body=body, headers={"A": "b"})
        assert (answer.status, answer.data) == (200, b"ok")
    connections.close()
    assert len(read) == 2
    for request in read:
        head, _, rest = request.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /x HTTP/1.1\r\n")
        assert rest == (body or b"")


def test_a_request_is_tried_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connections = pool(f"http://127.0.0.1:{silent.getsockname()[1]}", 1, HANGS, 0.05)
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            connections.urlopen("POST", "/", body=b"1", headers={})
        connections.close()


def test_over_https_the_server_must_show_who_it_is() -> None:
    connections = pool("https://example.com/", 1, HANGS, HANGS)
    assert connections.cert_reqs == "CERT_REQUIRED"
    assert connections.ca_certs
