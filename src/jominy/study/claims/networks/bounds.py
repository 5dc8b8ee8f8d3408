"""Claim (b): the bounds of the adversarial loss hold, and are tight, for nine pairs of norms."""

from __future__ import annotations

import math

import numpy as np

from jominy.meanfield import adversarial_loss, adversarial_loss_bound
from jominy.study.claims.base import Claim, Curve, Finding, Panel, agreement, boundary, condition
from jominy.study.claims.networks.effort import DIM, NetworkEffort, over_networks, plain, residual
from jominy.study.claims.networks.together import OnNoise, measured

NORMS = (1.0, 2.0, math.inf)
RELATIVE = (0.03, 0.1, 0.3, 1.0, 2.0)
"""Radii in units of ||x||."""


def bounds(effort: NetworkEffort) -> Claim:
    """Operator norms for nine pairs; adversarial losses against the radius; both with and without shortcuts."""
    networks = {"no shortcuts": plain(effort.width), "shortcuts": residual(effort.width)}
    radii = np.sqrt(DIM) * np.array(RELATIVE)
    asked = (("measure_adversarial_loss", (radii.tolist(),)), ("measure_operator_norms", ()))
    results = iter(
        measured(
            [
                OnNoise(measure, network, arguments, effort.inputs, inputs_seed=2, networks=effort.networks, seed=20)
                for network in networks.values()
                for measure, arguments in asked
            ]
        )
    )
    findings: list[Finding] = []
    panels: list[Panel] = []
    for kind, network in networks.items():
        losses, norms = next(results), next(results)
        mean, error = over_networks(norms, "operator_norm")
        pairs = [(p, q) for p in NORMS for q in NORMS]
        seen, noise_ = mean.ravel(), error.ravel()
        sharp = np.array([float(adversarial_loss(network, 1.0, p, q)) for p, q in pairs])
        upper = np.array([float(adversarial_loss_bound(network, 1.0, p, q, finite_width=True)) for p, q in pairs])
        for k, (p, q) in enumerate(pairs):
            what = f"{kind}: ||J|| from l{p:g} to l{q:g}"
            findings.append(
                agreement(what, sharp[k], float(seen[k]), float(noise_[k]), 0.07 * sharp[k], "finite width")
            )
        worst = int(np.argmax(seen / upper))
        findings.append(
            condition(
                f"{kind}: largest share of the bound over the pairs (l{pairs[worst][0]:g} to l{pairs[worst][1]:g})",
                "<= 1",
                float(seen[worst] / upper[worst]),
                float(seen[worst] - 3.5 * noise_[worst]) <= upper[worst],
                float(noise_[worst] / upper[worst]),
                "Chevet's bound with the correction for finite width; up to 3.5 standard errors",
            )
        )
        loss, spread = over_networks(losses, "adversarial_loss")
        told = np.array([float(adversarial_loss(network, radius, 2, 2)) for radius in radii])
        bound = np.array([float(adversarial_loss_bound(network, radius, 2, 2, finite_width=True)) for radius in radii])
        findings.append(
            agreement(
                f"{kind}: adversarial loss (l2, l2) at radius {RELATIVE[0]:g} ||x||",
                told[0],
                float(loss[0]),
                float(spread[0]),
                0.1 * told[0],
                "finite width and radius",
            )
        )
        above = float(np.max(loss / bound))
        findings.append(
            condition(
                f"{kind}: largest share of the bound over radii up to {RELATIVE[-1]:g} ||x||",
                "<= 1",
                above,
                bool(np.all(loss - 3.5 * spread <= bound)),
                float(np.max(spread / bound)),
            )
        )
        findings.append(
            boundary(
                f"{kind}: loss over small-radius law at radius {RELATIVE[-1]:g} ||x||",
                "1 with shortcuts, less without",
                float(loss[-1] / told[-1]),
                "the bound is tight at every radius with shortcuts, at small ones without",
                float(spread[-1] / told[-1]),
            )
        )
        lines = (
            Curve("bound", radii, bound),
            Curve("small-radius law", radii, told),
            Curve("attack", radii, loss, spread),
        )
        panels.append(Panel(kind, "radius (l2 norm)", "adversarial loss (l2)", lines, (True, True)))
    return Claim(
        "b",
        "The adversarial loss stays below eps omega^(L/2) beta_pq, for all nine pairs of norms, and comes near to it.",
        f"ReLU, width {effort.width}, d {DIM}, depth 4 and 8, {effort.networks} networks, {effort.inputs} inputs each",
        tuple(findings),
        tuple(panels),
    )
