"""Claim (f): capacity falls."""

from __future__ import annotations

import numpy as np

from jominy.meanfield import radial_moments, weight_variance_curve
from jominy_reproduce.base import Claim, Curve, Finding, Panel, agreement, condition
from jominy_reproduce.networks.effort import CLASSES, NetworkEffort, over_networks, plain, residual
from jominy_reproduce.networks.together import OnLoss, OnNoise, measured, trained

RADIUS, STEPS, PER_HORIZON = 0.8, 40, 20


def capacity(effort: NetworkEffort) -> Claim:
    """The Fisher-Rao norm at initialisation, and along a training on the adversarial loss."""
    findings: list[Finding] = []
    curves: list[Curve] = []
    width = effort.width // 4
    networks = {"no shortcuts": plain(effort.width), "shortcuts": residual(effort.width)}
    moments = measured(
        [
            OnNoise(
                "measure_radial_moments",
                network,
                (),
                4 * effort.inputs,
                inputs_seed=6,
                networks=2 * effort.networks,
                seed=90,
            )
            for network in networks.values()
        ]
    )
    for (kind, network), seen in zip(networks.items(), moments, strict=True):
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
    smaller = {"no shortcuts": plain(width), "shortcuts": residual(width)}
    trainings = [
        OnLoss(
            network,
            RADIUS,
            attack_steps=4,
            inputs=8,
            inputs_seed=7,
            rate=weight_variance_curve(network, RADIUS, [0], 1.0).attrs["sample_horizon_step"] / PER_HORIZON,
            steps=STEPS,
            record_every=4,
        )
        for network in smaller.values()
    ]
    for kind, result in zip(smaller, trained(trainings, range(95, 95 + effort.networks)), strict=True):
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
