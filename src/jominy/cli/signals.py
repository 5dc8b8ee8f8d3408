"""Ctrl-C and SIGTERM: one line and the exit code that shells know, whenever they come, from the first import on.

Python raises KeyboardInterrupt wherever it stands. Within an import that is no use: class creation wraps it
(``RuntimeError: Error calling __set_name__``), fallbacks swallow it, and compiled modules are left half made. There,
the process ends at once, unless it has started others that have to be ended too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

INTERRUPTED = 130  # what shells report after Ctrl-C
TERMINATED = 143  # and after SIGTERM
_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_AGAIN = 0.2  # seconds after which a signal is sent again that came where nothing could be done about it


class Terminated(BaseException):
    """SIGTERM came: everything is tidied up on the way out, and nothing more is computed or kept."""


def take_over() -> None:
    """Handle both signals from now on. A signal that is ignored stays so, as `nohup` and shells want it."""
    if threading.current_thread() is not threading.main_thread():
        return
    sys.unraisablehook = _send_again
    for number in _WORDS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _handle)


def begin() -> None:
    """From now on `main` sees to what is raised."""
    global _begun
    _begun = True


_begun = False


def let_go() -> None:
    """The work is done: what still comes while Python ends would only print a traceback."""
    for number in _WORDS:
        signal.signal(number, signal.SIG_IGN)


def said(number: int) -> str:
    """The line that is printed."""
    command = next((word for word in sys.argv[1:2] if word.isalpha()), "")
    return f"{f'jominy {command}'.strip()}: {_WORDS[signal.Signals(number)]}"


def is_command() -> bool:
    """Whether this process is the `jominy` command, and no program that imports it."""
    return os.path.basename(sys.argv[0] if sys.argv else "").partition(".")[0] == "jominy"


def _handle(number: int, frame: FrameType | None) -> None:
    if not _begun or _importing(frame):
        if _alone():
            os.write(2, f"{said(number)}\n".encode())
            os._exit(128 + number)
        _later(number)
        return
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _alone() -> bool:
    """Whether this process has started no others."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is None or not processes.active_children()


def _send_again(ignored: sys.UnraisableHookArgs) -> None:
    """Once more, where it came while JAX or Python tidied up: Python throws away what is raised there."""
    if issubclass(ignored.exc_type, (KeyboardInterrupt, Terminated)):
        _later(signal.SIGINT if issubclass(ignored.exc_type, KeyboardInterrupt) else signal.SIGTERM)
    else:
        sys.__unraisablehook__(ignored)


def _later(number: int) -> None:
    send: Any = os.kill if os.name == "posix" else lambda _, again: signal.raise_signal(again)
    while True:  # raised in here it would be thrown away too
        try:
            return threading.Timer(_AGAIN, send, (os.getpid(), number)).start()
        except (KeyboardInterrupt, Terminated):  # on a busy machine that was too soon
            continue
