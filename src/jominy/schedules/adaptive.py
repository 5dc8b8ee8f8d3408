"""Idealised adaptive schedules: the best step for the distance (Polyak) and for the risk (exact line search).

Source: theory `dynamics.md` section 5; both need population quantities, which the theory knows.
"""

from typing import Any, ClassVar

import jax.numpy as jnp

from jominy.numerics.arrays import Array
from jominy.schedules.base import Descent, Schedule


class Polyak(Schedule):
    """g = <grad R, X - X0> / noise, the minimiser of d||X - X0||^2/dt, X0 the adversarial optimum; never negative.

    >>> float(Polyak().rate(0.0, Descent(0.3, 0.2, 0.6, 0.5)))
    0.5
    """

    adaptive: ClassVar[bool] = True

    def rate(self, time: Array, descent: Descent) -> Array:
        # At the optimum of a noiseless problem both vanish, and the limit is what the neighbourhood gives: no step.
        return jnp.maximum(descent.gradient_dot_error, 0.0) / jnp.maximum(descent.noise, 1e-300)

    def describe(self) -> dict[str, Any]:
        return {"kind": "polyak"}


class ExactLineSearch(Schedule):
    """g = ||grad R||^2 / curved_noise, the minimiser of dR/dt.

    A start at zero with a positive radius is a fixed point of it: start elsewhere.

    >>> round(float(ExactLineSearch().rate(0.0, Descent(0.3, 0.2, 0.6, 0.5))), 6)
    0.4
    """

    adaptive: ClassVar[bool] = True
    rests_at_zero: ClassVar[bool] = True

    def rate(self, time: Array, descent: Descent) -> Array:
        # A student of norm zero under attack has infinite curvature (here: beyond every scale that means something).
        usable = descent.curved_noise < 1e15
        gain = jnp.maximum(descent.gradient_squared, 0.0)  # rounding may leave it below zero where nothing is left
        return jnp.where(usable, gain / jnp.maximum(descent.curved_noise, 1e-300), 0.0)

    def describe(self) -> dict[str, Any]:
        return {"kind": "exact-line-search"}
