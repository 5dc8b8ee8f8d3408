"""What the page on attacks (`docs/theory/attacks.md`) claims, each in a file of its own."""

from collections.abc import Callable

from jominy.study.claims.attacks.collapse import collapse
from jominy.study.claims.attacks.fisher import fisher
from jominy.study.claims.attacks.mixing import mixing
from jominy.study.claims.attacks.thermal import thermal
from jominy.study.claims.attacks.threshold import threshold
from jominy.study.claims.base import Claim, Effort

ATTACKS: dict[str, Callable[[Effort], Claim]] = {
    "a": threshold,
    "b": thermal,
    "c": collapse,
    "d": mixing,
    "e": fisher,
}

__all__ = ["ATTACKS"]
