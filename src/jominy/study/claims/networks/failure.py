"""Claim (c): deep networks without shortcuts fail under adversarial training; which yardstick foretells it."""

from __future__ import annotations

import numpy as np

from jominy.study.claims.base import Claim, Curve, Finding, Panel, boundary, condition
from jominy.study.claims.networks.effort import NetworkEffort, plain, residual
from jominy.study.claims.networks.trials import KEPT, Trial, random_trial, roc_area, run_all

RADIUS, WIDTH = 1.3, 128
WANTED_AREA = 0.93


def failure(effort: NetworkEffort) -> Claim:
    """Four networks trained with and without the adversarial term, then a ranking of many."""
    cases = {
        "depth 12, no shortcuts": (Trial(plain(WIDTH, depth=12), RADIUS), False),
        "depth 12, shortcuts": (Trial(residual(WIDTH, depth=12), RADIUS), True),
        "depth 2, no shortcuts": (Trial(plain(WIDTH, depth=2), RADIUS), True),
    }
    findings: list[Finding] = []
    outcomes = iter(
        run_all([(trial, effort.networks, 40, with_) for trial, _ in cases.values() for with_ in (True, False)])
    )
    for name, (trial, succeeds) in cases.items():
        (adversarial, change), (standard, _) = next(outcomes), next(outcomes)
        ratio = adversarial / standard
        mean, error = float(ratio.mean()), float(ratio.std(ddof=1) / np.sqrt(len(ratio)))
        findings += [
            condition(
                f"{name}: adversarial over standard training, clean accuracy (standard: {standard.mean():.2f})",
                f">= {KEPT}" if succeeds else f"< {KEPT}",
                mean,
                (mean >= KEPT) == succeeds,
                error,
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
    ranked, panel = _ranking(effort.trainings)
    return Claim(
        "c",
        "Deep networks without shortcuts fail under adversarial training where shortcuts, few layers or standard "
        "training succeed. The index tau foretells it; the weight variance hardly moves.",
        f"radius {RADIUS}, width {WIDTH}, learning rate 1/N, 200 steps of 32, {effort.networks} networks each",
        (*findings, *ranked),
        (panel,),
    )


def _ranking(count: int) -> tuple[list[Finding], Panel]:
    """Areas under the ROC curve of both yardsticks over random trials."""
    draw = np.random.default_rng(2025)
    trials = [random_trial(draw) for _ in range(count)]
    jobs = [(trial, 1, 1000 + k, with_) for k, trial in enumerate(trials) for with_ in (True, False)]
    accuracy = np.array([outcome.accuracy[0] for outcome in run_all(jobs)]).reshape(count, 2)
    kept = accuracy[:, 0] / accuracy[:, 1]
    index, law, success = (np.array(v) for v in ([t.index() for t in trials], [t.law() for t in trials], kept))
    fine = success >= KEPT
    area, error = roc_area(index, fine)
    other, other_error = roc_area(law, fine)
    what = f"{count} random trainings ({int(np.sum(~fine))} failures)"
    findings = [
        condition(
            f"{what}: area under the ROC curve, index tau",
            f">= {WANTED_AREA}",
            area,
            area + 2 * error >= WANTED_AREA,
            error,
            "up to two standard errors",
        ),
        boundary(
            f"{what}: area under the ROC curve, weight-variance law", "no claim", other, "for comparison", other_error
        ),
    ]
    one = np.zeros(count)
    panel = Panel(
        "random trainings",
        "index tau",
        "accuracy kept",
        (
            Curve("threshold", np.array([0.25, 0.25]), np.array([0.0, 1.1])),
            *(
                Curve(label, index[chosen], success[chosen], one[chosen])
                for label, chosen in (
                    ("no shortcuts", np.array([not t.architecture.shortcut for t in trials])),
                    ("shortcuts", np.array([bool(t.architecture.shortcut) for t in trials])),
                )
            ),
        ),
        (True, False),
    )
    return findings, panel
