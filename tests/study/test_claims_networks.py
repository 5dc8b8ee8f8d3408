"""What the claims about networks are made of: the ranking, the trials; the claims themselves are slow tests."""

import numpy as np
import pytest

from jominy.meanfield import Architecture
from jominy.study.claims.networks.trials import Trial, random_trial, roc_area


def test_area_under_the_roc_curve_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(0)
    for _ in range(5):
        success = draw.random(40) < 0.6
        scores = np.round(draw.standard_normal(40) + success, 1)  # with ties
        area, error = roc_area(scores, success)
        assert area == pytest.approx(metrics.roc_auc_score(success, scores), abs=1e-12)
        many = [roc_area(scores[pick], success[pick])[0] for pick in draw.integers(0, 40, (400, 40))]
        assert error == pytest.approx(np.nanstd(many), rel=0.4)  # the bootstrap's
    assert np.isnan(roc_area(np.ones(3), np.ones(3, dtype=bool))[0])


def test_random_trials_repeat_and_vary():
    first, again = (
        [random_trial(np.random.default_rng(1)) for _ in range(2)],
        [random_trial(np.random.default_rng(1)) for _ in range(2)],
    )
    assert [t.architecture.describe() for t in first] == [t.architecture.describe() for t in again]
    draw = np.random.default_rng(2)
    many = [random_trial(draw) for _ in range(60)]
    assert {t.data for t in many} == {"digits", 0.3, 0.5, 0.7}
    assert 10 < sum(bool(t.architecture.shortcut) for t in many) < 40


def test_a_trial_learns_without_attack_and_has_both_yardsticks():
    pytest.importorskip("torch")
    trial = Trial(Architecture(2, 64, 64, 10, weight_variance=2.0), 0.5, steps=150, data=0.7)
    accuracy, change = trial.run(2, 3, adversarial=False)
    assert np.all(accuracy > 0.8) and np.all((change > 0) & (change < 0.2))
    assert trial.index() > 1 and trial.law() > 1
