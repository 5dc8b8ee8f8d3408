"""Claim (a): the deterministic equivalent predicts the curves of SGD."""

from __future__ import annotations

import numpy as np

from jominy.dynamics import Problem, forecast, simulate
from jominy.schedules import Constant, Schedule
from jominy_reproduce import problems
from jominy_reproduce.base import Claim, Curve, Effort, Finding, Panel, agreement

TIMES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
FINE = tuple(np.linspace(0.0, 8.0, 65).tolist())  # holds all of TIMES
CONCENTRATION = (100, 200, 400, 800, 1600)


def curves(effort: Effort) -> Claim:
    """Risk, distance, norm and accuracy of SGD against the ODE, and the fall of one run's error with d."""
    d = effort.dimension
    cases: list[tuple[str, Problem, Schedule]] = [
        ("least squares, power law, radius 0.5", problems.power(d, 0.5), Constant(0.5)),
        ("logistic, two classes, radius 0.5", problems.two_classes(d, 0.5), Constant(1.0)),
    ]
    findings: list[Finding] = []
    panels: list[Panel] = []
    for name, problem, schedule in cases:
        told = forecast(problem, schedule, times=FINE, start=problems.start(d))
        at = told.sel(time=list(TIMES))
        runs = simulate(problem, schedule, times=TIMES, seeds=effort.seeds, start=problems.start(d))
        names = ["adversarial_risk", "distance_to_optimum", "norm"]
        names += ["adversarial_accuracy"] if "adversarial_accuracy" in told else ["alignment"]
        lines: list[Curve] = []
        for variable in names:
            mean, error = problems.mean_and_error(runs, variable)
            expected = at[variable].values
            worst = problems.most_errors(mean - expected, error)
            allowance = 4 / d * abs(float(expected[worst]))
            what = f"{name}: {variable.replace('_', ' ')} at t = {TIMES[worst]:g}, the worst of {len(TIMES)} times"
            close = agreement(
                what, float(expected[worst]), float(mean[worst]), float(error[worst]), allowance, "bias of order 1/d"
            )
            findings.append(close)
            if variable in ("adversarial_risk", "distance_to_optimum"):
                label = variable.replace("_", " ")
                lines += [
                    Curve(label, np.array(FINE), told[variable].values),
                    Curve(label, np.array(TIMES), mean, error),
                ]
        panels.append(Panel(name, "time (samples / d)", "risk, distance", tuple(lines)))
    slope, slope_error, points = _concentration(effort.seeds)
    findings.append(
        agreement(
            "one run's error falls like d to the power", -0.5, slope, slope_error, 0.02, "corrections of order 1/d"
        )
    )
    line = points[0, 1] * (points[:, 0] / points[0, 0]) ** -0.5
    panels.append(
        Panel(
            "error of one run",
            "dimension d",
            "rms difference of the adversarial risk",
            (Curve("d^(-1/2)", points[:, 0], line), Curve("SGD", points[:, 0], points[:, 1], points[:, 2])),
            (True, True),
        )
    )
    return Claim(
        "a",
        "The ODE predicts the adversarial risk, the distance to adversarial optimality and the other "
        "statistics of SGD.",
        f"SGD in dimension {d}, {effort.seeds} seeds, start of norm 0.7",
        tuple(findings),
        tuple(panels),
    )


def _concentration(seeds: int) -> tuple[float, float, np.ndarray]:
    """Slope of log error against log d, its standard error, and (d, error, standard error) rows."""
    rows = []
    for d in CONCENTRATION:
        problem, schedule = problems.isotropic(d, 0.5), Constant(0.5)
        times = TIMES[1:5]
        told = forecast(problem, schedule, times=times, start=problems.start(d))["adversarial_risk"].values
        runs = simulate(problem, schedule, times=times, seeds=2 * seeds, start=problems.start(d))
        squares = np.mean((runs["adversarial_risk"].values - told) ** 2, axis=1)
        size = np.sqrt(squares.mean())
        rows.append((d, size, squares.std(ddof=1) / np.sqrt(len(squares)) / (2 * size)))
    points = np.array(rows)
    x, y, weight = np.log(points[:, 0]), np.log(points[:, 1]), (points[:, 1] / points[:, 2]) ** 2
    centred = x - weight @ x / weight.sum()
    return (
        float(weight * centred @ y / (weight * centred @ centred)),
        float((weight * centred @ centred) ** -0.5),
        points,
    )
