"""Claim (d): clean and adversarial on every sample, or by a coin: one drift, another noise."""

from __future__ import annotations

import numpy as np

from jominy.data import LinearTeacher, two_level
from jominy.dynamics import Problem, forecast, optimum, simulate
from jominy.losses import CoinFlip, Mixed, SquaredLoss
from jominy.schedules import Constant
from jominy_reproduce import problems
from jominy_reproduce.base import MANY_ERRORS, Claim, Curve, Effort, Panel, agreement, condition

RADIUS, RATE, SLOW = 0.9, 0.8, 0.01
NOISE = 0.25
TIMES = (1.0, 4.0, 10.0)


def mixing(effort: Effort) -> Claim:
    """Optima, slow curves, and SGD of the coin against the forecasts of both."""
    d = effort.dimension
    data = LinearTeacher(two_level(d, 1.6, 0.4), 1.0, NOISE)
    mixed, coin = (Problem(data, SquaredLoss(), RADIUS, objective=one(0.5)) for one in (Mixed, CoinFlip))
    findings = [
        agreement(
            "risk of the optimum, coin against mixture",
            optimum(mixed).adversarial_risk,
            optimum(coin).adversarial_risk,
            0.0,
            1e-10,
            "two computations",
        )
    ]
    slow = [float(forecast(one, Constant(SLOW), times=[100.0])["adversarial_risk"].values[-1]) for one in (mixed, coin)]
    what = f"risk at rate {SLOW:g}, time 100, coin against mixture"
    findings.append(agreement(what, slow[0], slow[1], 0.0, SLOW * slow[0], "noise of the order of the rate"))
    how = {"times": list(TIMES), "start": 0.7}
    told = {name: forecast(one, Constant(RATE), **how) for name, one in (("mixture", mixed), ("coin", coin))}  # type: ignore[arg-type]
    means, errors = {}, {}
    for name, one in (("mixture", mixed), ("coin", coin)):
        runs = simulate(one, Constant(RATE), seeds=4 * effort.seeds, progress=False, **how)  # type: ignore[arg-type]
        means[name], errors[name] = problems.mean_and_error(runs, "adversarial_risk")
        for k, time in enumerate(TIMES):
            predicted = float(told[name]["adversarial_risk"].values[k])
            what = f"{name}: risk of SGD at time {time:g}"
            bias = 2 / d * predicted
            findings.append(
                agreement(what, predicted, float(means[name][k]), float(errors[name][k]), bias, "bias of order 1/d")
            )
    off = float(means["coin"][-1] - told["mixture"]["adversarial_risk"].values[-1])
    error = float(errors["coin"][-1])
    what = f"SGD of the coin above the mixture's forecast at time {TIMES[-1]:g}"
    findings.append(condition(what, f"more than {MANY_ERRORS} standard errors", off, off > MANY_ERRORS * error, error))
    curves = []
    for name in ("mixture", "coin"):
        fine = forecast(mixed if name == "mixture" else coin, Constant(RATE), time=TIMES[-1], start=0.7)
        curves.append(Curve(name, fine["time"].values, fine["adversarial_risk"].values))
        curves.append(Curve(name, np.array(TIMES), means[name], errors[name]))
    return Claim(
        "d",
        "Half clean and half adversarial on the same sample, or by a coin: the same optimum and the same curve as the "
        "rate goes to zero; at a finite rate the coin is noisier and ends higher.",
        f"least squares, eigenvalues 1.6 and 0.4, label noise {NOISE:g}, radius {RADIUS:g}, rate {RATE:g}; SGD in "
        f"dimension {d}",
        tuple(findings),
        (Panel("the same drift, another noise", "time", "risk that is minimised", tuple(curves)),),
    )
