"""Clients that send half a request, open too many connections, or ask for another protocol."""

import http.client
import resource
import socket
import threading
import time
from contextlib import ExitStack

import pytest
import uvicorn
from support import HANGS
from support.container.server import Answer, rest_of, serving
from tabular.serving import connections
from tabular.serving.models import Models
from tabular.serving.server import ModelServer

CSV = b"red,1.5,yes,100,c1\n"
HALF = b"POST /models/a/invoke HTTP/1.1\r\nHost: localhost\r\nContent-Le"
FILES = 256  # that the server may open


def connection_to(port, sent=b""):
    connection = socket.create_connection(("127.0.0.1", port), timeout=HANGS)
    connection.sendall(sent)
    return connection


@pytest.fixture(scope="module")
def invoked(tmp_path_factory, make_folder):
    """A server that may open few files, with a model."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most))  # the server inherits it
    with serving(tmp_path_factory.mktemp("base")) as server:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))
        assert server.load("a", make_folder()).status == 200
        yield server


@pytest.fixture
def hurried(monkeypatch):
    """The port of a server, in a thread, that waits only a second for a request."""
    monkeypatch.setattr(connections, "ARRIVAL_SECONDS", 1)
    config = uvicorn.Config(
        ModelServer(Models()), port=0, http=connections.Connection, ws="none", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def test_half_sent_requests_do_not_stop_the_ping(invoked):
    with ExitStack() as held:
        idle = http.client.HTTPConnection("127.0.0.1", invoked.port, timeout=HANGS)
        idle.request("GET", "/ping")
        assert idle.getresponse().read() == b""
        for _ in range(FILES + 20):
            held.enter_context(connection_to(invoked.port, HALF))
        assert invoked.ask("GET", "/ping").status == 200
        assert invoked.ask("POST", "/models/a/invoke", CSV).status == 200
        idle.request("GET", "/ping")  # those that have sent half a request had to go first
        assert idle.getresponse().status == 200
        idle.close()


@pytest.mark.parametrize("sent", [HALF, b"POST /models HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"])
def test_a_request_that_does_not_arrive_in_time_answers_408(hurried, sent):
    answer = rest_of(connection_to(hurried, sent))
    assert (answer.status, answer.json["error"]) == (
        408,
        "The request did not arrive in time; send it again.",
    )


def test_a_connection_without_a_request_is_closed(hurried):
    with connection_to(hurried) as silent:
        assert silent.recv(1) == b""


def test_a_connection_between_two_requests_is_kept(hurried):
    connection = http.client.HTTPConnection("127.0.0.1", hurried, timeout=HANGS)
    for _ in range(2):
        connection.request("POST", "/models", b"{}")
        assert connection.getresponse().read()
        local = connection.sock.getsockname()
        time.sleep(1.2)
    connection.request("GET", "/ping")
    assert connection.sock.getsockname() == local
    assert connection.getresponse().status == 200
    connection.close()


def test_headers_without_an_end_answer_431(invoked):
    with connection_to(invoked.port, b"GET /ping HTTP/1.1\r\n") as endless:
        for _ in range(80):
            try:
                endless.sendall(b"x: " + b"y" * 1000 + b"\r\n")
            except OSError:
                break
            time.sleep(0.001)  # each in a packet of its own
        assert endless.recv(65536).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("apart", [False, True])
def test_a_request_that_would_rather_have_another_protocol_keeps_its_body(invoked, apart):
    head = (
        b"POST /models/a/invoke HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nContent-Length: %d\r\n\r\n" % len(CSV)
    )
    with connection_to(invoked.port, head + (b"" if apart else CSV)) as connection:
        if apart:
            time.sleep(0.1)
            connection.sendall(CSV)
        response = http.client.HTTPResponse(connection)
        response.begin()
        upgraded = Answer(response.status, response.getheader("content-type"), response.read())
        assert upgraded == invoked.ask("POST", "/models/a/invoke", CSV)
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_tunnel_is_refused(invoked):
    answer = rest_of(connection_to(invoked.port, b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"))
    assert answer.status == 400


def test_a_request_whose_client_has_gone_is_not_executed(invoked, make_folder):
    """What has arrived of its body would be a request of its own."""
    body = b'{"model_name": "half", "url": "%s"}' % str(make_folder()).encode()
    head = b"POST /models HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (len(body) + 1)
    with connection_to(invoked.port, head + body) as half:
        half.shutdown(socket.SHUT_WR)
        assert half.recv(1) == b""
    assert invoked.ask("GET", "/models/half").status == 404
