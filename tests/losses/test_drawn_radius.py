"""A radius drawn for every sample: sums over many draws, least squares in closed form, SciPy, SGD."""

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import jominy as jm
from jominy.losses import OrderParameters
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision

CHANCES = (np.arange(1500) + 0.5) / 1500
SHARES = {
    "uniform": (jm.UniformRadius(0.2), 0.2 + 0.8 * CHANCES),
    "normal": (jm.TruncatedNormalRadius(0.5), scipy.stats.truncnorm.ppf(CHANCES, 0, 2, scale=0.5)),
    "narrow": (jm.TruncatedNormalRadius(0.03), scipy.stats.truncnorm.ppf(CHANCES, 0, 1 / 0.03, scale=0.03)),
}


@pytest.mark.parametrize("name", list(SHARES))
@pytest.mark.parametrize("loss", [jm.LogisticLoss(), jm.HingeLoss()])
@double_precision
def test_moments_are_sums_over_draws(name, loss):
    """150 quantiles from SciPy."""
    objective, shares = SHARES[name][0], SHARES[name][1].reshape(150, 10).mean(axis=1)
    zero, mean, sd, label, shift = np.zeros(1), 0.4, 1.1, 1.0, 0.9
    order = OrderParameters(
        np.array([mean]), np.array([sd**2]), np.array([mean - label]), np.array([sd**2]), np.ones(()), np.ones(1),
        zero, zero, zero,
    )  # fmt: skip
    rule, labels = gaussian_rule(2.0), np.array([label])
    told = objective.of(loss).moments(order, labels, np.asarray(shift), rule)
    each = [loss.moments(order, labels, np.asarray(share * shift), rule) for share in shares]
    factors = {"shift_slope": 1, "slope_shift_slope": 1, "shift_slope_squared": 2}
    for field in told._fields:
        values = [
            share ** factors.get(field, 0) * float(getattr(one, field)[0])
            for share, one in zip(shares, each, strict=True)
        ]
        assert float(getattr(told, field)[0]) == pytest.approx(np.mean(values), rel=1e-3, abs=2e-5), field


@pytest.mark.parametrize("name", ["uniform", "normal"])
@double_precision
def test_single_samples_are_those_of_the_mean(name):
    objective, shares = SHARES[name]
    trained, score, label = objective.of(jm.LogisticLoss()), np.array([-1.7, -0.3, 0.5, 2.2]), np.ones(4)
    shift = np.asarray(0.7)
    told = trained.adversarial_slopes(score, shift, label)
    slope = -1 / (1 + np.exp(score[:, None] - 0.7 * shares))
    np.testing.assert_allclose(told[0], slope.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(told[1], -(shares * slope).mean(axis=1), rtol=1e-5)
    drawn = [trained.sample_slopes(score, shift, label, np.asarray(chance)) for chance in CHANCES[::50]]
    np.testing.assert_allclose([one[0] for one in drawn], slope.T[::50], rtol=1e-6)
    np.testing.assert_allclose([one[1] for one in drawn], -(shares * slope).T[::50], rtol=1e-6)


def test_least_squares_has_the_moments_of_the_share():
    """`attacks.md` section 6 with E share and E share^2 in place of a; the optimum from the risk in SciPy."""
    data = jm.LinearTeacher(jm.identity(50), noise_variance=0.25)
    best = jm.optimum(jm.Problem(data, jm.SquaredLoss(), 0.6, objective=jm.UniformRadius(0.2)))
    first, second = 0.6, (1 - 0.2**3) / 3 / 0.8

    def risk(size):
        variance = 0.25 + (1 - size) ** 2
        return (variance + 2 * first * 0.6 * size * np.sqrt(2 * variance / np.pi) + second * 0.36 * size**2) / 2

    found = scipy.optimize.minimize_scalar(risk, bounds=(0, 1), method="bounded", options={"xatol": 1e-10})
    assert best.adversarial_risk == pytest.approx(found.fun, rel=1e-9)
    assert best.norm == pytest.approx(found.x, abs=1e-5)


def test_optimum_on_samples_is_scipys():
    g = np.random.default_rng(3)
    X = g.standard_normal((120, 4))
    y = np.where(X[:, 0] - X[:, 1] + g.standard_normal(120) > 0, 1, -1)
    objective, shares = SHARES["normal"]
    problem = jm.Problem(jm.Samples(X, y, preprocessing=None), jm.LogisticLoss(), 0.4, objective=objective)

    def risk(x):
        return np.mean(np.logaddexp(0, 0.4 * np.linalg.norm(x) * shares - (y * (X @ x))[:, None]))

    found = scipy.optimize.minimize(risk, np.full(4, 0.3), method="BFGS", options={"gtol": 1e-9})
    assert jm.optimum(problem).adversarial_risk == pytest.approx(found.fun, abs=1e-6)


@pytest.mark.parametrize("name", ["uniform", pytest.param("normal", marks=pytest.mark.slow)])
def test_sgd_itself_follows_the_forecast(name):
    """300 runs of a mixture, d = 400, and 150 on rows; standard errors below .5 %. The mean shift in place of a drawn
    one would be 1 % off."""
    objective = SHARES[name][0]
    data = jm.GaussianMixture([0.5, 0.5], [1.0, -1.0], [jm.two_level(400)] * 2, labels=[1, -1])
    g = np.random.default_rng(1)
    X = g.standard_normal((400, 12))
    samples = jm.Samples(X, np.where(X[:, 0] + g.standard_normal(400) > 0, 1, -1))
    for law, seeds, radius in ((data, 300, 0.8), (samples, 150, 0.5)):
        problem, how = (
            jm.Problem(law, jm.LogisticLoss(), radius, objective=objective),
            {"times": [1.0, 4.0], "start": 0.7},
        )
        told = jm.forecast(problem, jm.Constant(1.5), **how)
        runs = jm.simulate(problem, jm.Constant(1.5), seeds=seeds, progress=False, **how)
        error = runs.adversarial_risk.std("seed") / np.sqrt(seeds)
        off = np.abs(runs.adversarial_risk.mean("seed") - told.adversarial_risk)
        slack = 1.5 / 400 * 0.1 if law is data else 0.006
        assert np.all(off < 4 * error + slack) and np.max(error / told.adversarial_risk) < 6e-3


@pytest.mark.parametrize(
    "make", [lambda: jm.UniformRadius(1.0), lambda: jm.TruncatedNormalRadius(0), lambda: jm.UniformRadius("a")]
)
def test_bad_input(make):
    with pytest.raises(jm.InputError, match="drawn is a number from"):
        make()
