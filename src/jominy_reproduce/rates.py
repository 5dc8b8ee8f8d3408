"""Claim (c): what separates exact line search from Polyak's rate."""

from __future__ import annotations

import numpy as np

from jominy.dynamics import Problem, forecast, simulate
from jominy.schedules import ExactLineSearch, Polyak
from jominy_reproduce import problems
from jominy_reproduce.base import Claim, Curve, Effort, Finding, Panel, agreement, boundary, condition

TIMES = np.concatenate([np.linspace(0.0, 5.0, 51), np.linspace(5.0, 20.0, 31)[1:]])
SIMULATED = (1.0, 3.0, 8.0)


def rates(effort: Effort) -> Claim:
    """Both rates side by side, with neither, either and both of anisotropy and ridge mismatch."""
    d = effort.dimension
    cases: list[tuple[str, Problem, bool]] = [
        ("isotropic, no attack (neither)", problems.isotropic(d, 0.0), True),
        ("two eigenvalues, no attack (anisotropy alone)", problems.anisotropic(d, 0.0), False),
        ("isotropic, radius 0.6 (ridge mismatch alone)", problems.isotropic(d, 0.6), False),
        ("two eigenvalues, radius 0.6 (both)", problems.anisotropic(d, 0.6), False),
    ]
    findings: list[Finding] = []
    panels: list[Panel] = []
    for name, problem, coincide in cases:
        told = {}
        for schedule in (Polyak(), ExactLineSearch()):
            told[type(schedule)] = forecast(problem, schedule, times=TIMES.tolist(), start=problems.start(d))
        polyak, line = (told[kind]["learning_rate"].values for kind in (Polyak, ExactLineSearch))
        gap = float(np.max(np.abs(line - polyak) / polyak))
        if coincide:
            findings.append(condition(f"{name}: largest relative gap of the rates", "0", gap, gap < 1e-6))
        else:
            findings.append(condition(f"{name}: largest relative gap of the rates", "> 0.01", gap, gap > 0.01))
            ahead = _distance_gap(told)
            findings.append(condition(f"{name}: line search's lag in distance at t = 8", "> 0", ahead, ahead > 0))
        panels.append(
            Panel(
                name,
                "time (samples / d)",
                "learning rate",
                (Curve("Polyak", TIMES, polyak), Curve("line search", TIMES, line)),
            )
        )
    findings += _simulated(effort)
    findings.append(_logistic(d))
    return Claim(
        "c",
        "Anisotropic covariance and ridge mismatch are what separate exact line search from Polyak's rate: with both "
        "removed they coincide, with each alone they do not.",
        f"least squares, label noise {problems.NOISE:g}, start of norm 0.7; SGD in dimension {d}, {effort.seeds} seeds",
        tuple(findings),
        tuple(panels),
    )


def _distance_gap(told: dict) -> float:
    """How much farther from the optimum line search is than Polyak at t = 8."""
    at = [
        float(told[kind]["distance_to_optimum"].sel(time=8.0, method="nearest")) for kind in (Polyak, ExactLineSearch)
    ]
    return at[1] - at[0]


def _simulated(effort: Effort) -> list[Finding]:
    """SGD under both rates on the anisotropic problem."""
    d = effort.dimension
    problem = problems.anisotropic(d, 0.6)
    findings = []
    for schedule in (Polyak(), ExactLineSearch()):
        told = forecast(problem, schedule, times=SIMULATED, start=problems.start(d))["distance_to_optimum"].values
        runs = simulate(problem, schedule, times=SIMULATED, seeds=effort.seeds, start=problems.start(d))
        mean, error = problems.mean_and_error(runs, "distance_to_optimum")
        name = "Polyak" if isinstance(schedule, Polyak) else "line search"
        what = f"SGD under {name}, two eigenvalues, radius 0.6: distance at t = {SIMULATED[-1]:g}"
        findings.append(
            agreement(what, told[-1], float(mean[-1]), float(error[-1]), 4 / d * told[-1], "bias of order 1/d")
        )
    return findings


def _logistic(dimension: int) -> Finding:
    """Both rates are greedy, so their order is no theorem: on two logistic classes line search is slightly ahead."""
    problem = problems.two_classes(dimension, 0.5)
    told = {}
    for schedule in (Polyak(), ExactLineSearch()):
        told[type(schedule)] = forecast(problem, schedule, times=[1.0, 4.0, 8.0], start=problems.start(dimension))
    lag = _distance_gap(told)
    return boundary(
        "logistic, two classes, radius 0.5: line search's lag in distance at t = 8",
        "no claim",
        lag,
        "the claim is about least squares; here line search is " + ("ahead" if lag < 0 else "behind"),
    )
