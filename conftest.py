"""Import the packages first, as users do: pytest would otherwise import a file such as `forecast.py` by its path, and
bind the name of the function in it to the module."""

import gc
import signal

import jominy.dynamics
import jominy.dynamics.samples
import jominy.study  # noqa: F401

# What was imported stays, and programs are traced into millions of short-lived objects: searching them all for garbage
# as often as Python does takes five per cent of the time.
gc.freeze()
gc.set_threshold(50_000, 20, 20)

# A shell's background jobs inherit that Ctrl-C is ignored; the tests of it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
