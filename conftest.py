"""Import the packages first, as users do: pytest would otherwise import a file such as `forecast.py` by its path, and
bind the name of the function in it to the module."""

import gc
import signal
from pathlib import Path

import pytest

import jominy.dynamics
import jominy.dynamics.samples
import jominy.study  # noqa: F401
import jominy_reproduce  # noqa: F401

# What was imported stays, and programs are traced into millions of short-lived objects: searching them all for garbage
# as often as Python does takes five per cent of the time.
gc.freeze()
gc.set_threshold(50_000, 20, 20)

# A shell's background jobs inherit that Ctrl-C is ignored; the tests of it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

TWINS = Path(__file__).parent / "tests" / "twins.txt"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow are the tests of `twins.txt` too: one list, so that a look at it says what `make test` leaves out."""
    twins = set(TWINS.read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid in twins:
            item.add_marker(pytest.mark.slow)
