"""Claim (e): adversarial least squares is standard least squares with an adaptive rate and ridge, up to the noise."""

from __future__ import annotations

import numpy as np

from jominy.dynamics import forecast, least_squares_equivalent, simulate
from jominy.schedules import Constant
from jominy_reproduce import problems
from jominy_reproduce.base import Claim, Curve, Effort, Finding, Panel, agreement, condition

TIMES = (0.5, 1.0, 2.0, 4.0, 6.0)
RADIUS, RATE = 0.6, 0.5
RADII = (0.1, 0.6, 2.0, 10.0)


def equivalence(effort: Effort) -> Claim:
    """Both SGDs side by side: the same mean, a noise whose inflation stays within [1, pi/2]."""
    d = effort.dimension
    problem, start = problems.anisotropic(d, RADIUS), problems.start(d)
    standard, rate = least_squares_equivalent(problem, Constant(RATE), TIMES[-1], start=start)
    told = [forecast(p, s, times=TIMES, start=start) for p, s in ((problem, Constant(RATE)), (standard, rate))]
    runs = [
        simulate(p, s, times=TIMES, seeds=2 * effort.seeds, start=start)
        for p, s in ((problem, Constant(RATE)), (standard, rate))
    ]
    lines = [forecast(p, s, time=TIMES[-1], start=start) for p, s in ((problem, Constant(RATE)), (standard, rate))]
    findings: list[Finding] = []
    overlaps = [one["alignment"].values * one["norm"].values for one in told]
    gap = float(np.max(np.abs(overlaps[0] - overlaps[1])))
    findings.append(condition("overlap with the teacher: largest gap of the two forecasts", "0", gap, gap < 1e-6))
    seen = [one["alignment"].values * one["norm"].values for one in runs]
    errors = [values.std(axis=0, ddof=1) / np.sqrt(len(values)) for values in seen]
    error = np.hypot(*errors)
    worst = problems.most_errors(seen[0].mean(axis=0) - seen[1].mean(axis=0), error)
    findings.append(
        agreement(
            f"overlap with the teacher at t = {TIMES[worst]:g}: adversarial SGD against standard SGD",
            float(seen[1].mean(axis=0)[worst]),
            float(seen[0].mean(axis=0)[worst]),
            float(error[worst]),
            4 / d,
            "biases of order 1/d",
        )
    )
    mean, mean_error = problems.mean_and_error(runs[1], "clean_risk")
    findings.append(
        agreement(
            f"standard SGD with adaptive rate and ridge: clean risk at t = {TIMES[-1]:g}",
            float(told[1]["clean_risk"].values[-1]),
            float(mean[-1]),
            float(mean_error[-1]),
            4 / d * float(mean[-1]),
            "bias of order 1/d",
        )
    )
    ours, ours_error = problems.mean_and_error(runs[0], "clean_risk")
    extra = float(told[0]["clean_risk"].values[-1] - told[1]["clean_risk"].values[-1])
    pairs = (runs[0]["clean_risk"] - runs[1]["clean_risk"]).values[:, -1]  # one seed: the same samples for both
    findings.append(
        agreement(
            f"clean risk that the inflated noise adds at t = {TIMES[-1]:g}, seed by seed",
            extra,
            float(pairs.mean()),
            float(pairs.std(ddof=1) / np.sqrt(len(pairs))),
            0.2 * extra,
            "biases of order 1/d",
        )
    )
    findings += _inflation(d, start)
    x, fine = np.array(TIMES), lines[0]["time"].values
    drawn = [one["alignment"].values * one["norm"].values for one in lines]
    panels = (
        Panel(
            "overlap with the teacher",
            "time (samples / d)",
            "<X, X*>",
            (
                Curve("adversarial", fine, drawn[0]),
                Curve("adversarial", x, seen[0].mean(axis=0), errors[0]),
                Curve("standard, adaptive rate and ridge", fine, drawn[1]),
                Curve("standard, adaptive rate and ridge", 1.03 * x, seen[1].mean(axis=0), errors[1]),
            ),
        ),
        Panel(
            "clean risk",
            "time (samples / d)",
            "clean risk",
            (
                Curve("adversarial", fine, lines[0]["clean_risk"].values),
                Curve("adversarial", x, ours, ours_error),
                Curve("standard, adaptive rate and ridge", fine, lines[1]["clean_risk"].values),
                Curve("standard, adaptive rate and ridge", 1.03 * x, mean, mean_error),
            ),
        ),
    )
    return Claim(
        "e",
        "Adversarial least squares is standard least squares with an adaptive rate and an adaptive ridge, up to a "
        "noise inflation within [1, pi/2].",
        f"eigenvalues 1.6 and 0.1, radius {RADIUS:g}, rate {RATE:g}; SGD in dimension {d}, {2 * effort.seeds} seeds",
        tuple(findings),
        panels,
    )


def _inflation(dimension: int, start: np.ndarray) -> list[Finding]:
    """Smallest and largest inflation met along runs of SGD over two decades of radii."""
    values = []
    for radius in RADII:
        runs = simulate(problems.anisotropic(dimension, radius), Constant(0.2), times=TIMES, seeds=10, start=start)
        values.append(runs["noise_inflation"].values)
    low, high = float(np.min(values)), float(np.max(values))
    what = f"noise inflation along SGD, radii {RADII[0]:g} to {RADII[-1]:g}"
    return [
        condition(f"{what}: smallest", ">= 1", low, low >= 1),
        condition(f"{what}: largest", "<= pi/2 = 1.5708", high, high <= np.pi / 2),
    ]
