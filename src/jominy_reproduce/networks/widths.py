"""Claim (d): width helps."""

from __future__ import annotations

import numpy as np

from jominy_reproduce.base import Claim, Curve, Finding, Panel, boundary, condition
from jominy_reproduce.networks.effort import NetworkEffort, plain
from jominy_reproduce.networks.trials import Trial, run_all

RADIUS, DEPTH, WIDTHS = 1.0, 10, (48, 96, 144, 208)


def widths(effort: NetworkEffort) -> Claim:
    """Clean accuracy after adversarial training of deep networks without shortcuts, against the width."""
    trials = [Trial(plain(width, depth=DEPTH), RADIUS, steps=200) for width in WIDTHS]
    jobs = [(trial, seed, True) for trial in reversed(trials) for seed in range(60, 60 + effort.networks)]
    seen = run_all(jobs)[:, 0].reshape(len(trials), -1)[::-1]  # the longest first
    index = np.array([trial.index() for trial in trials])
    mean, error = seen.mean(axis=1), seen.std(axis=1, ddof=1) / np.sqrt(effort.networks)
    gain, spread = float(mean[-1] - mean[0]), float(np.hypot(error[-1], error[0]))
    findings: list[Finding] = [
        condition(
            f"clean accuracy at width {WIDTHS[-1]} minus at width {WIDTHS[0]}", "> 0", gain, gain > 3 * spread, spread
        ),
        condition(
            f"index tau at width {WIDTHS[0]}: below 0.25, and the accuracy below 0.9",
            "< 0.25",
            float(index[0]),
            bool(index[0] < 0.25 and mean[0] < 0.9),
        ),
    ]
    findings += [
        boundary(
            f"width {width}: clean accuracy (tau {index[k]:.2g})",
            "rises with the width",
            mean[k],
            "as tau does",
            float(error[k]),
        )
        for k, width in enumerate(WIDTHS)
    ]
    x = np.array(WIDTHS, dtype=float)
    panels = (
        Panel(
            f"depth {DEPTH}, no shortcuts", "width", "clean accuracy", (Curve("SGD", x, mean, error),), (True, False)
        ),
        Panel(
            "the index",
            "width",
            "trainability index tau",
            (Curve("closed form", x, index), Curve("threshold", x, np.full(len(x), 0.25))),
            (True, True),
        ),
    )
    return Claim(
        "d",
        "Width helps: the wider, the more of its accuracy a deep network without shortcuts keeps.",
        f"radius {RADIUS:g}, depth {DEPTH}, learning rate 1/N, 200 steps of 32, {effort.networks} networks each",
        tuple(findings),
        panels,
    )
