"""Claim (f): training at a constant rate ends at the fixed point, a ridge solution plus noise."""

from __future__ import annotations

import numpy as np

from jominy.dynamics import Problem, forecast, optimum, simulate, stationary
from jominy.schedules import Constant
from jominy_reproduce import problems
from jominy_reproduce.base import Claim, Curve, Effort, Panel, agreement

RADII = (0.1, 0.5, 0.9)
RATES = (0.3, 1.0)
LONG = 60.0


def limit(effort: Effort) -> Claim:
    """The risk and the overlap with the teacher, from the scalar equation, a long forecast and a long simulation."""
    d = effort.dimension
    findings, lines = [], []
    for rate in RATES:
        predicted, measured, errors = [], [], []
        for radius in RADII:
            problem = problems.anisotropic(d, radius)
            end = stationary(problem, rate)
            told = forecast(problem, Constant(rate), times=[LONG, 10 * LONG], start=problems.start(d))
            label = f"radius {radius:g}, rate {rate:g}"
            last = float(told["adversarial_risk"].values[-1])
            findings.append(
                agreement(
                    f"{label}: limiting risk, by a forecast to t = {10 * LONG:g}",
                    end.adversarial_risk,
                    last,
                    0.0,
                    1e-6 * last,
                    "two computations",
                )
            )
            # From the optimum, which is near: from afar the small eigenvalue takes t = 300 to forget the start.
            near, times = optimum(problem).vector, np.linspace(LONG / 2, LONG, 5).tolist()
            runs = simulate(problem, Constant(rate), times=times, seeds=effort.seeds // 3, start=near)
            risk = runs["adversarial_risk"].values.mean(axis=1)
            error = float(risk.std(ddof=1) / np.sqrt(len(risk)))
            bias = 6 / d * end.adversarial_risk / (1 - rate / end.critical_rate)
            findings.append(
                agreement(
                    f"{label}: limiting risk, by SGD",
                    end.adversarial_risk,
                    float(risk.mean()),
                    error,
                    bias,
                    "bias of order 1/d",
                )
            )
            overlap = _overlap_of_ridge_solution(problem, end.ridge)
            seen = (runs["alignment"].values * runs["norm"].values).mean(axis=1)
            findings.append(
                agreement(
                    f"{label}: overlap with the teacher of the ridge solution at the limiting ridge {end.ridge:.4g}",
                    overlap,
                    float(seen.mean()),
                    float(seen.std(ddof=1) / np.sqrt(len(seen))),
                    4 / d,
                    "bias of order 1/d",
                )
            )
            predicted.append(end.adversarial_risk)
            measured.append(float(risk.mean()))
            errors.append(error)
        radii = np.linspace(0.05, 1.0, 20)
        line = [stationary(problems.anisotropic(d, float(r)), rate).adversarial_risk for r in radii]
        lines += [
            Curve(f"rate {rate:g}", radii, np.array(line)),
            Curve(f"rate {rate:g}", np.array(RADII), np.array(measured), np.array(errors)),
        ]
    return Claim(
        "f",
        "The limit of constant-rate training solves the fixed-point equation, and its mean is the ridge solution at "
        "the limiting effective ridge.",
        f"least squares, eigenvalues 1.6 and 0.1, label noise {problems.NOISE:g}; "
        f"SGD in dimension {d}, from the optimum",
        tuple(findings),
        (Panel("where training ends", "radius of the attack", "limiting adversarial risk", tuple(lines)),),
    )


def _overlap_of_ridge_solution(problem: Problem, ridge: float) -> float:
    """<X*, (K + ridge)^-1 K X*>."""
    law = problem.law.in_eigenbasis
    assert law.teacher is not None
    k = law.eigenvalues[0]
    return float(np.sum(k / (k + ridge) * law.teacher**2))
