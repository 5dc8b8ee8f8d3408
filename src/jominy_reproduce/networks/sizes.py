"""Claim (g): input and output dimension act on the adversarial loss as predicted."""

from __future__ import annotations

import math

import numpy as np

from jominy.meanfield import Architecture, adversarial_loss
from jominy_reproduce.base import Claim, Curve, Finding, Panel, agreement
from jominy_reproduce.networks.effort import NetworkEffort, over_networks, plain
from jominy_reproduce.networks.together import OnNoise, measured

INPUTS, OUTPUTS = (16, 64, 256), (2, 10, 40)
PAIRS = ((1.0, 2.0), (2.0, 2.0), (math.inf, 2.0))
OUTWARD = ((2.0, 1.0), (2.0, 2.0), (2.0, math.inf))


def sizes(effort: NetworkEffort) -> Claim:
    """Losses at a small radius against d for three attacks, and against K for three norms of the output."""
    findings: list[Finding] = []

    def network_of(name: str, value: int) -> Architecture:
        return plain(effort.width, input_dim=value) if name == "input_dim" else plain(effort.width, output_dim=value)

    def swept(name: str, values: tuple[int, ...], pairs: tuple[tuple[float, float], ...]) -> tuple[Curve, ...]:
        networks = [network_of(name, value) for value in values]
        seen = measured(
            [
                OnNoise("measure_operator_norms", network, (), effort.inputs, 3, networks=effort.networks, seed=30)
                for network in networks
            ]
        )
        x, curves = np.array(values, dtype=float), []
        fine = np.unique(np.round(np.geomspace(values[0], values[-1], 30)))
        for p, q in pairs:
            stats = [over_networks(one.sel(p=p, q=q), "operator_norm") for one in seen]
            mean, error = np.array(stats).T
            told = np.array([float(adversarial_loss(network, 1.0, p, q)) for network in networks])
            law = [float(adversarial_loss(network_of(name, int(value)), 1.0, p, q)) for value in fine]
            label = f"l{p:g} to l{q:g}"
            curves += [Curve(label, fine, np.array(law)), Curve(label, x, mean, error)]
            slope = float(np.log(mean[-1] / mean[0]) / np.log(x[-1] / x[0]))
            slope_error = float(np.hypot(error[-1] / mean[-1], error[0] / mean[0]) / np.log(x[-1] / x[0]))
            predicted = float(np.log(told[-1] / told[0]) / np.log(x[-1] / x[0]))
            word = "d" if name == "input_dim" else "K"
            findings.append(
                agreement(
                    f"loss per radius, {label}: exponent in {word} from {values[0]} to {values[-1]}",
                    predicted,
                    slope,
                    slope_error,
                    0.03,
                    "finite width",
                )
            )
        return tuple(curves)

    panels = (
        Panel("10 outputs", "input dimension d", "loss per radius", swept("input_dim", INPUTS, PAIRS), (True, True)),
        Panel(
            "input dimension 64", "outputs K", "loss per radius", swept("output_dim", OUTPUTS, OUTWARD), (True, True)
        ),
    )
    return Claim(
        "g",
        "Input and output dimension act as predicted: l_inf attacks gain like sqrt(d), l_2 attacks not at all, l_1 "
        "attacks lose; the l_1 loss grows like sqrt(K).",
        f"ReLU without shortcuts, depth 4, width {effort.width}, {effort.networks} networks, {effort.inputs} inputs",
        tuple(findings),
        panels,
    )
