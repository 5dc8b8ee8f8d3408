"""The claims of arXiv 2505.14021, measured on networks of PyTorch; and our own index of trainability beside them."""

from collections.abc import Callable

from jominy.study.claims.base import Claim
from jominy.study.claims.networks.affine import affine
from jominy.study.claims.networks.bounds import bounds
from jominy.study.claims.networks.capacity import capacity
from jominy.study.claims.networks.effort import NetworkEffort
from jominy.study.claims.networks.failure import failure
from jominy.study.claims.networks.sizes import sizes
from jominy.study.claims.networks.variance import variance
from jominy.study.claims.networks.widths import widths

NETWORKS: dict[str, Callable[[NetworkEffort], Claim]] = {
    "a": affine,
    "b": bounds,
    "c": failure,
    "d": widths,
    "e": variance,
    "f": capacity,
    "g": sizes,
}
