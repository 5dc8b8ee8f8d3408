"""Bands where clean and adversarial losses are mixed, drawn or weighed: one step by brute force, 1,000 runs of SGD."""

import jax
import numpy as np
import pytest

import jominy as jm
from jominy.losses import ClassWeightedLoss, OrderParameters
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision

OBJECTIVES = {
    "mixed": jm.Mixed(0.4), "coin": jm.CoinFlip(0.4), "uniform": jm.UniformRadius(0.2), "TRADES": jm.TRADES(2.0),
}  # fmt: skip
LOSSES = {"logistic": jm.LogisticLoss(), "hinge": jm.HingeLoss(), "squared": jm.SquaredLoss()}
MEAN, VARIANCE, LABELS = np.array([0.4, -0.2]), np.array([0.7, 1.3]), np.array([1.0, -1.0])
RADIUS, SIZE = 0.6, 0.9


@pytest.mark.parametrize("weights", [None, (0.5, 1.7)], ids=["", "weighed"])
@pytest.mark.parametrize(
    ("name", "kind"), [(n, k) for n in OBJECTIVES for k in LOSSES if (n, k) != ("TRADES", "hinge")]
)
def test_second_moments_of_a_step_by_brute_force(name, kind, weights):
    """Drawn a million times (seed 4), with the randomness of the loss itself: within 5 standard errors."""
    loss = OBJECTIVES[name].of(LOSSES[kind])
    if weights is not None and kind == "squared":
        pytest.skip("weights of classes are for labels")
    loss = loss if weights is None else ClassWeightedLoss(loss, weights)
    assert loss.steps_known
    zero = np.zeros(2)
    order = OrderParameters(MEAN, VARIANCE, MEAN - 0.3, VARIANCE, np.array(SIZE), np.array([SIZE]), zero, zero, zero)
    told = double_precision(
        lambda: np.asarray(loss.step_moments(LABELS, order, np.array(RADIUS), gaussian_rule(3.0)).second)
    )()
    rng = np.random.default_rng(4)
    count = 1_000_000
    for i in range(2):
        u, chance = rng.standard_normal(count), rng.random(count)
        squared = kind == "squared"
        score = (MEAN[i] - 0.3 if squared else MEAN[i]) + np.sqrt(VARIANCE[i]) * u
        target = np.full(count, 0.0 if squared else LABELS[i])
        slope, along = (
            np.asarray(one)
            for one in double_precision(jax.jit(loss.sample_slopes))(score, np.array(RADIUS * SIZE), target, chance)
        )
        features = np.stack([slope, slope * u, RADIUS / SIZE * along, slope**2])
        for a in range(4):
            for b in range(4):
                values = features[a] * features[b] - (slope**2 if a == b == 1 else 0.0)
                error = values.std() / 1000
                assert abs(values.mean() - told[i, a, b]) < 5 * error + 1e-4 * abs(told[i, a, b]) + 1e-9, (i, a, b)


def two_groups(d=200):
    mean = 1.1 * np.random.default_rng(0).standard_normal(d) / np.sqrt(d)
    spectrum = jm.spectrum(np.where(np.arange(d) < d // 2, 0.4, 1.6))
    return jm.GaussianMixture([0.4, 0.6], [mean, -mean], [spectrum] * 2, labels=[1, -1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixed", "coin", "uniform", "TRADES"])
@pytest.mark.parametrize("squared", [True, False], ids=["squared", "logistic"])
def test_against_sgd(name, squared):
    """1,000 runs at d = 200: standard deviations to 10 % (their own error is 2.2 %), means and bias to 4 errors."""
    if squared:
        spectrum = jm.spectrum(np.where(np.arange(200) < 100, 0.4, 1.6))
        problem = jm.Problem(
            jm.LinearTeacher(spectrum, 1.0, noise_variance=0.25), jm.SquaredLoss(), 0.7, objective=OBJECTIVES[name]
        )
    else:
        problem = jm.Problem(two_groups(), jm.LogisticLoss(), 0.5, objective=OBJECTIVES[name])
    how = {"times": [0.2, 1.0, 3.0], "start": jm.RandomStart(0.5)}
    curve = jm.forecast(problem, jm.Constant(0.7), bands=True, **how)
    runs = jm.simulate(problem, jm.Constant(0.7), seeds=1000, progress=False, **how)
    for variable in ("adversarial_risk", "clean_risk", "norm", "distance_to_optimum"):
        values = runs[variable].transpose("seed", "time").values
        sd, bias = curve[f"{variable}_sd"].values, curve[f"{variable}_bias"].values
        np.testing.assert_allclose(values.std(axis=0, ddof=1), sd, rtol=0.1, err_msg=variable)
        z = (values.mean(axis=0) - curve[variable].values - bias) / sd * np.sqrt(1000)
        assert np.max(np.abs(z)) < 4, (variable, z)


@pytest.mark.slow
def test_a_coin_has_wider_bands_than_the_mixture_of_the_same_mean():
    """At a rate so small that the curves agree to 1 %."""
    spectrum = jm.spectrum(np.where(np.arange(200) < 100, 0.4, 1.6))
    data = jm.LinearTeacher(spectrum, 1.0, noise_variance=0.25)
    mixed, coin = (
        jm.forecast(
            jm.Problem(data, jm.SquaredLoss(), 1.0, objective=one(0.5)),
            jm.Constant(0.02),
            times=[20.0, 60.0],
            bands=True,
        )
        for one in (jm.Mixed, jm.CoinFlip)
    )
    np.testing.assert_allclose(mixed.norm, coin.norm, rtol=0.01)
    assert np.all(coin.norm_sd > 1.02 * mixed.norm_sd)
