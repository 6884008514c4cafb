"""The memory for requests is shared: who finds none is told when to come again."""

import asyncio

import pytest
from tabular.serving import bodies
from tabular.serving.bodies import Bodies
from tabular.serving.models import Models
from tabular.serving.server import ModelServer

LARGE = b"red,1.5,yes,100,c1\n" * 2000  # 38,000 bytes with 10,000 separators
NEEDED = len(LARGE) * bodies.PER_BYTE + 10_000 * bodies.PER_SEPARATOR


@pytest.fixture
def serve(make_folder):
    """Make a server with a model and a budget for requests, which answers without a network."""

    def make(budget):
        server = ModelServer(Models(), bodies=Bodies(budget))
        server.models.load("a", str(make_folder()))
        return server

    return make


async def answer(server, *messages, path="/models/a/invoke"):
    """The status and headers of an answer; an event among the messages is waited for."""
    sent, waiting = [], list(messages)

    async def receive():
        message = waiting.pop(0)
        if isinstance(message, asyncio.Event):
            await message.wait()
            message = waiting.pop(0)
        return message

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode()}
    await server({**scope, "query_string": b"", "headers": []}, receive, send)
    return (sent[0]["status"], dict(sent[0]["headers"])) if sent else None


def body(content, more=False):
    return {"type": "http.request", "body": content, "more_body": more}


def test_a_body_for_which_others_leave_no_room_answers_503_and_is_answered_later(serve):
    server = serve(NEEDED + 1000)

    async def ask():
        rest = asyncio.Event()
        first = asyncio.create_task(answer(server, body(LARGE, more=True), rest, body(b"")))
        await asyncio.sleep(0)
        status, headers = await answer(server, body(LARGE))
        assert (status, headers[b"retry-after"]) == (503, b"1")
        assert (await answer(server, body(LARGE[:19])))[0] == 200  # one row needs no room
        rest.set()
        assert (await first)[0] == 200
        assert (await answer(server, body(LARGE)))[0] == 200
        assert server.bodies.used == 0

    asyncio.run(ask())


def test_a_body_for_which_there_is_never_room_answers_413(serve):
    status, headers = asyncio.run(answer(serve(NEEDED - 1), body(LARGE)))
    assert (status, b"retry-after" in headers) == (413, False)


def test_a_client_that_goes_gives_its_room_back_and_nothing_is_executed(serve):
    server = serve(NEEDED)
    gone = {"type": "http.disconnect"}
    assert asyncio.run(answer(server, body(LARGE, more=True), gone)) is None
    assert asyncio.run(answer(server, gone)) is None
    assert server.bodies.used == 0


def test_what_may_be_separators_is_only_counted_when_room_is_scarce():
    most = len(LARGE) * (bodies.PER_BYTE + bodies.PER_SEPARATOR)
    shared = Bodies(3 * most)
    with shared.room() as first, shared.room() as second, shared.room() as third:
        for room in (first, second, third):
            asyncio.run(room.read(body(LARGE), None))
        assert [first.taken, second.taken, third.taken] == [most, NEEDED, NEEDED]
    assert shared.used == 0
