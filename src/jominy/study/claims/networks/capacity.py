"""Claim (f): capacity falls."""

from __future__ import annotations

import numpy as np

from jominy.meanfield import radial_moments, weight_variance_curve
from jominy.study.claims.base import Claim, Curve, Finding, Panel, agreement, condition
from jominy.study.claims.networks.effort import CLASSES, DIM, NetworkEffort, over_networks, plain, residual

RADIUS, STEPS, PER_HORIZON = 0.8, 40, 20


def capacity(effort: NetworkEffort) -> Claim:
    """The Fisher-Rao norm at initialisation, and along a training on the adversarial loss."""
    from jominy.networks import AdversarialLoss, LabelledInputs, RandomNetwork, measure_radial_moments, noise, train

    findings: list[Finding] = []
    curves: list[Curve] = []
    inputs, few = noise(4 * effort.inputs, DIM, seed=6), noise(8, DIM, seed=7).double()
    width = effort.width // 4
    for kind, network in (("no shortcuts", plain(effort.width)), ("shortcuts", residual(effort.width))):
        seen = measure_radial_moments(network, inputs, networks=2 * effort.networks, seed=90, progress=False)
        mean, error = over_networks(seen, "radial_variance")
        scale = 1 - 1 / CLASSES
        told = scale * float(radial_moments(network).radial)
        findings.append(
            agreement(
                f"{kind}: squared Fisher-Rao norm at initialisation (cross-entropy)",
                told,
                scale * float(mean),
                scale * float(error),
                0.1 * told,
                "finite width",
            )
        )
    for kind, network in (("no shortcuts", plain(width)), ("shortcuts", residual(width))):
        horizon = weight_variance_curve(network, RADIUS, [0], 1.0).attrs["sample_horizon_step"]
        result = train(
            [RandomNetwork(network, seed=95 + k, dtype=few.dtype) for k in range(effort.networks)],
            LabelledInputs(few, np.zeros(8, dtype=int)),
            AdversarialLoss(RADIUS, attack_steps=4),
            rate=horizon / PER_HORIZON,
            steps=STEPS,
            seed=9,
            record_every=4,
            progress=False,
        )
        values = result["fisher_rao_norm"].values
        ratio = values / values[:, :1]
        mean, error = ratio.mean(axis=0), ratio.std(axis=0, ddof=1) / np.sqrt(len(ratio))
        findings.append(
            condition(
                f"{kind}: Fisher-Rao norm after two horizons over that at the start",
                "< 1",
                float(mean[-1]),
                float(mean[-1] + 3.5 * error[-1]) < 1,
                float(error[-1]),
            )
        )
        curves.append(Curve(kind, result["step"].values / PER_HORIZON, mean, error))
    return Claim(
        "f",
        "Adversarial training lowers the capacity, as the Fisher-Rao norm measures it.",
        f"width {effort.width} (training: {width}), depth 4 and 8, radius {RADIUS}, {effort.networks} networks",
        tuple(findings),
        (Panel("training on the adversarial loss", "time / horizon", "Fisher-Rao norm / start", tuple(curves)),),
    )
