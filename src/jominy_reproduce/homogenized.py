"""Claim (d): homogenized SGD captures the evolution of the statistics of SGD."""

from __future__ import annotations

import numpy as np

from jominy.dynamics import Problem, forecast, homogenize, simulate
from jominy.schedules import Constant
from jominy_reproduce import problems
from jominy_reproduce.base import Claim, Curve, Effort, Finding, Panel, agreement, boundary

TIMES = (0.5, 1.0, 2.0, 4.0, 8.0)


def homogenized(effort: Effort) -> Claim:
    """Means over paths of the SDE against means over runs of SGD; and their spreads, which differ."""
    d = effort.dimension
    cases: list[tuple[str, Problem, float]] = [
        ("least squares, isotropic, radius 0.5", problems.isotropic(d, 0.5), 0.5),
        ("logistic, two classes in two levels, radius 0.5", problems.two_classes_in_levels(d, 0.5), 1.0),
    ]
    findings: list[Finding] = []
    panels: list[Panel] = []
    for name, problem, rate in cases:
        schedule, start = Constant(rate), problems.start(d)
        paths = homogenize(problem, schedule, times=TIMES, paths=2 * effort.seeds, start=start)
        runs = simulate(problem, schedule, times=TIMES, seeds=2 * effort.seeds, start=start)
        told = forecast(problem, schedule, time=TIMES[-1], start=start)
        for variable in ("adversarial_risk", "distance_to_optimum", "norm"):
            path_mean, path_error = problems.mean_and_error(paths, variable)
            run_mean, run_error = problems.mean_and_error(runs, variable)
            error = np.hypot(path_error, run_error)
            worst = problems.most_errors(path_mean - run_mean, error)
            findings.append(
                agreement(
                    f"{name}: mean {variable.replace('_', ' ')} at t = {TIMES[worst]:g}, SDE against SGD",
                    float(path_mean[worst]),
                    float(run_mean[worst]),
                    float(error[worst]),
                    6 / d * abs(float(run_mean[worst])),
                    "biases of order 1/d",
                )
            )
        spreads = [np.std(result["adversarial_risk"].values[:, -1], ddof=1) for result in (paths, runs)]
        ratio = float(spreads[0] / spreads[1])
        findings.append(
            boundary(
                f"{name}: spread of the risk over paths / over runs at t = {TIMES[-1]:g}",
                "no claim",
                ratio,
                "the SDE has the means right, not the spread of single runs: use bands or simulate for those",
                ratio / np.sqrt(2 * effort.seeds),
            )
        )
        x = np.array(TIMES)
        panels.append(
            Panel(
                name,
                "time (samples / d)",
                "adversarial risk",
                (
                    Curve("ODE", told["time"].values, told["adversarial_risk"].values),
                    Curve("homogenized SGD", x, *problems.mean_and_error(paths, "adversarial_risk")),
                    Curve("SGD (set aside by 2 %)", 1.02 * x, *problems.mean_and_error(runs, "adversarial_risk")),
                ),
            )
        )
    return Claim(
        "d",
        "Homogenized SGD, a stochastic differential equation, captures the evolution of the statistics of SGD.",
        f"dimension {d}, {2 * effort.seeds} paths and seeds, start of norm 0.7",
        tuple(findings),
        tuple(panels),
    )
