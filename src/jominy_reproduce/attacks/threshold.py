"""Claim (a): under l_inf the optimum is a soft threshold of the teacher, weight by weight."""

from __future__ import annotations

import numpy as np

from jominy.dynamics import forecast, optimum, simulate
from jominy.schedules import Constant
from jominy_reproduce.attacks.problems import LARGEST, NOISE, patterned
from jominy_reproduce.base import Claim, Curve, Effort, Panel, agreement, condition

RADII = (0.2, 0.5, 1.0)
RATE = 0.1


def threshold(effort: Effort) -> Claim:
    """The optimum against a descent of the risk itself, and where SGD at a small rate ends."""
    d, seeds = min(effort.dimension, LARGEST), effort.seeds // 3
    findings, curves = [], []
    for radius in RADII:
        problem = patterned(d, radius)
        found = optimum(problem)
        assert found.vector is not None
        law = problem.law.in_eigenbasis
        assert law.teacher is not None
        k, teacher, u = law.eigenvalues[0], np.sqrt(d) * law.teacher, np.sqrt(d) * found.vector
        risk, best = _minimised(k, teacher, radius)
        findings.append(
            agreement(
                f"radius {radius:g}: risk of the optimum", found.adversarial_risk, risk, 0.0, 1e-7, "two minimisers"
            )
        )
        # One threshold for all weights, in units of 1 / eigenvalue.
        kept = u != 0
        thresholds = k[kept] * (np.abs(teacher[kept]) - np.abs(u[kept]))
        spread = float(np.ptp(thresholds) / np.mean(thresholds))
        what = f"radius {radius:g}: eigenvalue times what the attack takes off a weight, spread over weights"
        findings.append(condition(what, "0", spread, spread < 1e-6))
        beyond = k * np.abs(teacher) <= np.mean(thresholds) * (1 + 1e-9)
        what = f"radius {radius:g}: share of weights that are exactly zero"
        findings.append(agreement(what, float(np.mean(beyond)), float(np.mean(~kept)), 0.0, 0.0, "the same weights"))
        what = f"radius {radius:g}: largest weight that a descent of the risk finds elsewhere"
        findings.append(agreement(what, 0.0, float(np.max(np.abs(best - u))), 0.0, 2e-3, "the descent's tolerance"))
        if radius == RADII[1]:
            times = np.linspace(30.0, 60.0, 4).tolist()
            start = found.vector
            runs = simulate(problem, Constant(RATE), times=times, seeds=seeds, start=start, progress=False)
            told = forecast(problem, Constant(RATE), times=times, start=start)
            seen = runs["adversarial_risk"].values.mean(axis=1)
            error = float(seen.std(ddof=1) / np.sqrt(len(seen)))
            end = float(told["adversarial_risk"].values.mean())
            what = f"radius {radius:g}: risk where SGD ends at rate {RATE:g}, from the optimum"
            findings.append(agreement(what, end, float(seen.mean()), error, 2 / d * end, "bias of order 1/d"))
        order = np.argsort(teacher)
        curves.append(Curve(f"radius {radius:g}", teacher[order], u[order]))
    return Claim(
        "a",
        "Under l_inf the adversarial optimum of least squares is a soft threshold of the teacher; one number, divided "
        "by each feature's variance, is the threshold of every weight.",
        f"least squares, eigenvalues 1.6 and 0.4, label noise {NOISE:g}, dimension {d}",
        tuple(findings),
        (Panel("weights of the optimum", "weight of the teacher", "weight of the optimum", tuple(curves)),),
    )


def _minimised(k: np.ndarray, teacher: np.ndarray, radius: float) -> tuple[float, np.ndarray]:
    """The least risk and its weights u, by L-BFGS on their positive and negative parts."""
    import scipy.optimize

    kinds, place, counts = np.unique(np.stack([k, teacher]), axis=1, return_inverse=True, return_counts=True)
    k, teacher, share = kinds[0], kinds[1], counts / counts.sum()
    mean = np.sqrt(2 / np.pi)

    def risk(z: np.ndarray) -> tuple[float, np.ndarray]:
        u, size = z[: k.size] - z[k.size :], share @ (z[: k.size] + z[k.size :])
        sigma = np.sqrt(NOISE + share @ (k * (u - teacher) ** 2))
        shift = radius * size
        by_sigma, by_size = sigma + mean * shift, radius * (mean * sigma + shift)
        along = by_sigma * share * k * (u - teacher) / sigma
        return (sigma**2 + 2 * mean * shift * sigma + shift**2) / 2, np.concatenate(
            [along + by_size * share, -along + by_size * share]
        )

    found = scipy.optimize.minimize(
        risk,
        np.full(2 * k.size, 0.1),
        jac=True,
        bounds=[(0, None)] * 2 * k.size,
        method="L-BFGS-B",
        options={"ftol": 1e-16, "gtol": 1e-11, "maxiter": 10_000},
    )
    u = found.x[: k.size] - found.x[k.size :]
    return float(found.fun), u[place.ravel()]
