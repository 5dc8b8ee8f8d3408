"""Claim (e): the weight variance falls as predicted early, and where it stops doing so."""

from __future__ import annotations

import numpy as np

from jominy.meanfield import adversarial_loss, variance_slopes, weight_variance_curve
from jominy.study.claims.base import Claim, Curve, Finding, Panel, agreement, boundary, condition
from jominy.study.claims.networks.effort import DIM, NetworkEffort, over_networks, plain, residual

RADIUS = 0.8
"""A tenth of ||x||."""
STEPS, PER_HORIZON = 60, 20
"""Training goes to three horizons, with this many steps for each."""


def variance(effort: NetworkEffort) -> Claim:
    """Initial slopes with and without shortcuts, then a training on the adversarial loss of one input."""
    from jominy.networks import measure_weight_rate, noise

    findings: list[Finding] = []
    inputs = noise(effort.inputs, DIM, seed=4)
    width = effort.width
    for kind, network in (("no shortcuts", plain(width)), ("shortcuts", residual(width))):
        seen = measure_weight_rate(network, inputs, RADIUS, networks=2 * effort.networks, seed=70, progress=False)
        slopes = seen["weight_variance_rate"].values.mean(axis=-1)
        told = float(np.mean(variance_slopes(network, adversarial_loss(network, RADIUS, 2, 2))))
        error = float(slopes.std(ddof=1) / np.sqrt(len(slopes)))
        findings.append(
            agreement(
                f"{kind}: initial slope of the weight variance, mean over layers, times N",
                width * told,
                width * float(slopes.mean()),
                width * error,
                0.1 * abs(width * told),
                "finite width and radius",
            )
        )
    more, panel = _along_training(effort, width // 4)
    return Claim(
        "e",
        "Under training on the adversarial loss the weight variance falls as the mean-field law says, early; it stops "
        "where training has removed the loss by a low-rank change of the weights.",
        f"width {width}, in training {width // 4}; depth 4 and 8, radius {RADIUS}, {effort.networks} networks",
        (*findings, *more),
        (panel,),
    )


def _along_training(effort: NetworkEffort, width: int) -> tuple[list[Finding], Panel]:
    from jominy.networks import AdversarialLoss, LabelledInputs, RandomNetwork, noise, train

    network = plain(width)
    horizon = weight_variance_curve(network, RADIUS, [0], 1.0).attrs["sample_horizon_step"]
    rate = horizon / PER_HORIZON
    one = noise(1, DIM, seed=5).double()
    result = train(
        [RandomNetwork(network, seed=80 + k, dtype=one.dtype) for k in range(effort.networks)],
        LabelledInputs(one, [0]),
        AdversarialLoss(RADIUS, attack_steps=6),
        rate=rate,
        steps=STEPS,
        seed=8,
        record_every=2,
        progress=False,
    )
    steps = result["step"].values
    told = weight_variance_curve(network, RADIUS, steps, rate)["weight_variance"].values.mean(axis=-1)
    fall = result["weight_variance"].values.mean(axis=-1)
    fall = fall[:, :1] - fall
    mean, error = fall.mean(axis=0), fall.std(axis=0, ddof=1) / np.sqrt(len(fall))
    law = told[0] - told
    loss, _ = over_networks(result, "adversarial_loss")

    def share(step: int) -> tuple[float, float]:
        at = int(np.argmax(steps >= step))
        return float(mean[at] / law[at]), float(error[at] / law[at])

    early, early_error = share(2)
    late, late_error = share(STEPS)
    findings = [
        agreement(
            "fall of the weight variance over the law's, at a tenth of the horizon",
            1.0,
            early,
            early_error,
            0.15,
            "finite width, and the loss falls",
        ),
        condition("the same at three horizons", "< 0.75", late, late < 0.75, late_error, "the law stops holding"),
        boundary(
            "adversarial loss at three horizons over that at the start",
            "no claim",
            float(loss[-1] / loss[0]),
            "the loss falls by far more than the weight variance can explain",
        ),
        boundary(
            "relative fall of the weight variance at three horizons",
            "no claim",
            float(mean[-1] / told[0]),
            "what moves is of low rank",
            float(error[-1] / told[0]),
        ),
    ]
    time = steps / PER_HORIZON
    lines = (Curve("mean-field law", time, law), Curve("training", time, mean, error))
    return findings, Panel("fall of the weight variance", "time / horizon", "fall", lines)
