"""The claims of arXiv 2607.00207 (its abstract), each in a file of its own."""

from collections.abc import Callable

from jominy.study.claims.base import Claim, Effort
from jominy.study.claims.curves import curves
from jominy.study.claims.equivalence import equivalence
from jominy.study.claims.homogenized import homogenized
from jominy.study.claims.limit import limit
from jominy.study.claims.monotone import monotone
from jominy.study.claims.rates import rates

DYNAMICS: dict[str, Callable[[Effort], Claim]] = {
    "a": curves,
    "b": monotone,
    "c": rates,
    "d": homogenized,
    "e": equivalence,
    "f": limit,
}
