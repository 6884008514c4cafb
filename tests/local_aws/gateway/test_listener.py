"""The listener: what the server gets of what clients send, and what they get back."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from support import HANGS
from support.local_aws.aws import wait_for

from local_aws.core import sockets
from local_aws.core.moto import environ
from local_aws.core.requests.wire import Reply, Request
from local_aws.core.sockets import TURNS
from local_aws.gateway.listener import Listener

SHOWN = ("REQUEST_METHOD", "RAW_URI", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "CONTENT_LENGTH")

UPGRADE = b"PUT / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
# Heads that two servers in a row could understand in different ways.
SMUGGLED = [
    b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 1\r\nContent-Length: 0\r\n",
    b"Content-Length : 1\r\n",
    b"X: a\r\n Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
]


def echo(request: Request) -> Reply:
    """Answer with what arrived."""
    fields = {name: value for name, value in environ(request).items() if name in SHOWN or "HTTP_" in name}
    fields |= {"CONTENT_TYPE": request.header("Content-Type"), "body": request.body.decode("latin-1")}
    return Reply(json.dumps(fields).encode(), 204 if request.path == "/nothing" else 200, {"X-Own": "1"})


Exchange = Callable[..., bytes]


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where a listener listens."""
    listener = Listener(echo)
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    yield listener.server_address[:2]
    listener.shutdown()
    listener.server_close()


@pytest.fixture(scope="module")
def exchange(address: tuple[str, int]) -> Exchange:
    """Send parts over a connection, and return all that comes back until it is closed."""

    def sent(*parts: bytes) -> bytes:
        with socket.create_connection(address, timeout=HANGS) as connection:
            for part in parts:
                connection.sendall(part)
            with contextlib.suppress(OSError):  # the listener has closed the connection
                connection.shutdown(socket.SHUT_WR)
            return connection.makefile("rb").read()

    return sent


def seen(answer: bytes) -> list[dict[str, str]]:
    """What arrived, in a series of answers."""
    parts = answer.split(b"HTTP/1.1 200 OK\r\n")
    assert parts[0] in (b"", b"HTTP/1.1 100 Continue\r\n\r\n")
    return [json.loads(part.partition(b"\r\n\r\n")[2]) for part in parts[1:]]


def test_a_request_arrives_as_it_was_sent(exchange: Exchange) -> None:
    line = b"PUT /a%20b/%C3%BC//c?x=1&y HTTP/1.1\r\n"
    head = b"Host: h\r\nContent-Type: text/csv\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 3\r\n\r\n"
    (arrived,) = seen(exchange(line + head + b"1,2"))
    assert arrived["RAW_URI"] == "/a%20b/%C3%BC//c?x=1&y"
    assert arrived["PATH_INFO"].encode("latin-1").decode() == "/a b/ü//c"
    assert arrived["QUERY_STRING"] == "x=1&y"
    assert (arrived["CONTENT_TYPE"], arrived["HTTP_X_TWO"]) == ("text/csv", "a,b")
    assert (arrived["body"], arrived["CONTENT_LENGTH"]) == ("1,2", "3")


def test_requests_that_arrive_together_or_in_pieces_are_answered_in_turn(exchange: Exchange) -> None:
    request = b"POST /%d HTTP/1.1\r\nContent-Length: 2\r\n\r\n%02d"
    whole = b"".join(request % (number, number) for number in range(4))
    for parts in ([whole], [whole[at : at + 7] for at in range(0, len(whole), 7)]):
        arrived = seen(exchange(*parts))
        assert [one["RAW_URI"] for one in arrived] == ["/0", "/1", "/2", "/3"]
        assert [one["body"] for one in arrived] == ["00", "01", "02", "03"]


def test_a_body_in_chunks_arrives_whole(exchange: Exchange) -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    (arrived,) = seen(exchange(head + b"3\r\n1,2\r\n", b"2\r\n,3\r\n0\r\n\r\n"))
    assert (arrived["body"], arrived["CONTENT_LENGTH"]) == ("1,2,3", "5")
    assert "HTTP_TRANSFER_ENCODING" not in arrived


def test_what_follows_a_body_in_chunks_is_no_header(exchange: Exchange) -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n1,2\r\n0\r\n"
    first, second = seen(
        exchange(head + b"X-Amz-Target: SageMaker.Any\r\n\r\n", b"GET / HTTP/1.1\r\nA: b\r\n\r\n")
    )
    assert first["body"] == "1,2"
    assert "HTTP_X_AMZ_TARGET" not in first
    assert second["HTTP_A"] == "b"


def test_a_client_that_waits_is_told_to_go_on(exchange: Exchange) -> None:
    answer = exchange(b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", b"1")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert seen(answer)[0]["body"] == "1"


def test_a_name_with_an_underscore_is_not_taken_for_one_with_a_dash(exchange: Exchange) -> None:
    fields = (b"X_Amz_Date: no", b"x-amz-meta-a_b: kept", b"x-amz-meta-c-d: 1", b"x-amz-meta-c_d: no")
    (arrived,) = seen(exchange(b"\r\n".join((b"GET / HTTP/1.1", *fields, b"", b""))))
    assert "HTTP_X_AMZ_DATE" not in arrived
    assert (arrived["HTTP_X_AMZ_META_A_B"], arrived["HTTP_X_AMZ_META_C_D"]) == ("kept", "1")


def test_an_absolute_address_names_the_host(exchange: Exchange) -> None:
    (arrived,) = seen(exchange(b"GET http://example.com/a?b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
    assert (arrived["HTTP_HOST"], arrived["RAW_URI"]) == ("example.com", "/a?b")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.0\r\n",
        b"GET / HTTP/1.1\r\nConnection: close\r\n",
        b"GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
    ],
    ids=["an old client", "close", "another protocol"],
)
def test_the_connection_is_closed_if_the_client_wants_it(exchange: Exchange, head: bytes) -> None:
    answer = exchange(head + b"\r\nGET /2 HTTP/1.1\r\n\r\n")
    assert b"Connection: close\r\n" in answer
    assert len(seen(answer)) == 1


@pytest.mark.parametrize("pieces", [1000, 7])
@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 3\r\n\r\n1,2", b"Transfer-Encoding: chunked\r\n\r\n3\r\n1,2\r\n0\r\n\r\n"],
    ids=["length", "chunks"],
)
def test_a_body_comes_even_if_its_client_would_rather_speak_another_protocol(
    exchange: Exchange, body: bytes, pieces: int
) -> None:
    """Java's client asks so in each request, and goes on with HTTP/1.1."""
    whole = (UPGRADE + b"X-Two: a b\r\n" + body) * 2 + b"GET /2 HTTP/1.1\r\n\r\n"
    first, second, last = seen(exchange(*(whole[at : at + pieces] for at in range(0, len(whole), pieces))))
    assert first == second
    assert (first["REQUEST_METHOD"], first["body"], first["HTTP_X_TWO"]) == ("PUT", "1,2", "a b")
    assert "HTTP_UPGRADE" not in first
    assert (last["RAW_URI"], last["body"]) == ("/2", "")


def test_any_number_of_such_requests_may_arrive_at_once(exchange: Exchange) -> None:
    whole = (UPGRADE + b"Content-Length: 1\r\n\r\n1") * 3_000 + b"GET /2 HTTP/1.0\r\n\r\n"
    assert [arrived["body"] for arrived in seen(exchange(whole))] == ["1"] * 3_000 + [""]


def test_after_such_a_request_of_an_old_client_the_connection_is_closed(exchange: Exchange) -> None:
    old = UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0")
    (arrived,) = seen(exchange(old + b"Content-Length: 1\r\n\r\n1" + b"GET /2 HTTP/1.1\r\n\r\n"))
    assert arrived["body"] == "1"


def test_such_a_client_is_told_to_go_on_once(exchange: Exchange) -> None:
    answer = exchange(UPGRADE + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", b"1")
    assert answer.count(b"100 Continue") == 1
    assert seen(answer)[0]["body"] == "1"


def test_a_head_and_an_answer_without_content_have_no_body(exchange: Exchange) -> None:
    answer = exchange(b"HEAD / HTTP/1.1\r\n\r\n", b"GET /nothing HTTP/1.1\r\n\r\n")
    first, second = answer.split(b"\r\n\r\n")[:2]
    assert b"Content-Length: " in first
    assert second.startswith(b"HTTP/1.1 204 No Content")
    assert b"Content-Length" not in second
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400 Bad Request"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400 Bad Request"),
        *((UPGRADE + lengths + b"\r\n1", b"400 Bad Request") for lengths in SMUGGLED),
        *((b"POST / HTTP/1.1\r\n" + lengths + b"\r\n1", b"400 Bad Request") for lengths in SMUGGLED),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"431 Request Header Fields Too Large"),
    ],
    ids=[
        "no HTTP",
        "a negative length",
        *(f"an upgrade, {lengths.decode()}" for lengths in SMUGGLED),
        *(lengths.decode() for lengths in SMUGGLED),
        "a long header",
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_small_document(
    exchange: Exchange, sent: bytes, status: bytes
) -> None:
    answer = exchange(b"GET / HTTP/1.1\r\n\r\n" + sent)
    good, refused = answer.split(b"HTTP/1.1 " + status)
    assert len(seen(good)) == 1
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["__type"] == "BadRequest"


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /a%20b?x=1#y HTTP/1.1\r\nHost: h\r\nX-Two: a b\r\nX_Two: c\r\nContent-Length: 3\r\n\r\n1,2",
        b"PUT http://h/a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1",
        b"PUT http://other/a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1",
        b"PUT http://h?b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nX-Two:  a\xe9 \r\nX:\r\nY:b\r\nContent-Length: 1\r\n\r\n\xff",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nContent-Length: 01\r\n\r\n1",
        b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nX: a\nContent-Length: 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nX: a\rb\r\nContent-Length: 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nX: a\0\r\nContent-Length: 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nX y: a\r\nContent-Length: 1\r\n\r\n1",
        b"POST / HTTP/1.1\r\nno header\r\nContent-Length: 1\r\n\r\n1",
        b"POST /\xe9 HTTP/1.1\r\nContent-Length: 1\r\n\r\n1",
        b"FETCH / HTTP/1.1\r\nContent-Length: 1\r\n\r\n1",
        *(b"POST / HTTP/1.1\r\n" + lengths + b"\r\n1" for lengths in SMUGGLED),
    ],
    ids=repr,
)
def test_a_request_alone_arrives_as_one_after_another(exchange: Exchange, sent: bytes) -> None:
    """Alone, it may be read in a quicker way, which must see the same and refuse the same."""
    before = b"GET / HTTP/1.1\r\n\r\n"
    (_, *after_another) = shown(exchange(before + sent))
    assert shown(exchange(sent)) == after_another
    assert len(after_another) == 1


def shown(answers: bytes) -> list[tuple[bytes, bool, dict[str, str]]]:
    """The status of each of a series of answers, whether it ends the connection, and what it says."""
    parts = [part.partition(b"\r\n\r\n") for part in answers.split(b"HTTP/1.1 ")[1:]]
    return [
        (head.partition(b"\r\n")[0], b"Connection: close" in head, json.loads(body))
        for head, _, body in parts
    ]


def test_a_request_does_not_begin_in_the_middle_of_another(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=HANGS) as connection:
        connection.sendall(b"PO")
        time.sleep(0.05)  # so that they arrive in two pieces
        connection.sendall(b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_a_client_that_asks_alone_is_waited_for_until_it_goes(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "_MOMENT", 2.0)
    monkeypatch.setattr(TURNS, "_processors", 2)
    question = b"POST /function-url/f/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    with socket.create_connection(address, timeout=HANGS) as connection:
        for _ in range(20):
            connection.sendall(question)
            connection.recv(1 << 16)
        assert TURNS.are_with(connection.getsockname())
        wait_for(lambda: not TURNS.are_with())  # after a pause of more than a moment
        for _ in range(20):
            connection.sendall(question)
            connection.recv(1 << 16)
        assert TURNS.are_with(connection.getsockname())
    wait_for(lambda: not TURNS.are_with())
