"""The claims of arXiv 2607.00207 (its abstract), each in a file of its own."""

from collections.abc import Callable

from jominy_reproduce.base import Claim, Effort
from jominy_reproduce.curves import curves
from jominy_reproduce.equivalence import equivalence
from jominy_reproduce.homogenized import homogenized
from jominy_reproduce.limit import limit
from jominy_reproduce.monotone import monotone
from jominy_reproduce.rates import rates

DYNAMICS: dict[str, Callable[[Effort], Claim]] = {
    "a": curves,
    "b": monotone,
    "c": rates,
    "d": homogenized,
    "e": equivalence,
    "f": limit,
}
