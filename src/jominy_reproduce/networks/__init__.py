"""The claims of arXiv 2505.14021, measured on networks of PyTorch; and our own index of trainability beside them."""

from collections.abc import Callable

from jominy_reproduce.base import Claim
from jominy_reproduce.networks.affine import affine
from jominy_reproduce.networks.bounds import bounds
from jominy_reproduce.networks.capacity import capacity
from jominy_reproduce.networks.effort import NetworkEffort
from jominy_reproduce.networks.failure import failure
from jominy_reproduce.networks.sizes import sizes
from jominy_reproduce.networks.variance import variance
from jominy_reproduce.networks.widths import widths

NETWORKS: dict[str, Callable[[NetworkEffort], Claim]] = {
    "a": affine,
    "b": bounds,
    "c": failure,
    "d": widths,
    "e": variance,
    "f": capacity,
    "g": sizes,
}
