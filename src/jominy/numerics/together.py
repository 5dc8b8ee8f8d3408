"""Two computations at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from jominy.numerics.precision import double_precision

A = TypeVar("A")
B = TypeVar("B")


def side_by_side(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Both results, in double precision, on two threads: JAX compiles and runs without the interpreter's lock.

    >>> side_by_side(lambda: 1, lambda: "two")
    (1, 'two')
    """
    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(double_precision(second))
        return double_precision(first)(), other.result()
