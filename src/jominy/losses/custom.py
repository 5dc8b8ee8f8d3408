"""A user's own loss: one scalar JAX function, checked when it is given.

Source: theory `dynamics.md` sections 2.2 (margins), 2.1 (residuals, there for the square) and 3 (quadrature).
"""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jominy.errors import InputError
from jominy.losses.base import MarginLoss, ResidualLoss
from jominy.losses.expectations import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import GaussianRule, gaussian_rule
from jominy.numerics.precision import double_precision
from jominy.numerics.traced import require_scalar_function

Scalar = Callable[[Any], Any]
GRID = np.linspace(-40.0, 40.0, 1601) + 1e-3 * np.sqrt(2)  # off round numbers, where kinks like to be
SHARPEST = 64.0
"""The sharpest profile that is accepted: the quadrature then takes 64 times the nodes of the logistic loss."""
LARGEST = 1e120
"""Values and slopes are cut here, so that their squares do not overflow where training diverges."""


class CustomMarginLoss(MarginLoss):
    """loss = function(y r) for labels y = -1, +1: your own decreasing function of the margin.

    Parameters
    ----------
    function : one number to one number, written with jax.numpy (it is traced); decreasing, finite on [-40, 40]
    kinks : increasing margins at which the function or one of its first two derivatives jumps
    name : what results call it (default: the function's own name)

    Raises
    ------
    InputError
        The function cannot be traced, is not scalar, not finite, increases somewhere, or has kinks that are not given.

    Notes
    -----
    Everything follows from the function: its slope by automatic differentiation, the averages E l, E l', E l'', E l'^2
    over Gaussian margins by quadrature (split at the kinks, E l'' by Stein's lemma, so that kinks count in full); how
    fine and how far the quadrature must reach is measured here. Where the function is not convex the optimum found may
    be one of several. Two losses are equal when their function is the same object.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> loss = CustomMarginLoss(lambda z: jnp.log1p(jnp.exp(-2 * z)) / 2, name="sharp logistic")
    >>> round(float(loss(0.5, -1.0)), 4)
    0.6566
    """

    function: Scalar = eqx.field(static=True)
    name: str = eqx.field(static=True)

    def __init__(self, function: Scalar, kinks: Sequence[float] = (), name: str | None = None):
        _prepare(self, function, kinks, name, "decreasing")

    def profile(self, margin: Array) -> Array:
        return _elementwise(self.function, margin)

    def describe(self) -> dict[str, Any]:
        return {"kind": "CustomMarginLoss", "name": self.name, "kinks": list(self.kinks)}


class CustomResidualLoss(ResidualLoss):
    """loss = function(r - y): your own function of the residual, even and increasing away from zero.

    Parameters
    ----------
    function : one number to one number, written with jax.numpy (it is traced); even, finite on [-40, 40]
    kinks : increasing residuals > 0 at which the function or one of its first two derivatives jumps (zero need not
        be named)
    name : what results call it (default: the function's own name)

    Raises
    ------
    InputError
        The function cannot be traced, is not scalar, not finite, not even, decreases somewhere away from zero, or has
        kinks that are not given.

    Notes
    -----
    As for `CustomMarginLoss`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> huber = CustomResidualLoss(lambda e: jnp.where(abs(e) < 1, e**2 / 2, abs(e) - 0.5), kinks=[1.0], name="Huber")
    >>> float(huber(3.0, 0.5))
    2.0
    """

    function: Scalar = eqx.field(static=True)
    name: str = eqx.field(static=True)

    def __init__(self, function: Scalar, kinks: Sequence[float] = (), name: str | None = None):
        _prepare(self, function, kinks, name, "even")

    def profile(self, residual: Array) -> Array:
        return _elementwise(self.function, residual)

    def describe(self) -> dict[str, Any]:
        return {"kind": "CustomResidualLoss", "name": self.name, "kinks": list(self.kinks)}


def _elementwise(function: Scalar, x: Array) -> Array:
    """The scalar function on an array; values beyond every scale are cut."""
    x = jnp.asarray(x, dtype=float)
    values = jax.vmap(function)(x.ravel()) if x.ndim else function(x)
    return jnp.clip(jnp.reshape(jnp.asarray(values, dtype=float), x.shape), -LARGEST, LARGEST)


@double_precision
def _prepare(loss: Any, function: Scalar, kinks: Any, name: str | None, shape: str) -> None:
    """Check a user's function and set the fields of its loss, which is being made."""
    if not callable(function):
        raise InputError("A loss must be a function of one number", function, "Give for instance lambda z: jnp.exp(-z)")
    loss.function = function
    loss.name = name or getattr(function, "__qualname__", type(function).__name__)
    loss.kinks = _checked_kinks(kinks, positive=shape == "even")
    slope = _traced(function)[1]
    size = np.max(np.abs(slope))
    if shape == "decreasing":
        _require(slope <= 1e-9 * size, "A margin loss must decrease in the margin y r", "Flip the sign of its argument")
        _require(slope < 0, "A margin loss must decrease in the margin y r", "A constant has no gradient", some=True)
    else:
        value, mirrored = (np.asarray(_elementwise(function, points)) for points in (GRID, -GRID))
        even = np.abs(value - mirrored) <= 1e-9 * (1e-9 + np.abs(value))
        _require(even, "A residual loss must be even, f(-e) = f(e)", "The attack may push either way")
        outward = np.sign(GRID) * slope
        _require(outward >= -1e-9 * size, "A residual loss must not decrease with |r - y|", "Flip its sign")
        _require(outward > 0, "A residual loss must increase with |r - y|", "A constant has no gradient", some=True)
    near, far = np.abs(slope[[len(GRID) // 4, 0]])
    growth = float(np.log(far / near)) / 20 if near > 0 and far > 0 else 0.0
    loss.growth = growth if growth > 0.2 else 0.0  # a power of z is no exponential
    loss.sharpness = _sharpness(loss)


def _checked_kinks(kinks: Any, positive: bool) -> tuple[float, ...]:
    try:
        points = np.atleast_1d(np.asarray(kinks, dtype=float))
    except (TypeError, ValueError):
        points = np.array([np.nan])
    good = points.ndim == 1 and np.all(np.isfinite(points)) and np.all(np.diff(points) > 0)
    if not good or (positive and np.any(points <= 0)):
        more = " > 0 (they count on both sides)" if positive else ""
        raise InputError(f"Kinks must be increasing finite numbers{more}", kinks, "Give for instance kinks=[1.0]")
    return tuple(points.tolist())


def _traced(function: Scalar) -> np.ndarray:
    """(2, points) value and slope on the grid, or an error that says why there are none."""
    derivable = jax.value_and_grad(lambda z: jnp.asarray(function(z), dtype=float))
    for part in (function, lambda z: derivable(z)[1]):
        advice = "Use jnp.exp, jnp.where, ... on its argument, and neither float(...) nor if"
        require_scalar_function(part, "A loss", advice)
    values, slopes = jax.jit(jax.vmap(derivable))(GRID)
    found = np.stack([np.asarray(values), np.asarray(slopes)])
    finite = np.all(np.isfinite(found), axis=0)
    advice = "Where jnp.where guards a branch, keep the unused branch finite as well (clip its argument)"
    _require(finite, "A loss and its derivative must be finite on [-40, 40]", advice)
    return found


def _require(holds: np.ndarray, rule: str, advice: str, some: bool = False) -> None:
    """Raise where the rule does not hold at every point of the grid (or, with `some`, at any)."""
    if not (np.any(holds) if some else np.all(holds)):
        raise InputError(rule, f"a function that breaks this at {GRID[np.argmin(holds)]:.4g}", advice)


def _sharpness(loss: MarginLoss | ResidualLoss) -> float:
    """The smallest power of two by which the quadrature must be finer for 1e-9; twice that is compared with it."""
    mean = np.linspace(-4.0, 4.0, 9) + np.sqrt(2) / 10
    sd = np.full_like(mean, 2.0)
    sharpness = 1.0
    needed = float(loss.resolution(np.asarray(2.0)))
    coarse = _averages(loss, mean, sd, gaussian_rule(needed))
    while sharpness <= SHARPEST:
        fine = _averages(loss, mean, sd, gaussian_rule(2 * sharpness * needed))
        if np.all(np.abs(fine - coarse) <= 1e-9 * np.max(np.abs(fine), axis=1, keepdims=True)):
            return sharpness
        coarse, sharpness = fine, 2 * sharpness
    raise InputError(
        f"A loss must be smooth between its kinks, on the scale 1/{SHARPEST:g} or coarser",
        f"kinks={list(loss.kinks)}",
        "Give every point at which the function or one of its first three derivatives jumps, as kinks=[...]",
    )


@jax.jit
def _averages(loss: MarginLoss | ResidualLoss, mean: Array, sd: Array, rule: GaussianRule) -> Array:
    """(4, points) averages of the loss as the moments take them."""
    if isinstance(loss, MarginLoss):
        return jnp.stack(loss.averages(mean, sd, rule))
    order = OrderParameters(mean, sd**2, mean, sd**2, jnp.ones(()), jnp.ones(1), mean, sd**2, mean)
    found = loss.moments(order, jnp.zeros_like(mean), jnp.asarray(0.5), rule)
    return jnp.stack([found.value, found.slope, found.curvature, found.slope_squared])
