"""Clean shares and weights of rows with several classes: against the binary theory, repeated rows, steps by hand."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

import jominy as jm
from jominy.losses.class_objectives import MixedClassLoss
from jominy.losses.classes import WeightedClassLoss
from softmax_oracle import attacked_slopes

TIMES = [0.0, 1.0, 4.0]


class Given:
    """Always the same row."""

    def __init__(self, row):
        self.row = row

    def check(self, steps, count):
        assert self.row < count

    def rows(self, generator, steps, count):
        return np.full(steps, self.row)


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.mark.parametrize("objective", [jm.Mixed(0.4), jm.CoinFlip(0.4)])
def test_two_classes_are_the_binary_theory(cancer, objective):
    weight = np.random.default_rng(0).uniform(0.2, 2.0, len(cancer[1]))
    samples = jm.Samples(*cancer, class_weight={0: 2.0, 1: 1.0}, sample_weight=weight)
    two = jm.Problem(samples, jm.SoftmaxLoss(), 0.4, objective=objective)
    one = jm.Problem(samples, jm.LogisticLoss(), 0.4, objective=objective)
    mine = jm.simulate(two, jm.Constant(0.5), times=TIMES, seeds=3, progress=False)
    theirs = jm.simulate(one, jm.Constant(1.0), times=TIMES, seeds=3, progress=False)
    for name in ("adversarial_risk", "clean_risk", "adversarial_accuracy", "excess_risk"):
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-5, atol=1e-6, err_msg=name)
    best, other = jm.optimum(two), jm.optimum(one)
    assert best.adversarial_risk == pytest.approx(other.adversarial_risk, rel=1e-8)
    np.testing.assert_allclose(best.vector[1] - best.vector[0], other.vector, atol=1e-4)
    assert jm.collapse_radius(two) == pytest.approx(jm.collapse_radius(one), rel=1e-9)


def test_a_step_is_that_of_the_clean_and_the_attacked_loss(wine):
    X, y = wine
    problem = jm.Problem(jm.Samples(X, y), jm.SoftmaxLoss(), 0.5, objective=jm.Mixed(0.3))
    features = np.asarray(problem.samples.features)
    W = 0.3 * np.random.default_rng(1).standard_normal((3, 13))
    runs = jm.simulate(problem, jm.Constant(2.0), times=[1 / 13], seeds=1, start=W, sampling=Given(5), progress=False)
    slope = sum(
        share * attacked_slopes(W, features[[5]], y[[5]], radius)[1][0] for share, radius in ((0.3, 0.0), (0.7, 0.5))
    )
    moved = W - 2.0 / 13 * slope
    assert float(runs.norm[0, 0]) == pytest.approx(np.linalg.norm(moved), rel=1e-9)
    worst, clean = (attacked_slopes(moved, features, y, radius)[0].mean() for radius in (0.5, 0.0))
    assert float(runs.adversarial_risk[0, 0]) == pytest.approx(0.3 * clean + 0.7 * worst, rel=1e-6)


def test_a_coin_has_the_same_mean_and_more_noise(wine):
    told = {}
    for objective in (jm.Mixed(0.5), jm.CoinFlip(0.5)):
        problem = jm.Problem(jm.Samples(*wine), jm.SoftmaxLoss(), 1.5, objective=objective)
        told[type(objective)] = jm.forecast(problem, jm.Constant(0.5), times=[4.0], runs=200)
    mixed, coin = told[jm.Mixed], told[jm.CoinFlip]
    assert float(coin.norm_sd[0]) > 1.1 * float(mixed.norm_sd[0])
    assert float(coin.adversarial_risk[0]) == pytest.approx(float(mixed.adversarial_risk[0]), rel=0.1)


def test_a_row_of_weight_two_counts_as_two_rows(wine):
    X, y = wine
    twice = np.arange(len(y)) % 3 == 0
    X = jm.Samples(X, y).features  # in units that the repeated rows share
    weighted = jm.Samples(X, y, preprocessing=None, sample_weight=1.0 + twice)
    repeated = jm.Samples(np.concatenate([X, X[twice]]), np.concatenate([y, y[twice]]), preprocessing=None)
    one, other = (jm.Problem(samples, jm.SoftmaxLoss(), 1.0) for samples in (weighted, repeated))
    scale = len(repeated.targets) / len(y)
    assert jm.optimum(one).adversarial_risk == pytest.approx(scale * jm.optimum(other).adversarial_risk, rel=1e-8)
    assert jm.collapse_radius(one) == pytest.approx(jm.collapse_radius(other), rel=1e-7)


def test_what_does_not_go(wine):
    with pytest.raises(jm.InputError, match=r"Mixed\(clean"):
        jm.Problem(jm.Samples(*wine), jm.SoftmaxLoss(), 0.3, objective=jm.TRADES(1.0))
    law = jm.GaussianMixture([0.5, 0.5], [1.0, -1.0], [jm.identity(20)] * 2, labels=[0, 1])
    with pytest.raises(jm.InputError, match="adversarial loss itself"):
        jm.optimum(jm.Problem(law, jm.SoftmaxLoss(), 0.3, objective=jm.Mixed(0.3)))


@pytest.mark.parametrize("loss", [jm.SoftmaxLoss(), jm.OneVersusRestLoss(jm.SquaredHingeLoss())])
def test_weights_and_shares_leave_a_losses_properties_as_they_are(loss):
    """The steepness among them, which says whether a rate can be too large."""
    weighted, mixed = WeightedClassLoss(loss, (1.0, 2.0, 3.0)), MixedClassLoss(loss, 0.4)
    for name in ("bounded_slope", "bounded", "differences", "vanishes", "kinked"):
        assert getattr(weighted, name) == getattr(mixed, name) == getattr(loss, name), name
