"""Connections that stay open: a request arrives in one piece, and is tried once."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from support import HANGS

from helpers.deployment.performance.connections import pool
from lambdas.connections import CERTIFICATES

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


def answering(listening: socket.socket, pause: float, answer: bytes) -> None:
    """Read the beginning of a request, answer after a pause, and close the connection."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(1000)
        time.sleep(pause)
        connection.sendall(answer)


def test_an_answer_that_comes_before_the_body_has_been_read_is_not_lost() -> None:
    refused = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=answering, args=(listening, 0.05, refused), daemon=True).start()
        connections = pool(f"http://127.0.0.1:{listening.getsockname()[1]}", 1, HANGS, HANGS)
        answer = connections.urlopen("POST", "/", body=bytes(6_000_000), headers={})
        assert (answer.status, answer.data) == (413, b"big")
        connections.close()


def test_an_answer_to_a_request_without_a_body_may_take_longer_than_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=answering, args=(listening, 0.2, ANSWER), daemon=True).start()
        connections = pool(f"http://127.0.0.1:{listening.getsockname()[1]}", 1, 0.1, HANGS)
        assert connections.urlopen("POST", "/", body=b"", headers={}).data == b"ok"
        connections.close()


def test_over_https_the_server_must_show_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CERTIFICATES:
        monkeypatch.delenv(name, raising=False)
    connections = pool("https://example.com/", 1, HANGS, HANGS)
    assert connections.cert_reqs == "CERT_REQUIRED"
    assert Path(connections.ca_certs).is_file()
    monkeypatch.setenv("AWS_CA_BUNDLE", "/company.pem")
    assert pool("https://example.com/", 1, HANGS, HANGS).ca_certs == "/company.pem"
