"""AdaGrad-Norm: the rate falls with the square norms of the gradients met so far."""

from typing import Any, ClassVar

import jax.numpy as jnp

from jominy.numerics.arrays import Array
from jominy.schedules.base import Descent, Schedule, require_positive, require_rate


class AdaGradNorm(Schedule):
    """g(t) = rate / sqrt(offset^2 + I(t)), with I the square norms of all steps' gradients so far, over d^2.

    SGD at step k has I_k = (1/d^2) sum_{j <= k} ||sample gradient_j||^2, the present gradient included. The forecast
    has its limit, dI/dt = (1/d) sum_i p_i tr K_i E_i[Psi_r^2], with Psi_r the slope of the adversarial loss; what the
    attack adds to a gradient's square norm is of order 1/d. The offset is positive, because without it the first rate
    would be of order sqrt(d).

    Source: theory `dynamics.md` section 5 (derived there; the simulator's gradients are the full ones).

    >>> AdaGradNorm(1.0, offset=0.5).describe()
    {'kind': 'adagrad-norm', 'rate': 1.0, 'offset': 0.5}
    """

    remembers: ClassVar[bool] = True

    scale: float
    offset: float

    def __init__(self, rate: float, offset: float = 1.0):
        self.scale = require_rate(rate)
        self.offset = require_positive(offset, "The offset of AdaGrad-Norm")

    def rate(self, time: Array, descent: Descent) -> Array:
        return self.scale / jnp.sqrt(self.offset**2 + descent.memory)

    def describe(self) -> dict[str, Any]:
        return {"kind": "adagrad-norm", "rate": self.scale, "offset": self.offset}
