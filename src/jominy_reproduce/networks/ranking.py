"""Which yardstick ranks trainings better: the index tau, or the weight-variance law.

The design below was fixed on 22 November 2026, before the first of these trainings was run; no constant of the index
was fitted to them. Trials `random_trial` draws from seed `DRAWN`, one network and one data set each, with seeds from
`SEEDS` on, 300 steps. A trial counts if its twin without the adversarial term has learnt by then: a clean accuracy of
at least 0.9, on digits 0.85 (ABS of trainability.md, section 3); where the twin has not, nothing is said about
adversarial training. Success: at least `KEPT` of the twin's accuracy. Whatever comes out, the documentation reports.
`--quick` takes the first of the same trials.
"""

from __future__ import annotations

import numpy as np

from jominy_reproduce.base import Curve, Finding, Panel, boundary, condition
from jominy_reproduce.networks.trials import KEPT, bootstrap_interval, random_trial, roc_area, run_all

DRAWN, SEEDS = 20261122, 5000
LEARNT, LEARNT_DIGITS = 0.9, 0.85
WANTED_AREA = 0.93


def ranking(count: int) -> tuple[list[Finding], Panel]:
    """Areas under the ROC curve of both yardsticks over `count` random trials."""
    draw = np.random.default_rng(DRAWN)
    drawn = [random_trial(draw) for _ in range(count)]
    jobs = [(trial, SEEDS + k, with_) for k, trial in enumerate(drawn) for with_ in (True, False)]
    accuracy = run_all(jobs)[:, 0].reshape(count, 2)
    wanted = [LEARNT_DIGITS if trial.data == "digits" else LEARNT for trial in drawn]
    learnt = accuracy[:, 1] >= wanted
    trials = [trial for trial, kept in zip(drawn, learnt, strict=True) if kept]
    share = accuracy[learnt, 0] / accuracy[learnt, 1]
    fine = share >= KEPT
    index, law = np.array([t.index() for t in trials]), np.array([t.law() for t in trials])
    area, error = roc_area(index, fine)
    other, other_error = roc_area(law, fine)
    what = f"{len(trials)} random trainings ({int(np.sum(~fine))} failures; {count - len(trials)} left out)"
    findings = [
        condition(
            f"{what}: area under the ROC curve, index tau, {_interval(index, fine)}",
            f">= {WANTED_AREA} (within 2 errors)",
            area,
            area + 2 * error >= WANTED_AREA,
            error,
            "up to two standard errors",
        ),
        boundary(
            f"{what}: area under the ROC curve, weight-variance law, {_interval(law, fine)}",
            "no claim",
            other,
            "for comparison; lam = 1 in all trials, so this is the law at its own rate, T_max/(lam T)",
            other_error,
        ),
    ]
    one = np.zeros(len(trials))
    shortcut = np.array([bool(t.architecture.shortcut) for t in trials])
    panel = Panel(
        "random trainings",
        "index tau",
        "accuracy kept",
        (
            Curve("threshold", np.array([0.25, 0.25]), np.array([0.0, 1.1])),
            Curve("no shortcuts", index[~shortcut], share[~shortcut], one[~shortcut]),
            Curve("shortcuts", index[shortcut], share[shortcut], one[shortcut]),
        ),
        (True, False),
    )
    return findings, panel


def _interval(scores: np.ndarray, fine: np.ndarray) -> str:
    low, high = bootstrap_interval(scores, fine, seed=0)
    return f"[5, 95] % of {low:.2f} to {high:.2f}"
