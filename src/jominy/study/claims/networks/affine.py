"""Claim (a): at each input a wide random network is an affine map with Gaussian J and a, whatever the data."""

from __future__ import annotations

import numpy as np

from jominy.meanfield import affine_law, width_dimension
from jominy.study.claims.base import Claim, Curve, Finding, Panel, agreement
from jominy.study.claims.networks.effort import DIM, NetworkEffort, over_networks, plain, residual

TIMES_AS_MANY = 8
"""Networks, of what the other claims take: one network's variances stray by 6 to 14 %, and 4 % is asked for."""


def affine(effort: NetworkEffort) -> Claim:
    """Variances of J and a on digits, noise and one-hot inputs, and the fourth moment of J's entries."""
    from jominy.networks import RandomNetwork, digits, measure_affine_law, noise, one_hot

    data = {
        "digits": digits(count=effort.inputs).inputs,
        "noise": noise(effort.inputs, DIM, seed=1),
        "one-hot": one_hot(DIM, effort.inputs),
    }
    networks = {
        "no shortcuts": plain(effort.width, depth=5, bias_variance=0.2),
        "shortcuts": residual(effort.width, bias_variance=0.2),
    }
    count = TIMES_AS_MANY * effort.networks
    findings: list[Finding] = []
    curves: list[Curve] = []
    grid = np.linspace(-3.2, 3.2, 161)
    curves.append(Curve("Gaussian", grid, np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)))
    for kind, network in networks.items():
        law = affine_law(network)
        for name, inputs in data.items():
            seen = measure_affine_law(network, inputs, networks=count, seed=10, progress=False)
            told = (
                ("variance of J, times d", DIM * law.jacobian_variance, "jacobian_variance", DIM),
                ("variance of a", law.exact_offset_variance, "offset_variance", 1),
            )
            for what, predicted, variable, unit in told:
                mean, error = over_networks(seen, variable)
                findings.append(
                    agreement(
                        f"{kind}, {name}: {what}",
                        float(predicted),
                        float(unit * mean),
                        float(unit * error),
                        0.04 * float(predicted),
                        "finite width",
                    )
                )
        rows = data["digits"]
        entries = [
            RandomNetwork(network, seed=s).affine_parts(rows)[0].numpy() for s in range(10, 10 + effort.networks)
        ]
        standard = np.stack([(one / one.std()).ravel() for one in entries])
        fourth = (standard**4).mean(axis=1)
        findings.append(
            agreement(
                f"{kind}, digits: fourth moment of J's entries in units of the variance squared",
                3.0,
                float(fourth.mean()),
                float(fourth.std(ddof=1) / np.sqrt(len(fourth))),
                6 / float(width_dimension(network)),
                "finite width: twice 3/dN",
            )
        )
        counts = np.stack([np.histogram(one, bins=32, range=(-3.2, 3.2), density=True)[0] for one in standard])
        centres = np.linspace(-3.1, 3.1, 32)
        curves.append(Curve(kind, centres, counts.mean(0), counts.std(0, ddof=1) / np.sqrt(len(counts))))
    return Claim(
        "a",
        "At each input a wide random network is an affine map J x + a; J and a are Gaussian, with the variances of "
        "Theorem 4.1, whatever the data (with shortcuts and ReLU, a's variance is the corrected one).",
        f"ReLU, width {effort.width}, depth 5 and 8, {count} networks, {effort.inputs} inputs each",
        tuple(findings),
        (Panel("entries of J on digits", "entry / standard deviation", "density", tuple(curves), (False, True)),),
    )
