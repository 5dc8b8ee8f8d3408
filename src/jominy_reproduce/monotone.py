"""Claim (b): no constant learning rate descends monotonically to the adversarial minimiser."""

from __future__ import annotations

import numpy as np

from jominy.dynamics import forecast, optimum, simulate, stationary
from jominy.schedules import Constant
from jominy_reproduce import problems
from jominy_reproduce.base import Claim, Curve, Effort, Panel, agreement, condition

RATES = (0.05, 0.5, 1.0)
RADIUS = 0.5


def monotone(effort: Effort) -> Claim:
    """Start at the optimum: the distance grows at any rate; noiseless least squares without attack descends."""
    d = effort.dimension
    problem = problems.isotropic(d, RADIUS)
    best = optimum(problem)
    assert best.vector is not None
    findings, lines = [], []
    for rate in RATES:
        schedule, short = Constant(rate), (0.05, 0.1)
        runs = simulate(problem, schedule, times=short, seeds=2 * effort.seeds, start=best.vector)
        growth = rate**2 * 2 * best.adversarial_risk  # d D^2 / dt at the optimum; tr K / d = 1
        # The second difference takes the curvature of D^2(t) out of the slope at zero.
        squares = runs["distance_to_optimum"].values ** 2
        slopes = (4 * squares[:, 0] - squares[:, 1]) / (2 * short[0])
        error = float(slopes.std(ddof=1) / np.sqrt(len(slopes)))
        findings.append(
            agreement(
                f"rate {rate:g}, start at the optimum: growth of D^2 per unit of time",
                growth,
                float(slopes.mean()),
                error,
                0.02 * growth,
                "third order in the time step, and 1/d",
            )
        )
        end = stationary(problem, rate)
        times = np.linspace(0.0, 20.0, 41)[1:]
        told = forecast(problem, schedule, times=times.tolist(), start=best.vector)
        seen = simulate(problem, schedule, times=[18.0, 20.0], seeds=effort.seeds, start=best.vector)
        excess = seen["excess_risk"].values.mean(axis=1)
        findings.append(
            agreement(
                f"rate {rate:g}: risk that remains above the optimal one",
                end.adversarial_risk - best.adversarial_risk,
                float(excess.mean()),
                float(excess.std(ddof=1) / np.sqrt(len(excess))),
                4 / d * end.adversarial_risk,
                "bias of order 1/d",
            )
        )
        lines.append(Curve(f"rate {rate:g}, from the optimum", times, told["distance_to_optimum"].values))
    smallest = 1e-3
    away = forecast(problem, Constant(smallest), times=[1.0, 10.0], start=best.vector)["distance_to_optimum"].values
    findings.append(
        condition(
            f"rate {smallest:g}, start at the optimum: distance at t = 10", "> 0", away[-1], bool(away[-1] > 1e-6)
        )
    )
    clean = problems.isotropic(d, 0.0, noise=0.0)
    times = np.linspace(0.0, 20.0, 81)
    descent = forecast(clean, Constant(1.0), times=times.tolist(), start=problems.start(d))[
        "distance_to_optimum"
    ].values
    rises = float(np.max(np.diff(descent)))
    findings.append(
        condition(
            "noiseless least squares without attack, rate 1: largest rise of the distance", "<= 0", rises, rises <= 0
        )
    )
    lines.append(Curve("no attack, no noise, rate 1", times[1:], descent[1:]))
    return Claim(
        "b",
        "No constant learning rate descends monotonically to a minimiser in adversarial least squares; noiseless least "
        "squares has one.",
        f"isotropic least squares, radius {RADIUS:g}, label noise {problems.NOISE:g}; SGD in dimension {d}",
        tuple(findings),
        (Panel("distance to the optimum", "time (samples / d)", "distance", tuple(lines), (False, True)),),
    )
