"""Claim (b): no trained weight is exactly zero; at a constant rate it has a width, which goes with the rate."""

from __future__ import annotations

import numpy as np

from jominy.dynamics import collapse_radius, optimum, simulate, stationary
from jominy.schedules import Constant
from jominy_reproduce.attacks.problems import LARGEST, NOISE, patterned
from jominy_reproduce.base import MANY_ERRORS, Claim, Curve, Effort, Panel, agreement, condition

RATES = (0.1, 0.2, 0.4)
BEYOND = 1.2
"""Times the collapse radius: there the optimum is zero."""


def thermal(effort: Effort) -> Claim:
    """Norms at the end of SGD beyond the collapse radius, where the optimum has none."""
    d, seeds = min(effort.dimension, LARGEST), effort.seeds // 3
    problem = patterned(d, BEYOND * collapse_radius(patterned(d, 1.0)))
    findings, norms, errors, told = [], [], [], []
    best = optimum(problem).norm
    findings.append(condition("norm of the optimum", "0", best, best == 0.0))
    for rate in RATES:
        end = stationary(problem, rate)
        times = np.linspace(5.0, 20.0, 6).tolist()
        runs = simulate(problem, Constant(rate), times=times, seeds=seeds, progress=False)
        seen = np.sqrt((runs["norm"].values ** 2).mean(axis=1))
        error = float(seen.std(ddof=1) / np.sqrt(len(seen)))
        what = f"rate {rate:g}: root mean square norm where SGD ends"
        findings.append(agreement(what, end.norm, float(seen.mean()), error, 3 / d * end.norm, "bias of order 1/d"))
        norms.append(float(seen.mean()))
        errors.append(error)
        told.append(end.norm)
    growth = float(np.log(norms[-1] / norms[0]) / np.log(RATES[-1] / RATES[0]))
    spread = float(np.hypot(errors[-1] / norms[-1], errors[0] / norms[0]) / np.log(RATES[-1] / RATES[0]))
    told_growth = float(np.log(told[-1] / told[0]) / np.log(RATES[-1] / RATES[0]))
    what = "power of the rate with which the norm goes (one half, were the cost of a weight quadratic)"
    findings.append(agreement(what, told_growth, growth, spread, 0.02, "bias of order 1/d"))
    findings.append(condition("that power", "above 0.5", growth, growth - 0.5 > MANY_ERRORS * spread, spread))
    small = np.geomspace(0.01, 0.5, 12)
    line = np.array([stationary(problem, float(rate)).norm for rate in small])
    curves = (
        Curve("theory", small, line),
        Curve("SGD", np.array(RATES), np.array(norms), np.array(errors)),
    )
    return Claim(
        "b",
        "No weight that SGD trains is exactly zero: where the optimum is, it keeps a width. Beyond the collapse that "
        "falls faster than the root of the rate, as the attack's cost of a weight is linear and not quadratic.",
        f"least squares under l_inf at {BEYOND:g} times the collapse radius, label noise {NOISE:g}, dimension {d}",
        tuple(findings),
        (Panel("width of weights whose optimum is zero", "rate", "norm at the end", curves, (True, True)),),
    )
