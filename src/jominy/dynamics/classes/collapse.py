"""From which radius on training several classes learns nothing: the zero weights are then the optimum.

Around W = 0 the softmax loss of a row of class c under attack falls by <w_c, x> - radius size(w_c), for weights whose
rows sum to zero. With shares p_c and class means m_c, zero is optimal from the smallest radius r on at which the balls
around p_c m_c of radius r p_c, in the norm of the attack's perturbations, have a common point. For two classes this is
|p_1 m_1 - p_0 m_0|; for classes of equal size the radius of the smallest ball around the means.

Source: theory `attacks.md` section 2, the general rule, for the losses of `multiclass.md` section 1.
"""

from __future__ import annotations

import numpy as np

from jominy.attacks import Reach
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses import SoftmaxLoss

RESOLUTION = 1e-9
"""Of class means, relative to the largest: less is rounding."""


def class_collapse_radius(problem: Problem) -> float:
    """The radius from which on the adversarial optimum of the softmax loss is W = 0, for samples of several classes."""
    samples = problem.samples
    if not isinstance(problem.loss.plain, SoftmaxLoss):
        raise InputError(
            "Of several classes the collapse radius is known for the softmax loss",
            type(problem.loss).__name__,
            "Use `SoftmaxLoss()`",
        )
    labels = samples.class_numbers
    shares = np.bincount(labels) * (1.0 if samples.class_weights is None else np.array(samples.class_weights))
    shares = shares / shares.sum()
    sums = shares[:, None] * np.stack([samples.features[labels == c].mean(axis=0) for c in range(len(shares))])
    form = problem.form
    if isinstance(form, Reach):
        return _largest_coordinate(sums, shares, np.asarray(form.weights))
    return _common_point(*_whitened(sums, form), shares)


def _whitened(sums: np.ndarray, form: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """Points (K, m) in coordinates in which perturbations are balls, and whether they differ where none is possible."""
    if form is None:
        return sums, False
    values, vectors = (form, None) if form.ndim == 1 else np.linalg.eigh(form)
    turned = sums if vectors is None else sums @ vectors
    within = values > 1e-12 * np.max(values)
    outside = turned[:, ~within]
    scale = RESOLUTION * max(float(np.max(np.abs(turned))), np.finfo(float).tiny)
    return turned[:, within] / np.sqrt(values[within]), bool(np.any(np.ptp(outside, axis=0) > scale))


def _common_point(points: np.ndarray, apart: bool, shares: np.ndarray) -> float:
    """The smallest r at which balls around points (K, m) of radius r shares (K,) meet; infinite where they cannot."""
    from scipy.optimize import minimize

    if apart:
        return float("inf")
    if len(points) == 2:
        return float(np.linalg.norm(points[1] - points[0]) / shares.sum())
    moved = points - points.mean(axis=0)
    scale = float(np.max(np.abs(moved)))
    if scale == 0:
        return 0.0
    # All balls' centres, and so a best common point, lie in few dimensions.
    triangle = np.asarray(np.linalg.qr(moved.T / scale, mode="r")).T
    width = triangle.shape[1]

    def room(z: np.ndarray) -> np.ndarray:
        return (z[-1] * shares) ** 2 - np.sum((triangle - z[:width]) ** 2, axis=1)

    def room_slope(z: np.ndarray) -> np.ndarray:
        return np.column_stack([2 * (triangle - z[:width]), 2 * z[-1] * shares**2])

    start = np.zeros(width + 1)
    start[-1] = np.max(np.linalg.norm(triangle, axis=1) / shares)
    unit = np.eye(width + 1)[-1]
    found = minimize(
        lambda z: z[-1], start, jac=lambda z: unit, method="SLSQP",
        constraints={"type": "ineq", "fun": room, "jac": room_slope}, options={"maxiter": 1000, "ftol": 1e-14},
    )  # fmt: skip
    # Whatever the point that was found, this radius is enough there.
    return scale * float(np.max(np.linalg.norm(triangle - found.x[:width], axis=1) / shares))


def _largest_coordinate(sums: np.ndarray, shares: np.ndarray, reach: np.ndarray) -> float:
    """The same for attacks on single features: intervals in place of balls, each feature by itself."""
    # Two intervals around s_a and s_b meet from |s_a - s_b| / (p_a + p_b) on; all of them where every two do.
    gaps = np.abs(sums[:, None] - sums) / (shares[:, None, None] + shares[:, None])
    largest = np.max(gaps, axis=(0, 1))
    scale = RESOLUTION * max(float(np.max(largest)), np.finfo(float).tiny)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(largest > scale, largest / reach, 0.0)
    return float(np.max(needed))
