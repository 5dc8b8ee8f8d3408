"""From which radius on training several classes learns nothing: the zero weights are then the optimum.

Around W = 0 the softmax loss of a row of class c under attack falls by <w_c, x> - radius size(w_c), for weights whose
rows sum to zero. With shares p_c and class means m_c, zero is optimal from the smallest radius r on at which the balls
around p_c m_c of radius r p_c, in the norm of the attack's perturbations, have a common point. For two classes this is
|p_1 m_1 - p_0 m_0|; for classes of equal size the radius of the smallest ball around the means. With an intercept that
is so for classes of any size: the rows of weights then sum to zero when they are weighted by the shares.

Source: theory `attacks.md` section 2, the general rule, for the losses of `multiclass.md` section 1.
"""

from __future__ import annotations

import numpy as np

from jominy.attacks import Reach
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses import ClassLoss, SoftmaxLoss

SINGULAR = 1e-12
"""Eigenvalues of an attack's form below this share of the largest are none."""
RESOLUTION = 1e-9
"""Of class means, relative to the largest: less is rounding."""


def class_collapse_radius(problem: Problem, *, rough: bool = False) -> float:
    """The radius from which on the adversarial optimum of the softmax loss uses nothing that can be attacked.

    Without an intercept that is W = 0; with one, an intercept that answers the classes' shares. Where more features are
    out of reach too it is not known, and told only roughly: as if those were not there.
    """
    samples = problem.samples
    if not isinstance(problem.loss.plain, SoftmaxLoss):
        raise InputError(
            "Of several classes the collapse radius is known for the softmax loss",
            type(problem.loss).__name__,
            "Use `SoftmaxLoss()`",
        )
    form = problem.form
    reached = np.flatnonzero(reached_features(form, samples.dimension))
    if len(reached) < samples.dimension - samples.intercept and not rough:
        out = samples.dimension - samples.intercept - len(reached)
        raise InputError(
            "Of several classes the collapse radius is known where all features can be attacked",
            f"{out} features out of reach",
            "Leave them out of reach and try radii with `forecast(...)`",
        )
    labels, features = samples.class_numbers, samples.features[:, reached]
    counted = np.ones(len(labels)) if samples.sample_weights is None else np.asarray(samples.sample_weights)
    sums = np.bincount(labels, weights=counted)
    means = np.stack([counted[labels == c] @ features[labels == c] for c in range(len(sums))]) / sums[:, None]
    shares = sums * (1.0 if samples.class_weights is None else np.array(samples.class_weights))
    weights = np.ones(len(shares)) if samples.intercept else shares / shares.sum()
    # What is clean of the loss pulls as the rest does, but no attack moves it.
    assert isinstance(problem.loss, ClassLoss)
    points = weights[:, None] * means / problem.loss.attacked_share
    if isinstance(form, Reach):
        return _largest_coordinate(points, weights, np.asarray(form.weights)[reached])
    if form is not None and form.ndim == 2:
        values, vectors = np.linalg.eigh(form[np.ix_(reached, reached)])
        kept = values > SINGULAR * values[-1]
        moved = points @ vectors
        if np.any(np.ptp(moved[:, ~kept], axis=0) > RESOLUTION * np.max(np.abs(moved))):
            return float("inf")  # the classes differ where no attack can go
        return common_point(moved[:, kept] / np.sqrt(values[kept]), weights)
    return common_point(points if form is None else points / np.sqrt(form[reached]), weights)


def reached_features(form: np.ndarray | Reach | None, dimension: int) -> np.ndarray:
    """(d,) whether an attack can touch a feature."""
    if form is None:
        return np.ones(dimension, dtype=bool)
    if isinstance(form, Reach):
        return np.asarray(form.weights) > 0
    return (form if form.ndim == 1 else np.diag(form)) > 0


def common_point(points: np.ndarray, shares: np.ndarray) -> float:
    """The smallest r at which balls around points (K, m) of radius r shares (K,) meet."""
    from scipy.optimize import minimize

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
