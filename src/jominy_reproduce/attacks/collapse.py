"""Claim (c): under l_inf the collapse radius is set by the largest weight, and has no limit in the dimension."""

from __future__ import annotations

import numpy as np

from jominy.attacks import L2, LInf
from jominy.data import LinearTeacher, identity
from jominy.dynamics import Problem, collapse_radius, optimum
from jominy.losses import SquaredLoss
from jominy_reproduce.base import Claim, Curve, Effort, Panel, agreement, condition

DIMENSIONS = (100, 1000, 10_000)
NOISE, RADIUS = 0.25, 2.0


def collapse(effort: Effort) -> Claim:
    """Collapse radii of teachers with normal weights, under l2 and l_inf, by dimension."""
    teachers = max(effort.seeds // 3, 10)
    findings, seen, errors, told, round_ones = [], [], [], [], []
    strength = float(np.sqrt(2 / np.pi) * np.sqrt(NOISE + 1))
    for d in DIMENSIONS:
        radii, others, shares = [], [], []
        for seed in range(teachers):
            weights = np.random.default_rng(seed).standard_normal(d)
            weights /= np.linalg.norm(weights)
            data = LinearTeacher(identity(d), weights, NOISE)
            radii.append(collapse_radius(Problem(data, SquaredLoss(), RADIUS, LInf())))
            others.append(collapse_radius(Problem(data, SquaredLoss(), RADIUS, L2())))
            if seed < 5:
                vector = optimum(Problem(data, SquaredLoss(), RADIUS, LInf())).vector
                assert vector is not None
                shares.append(np.mean(vector != 0))
        error = float(np.std(radii, ddof=1) / np.sqrt(teachers))
        predicted = _largest_normal(d) / strength
        what = f"dimension {d}: collapse radius under l_inf, mean over {teachers} teachers"
        findings.append(agreement(what, predicted, float(np.mean(radii)), error, 2 / d, "teachers have norm one"))
        what = f"dimension {d}: collapse radius under l2"
        findings.append(agreement(what, 1 / strength, float(np.mean(others)), 0.0, 1e-9, "a closed form"))
        seen.append(float(np.mean(radii)))
        errors.append(error)
        told.append(predicted)
        round_ones.append(float(np.mean(shares)))
    findings.append(
        condition(
            f"share of weights in use at radius {RADIUS:g}, which a sharp limit would leave at all or none",
            "the same in dimension 1000 and 10000, to .02",
            round_ones[-1] - round_ones[-2],
            abs(round_ones[-1] - round_ones[-2]) < 0.02 and 0.02 < round_ones[-1] < 0.9,
        )
    )
    sizes = np.array(DIMENSIONS, dtype=float)
    curves = (
        Curve("l_inf, theory", sizes, np.array(told)),
        Curve("l_inf, teachers drawn", sizes, np.array(seen), np.array(errors)),
        Curve("l2", sizes, np.full(sizes.size, 1 / strength)),
    )
    return Claim(
        "c",
        "Under l_inf the collapse radius is set by the largest weight: for a teacher of normal weights it grows like "
        "sqrt(2 log d), where that of l2 does not depend on the dimension.",
        f"least squares, identity covariance, label noise {NOISE:g}, teachers of normal weights",
        tuple(findings),
        (Panel("where nothing is learnt any more", "dimension", "collapse radius", curves, (True, False)),),
    )


def _largest_normal(count: int) -> float:
    """E of the largest of |z| among `count` standard normals: the integral of 1 - (2 Phi(x) - 1)^count."""
    import scipy.integrate
    import scipy.special

    def tail(x: float) -> float:
        return float(-np.expm1(count * np.log1p(-2 * scipy.special.ndtr(-x)))) if x > 0 else 1.0

    return float(scipy.integrate.quad(tail, 0, 12, limit=200)[0])
