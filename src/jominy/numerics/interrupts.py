"""Ctrl-C between two steps, or after a file has been read or written, instead of in the middle."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Within the block the first Ctrl-C only makes the function that is yielded return True; the second one interrupts.

    Outside the main thread, where signals cannot be handled, the function always returns False.
    """
    asked = False
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def handle(number: int, frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def handled_meanwhile(number: int | None, handle: Callable[[int, Any], Any]) -> Iterator[None]:
    """Within the block a signal is handled so; one that the system does not know, or that is ignored, stays as it is.

    Outside the main thread, where signals cannot be handled, nothing is done.
    """
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(number)
    if before != signal.SIG_IGN:  # by `nohup`
        signal.signal(number, handle)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(number, before)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C within the block comes at its end, and SIGTERM where it is handled.

    Raised while xarray holds its lock on NetCDF, it would have xarray close the file under that same lock, for ever.
    Only the main thread is interrupted, so that elsewhere nothing is to be done.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handled = {number: before for number, before in handlers.items() if callable(before)}
    if threading.current_thread() is not threading.main_thread() or not handled:
        yield
        return
    came: list[int] = []
    for number in handled:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, before in handled.items():
            signal.signal(number, before)
    if came:
        handled[signal.Signals(came[0])](came[0], sys._getframe())
