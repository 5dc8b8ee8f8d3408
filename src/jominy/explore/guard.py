"""What stands before every request: who may ask, how much may be sent, and what no answer is without.

The page is for one user on one machine. A web site that he visits at the same time can send requests here too, under
its own name (Origin) or under a name that it has pointed at this machine (Host): both are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MOST_BYTES = 16_384
"""Of a request's body."""
SLOWEST_BODY = 10.0
"""Seconds in which the whole body must have come."""
UPLOAD = "/api/table"
"""Where a table is sent to, as it is."""
MOST_BYTES_OF_A_TABLE = 8 * 2**20
SLOWEST_TABLE = 30.0
"""Seconds in which it must have come."""
_TABLES_AT_ONCE = 4
COOKIE = "jominy"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

HEADERS = [
    (b"content-security-policy",
     b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
     b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]  # fmt: skip


class Rules(NamedTuple):
    """For the body of a request."""

    what: str
    kind: str
    most: int
    seconds: float


QUESTION = Rules("a request", "application/json", MOST_BYTES, SLOWEST_BODY)
TABLE = Rules("a table", "text/csv", MOST_BYTES_OF_A_TABLE, SLOWEST_TABLE)


def _rules(scope: Any) -> Rules:
    return TABLE if scope["path"] == UPLOAD else QUESTION


@dataclass(frozen=True)
class Guard:
    """An ASGI application in front of another.

    app   : the application
    hosts : names under which this server may be asked, without port; None for any address (never a name)
    token : what every request must carry, in a cookie or as a bearer; None on the loopback
    """

    app: Any
    hosts: frozenset[str] | None
    token: str | None = None
    _tables: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_TABLES_AT_ONCE))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refused(scope, headers)
        if refused is not None:
            return await _refuse(send, *refused)
        if scope["method"] == "POST":
            rules = _rules(scope)
            async with self._tables if rules is TABLE else contextlib.nullcontext():
                try:
                    body = await asyncio.wait_for(_body(receive, rules.most), rules.seconds)
                except TimeoutError:
                    return await _refuse(send, 408, "the body of the request did not come in time")
                if body is None:
                    return await _refuse(send, 413, f"{rules.what} has at most {rules.most} bytes")
                return await self.app(scope, _again(body, receive), _with_headers(send))
        await self.app(scope, receive, _with_headers(send))

    def _refused(self, scope: Any, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self._known(host):
            return 421, "this server does not answer under that name"
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return 403, "requests from other sites are not answered"
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "requests from other sites are not answered"
        if scope["method"] == "POST":
            rules = _rules(scope)
            if headers.get("content-type", "").split(";")[0].strip().lower() != rules.kind:
                return 415, f"{rules.what} is {rules.kind}"
            length = headers.get("content-length", "0")
            if not length.isdecimal() or len(length) > 9 or int(length) > rules.most:
                return 413, f"{rules.what} has at most {rules.most} bytes"
        if self.token is not None and not self._may(scope, headers):
            return 401, "open the address with the token that the terminal shows"
        return None

    def _known(self, host: str) -> bool:
        name, colon, port = host.rpartition(":")
        if not colon or not port.isdecimal():
            name = host
        if self.hosts is not None:
            return name.lower() in self.hosts
        if name.lower() in LOOPBACK:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _may(self, scope: Any, headers: dict[str, str]) -> bool:
        assert self.token is not None
        given = [headers.get("authorization", "").removeprefix("Bearer ")]
        for part in headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE:
                given.append(value)
        if scope["path"] == "/" and scope["method"] == "GET":
            given.append(scope["query_string"].decode("latin-1").removeprefix("token="))
        return any(hmac.compare_digest(one.encode(), self.token.encode()) for one in given)


async def _body(receive: Any, most: int) -> bytes | None:
    """The whole body, or None where it is too long."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""  # the client has left
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Any) -> Any:
    """The body as one message, and then whatever else comes (that the client leaves)."""
    given = False

    async def once() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


def _with_headers(send: Any) -> Any:
    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start":
            given = message.get("headers", [])
            named = {name.lower() for name, _ in given}
            message = message | {"headers": [*given, *(one for one in HEADERS if one[0] not in named)]}
        await send(message)

    return sent


async def _refuse(send: Any, status: int, words: str) -> None:
    body = json.dumps({"error": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *HEADERS]
    if status in (408, 413):
        headers.append((b"connection", b"close"))  # what is left of the body is not read
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
