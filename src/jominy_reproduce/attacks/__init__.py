"""What the page on attacks (`docs/theory/attacks.md`) claims, each in a file of its own."""

from collections.abc import Callable

from jominy_reproduce.attacks.collapse import collapse
from jominy_reproduce.attacks.fisher import fisher
from jominy_reproduce.attacks.mixing import mixing
from jominy_reproduce.attacks.thermal import thermal
from jominy_reproduce.attacks.threshold import threshold
from jominy_reproduce.base import Claim, Effort

ATTACKS: dict[str, Callable[[Effort], Claim]] = {
    "a": threshold,
    "b": thermal,
    "c": collapse,
    "d": mixing,
    "e": fisher,
}

__all__ = ["ATTACKS"]
