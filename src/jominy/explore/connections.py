"""Connections of clients who keep the server waiting: half a request, an answer that nobody reads. They are ended."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 10.0
"""Seconds in which a client must have sent a whole request, once it is connected or has begun one, and in which it must
have read a part of an answer."""
SLOWEST_READER = 10_240
"""Bytes of an answer that a client reads within that time, at least."""
MOST = 200
"""Connections at once. The next one takes the place of the one that has been waiting for a request longest."""
_SEND_BUFFER = 131_072
"""Bytes that the system keeps of an answer. It takes megabytes otherwise, and more only once a third of them is read,
so that a slow reader would look like one who does not read."""
_LOOK = 0.05  # of the patience: how often one looks

_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Connection(H11Protocol):
    """uvicorn's connection, which has no limit of its own for what a client owes.

    Data that come meanwhile do not lengthen the time: a byte a second would be as good as none.
    """

    transport: Any

    def connection_made(self, transport: Any) -> None:
        """A client is there, and owes a request."""
        super().connection_made(transport)
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._owes, self._since, self._unread, self._begun = "request", self.loop.time(), 0, False
        if len(self.connections) > MOST:
            self._make_room()
        self._timer = self.loop.call_later(PATIENCE * _LOOK, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request. The first of it ends what uvicorn allows a connection that rests between two requests."""
        self._begun = True
        super().data_received(data)

    def on_response_complete(self) -> None:
        """The next request has not begun."""
        self._begun = False
        super().on_response_complete()

    def owed(self) -> str:
        """What the client has to do next: read an answer, send a request; or nothing, where we are at work."""
        if self.transport.get_write_buffer_size():
            return "reading"
        answered = self.cycle is None or self.cycle.response_complete
        if not answered:
            return ""  # computing; the guard waits for the body
        whole = self.conn.their_state.__name__ != "SEND_BODY"
        if whole and self.cycle is not None and not self._begun:
            return ""  # at rest between two requests: uvicorn ends it
        return "request"

    def _look(self) -> None:
        now, owes, unread = self.loop.time(), self.owed(), self.transport.get_write_buffer_size()
        if owes != self._owes:
            self._owes, self._since, self._unread = owes, now, unread
        if owes and now - self._since >= PATIENCE:
            if owes == "request" or unread > self._unread - SLOWEST_READER:
                return self.drop()
            self._since, self._unread = now, unread
        self._timer = self.loop.call_later(PATIENCE * _LOOK, self._look)

    def drop(self) -> None:
        """End the connection, whatever is still to be sent."""
        if self.owed() == "request" and self._begun and not self.transport.is_closing():
            self.transport.write(_LATE)
            self.transport.close()
            self.loop.call_later(1.0, self.transport.abort)
        else:
            self.transport.abort()

    def _make_room(self) -> None:
        waiting = [one for one in self.connections if isinstance(one, Connection) and one is not self]
        idle = [one for one in waiting if one.cycle is None or one.cycle.response_complete]
        if idle:
            min(idle, key=lambda one: one._since).drop()


__all__ = ["Connection"]
