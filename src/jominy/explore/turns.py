"""Who waits for a worker, and whose turn is next: one client after the other, however often each of them asks."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MOST_WAITING = 96
"""Questions of pages that may wait for one worker, and as many of scripts; the next one is told to come back."""


class Busy(Exception):
    """Too many wait already, or the machine is busy with something else: the same question may be asked again."""


class Replaced(Exception):
    """A newer question of the same page has taken the place of this one."""


class Client(NamedTuple):
    """Who asks: an address, and which page there; several people may come from one address, as through a proxy."""

    address: str = ""
    page: str = ""


CLIENT: ContextVar[Client] = ContextVar("client", default=Client())  # noqa: B039
"""Who asks, in the request at hand; the server itself otherwise."""


@dataclass(eq=False)
class Ticket:
    """One question that waits; its answer will be in `answer`."""

    client: Client
    kind: Hashable
    work: tuple[Any, ...]
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Turns:
    """The queue in front of a worker.

    Clients take turns. A page has one question of each kind in it: a newer one takes the place of the older one, and
    its turn. Clients that do not say which page they are (a script's) are one client together, in the order in which
    they ask.
    """

    def __init__(self) -> None:
        self._clients: dict[Client, dict[Hashable, Ticket]] = {}  # in the order of their turns

    def waiting(self, pages: bool) -> int:
        """How many questions of pages wait, or of scripts: neither keeps the other out."""
        return sum(len(own) for client, own in self._clients.items() if bool(client.page) == pages)

    def enter(self, client: Client, kind: Hashable, work: tuple[Any, ...]) -> Ticket:
        """Queue a question. Raises Busy where too many wait."""
        own = self._clients.get(client, {})
        ticket = Ticket(client, kind if client.page else object(), work)
        older = own.get(ticket.kind)
        if older is None and self.waiting(bool(client.page)) >= MOST_WAITING:
            raise Busy
        if older is not None and not older.answer.done():
            older.answer.set_exception(Replaced())
        self._clients.setdefault(client, {})[ticket.kind] = ticket
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Take a question out that nobody waits for any more."""
        own = self._clients.get(ticket.client, {})
        if own.get(ticket.kind) is ticket:
            del own[ticket.kind]
            if not own:
                del self._clients[ticket.client]

    def next(self) -> Ticket | None:
        """The question whose turn it is, taken out; its client's next one comes after one of every other client."""
        if not self._clients:
            return None
        client, own = next(iter(self._clients.items()))
        ticket = own.pop(next(iter(own)))
        del self._clients[client]
        if own:
            self._clients[client] = own
        return ticket

    def ahead(self, client: Client) -> int:
        """How many questions of others come before the first one of a client."""
        return list(self._clients).index(client) if client in self._clients else 0
