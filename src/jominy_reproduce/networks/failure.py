"""Claim (c): deep networks without shortcuts fail under adversarial training; which yardstick foretells it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jominy_reproduce.base import MANY_ERRORS, Claim, Curve, Finding, boundary, condition
from jominy_reproduce.networks.effort import NetworkEffort, plain, residual
from jominy_reproduce.networks.ranking import ranking
from jominy_reproduce.networks.trials import KEPT, Trial, run_all

RADIUS, WIDTH = 1.3, 96


def failure(effort: NetworkEffort) -> Claim:
    """Four networks trained with and without the adversarial term, then a ranking of many."""
    cases = {
        "depth 12, no shortcuts": (Trial(plain(WIDTH, depth=12), RADIUS), False),
        "depth 12, shortcuts": (Trial(residual(WIDTH, depth=12), RADIUS), True),
        "depth 2, no shortcuts": (Trial(plain(WIDTH, depth=2), RADIUS), True),
    }
    findings: list[Finding] = []
    points: list[tuple[float, float, float]] = []
    seeds = range(40, 40 + effort.networks)
    outcomes = run_all(
        [(trial, seed, with_) for trial, _ in cases.values() for with_ in (True, False) for seed in seeds]
    )
    for (name, (trial, succeeds)), both in zip(cases.items(), outcomes.reshape(len(cases), 2, -1, 2), strict=True):
        (adversarial, standard), change = both[:, :, 0], both[0, :, 1]
        ratio = adversarial / standard
        mean, error = float(ratio.mean()), float(ratio.std(ddof=1) / np.sqrt(len(ratio)))
        points.append((trial.index(), mean, error))
        clear = MANY_ERRORS * error < (mean - KEPT if succeeds else KEPT - mean)
        findings += [
            condition(
                f"{name}: adversarial over standard training, clean accuracy (standard: {standard.mean():.2f})",
                f">= {KEPT}" if succeeds else f"< {KEPT}",
                mean,
                clear,
                error,
                f"by more than {MANY_ERRORS} standard errors",
            ),
            boundary(
                f"{name}: index tau (collapse foretold below 0.25)",
                "> 0.25" if succeeds else "< 0.25",
                trial.index(),
                "the index of trainability.md, closed form",
            ),
            boundary(
                f"{name}: weight-variance law, longest time over time trained (failure below 1)",
                "> 1" if succeeds else "< 1",
                trial.law(),
                "not a verdict: it calls nearly every network trainable",
            ),
            boundary(
                f"{name}: largest relative change of a weight variance",
                "no claim",
                float(change.mean()),
                "failure without a fall of the weight variance contradicts the weight-variance explanation",
                float(change.std(ddof=1) / np.sqrt(len(change))),
            ),
        ]
    ranked, panel = ranking(effort.trainings)
    named = Curve(f"named cases, {effort.networks} networks each", *np.array(points).T)
    return Claim(
        "c",
        "Deep networks without shortcuts fail under adversarial training where shortcuts, few layers or standard "
        "training succeed. The index tau foretells it; the weight variance hardly moves.",
        f"radius {RADIUS}, width {WIDTH}, learning rate 1/N, 200 steps of 32, {effort.networks} networks each; "
        f"ranking: 300 steps, {effort.trainings} trials",
        (*findings, *ranked),
        (replace(panel, curves=(*panel.curves, named)),),
    )
