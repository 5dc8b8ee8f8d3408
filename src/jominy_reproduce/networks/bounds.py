"""Claim (b): the bounds of the adversarial loss hold, and are tight, for nine pairs of norms."""

from __future__ import annotations

import math

import numpy as np

from jominy.meanfield import adversarial_loss, adversarial_loss_bound
from jominy_reproduce.base import MANY_ERRORS, Claim, Curve, Finding, Panel, agreement, boundary, condition
from jominy_reproduce.networks.effort import DIM, NetworkEffort, over_networks, plain, residual
from jominy_reproduce.networks.together import OnNoise, measured

NORMS = (1.0, 2.0, math.inf)
RELATIVE = (0.03, 0.3, 1.0, 2.0)
"""Radii in units of ||x||."""
HOLDS_TO = {"no shortcuts": 2.0, "shortcuts": 0.3}
"""Radii up to which the bound is one: along x itself ReLU with shortcuts carries more than omega^L, and an attack of
the size of ||x|| reaches that direction (`affine_law`: signal variance)."""


def bounds(effort: NetworkEffort) -> Claim:
    """Operator norms for nine pairs; adversarial losses against the radius; both with and without shortcuts."""
    networks = {"no shortcuts": plain(effort.width), "shortcuts": residual(effort.width)}
    radii = np.sqrt(DIM) * np.array(RELATIVE)
    count = 2 * effort.networks
    asked = (
        ("measure_adversarial_loss", (radii.tolist(),), count),
        ("measure_operator_norms", (), 2 * count),  # cheaper
    )
    results = iter(
        measured(
            [
                OnNoise(measure, network, arguments, effort.inputs, inputs_seed=2, networks=many, seed=20)
                for network in networks.values()
                for measure, arguments, many in asked
            ]
        )
    )
    findings: list[Finding] = []
    panels: list[Panel] = []
    exact = [Curve("theory", np.array([0.4, 40.0]), np.ones(2))]
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
                float(seen[worst] - MANY_ERRORS * noise_[worst]) <= upper[worst],
                float(noise_[worst] / upper[worst]),
                f"Chevet's bound with the correction for finite width; up to {MANY_ERRORS} standard errors",
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
        share, doubt = loss / bound, spread / bound
        top = int(np.argmax(np.where(np.array(RELATIVE) <= HOLDS_TO[kind], share, 0.0)))
        findings.append(
            condition(
                f"{kind}: largest share of the bound over radii up to {HOLDS_TO[kind]:g} ||x||",
                "<= 1",
                float(share[top]),
                bool(share[top] - MANY_ERRORS * doubt[top] <= 1),
                float(doubt[top]),
                f"up to {MANY_ERRORS} standard errors",
            )
        )
        findings.append(
            boundary(
                f"{kind}: share of the bound at radius {RELATIVE[-1]:g} ||x||",
                "above 1 with ReLU and shortcuts, below without",
                float(share[-1]),
                "the bound leaves out what ReLU with shortcuts carries along x itself",
                float(doubt[-1]),
            )
        )
        ratios = (
            Curve("small-radius law", np.array(RELATIVE), told / told),
            Curve("bound", np.array(RELATIVE), bound / told),
            Curve("attack", np.array(RELATIVE), loss / told, spread / told),
        )
        panels.append(Panel(kind, "radius / ||x|| (l2)", "adversarial loss / small-radius law", ratios, (True, False)))
        exact.append(Curve(kind, sharp, seen / sharp, noise_ / sharp))
    return Claim(
        "b",
        "The adversarial loss stays below eps omega^(L/2) beta_pq, for all nine pairs of norms, and comes near to it "
        "(with ReLU and shortcuts as long as the radius is small beside ||x||).",
        f"ReLU, width {effort.width}, d {DIM}, depth 4 and 8, {2 * count} networks (losses: {count}), "
        f"{effort.inputs} inputs each",
        tuple(findings),
        (
            Panel(
                "operator norms, nine pairs", "predicted norm of J", "measured / predicted", tuple(exact), (True, False)
            ),
            *panels,
        ),
    )
