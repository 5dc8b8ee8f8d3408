"""The width, radius and depth up to which the trainability index says that a network is safe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jominy.errors import InputError
from jominy.meanfield.architecture import Architecture
from jominy.meanfield.geometry import InputGeometry
from jominy.meanfield.index import COHERENT, FINITE, WIDTH_POWER, powers, trainability_index
from jominy.meanfield.numbers import Numbers, magnitude
from jominy.meanfield.verdict import SAFE_FROM


def safe_width(
    architecture: Architecture,
    radius: Numbers,
    geometry: InputGeometry,
    *,
    adversarial_weight: Numbers = 1.0,
    p: float = 2,
    tau: float = SAFE_FROM,
) -> Numbers:
    """The smallest width N with an index of at least `tau`; infinite where no width reaches it.

    g2 <= L_adv / (lam tau t_sig) solved for N^-1.35 in `trainability_index`; the architecture's own width is unused.
    Arguments and errors as there.

    >>> from jominy.meanfield import Architecture
    >>> plain = Architecture(12, 128, 64, 10, weight_variance=2.0)
    >>> float(safe_width(plain, 1.3, InputGeometry(power=1.0, within=0.5, between=0.0)))
    409.0
    """
    lam = np.asarray(magnitude(adversarial_weight, "weight of the adversarial loss", minimum=0.0))
    parts = powers(architecture, radius, geometry, p)
    d, k = (np.asarray(m, dtype=float) for m in (architecture.input_dim, architecture.output_dim))
    loss = parts.radius * (1 + np.sqrt(k / d)) * np.sqrt(architecture.total_gain)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = loss * parts.signal_rate / (np.log(k) * lam * tau) - COHERENT * parts.coherent
        need = FINITE * parts.radius / np.sqrt(geometry.power) * np.sqrt(k * d) * parts.single
        width = np.where(room > 0, np.ceil((need / room) ** (1 / WIDTH_POWER) * (1 - 1e-12)), np.inf)
    width = np.where(parts.signal_rate > 0, width, np.inf)
    return np.where(lam * loss > 0, np.maximum(width, 1.0), 1.0)[()]


def safe_radius(
    architecture: Architecture,
    geometry: InputGeometry,
    *,
    adversarial_weight: Numbers = 1.0,
    p: float = 2,
    tau: float = SAFE_FROM,
) -> Numbers:
    """The largest radius up to which the index stays at `tau` or above (tau falls with the radius); bisection.

    Zero where there is no class signal. Arguments and errors as for `trainability_index`.

    >>> from jominy.meanfield import Architecture
    >>> plain = Architecture(12, 128, 64, 10, weight_variance=2.0)
    >>> round(float(safe_radius(plain, InputGeometry(power=1.0, within=0.5, between=0.0))), 3)
    0.235
    """
    size = np.sqrt(np.asarray(geometry.power) * architecture.input_dim)
    others = (architecture.shape, np.shape(adversarial_weight), *(np.shape(v) for v in vars(geometry).values()))
    shape = np.broadcast_shapes(np.shape(size), *others)
    low, high = np.full(shape, -18.0), np.full(shape, 12.0)  # ln(radius / ||x||)
    for _ in range(45):
        middle = (low + high) / 2
        found = trainability_index(
            architecture, size * np.exp(middle), geometry, adversarial_weight=adversarial_weight, p=p
        ).tau
        safe = found >= tau
        low, high = np.where(safe, middle, low), np.where(safe, high, middle)
    return np.where(low > -18.0, size * np.exp(low), 0.0)[()]


def safe_depth(
    architecture: Architecture,
    radius: Numbers,
    geometry: InputGeometry,
    *,
    adversarial_weight: Numbers = 1.0,
    p: float = 2,
    tau: float = SAFE_FROM,
    largest: int = 100,
) -> Numbers:
    """The largest depth, up to `largest`, such that the index is at least `tau` there and at every smaller depth.

    0 where one layer is too many already. The weight variance stays as it is. Arguments and errors as for
    `trainability_index`, and an InputError for layers with variances of their own.

    >>> from jominy.meanfield import Architecture
    >>> plain = Architecture(12, 128, 64, 10, weight_variance=2.0)
    >>> int(safe_depth(plain, 1.3, InputGeometry(power=1.0, within=0.5, between=0.0)))
    4
    """
    if architecture.has_own_variances:
        raise InputError("the safe depth needs one weight variance for all layers", next_step="pass a number")
    shape = np.broadcast_shapes(
        architecture.shape, *(np.shape(v) for v in (radius, adversarial_weight, *vars(geometry).values()))
    )
    deep = replace(architecture, depth=np.arange(1, largest + 1).reshape(-1, *(1,) * len(shape)))
    found = trainability_index(deep, radius, geometry, adversarial_weight=adversarial_weight, p=p).tau
    return np.sum(np.logical_and.accumulate(np.broadcast_to(found >= tau, (largest, *shape))), axis=0)[()]
