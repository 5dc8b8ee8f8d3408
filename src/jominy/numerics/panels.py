"""Composite Gauss-Legendre rules for E f(u), u ~ N(0, 1), with panels that narrow around steep places."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import REACH

NODES = 10
OFFSETS = (-6.0, -2.0, 2.0, 6.0)
"""Edges around a step that is smoothed like a normal distribution function, in units of its width."""
WIDEST = 0.35
"""Of a step that needs panels of its own: the others resolve the weight, too."""
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(NODES)


def around(centre: Array, width: Array, count: int) -> Array:
    """Increasing edges (..., E) of panels that resolve a smoothed step and, with `count` panels a side, the rest."""
    reach = jnp.minimum(width, WIDEST)[..., None] * np.asarray(OFFSETS)
    steep = jnp.clip(centre[..., None] + reach, -REACH, REACH)
    share = np.arange(count) / count
    left = -REACH + (steep[..., :1] + REACH) * share
    right = REACH - (REACH - steep[..., -1:]) * share[::-1]
    return jnp.concatenate([left, steep, right], axis=-1)


def normal_panels(edges: Array) -> tuple[Array, Array]:
    """Nodes and weights (..., N) of E f(u) for panels with the increasing edges (..., E)."""
    low, high = edges[..., :-1, None], edges[..., 1:, None]
    u = ((low + high) / 2 + (high - low) / 2 * _POINTS).reshape(*edges.shape[:-1], -1)
    lengths = ((high - low) / 2 * _WEIGHTS).reshape(u.shape)
    return u, lengths * norm.pdf(u)
