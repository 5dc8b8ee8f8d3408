"""What the claims about networks are made of: the ranking, the trials; the claims themselves are slow tests."""

from functools import partial

import numpy as np
import pytest

from jominy.meanfield import Architecture
from jominy_reproduce.networks.together import OnNoise, measured, on_all_cores, processes
from jominy_reproduce.networks.trials import Trial, bootstrap_interval, random_trial, roc_area


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
    outcomes = [trial.run(seed, adversarial=False) for seed in (3, 4)]
    assert all(accuracy > 0.8 and 0 < change < 0.2 for accuracy, change in outcomes)
    assert trial.run(3, adversarial=False) == outcomes[0] != outcomes[1]
    assert trial.index() > 1 and trial.law() > 1


def test_bootstrap_interval_is_that_of_the_standard_error():
    draw = np.random.default_rng(3)
    success = draw.random(200) < 0.5
    scores = draw.standard_normal(200) + 1.5 * success
    area, error = roc_area(scores, success)
    low, high = bootstrap_interval(scores, success, seed=0)
    assert low == pytest.approx(area - 1.645 * error, abs=0.01) and high == pytest.approx(
        area + 1.645 * error, abs=0.01
    )


@pytest.mark.slow
def test_networks_measured_in_processes_are_those_measured_here():
    networks = pytest.importorskip("jominy.networks")
    network = Architecture(3, 60, 8, 3, weight_variance=2.0)
    job = OnNoise("measure_adversarial_loss", network, ([0.3, 0.6],), inputs=4, inputs_seed=2, networks=3, seed=7)
    with processes():
        (found,) = measured([job])
        with pytest.raises(ZeroDivisionError):
            on_all_cores([partial(divmod, 1, 0)])
    here = networks.measure_adversarial_loss(
        network, networks.noise(4, 8, seed=2), [0.3, 0.6], networks=3, seed=7, progress=False
    )
    assert found.equals(here) and found["network"].values.tolist() == [7, 8, 9]
