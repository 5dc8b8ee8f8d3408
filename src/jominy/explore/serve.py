"""Serving the page until Ctrl-C or SIGTERM."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any

from jominy.errors import InputError
from jominy.wording import install

PORT = 8017
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(scenario: str | None, host: str, port: int, browser: bool) -> int:
    """Check the scenario, take the port, print the address, answer until Ctrl-C or SIGTERM; the number of the signal.

    Raises InputError for a scenario that is not one, a port in use, a missing extra.
    """
    try:
        import starlette  # noqa: F401
        import tomli_w  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise InputError(
            "the explorer needs packages that are not installed",
            error.name,
            install("explore"),
        ) from None
    from jominy.explore.connections import MOST, Connection
    from jominy.explore.initial_state import explorer_for
    from jominy.explore.server import application
    from jominy.numerics.interrupts import handled_meanwhile

    explorer = explorer_for(None if scenario is None else Path(scenario))
    listening = _listen(host, port)
    taken = listening.getsockname()[1]
    token = None if host in LOOPBACK else secrets.token_urlsafe(24)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{taken}/" + (f"?token={token}" if token else "")
    names = frozenset({"localhost", "127.0.0.1", "[::1]", shown.lower()})
    anywhere = host in ("0.0.0.0", "::")
    app = application(explorer, None if anywhere else names, token)
    if token is not None:
        print(
            "Others on the network can reach this server; the address below holds the token that it asks for, and is "
            "not encrypted on its way.",
            file=sys.stderr,
        )
    print(f"jominy explore: {address}  (Ctrl-C ends it)", flush=True)
    config = uvicorn.Config(
        app, log_level="error", access_log=False, server_header=False, lifespan="on", ws="none", http=Connection,
        timeout_keep_alive=15, limit_concurrency=MOST + 1, h11_max_incomplete_event_size=16_384,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    if browser:
        opening = threading.Timer(0.3, webbrowser.open, [address])
        opening.daemon = True
        opening.start()

    class _Server(uvicorn.Server):
        """Ends what is being computed at once, so that nobody is waited for."""

        ended_by = 0

        def handle_exit(self, sig: int, frame: Any) -> None:
            explorer.close()
            super().handle_exit(sig, frame)
            self._captured_signals.clear()  # raised again it would end this process before it has tidied up
            self.ended_by = sig

    server = _Server(config)
    closed = getattr(signal, "SIGHUP", None)  # when the terminal is closed
    try:
        with (
            contextlib.suppress(KeyboardInterrupt),  # before the server handles it, or a second one
            handled_meanwhile(signal.SIGTERM, server.handle_exit),
            handled_meanwhile(closed, server.handle_exit),
        ):
            server.run(sockets=[listening])
    finally:
        explorer.close()
    return server.ended_by


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named so that asyncio sends at once (TCP_NODELAY): otherwise every answer takes 40 ms longer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)  # whoever comes before the server is ready waits
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"the address {host}:{port} cannot be taken: {why}", None, "choose another --port, or --port 0 for any"
        ) from None
    return listening
