"""Expectations over one Gaussian variable: the trapezoid for smooth integrands, split Gauss-Legendre at kinks.

Source: theory `dynamics.md` section 3. The trapezoid rule on [-8.6, 8.6] with normalised Gaussian weights converges
geometrically for integrands analytic in a strip; Gauss-Hermite does not, and it is never used here.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.numerics.precision import as_precise_as

REACH = 8.6
"""Standard deviations kept on each side: the mass beyond is 8e-18."""
LARGEST_SCALE = 1024.0
"""No finer rule than for this logit scale: seen from that far a loss is as good as its asymptotes, and memory ends."""
PANEL_NODES = 40
MANY = 64
"""More expectations at once than this are those of samples, not of a mixture's components."""
FULL = 1e-13
"""The accuracy of `node_count` nodes."""
SINGLE = 0.99e-9
"""From this accuracy on single precision does: the rounding of a mean of many terms is about 1e-8."""


class GaussianRule(Module):
    """Nodes and weights for E f(u), u ~ N(0, 1), good for integrands that vary on the scale 1/`logit_scale`.

    Attributes:
        nodes, weights: (N,) trapezoid rule on the whole line.
        panel, panel_weights: (M,) Gauss-Legendre rule on [-1, 1], used on each side of a kink.
        logit_scale: the largest standard deviation of the logit for which the rule is good to about 1e-13.

    Smooth integrands are computed in the precision of the nodes.
    """

    nodes: Array
    weights: Array
    panel: Array
    panel_weights: Array
    logit_scale: float = eqx.field(static=True)


PART = 12
"""Nodes that are taken together by a rule for rows."""
COARSE_REACH = 5.5
"""Standard deviations kept on each side where 1e-5 does: the mass beyond is 4e-8."""
COARSE_DENSITY = 6.2
"""Nodes per unit of the logit's scale where 1e-5 does."""
ROWS_DENSITY = 7.6
"""The same for a rule that follows the logits, which can afford 1e-6."""


class RowsRule(Module):
    """A trapezoid for smooth integrands over many rows, with as many nodes as their logits need wherever it is used.

    The nodes are laid where the expectation is taken, `PART` at a time: the logits of a run grow by orders of magnitude
    on its way, and one compiled program serves them all without paying for the largest everywhere.

    Attributes:
        reach: standard deviations kept on each side.
        density: nodes per unit of the largest standard deviation.
        smallest: standard deviation below which no fewer nodes are laid.
        logit_scale: without end, as the rule follows the logits.
    """

    reach: Array
    density: Array
    smallest: Array
    logit_scale: ClassVar[float] = np.inf

    def grid(self, sd: Array) -> tuple[Array, Array]:
        """How many parts, and the distance of their nodes, for variables of standard deviations `sd`."""
        known = jnp.where(jnp.isfinite(sd), sd, 0.0)
        scale = jnp.clip(jnp.max(known, initial=0.0), self.smallest, LARGEST_SCALE)
        parts = jnp.ceil((jnp.ceil(self.density * scale) + 2) / PART)
        return parts.astype(int), 2 * self.reach / (parts * PART - 1)


def rows_rule(sharpness: float = 1.0) -> RowsRule:
    """The rule for rows, good to about 1e-6, for integrands `sharpness` times finer than the logistic loss.

    >>> parts, spacing = rows_rule().grid(jnp.array([0.1, 1.5, np.nan]))
    >>> int(parts), round(float(spacing), 3), int(rows_rule().grid(jnp.array([30.0]))[0])
    (2, 0.478, 20)
    """
    return RowsRule(np.asarray(COARSE_REACH), np.asarray(ROWS_DENSITY * sharpness), np.asarray(1.0 / sharpness))


def node_count(logit_scale: float) -> int:
    """Trapezoid nodes for a logistic integrand whose logit has standard deviation `logit_scale` (error about 1e-13).

    The error is exp(-2 pi^2 / (logit_scale h)) with h the node spacing, hence a count linear in the scale.

    >>> node_count(1.0), node_count(10.0)
    (31, 271)
    """
    return max(31, math.ceil(27 * logit_scale) + 1)


def gaussian_rule(logit_scale: float = 2.0, accuracy: float = FULL) -> GaussianRule:
    """The rule for logits of standard deviation up to `logit_scale` or a little more (powers of two, so that the
    programs compiled for one rule serve many problems). Less `accuracy` (of smooth integrands) needs fewer nodes, and
    from `SINGLE` on single precision.

    >>> rule = gaussian_rule(3.0)
    >>> rule.logit_scale, round(float(rule.weights @ rule.nodes**4), 6)
    (4.0, 3.0)
    """
    scale = _power_of_two(logit_scale, 2.0)
    if accuracy <= FULL:
        return _rule(scale, REACH, node_count(scale))
    digits = -math.log(accuracy)
    reach = math.sqrt(2 * digits)  # the mass beyond is less than the accuracy
    enough = math.ceil(2 * reach * scale * digits / (2 * math.pi**2)) + 1
    rule = _rule(scale, reach, max(32, 8 * math.ceil(enough / 8)))  # sums of other lengths take up to twice as long
    return as_precise_as(np.float32(0), rule) if accuracy >= SINGLE else rule


def coarse_rule(logit_scale: float = 1.5) -> GaussianRule:
    """A rule good to about 1e-5, for sums over many samples: 12 nodes up to scale 1.5.

    >>> rule = coarse_rule(1.0)
    >>> rule.nodes.size, round(float(rule.weights @ rule.nodes**4), 3)
    (12, 3.0)
    """
    scale = 1.5 * _power_of_two(logit_scale / 1.5, 1.0)
    return _rule(scale, COARSE_REACH, math.ceil(COARSE_DENSITY * scale) + 2)


def _power_of_two(logit_scale: float, smallest: float) -> float:
    return min(2.0 ** math.ceil(math.log2(max(logit_scale, smallest))), LARGEST_SCALE)


@lru_cache
def _rule(logit_scale: float, reach: float, count: int) -> GaussianRule:
    nodes = np.linspace(-reach, reach, count)
    weights = np.exp(-(nodes**2) / 2)
    points, point_weights = np.polynomial.legendre.leggauss(PANEL_NODES)
    pieces = math.ceil(logit_scale)  # pieces of equal length keep the nodes as dense as at the smallest scale
    centres = (2 * np.arange(pieces) + 1) / pieces - 1
    panel = (centres[:, None] + points / pieces).ravel()
    panel_weights = np.tile(point_weights / pieces, pieces)
    return GaussianRule(nodes, weights / weights.sum(), panel, panel_weights, logit_scale)


def gaussian_expectation(
    function: Callable[[Array, Array], Any],
    mean: Array,
    sd: Array,
    rule: GaussianRule | RowsRule,
    kinks: Sequence[float | Array] = (),
    tilt: Array | None = None,
) -> Any:
    """E function(z, u) for z = mean + sd u, u ~ N(0, 1), elementwise in `mean` and `sd`.

    Args:
        function: maps arrays (z, u) of one shape to values of that shape, or to several in a tuple; smooth except at z
            in `kinks`.
        mean, sd: arrays of one shape; sd > 0.
        rule: see `gaussian_rule`; one for rows is for arrays (n,) and functions without kinks and tilt.
        kinks: points of z, in increasing order, where the function or a derivative jumps.
        tilt: like `mean`: how many sds further out the integrand reaches than a Gaussian does, for functions that
            grow exponentially (exp(g |z|) tilts by g sd); none for the others.

    >>> import jax.numpy as jnp
    >>> from jominy.numerics.precision import double_precision
    >>> mean, sd = np.array([0.0]), np.array([2.0])
    >>> expectation = double_precision(gaussian_expectation)
    >>> value = expectation(lambda z, u: jnp.abs(z), mean, sd, gaussian_rule(), kinks=(0.0,))
    >>> round(float(value[0]), 4)  # 2 sqrt(2/pi)
    1.5958
    """
    if isinstance(rule, RowsRule):
        return _by_parts(function, mean, sd, rule)
    if not kinks and tilt is None and mean.ndim == 1 and mean.size >= MANY:
        # Loops along the many numbers; along the nodes they would be too short for the processor's vectors.
        nodes = rule.nodes[:, None]
        points = (mean + sd * nodes).astype(nodes.dtype)
        values = function(points, jnp.broadcast_to(nodes, points.shape))
        return jax.tree.map(lambda value: (rule.weights @ value).astype(mean.dtype), values)
    mean, sd = mean[..., None], sd[..., None]
    if not kinks and tilt is None:
        points = (mean + sd * rule.nodes).astype(rule.nodes.dtype)
        values = function(points, jnp.broadcast_to(rule.nodes, points.shape))
        return jax.tree.map(lambda value: (value @ rule.weights).astype(mean.dtype), values)
    if not kinks and tilt is not None:
        nodes = rule.nodes * (1 + tilt[..., None] / rule.nodes[-1])
        weights = jnp.exp(-(nodes**2) / 2)
        total = jnp.sum(weights, axis=-1)
        values = function(mean + sd * nodes, nodes)
        return jax.tree.map(lambda one: jnp.sum(jnp.where(weights > 0, one, 0.0) * weights, axis=-1) / total, values)
    reach = jnp.full_like(mean, REACH) if tilt is None else REACH + tilt[..., None]
    edges = [-reach, *(jnp.clip((kink - mean) / sd, -reach, reach) for kink in kinks), reach]
    # All panels at once: a loop over them would compile the function once per panel.
    low, high = jnp.stack(edges[:-1], axis=-2), jnp.stack(edges[1:], axis=-2)
    u = ((low + high) / 2 + (high - low) / 2 * rule.panel).reshape(*mean.shape[:-1], -1)
    lengths = ((high - low) / 2 * rule.panel_weights).reshape(u.shape)
    values = function(mean + sd * u, u)
    return jax.tree.map(lambda one: jnp.sum(one * lengths * norm.pdf(u), axis=-1), values)


def _by_parts(function: Callable[[Array, Array], Any], mean: Array, sd: Array, rule: RowsRule) -> Any:
    """As `gaussian_expectation`, part by part."""
    parts, spacing = rule.grid(sd)

    def values(part: Any) -> Any:
        nodes = spacing * (part * PART + jnp.arange(PART)).astype(spacing.dtype) - rule.reach
        weights = jnp.exp(-(nodes**2) / 2)
        points = (mean + sd * nodes[:, None]).astype(nodes.dtype)
        found = function(points, jnp.broadcast_to(nodes[:, None], points.shape))
        return jnp.sum(weights), jax.tree.map(lambda value: (weights @ value).astype(mean.dtype), found)

    def add(part: Any, sums: Any) -> Any:
        return jax.tree.map(jnp.add, sums, values(part))

    nothing = jax.tree.map(lambda sums: jnp.zeros(sums.shape, sums.dtype), jax.eval_shape(values, 0))
    total, sums = jax.lax.fori_loop(0, parts, add, nothing)
    return jax.tree.map(lambda one: one / total, sums)
