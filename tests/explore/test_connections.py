"""Clients who keep the server waiting, over real sockets of the loopback, with a patience of tenths of a second."""

import asyncio
import contextlib
import http.client
import socket
import threading
import time

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("tomli_w")

import uvicorn

from explorer_process import end, start
from jominy.explore import connections, guard

LONG = 8 * 2**20
HEAD = b"POST /api/curve HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"


async def answers(scope, receive, send):
    """As many bytes as the path says; without reading a body that the guard has not read."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * int(scope["path"].strip("/") or "1")})


@pytest.fixture
def served(monkeypatch):
    """The port of a server in this process that waits for half a second, for 20 connections at once."""
    monkeypatch.setattr(connections, "PATIENCE", 0.5)
    monkeypatch.setattr(connections, "MOST", 20)
    monkeypatch.setattr(guard, "QUESTION", guard.QUESTION._replace(seconds=0.5))
    listening = socket.create_server(("127.0.0.1", 0))
    app = guard.Guard(answers, frozenset({"127.0.0.1"}))
    server = uvicorn.Server(
        uvicorn.Config(app, http=connections.Connection, ws="none", lifespan="off", log_level="error")
    )
    thread = threading.Thread(target=asyncio.run, args=(server.serve([listening]),))
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


def connected(port, sent=b"", buffer=None):
    one = socket.socket()
    if buffer is not None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    one.settimeout(30)
    one.connect(("127.0.0.1", port))
    one.sendall(sent)
    return one


def until_dropped(one, drip=b""):
    """What comes until the server ends the connection; meanwhile `drip`, byte after byte."""
    seen = b""
    one.settimeout(0.1 if drip else 30)
    for k in range(300):
        with contextlib.suppress(TimeoutError):
            try:
                if drip:
                    one.sendall(drip[k % len(drip) : k % len(drip) + 1])
                more = one.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                return seen
            if not more:
                return seen
            seen += more
    raise AssertionError("the connection is still there")


def test_half_a_request_is_dropped_whatever_half_it_is(served):
    """Nothing at all, half a head, one that drips, half a body, a body that drips behind a refusal or beside a GET."""
    assert until_dropped(connected(served)) == b""
    assert until_dropped(connected(served, HEAD)).startswith(b"HTTP/1.1 408")
    assert until_dropped(connected(served, HEAD), b"x-a: b\r\n").startswith(b"HTTP/1.1 408")
    body = HEAD + b"content-length: 100\r\n\r\n{"
    assert until_dropped(connected(served, body)).startswith(b"HTTP/1.1 408")
    assert until_dropped(connected(served, body), b" ").startswith(b"HTTP/1.1 408")
    refused = body.replace(b"application/json", b"text/plain")
    assert until_dropped(connected(served, refused), b" ").startswith(b"HTTP/1.1 415")
    beside = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10000\r\n\r\n"
    assert until_dropped(connected(served, beside), b" ").startswith(b"HTTP/1.1 200")
    again = connected(served, b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")  # half of a second request
    again.recv(1000)
    assert b"408" in until_dropped(again, b"GET / HTTP/1.1\r\n")


def test_an_answer_that_nobody_reads_is_dropped_and_one_that_is_read_slowly_is_not(served):
    ask = f"GET /{LONG} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
    deaf, slow = connected(served, ask, 4096), connected(served, ask, 65536)
    begin, read = time.monotonic(), 0
    while time.monotonic() - begin < 2.0:  # four times the patience
        read += len(slow.recv(20_000))
        time.sleep(0.02)
    while read < LONG:
        more = slow.recv(2**20)
        assert more, "the slow reader was dropped"
        read += len(more)
    assert len(until_dropped(deaf)) < LONG  # the rest was never sent


def test_those_who_wait_lock_nobody_out(served):
    crowd = [connected(served, HEAD) for _ in range(60)]
    polite = http.client.HTTPConnection("127.0.0.1", served, timeout=30)
    for _ in range(5):
        polite.request("GET", "/3")
        assert polite.getresponse().read() == b"xxx"
    for one in crowd:
        until_dropped(one)


@pytest.mark.slow
def test_hundred_and_twenty_halves_of_a_request_are_dropped_by_the_real_server():
    process, address = start()
    port = int(address.rstrip("/").rpartition(":")[2])
    begin = time.monotonic()
    crowd = [connected(port, HEAD) for _ in range(120)]
    polite = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    polite.request("GET", "/api/start")
    assert polite.getresponse().status == 200
    assert all(until_dropped(one).startswith(b"HTTP/1.1 408") for one in crowd)
    assert time.monotonic() - begin > connections.PATIENCE
    assert end(process) == (0, "")
