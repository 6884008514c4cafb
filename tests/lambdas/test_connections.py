"""Connections that stay open: what is sent, how answers end, and what a server may do wrong."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support import HANGS

from lambdas.connections import CERTIFICATES, Connections

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
HOST = {"Host": "here"}

Read = list[list[bytes]]  # of each connection, what came in one piece


@contextmanager
def serving(*scripts: list[bytes], tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, Read]]:
    """A server whose connections answer each piece that arrives as their script says, and then end."""
    read: Read = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for script in scripts:
                try:
                    connection, _ = listening.accept()
                    connection = tls.wrap_socket(connection, server_side=True) if tls else connection
                except OSError:  # the test is over, or the client has refused the certificate
                    continue
                pieces: list[bytes] = []
                read.append(pieces)
                with connection:
                    for answer in script:
                        pieces.append(connection.recv(1 << 16))
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"{'https' if tls else 'http'}://localhost:{listening.getsockname()[1]}", read


def ask(url: str, body: bytes = b"1,2\n", seconds: float = HANGS) -> tuple[int, bytes]:
    connections = Connections(url, 1, HANGS, seconds)
    status, _, content = connections.request("POST", "/x", HOST, body)
    connections.close()
    return status, content


@pytest.mark.parametrize("body", [b"1,2\n", b"POST / HTTP/1.1\r\n\r\n", b""])
def test_requests_arrive_in_one_piece_on_one_connection(body: bytes) -> None:
    with serving([OK, OK]) as (url, read):
        connections = Connections(url, 2, HANGS, HANGS)
        for _ in range(2):
            answer = connections.request("POST", "/x", {**HOST, "A": "b"}, body)
            assert answer == (200, {"content-type": "text/plain", "content-length": "2"}, b"ok")
        connections.close()
    head = f"POST /x HTTP/1.1\r\nHost: here\r\nA: b\r\nContent-Length: {len(body)}\r\n\r\n"
    assert read == [[head.encode() + body] * 2]


def test_a_connection_that_the_server_has_closed_in_the_meantime_is_replaced() -> None:
    with serving([OK], [OK]) as (url, read):
        connections = Connections(url, 1, HANGS, HANGS)
        assert connections.request("POST", "/", HOST, b"1").status == 200
        connections._idle[0]._arrivals.poll(1000 * HANGS)  # until the end of the first one has arrived
        assert connections.request("POST", "/", HOST, b"2").status == 200
        connections.close()
    assert [len(pieces) for pieces in read] == [1, 1]


def test_no_answer_is_taken_for_that_of_the_next_request() -> None:
    stray = OK.replace(b"ok", b"no")
    with serving([OK + stray, OK], [OK]) as (url, _):
        connections = Connections(url, 1, HANGS, HANGS)
        assert connections.request("POST", "/", HOST, b"1").body == b"ok"
        assert connections.request("POST", "/", HOST, b"2").body == b"ok"
        connections.close()


def test_no_more_connections_stay_open_than_were_asked_for() -> None:
    together = threading.Barrier(3)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer(connection: socket.socket) -> None:
            with connection:
                connection.recv(1 << 16)
                together.wait(HANGS)  # so that no request finds the connection of another
                connection.sendall(OK)
                connection.recv(1)

        def serve() -> None:
            for _ in range(3):
                threading.Thread(target=answer, args=listening.accept()[:1], daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        connections = Connections(f"http://127.0.0.1:{listening.getsockname()[1]}", 2, HANGS, HANGS)
        with ThreadPoolExecutor(3) as clients:
            asked = [clients.submit(connections.request, "POST", "/", HOST, b"1") for _ in range(3)]
        assert [future.result().status for future in asked] == [200] * 3
        assert len(connections._idle) == 2
        connections.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nok",  # without a length: as long as the connection lasts
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200\r\ncontent-length:2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;a=b\r\nk\r\n0\r\nA: b\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["until the end", "HTTP/1.0", "close", "chunks", "100 first"],
)
def test_every_way_to_end_an_answer_is_read(answer: bytes) -> None:
    with serving([answer]) as (url, _):
        assert ask(url) == (200, b"ok")


def test_an_answer_without_content_has_no_body() -> None:
    with serving([b"HTTP/1.1 204 No Content\r\n\r\n", OK]) as (url, read):
        connections = Connections(url, 1, HANGS, HANGS)
        assert connections.request("POST", "/", HOST, b"").body == b""
        assert connections.request("POST", "/", HOST, b"").body == b"ok"
        connections.close()
    assert len(read) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nfolded: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\na: b\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * (1 << 17) + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_an_answer_that_is_cut_off_or_not_http_is_none(answer: bytes) -> None:
    with serving([answer]) as (url, _), pytest.raises(ConnectionClosedError):
        ask(url)


def test_a_long_answer_arrives_in_many_pieces() -> None:
    body = bytes(range(256)) * 10_000
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:70_000], body[70_000:]))
    for answer in (
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % parts,
        b"HTTP/1.1 200 OK\r\n\r\n%b" % body,
    ):
        with serving([answer]) as (url, _):
            assert ask(url) == (200, body)


def test_an_answer_that_comes_before_the_body_has_been_read_is_not_lost() -> None:
    refused = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"
    with serving([refused]) as (url, _):
        assert ask(url, bytes(6_000_000)) == (413, b"big")


def test_a_server_that_says_nothing_is_left_after_the_time_to_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ReadTimeoutError):
        ask(f"http://127.0.0.1:{silent.getsockname()[1]}", seconds=0.05)


def test_where_nobody_listens_there_is_no_connection() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(EndpointConnectionError):
            ask(f"http://127.0.0.1:{nobody.getsockname()[1]}")


@pytest.mark.parametrize(
    ("path", "headers"), [("/a\r\nb: c", {}), ("/", {"a": "b\r\nc: d"}), ("/", {"a\n": ""})]
)
def test_nothing_that_would_be_another_header_is_sent(path: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="line break"):
        Connections("http://127.0.0.1:9", 1, HANGS, HANGS).request("POST", path, headers, b"")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody else has signed, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def over_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, bytes]]:
    """Ask a server with that certificate under a name, trusting this file or what boto3 trusts."""
    for name in CERTIFICATES:
        monkeypatch.delenv(name, raising=False)

    def asked(name: str, trusted: Path | None) -> tuple[int, bytes]:
        if trusted:
            monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with serving([OK], tls=context) as (url, _):
            return ask(url.replace("localhost", name))

    return asked


def test_over_https_a_server_with_a_trusted_certificate_is_asked(
    over_tls: Callable[..., tuple[int, bytes]], certificate: Path
) -> None:
    assert over_tls("localhost", certificate) == (200, b"ok")


@pytest.mark.parametrize(("name", "is_trusted"), [("localhost", False), ("127.0.0.1", True)])
def test_over_https_the_server_must_show_who_it_is(
    over_tls: Callable[..., tuple[int, bytes]], certificate: Path, name: str, is_trusted: bool
) -> None:
    with pytest.raises(SSLError, match="certificate verify failed"):
        over_tls(name, certificate if is_trusted else None)


def test_a_server_that_does_not_answer_the_handshake_is_left_after_the_time_to_connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connections = Connections(f"https://127.0.0.1:{silent.getsockname()[1]}", 1, 0.05, HANGS)
        with pytest.raises(ConnectTimeoutError):
            connections.request("POST", "/", HOST, b"")
