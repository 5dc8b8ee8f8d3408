"""Claim (e): an attack along the covariance of the data costs no direction: the optimum stays Fisher's."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from jominy.attacks import L2, Attack, Mahalanobis
from jominy.data import GaussianMixture, spectrum
from jominy.dynamics import Problem, forecast, optimum, simulate
from jominy.losses import LogisticLoss
from jominy.schedules import Constant
from jominy_reproduce import problems
from jominy_reproduce.base import Claim, Curve, Effort, Panel, agreement, boundary, condition

RADII = (0.0, 0.3, 0.8)
RATE, TIMES = 0.3, (3.0, 15.0)


def fisher(effort: Effort) -> Claim:
    """Directions and accuracies of optima under attacks along the covariance, and SGD on the way there."""
    d = effort.dimension
    k = np.where(np.arange(d) % 2 == 0, 1.6, 0.4)
    mean = problems.spread(d, 1.0, 0.6, 1.2)
    direction = mean / k

    def posed(radius: float, attack: Attack) -> Problem:
        data = GaussianMixture([0.5, 0.5], [mean, -mean], [spectrum(k)] * 2, labels=[1, -1])
        return Problem(data, LogisticLoss(), radius, attack)

    findings, accuracies, best = [], [], []
    distance = float(np.sqrt(np.sum(mean**2 / k)))
    for radius in RADII:
        problem = posed(radius, Mahalanobis(k))
        vector = optimum(problem).vector
        assert vector is not None
        cosine = float(vector @ direction / np.linalg.norm(vector) / np.linalg.norm(direction))
        what = f"radius {radius:g}: cosine of the optimum and Fisher's direction"
        findings.append(condition(what, "1", cosine, abs(cosine - 1) < 1e-9))
        margin = (vector @ mean - radius * np.sqrt(k @ vector**2)) / np.sqrt(k @ vector**2)
        accuracies.append(float(ndtr(margin)))
        best.append(float(ndtr(distance - radius)))
        what = f"radius {radius:g}: adversarial accuracy of the optimum, the best that any vector has"
        findings.append(agreement(what, best[-1], accuracies[-1], 0.0, 1e-9, "a closed form"))
        how = {"times": list(TIMES), "start": 0.5}
        told = forecast(problem, Constant(RATE), **how)  # type: ignore[arg-type]
        runs = simulate(problem, Constant(RATE), seeds=effort.seeds, progress=False, **how)  # type: ignore[arg-type]
        seen, error = problems.mean_and_error(runs, "adversarial_accuracy")
        predicted = float(told["adversarial_accuracy"].values[-1])
        what = f"radius {radius:g}: adversarial accuracy of SGD at time {TIMES[-1]:g}"
        findings.append(
            agreement(what, predicted, float(seen[-1]), float(error[-1]), 2 / d, "bias of order 1/d"),
        )
    vector = optimum(posed(0.8, L2())).vector
    assert vector is not None
    cosine = float(vector @ direction / np.linalg.norm(vector) / np.linalg.norm(direction))
    findings.append(
        boundary("l2, radius 0.8: cosine of the optimum and Fisher's direction", "below 1", cosine, "l2 turns it")
    )
    radii = np.linspace(0.0, 1.5, 31)
    curves = (
        Curve("Phi(distance - radius)", radii, ndtr(distance - radii)),
        Curve("optimum", np.array(RADII), np.array(accuracies), np.zeros(len(RADII))),
    )
    return Claim(
        "e",
        "Under an attack along the covariance of the data, common to two classes, the optimum keeps Fisher's direction "
        "at every radius and only shrinks: no accuracy is traded for robustness.",
        f"logistic regression, two classes, eigenvalues 1.6 and 0.4, dimension {d}; SGD at rate {RATE:g}",
        tuple(findings),
        (Panel("no trade-off", "radius of the attack", "adversarial accuracy", curves),),
    )
