"""Python's cyclic garbage collector, paused."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """No cyclic garbage is looked for meanwhile; for a `with` block, or called as a decorator.

    For code that makes many small objects and no cycles: Python looks after every few hundred of them, each time
    through more of what JAX keeps, which can take longer than the work itself.

    >>> with without_collection():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()
