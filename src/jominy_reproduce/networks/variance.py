"""Claim (e): the weight variance falls as predicted early, and where it stops doing so."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from jominy.meanfield import Architecture, adversarial_loss, weight_variance_curve
from jominy_reproduce.base import Claim, Curve, Finding, Panel, agreement, boundary, condition
from jominy_reproduce.networks.effort import DIM, NetworkEffort, over_networks, plain, residual
from jominy_reproduce.networks.together import OnLoss, OnNoise, measured, trained

RADIUS = 0.8
"""A tenth of ||x|| where d is 64."""
WIDE = 256
"""Input dimension for the slopes: with shortcuts the law leaves out terms of order 1/d, a tenth at d = 64."""
STEPS, PER_HORIZON = 60, 20
"""Training goes to three horizons, with this many steps for each."""


def variance(effort: NetworkEffort) -> Claim:
    """Initial slopes with and without shortcuts, then a training on the adversarial loss of one input."""
    findings: list[Finding] = []
    width, count = effort.width, 4 * effort.networks  # without shortcuts the networks hardly differ
    radius = RADIUS * math.sqrt(WIDE / DIM)
    networks = {"no shortcuts": plain(width, input_dim=WIDE), "shortcuts": residual(width, input_dim=WIDE)}
    rates = measured(
        [
            OnNoise("measure_weight_rate", network, (radius,), effort.inputs, inputs_seed=4, networks=many, seed=70)
            for network, many in zip(networks.values(), (effort.networks, count), strict=True)
        ]
    )
    for (kind, network), seen in zip(networks.items(), rates, strict=True):
        slopes = seen["weight_variance_rate"].values.mean(axis=-1)
        told = _slope(network, radius)
        error = float(slopes.std(ddof=1) / np.sqrt(len(slopes)))
        findings.append(
            agreement(
                f"{kind}: initial slope of the weight variance, mean over layers, times N",
                width * told,
                width * float(slopes.mean()),
                width * error,
                0.1 * abs(width * told),
                "terms of order 1/d and 1/N",
            )
        )
    more, panel = _along_training(effort, width // 4)
    return Claim(
        "e",
        "Under training on the adversarial loss the weight variance falls as the mean-field law says, early; it stops "
        "where training has removed the loss by a low-rank change of the weights.",
        f"width {width}, d {WIDE} (training: {width // 4}, {DIM}), depth 4 and 8, radius 0.1 ||x||, "
        f"{effort.networks} to {count} networks",
        (*findings, *more),
        (panel,),
    )


def _slope(network: Architecture, radius: float) -> float:
    """d sw2/dt, mean over layers: -(2/(N L)) dE L_adv/d ln W by Euler's identity, W all the weights at once.

    Without shortcuts `variance_slopes`; with them it has the growth of beta with sw2 at finite width as well, 5 % here.
    """
    step = np.array([-1e-4, 1e-4])
    varied = replace(network, weight_variance=network.weight_variance * np.exp(2 * step))
    low, high = adversarial_loss(varied, radius, 2, 2)
    return float(-2 / (network.width * network.depth) * (high - low) / (step[1] - step[0]))


def _along_training(effort: NetworkEffort, width: int) -> tuple[list[Finding], Panel]:
    network = plain(width)
    horizon = weight_variance_curve(network, RADIUS, [0], 1.0).attrs["sample_horizon_step"]
    rate = horizon / PER_HORIZON
    training = OnLoss(network, RADIUS, attack_steps=6, inputs=1, inputs_seed=5, rate=rate, steps=STEPS, record_every=2)
    (result,) = trained([training], range(80, 80 + effort.networks))
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
    return findings, Panel(
        "fall of the weight variance", "time / horizon", "fall of $\\sigma_w^2$ since the start", lines
    )
