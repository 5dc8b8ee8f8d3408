"""Where constant-rate training of any loss on any mixture ends: the fixed point of the node equations' scalars.

At rest the mean of X minimises the quadratic model of the moments' scalars, and the variance balances descent against
noise: V = (g/2) sum_i p_i E_i[Psi_r^2] K_i / (d alpha) per eigenvalue (covariances that do not commute: the Lyapunov
equation H V + V H = (g/d) sum_i p_i E_i[Psi_r^2] K_i). The scalars then follow from the moments at that state.
Source: theory `dynamics.md` sections 0.2, 1.2 and 4.3; the fixed point of several classes and of other losses is
derived from them.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.dynamics.laws.geometry import (
    DenseGeometry,
    LocalAverages,
    NodeGeometry,
    RiskGeometry,
    dense_order_parameters,
)
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.students import Student, attack_pull, attack_ridges, error_coefficients, inner
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array
from jominy.numerics.roots import fixed_point

SMALLEST = 1e-290


class FixedPoint(NamedTuple):
    """A state at rest: its order parameters, risk, ridges (G,) E Psi_rho / rho_g, and square distance to an optimum."""

    order: OrderParameters
    risk: Array
    ridges: Array
    distance_squared: Array


@jax.jit
def _image(
    geometry: RiskGeometry, setting: RiskSpec, rate: Array, target: Any, scalars: LocalAverages, power: Array
) -> tuple[LocalAverages, Array, FixedPoint]:
    """The scalars and E Psi_r^2 at the state that given ones hold at rest, and that state."""
    mean = geometry.minimiser(scalars)
    strength = setting.weights * power
    if isinstance(geometry, NodeGeometry):
        nodes = geometry.nodes
        alpha = (setting.weights * scalars.curvature) @ nodes.eigenvalues + attack_pull(scalars.ridges, nodes.attack)
        variance = rate / 2 * (strength @ nodes.eigenvalues) * nodes.shares / jnp.maximum(alpha, SMALLEST)
        student = Student(mean.coefficients, mean.residual, jnp.where(variance != 0, variance, 0.0))
        order = geometry.order(student)
        error = error_coefficients(student, target)
        distance = jnp.sum(inner(nodes.gram, error, error) + student.variance)
    else:
        assert isinstance(geometry, DenseGeometry)
        curvature = jnp.einsum("n,nij->ij", setting.weights * scalars.curvature, geometry.covariances)
        values, vectors = jnp.linalg.eigh(curvature + attack_pull(scalars.ridges, geometry.attack))
        noise = rate / len(mean) * jnp.einsum("n,nij->ij", strength, geometry.covariances)
        sums = jnp.maximum(values[:, None] + values, SMALLEST)
        spread = vectors @ ((vectors.T @ noise @ vectors) / sums) @ vectors.T
        order = dense_order_parameters(geometry, mean, spread)
        distance = (mean - target) @ (mean - target) + jnp.trace(spread)
    moments = setting.moments(order)
    ridges = attack_ridges(moments, setting.weights, setting.radius, order.sizes)
    found = LocalAverages(moments.slope, moments.curvature, moments.teacher_curvature, ridges)
    return found, moments.slope_squared, FixedPoint(order, setting.weights @ moments.value, ridges, distance)


@jax.jit
def _scalars_at(setting: RiskSpec, order: OrderParameters) -> tuple[LocalAverages, Array]:
    moments = setting.moments(order)
    ridges = attack_ridges(moments, setting.weights, setting.radius, order.sizes)
    return LocalAverages(moments.slope, moments.curvature, moments.teacher_curvature, ridges), moments.slope_squared


def rest_near(
    geometry: RiskGeometry, setting: RiskSpec, rate: float, target: Any, order: OrderParameters, free: Any = None
) -> tuple[FixedPoint, float]:
    """The state at rest near a student with these order parameters, and the remaining relative mismatch of scalars.

    `free` (n,): `LocalAverages.flat` to begin with, where there are weights that means alone hold.
    """
    count = len(setting.weights)
    end = 4 * count + geometry.forms
    first, overlaps = _raveled(*_scalars_at(setting, order)), np.asarray(geometry.free_means())
    held = bool(np.any(overlaps))
    if held:
        first = np.concatenate([first, np.zeros(count) if free is None else free])

    def state_at(row: np.ndarray) -> tuple[np.ndarray, FixedPoint]:
        slope, curvature, pull, power = np.reshape(row[: 4 * count], (4, count))
        # In logarithms where a sign is known: a rest may have scalars of any size.
        curvature, power, ridges = (np.exp(np.minimum(u, 600.0)) for u in (curvature, power, row[4 * count : end]))
        scalars = LocalAverages(slope, curvature, pull * curvature, ridges)
        if held:
            scalars = scalars._replace(flat=row[end:])
        found, squared, rest = _image(geometry, setting, np.asarray(rate), target, scalars, power)
        image = _raveled(found, squared)
        if held:  # where they do not move; a step downhill, which no curvature there makes too long
            weights, flat = np.asarray(setting.weights), row[end:]
            bound = weights * np.asarray(found.curvature) @ np.diag(overlaps) * np.max(np.diag(overlaps))
            image = np.concatenate(
                [image, flat - overlaps @ (weights * np.asarray(found.slope)) / max(bound, SMALLEST)]
            )
        return image, jax.tree.map(np.asarray, rest)

    solved = fixed_point(lambda u: state_at(u)[0], first)
    image, rest = state_at(solved)
    gap = np.abs(image - solved)
    return rest, float(np.max(np.where(np.isfinite(gap), gap, np.inf)))


def _raveled(scalars: LocalAverages, power: Array) -> np.ndarray:
    slope, curvature, pull, ridges = (np.asarray(part) for part in scalars[:4])
    curvature, power, ridges = (np.maximum(part, SMALLEST) for part in (curvature, np.asarray(power), ridges))
    return np.concatenate([slope, np.log(curvature), pull / curvature, np.log(power), np.log(ridges)])
