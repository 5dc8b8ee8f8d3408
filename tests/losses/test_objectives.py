"""Mixed, coin-flip and TRADES objectives and weights of classes: `theory attacks.md` sections 6 and 7."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import jominy as jm
from jominy.losses import ClassWeightedLoss, OrderParameters
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision

TIMES = [0.5, 1.0, 2.0, 4.0]


def problem_of(name, m):
    """Cases of section 5 on four patterns at m midpoints of the spectrum, and the rate."""
    s, pattern = np.repeat((np.arange(m) + 0.5) / m, 4), np.tile(np.arange(4), m)
    d = 4 * m
    if name == "O2":
        teacher = np.array([1.6, -0.8, 0.3, 0])[pattern] / np.sqrt(d)
        data = jm.LinearTeacher(jm.spectrum(0.2 + 1.6 * s), teacher, noise_variance=0.25)
        return jm.Problem(data, jm.SquaredLoss(), 0.7, objective=jm.CoinFlip(0.5)), 0.8
    two = np.where(s < 0.5, 1.6, 0.4)
    means = [1.3 * np.array(u)[pattern] / np.sqrt(d) for u in ([1.2, 0.6, -0.9, 0.2], [-0.8, 0.3, 0.5, -1])]
    data = jm.GaussianMixture([0.4, 0.6], means, [0.5 + 0.5 * two, np.full(d, 1.4)], labels=[1, -1])
    objective = jm.Mixed(clean=0.4) if name == "O3" else jm.TRADES(beta=3)
    return jm.Problem(data, jm.LogisticLoss(), 0.7, objective=objective), 1.0


@pytest.mark.parametrize(
    ("name", "m", "risks", "sizes"),
    [
        ("O2", 60, [0.740701, 0.607629, 0.527606, 0.507897], [0.69484, 0.71284, 0.74561, 0.77040]),
        ("O3", 2, [0.817048, 0.761583, 0.717192, 0.700082], [0.67013, 0.68573, 0.75612, 0.88308]),
        ("O4", 2, [0.749487, 0.697464, 0.653243, 0.634119], [0.65226, 0.64868, 0.68295, 0.74593]),
    ],
)
def test_reference_values(name, m, risks, sizes):
    """Section 7: risks to 1e-6, norms to 7e-6. O2 there is on eight Gauss nodes; midpoints are 1e-5 off."""
    problem, rate = problem_of(name, m)
    told = jm.forecast(problem, jm.Constant(rate), times=TIMES, start=jm.RandomStart(0.7))
    near = 2e-5 if name == "O2" else 1.1e-6
    np.testing.assert_allclose(told.adversarial_risk, risks, atol=near)
    np.testing.assert_allclose(told.norm, sizes, atol=max(near, 8e-6))


TEACHER = jm.LinearTeacher(jm.identity(4))
LOSSES = {
    "squared": jm.SquaredLoss(),
    "logistic": jm.LogisticLoss(),
    "hinge": jm.HingeLoss(),
    "smoothed hinge": jm.SmoothedHingeLoss(),
    "exponential": jm.ExponentialLoss(),
    "huber": jm.CustomResidualLoss(lambda e: jnp.where(jnp.abs(e) < 1, e**2 / 2, jnp.abs(e) - 0.5), kinks=[1.0]),
}
OBJECTIVES = {"mixed": jm.Mixed(0.4), "coin": jm.CoinFlip(0.3), "TRADES": jm.TRADES(2.0)}
PAIRS = [(a, b) for a in OBJECTIVES for b in LOSSES if a != "TRADES" or b in ("squared", "logistic")]


def plain(loss, objective, score, shift, target):
    """Psi of a sample, written out; of a coin the two outcomes with their chances."""
    if isinstance(objective, jm.TRADES):
        if type(loss) is jm.SquaredLoss:
            return [(1.0, (score - target) ** 2 / 2 + objective.beta * shift**2 / 2)]
        p = 1 / (1 + np.exp(-score))
        worst = np.max(
            [
                p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
                for q in (1 / (1 + np.exp(-score - shift)), 1 / (1 + np.exp(-score + shift)))
            ],
            axis=0,
        )
        return [(1.0, np.logaddexp(0, -target * score) + objective.beta * worst)]
    loss = double_precision(loss.__call__)
    clean = np.asarray(loss(score, target))
    attacked = np.maximum(np.asarray(loss(score + shift, target)), np.asarray(loss(score - shift, target)))
    if isinstance(objective, jm.Mixed):
        return [(1.0, objective.clean * clean + (1 - objective.clean) * attacked)]
    return [(objective.clean, clean), (1 - objective.clean, attacked)]


@double_precision
def moments_of(loss, mean, sd, shift, label):
    zero = np.zeros(1)
    order = OrderParameters(
        np.array([mean]), np.array([sd**2]), np.array([mean - label]), np.array([sd**2]), np.ones(()), np.ones(1),
        zero, zero, zero,
    )  # fmt: skip
    return loss.moments(order, np.array([label]), np.asarray(shift), gaussian_rule(2.0 * sd))


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_moments_are_averages_over_samples(pair):
    """Against a fine sum over scores and finite differences of the written-out loss: independent of all formulas."""
    objective, loss = OBJECTIVES[pair[0]], LOSSES[pair[1]]
    trained = objective.of(loss)
    for mean, sd, shift, label in ((0.3, 0.9, 0.4, 1.0), (0.7, 1.3, 0.8, -1.0)):
        r = mean + sd * np.linspace(-9, 9, 400_001)
        density = np.exp(-(((r - mean) / sd) ** 2) / 2) / np.sqrt(2 * np.pi) / sd * (r[1] - r[0])
        h = 1e-6
        told = moments_of(trained, mean, sd, shift, label)

        def average(values):
            return float(values @ density)  # noqa: B023

        want = dict.fromkeys(("value", "slope", "shift_slope", "slope_squared", "mixed", "shift_squared"), 0.0)
        for up, down, right, left, here in zip(
            plain(loss, objective, r + h, shift, label), plain(loss, objective, r - h, shift, label),
            plain(loss, objective, r, shift + h, label), plain(loss, objective, r, shift - h, label),
            plain(loss, objective, r, shift, label), strict=True,
        ):  # fmt: skip
            chance = here[0]
            by_score, by_shift = (up[1] - down[1]) / (2 * h), (right[1] - left[1]) / (2 * h)
            want["value"] += chance * average(here[1])
            want["slope"] += chance * average(by_score)
            want["shift_slope"] += chance * average(by_shift)
            want["slope_squared"] += chance * average(by_score**2)
            want["mixed"] += chance * average(by_score * by_shift)
            want["shift_squared"] += chance * average(by_shift**2)
        got = {
            "value": told.value, "slope": told.slope, "shift_slope": told.shift_slope,
            "slope_squared": told.slope_squared, "mixed": told.slope_shift_slope,
            "shift_squared": told.shift_slope_squared,
        }  # fmt: skip
        for name, value in want.items():
            assert float(got[name][0]) == pytest.approx(value, rel=2e-5, abs=2e-5), (name, mean)
        further = moments_of(trained, mean + 1e-4, sd, shift, label)
        nearer = moments_of(trained, mean - 1e-4, sd, shift, label)
        curved = float((further.slope - nearer.slope)[0]) / 2e-4
        assert float(told.curvature[0]) == pytest.approx(curved, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_single_samples_are_those_of_the_moments(pair):
    """Slopes of one sample, and those that the optimum of samples asks for, against finite differences."""
    objective, loss = OBJECTIVES[pair[0]], LOSSES[pair[1]]
    trained = objective.of(loss)
    score, shift, label, h = np.array([-1.7, -0.35, 0.45, 2.2]), 0.6, 1.0, 1e-6

    def risk(score, shift):
        return sum(chance * value for chance, value in plain(loss, objective, score, shift, label))

    by_score = (risk(score + h, shift) - risk(score - h, shift)) / (2 * h)
    by_shift = (risk(score, shift + h) - risk(score, shift - h)) / (2 * h)
    slopes = double_precision(trained.adversarial_slopes)(score, np.asarray(shift), np.full(4, label))
    np.testing.assert_allclose(slopes, [by_score, by_shift], rtol=1e-6, atol=1e-7)
    smooth = double_precision(trained.smoothed)(score, np.asarray(shift), np.full(4, label), np.asarray(1e-7))
    np.testing.assert_allclose(smooth.value, risk(score, shift), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(smooth.by_shift, by_shift, rtol=1e-5, atol=1e-6)
    if isinstance(objective, jm.CoinFlip):
        chances = (np.arange(10) + 0.5) / 10  # three of them below .3
        taken = [
            double_precision(trained.sample_slopes)(score, np.asarray(shift), label, np.asarray(c)) for c in chances
        ]
        np.testing.assert_allclose(np.mean([t[0] for t in taken], axis=0), by_score, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(np.mean([t[1] for t in taken], axis=0), by_shift, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "name", [pytest.param("mixed", marks=pytest.mark.slow), "coin", pytest.param("TRADES", marks=pytest.mark.slow)]
)
def test_sgd_itself_follows_the_forecast(name):
    """Two classes, d = 400, 300 runs exact in law, seed numbers 0 to 299: |z| < 4, and a standard error below .4 %."""
    data = jm.GaussianMixture([0.5, 0.5], [1.0, -1.0], [jm.two_level(400)] * 2, labels=[1, -1])
    problem = jm.Problem(data, jm.LogisticLoss(), 0.8, objective=OBJECTIVES[name])
    told = jm.forecast(problem, jm.Constant(2.0), times=[1.0, 4.0], start=0.7)
    runs = jm.simulate(problem, jm.Constant(2.0), times=[1.0, 4.0], start=0.7, seeds=300, progress=False)
    error = runs.adversarial_risk.std("seed") / np.sqrt(300)
    z = (runs.adversarial_risk.mean("seed") - told.adversarial_risk) / (error + 1.5 / 400 * 0.1)
    assert np.max(np.abs(z)) < 4 and np.max(error / told.adversarial_risk) < 4e-3


@pytest.mark.slow
def test_a_coin_is_noisier_than_a_mixture_by_what_the_page_says():
    """Least squares: the noise differs by alpha (1 - alpha) (eps rho)^2, at one state; optima are one."""
    data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    mixed, coin = (jm.Problem(data, jm.SquaredLoss(), 0.7, objective=one(0.5)) for one in (jm.Mixed, jm.CoinFlip))
    assert jm.optimum(mixed).adversarial_risk == pytest.approx(jm.optimum(coin).adversarial_risk, abs=1e-10)
    ends = [jm.forecast(p, jm.Constant(0.8), time=40).adversarial_risk[-1].item() for p in (mixed, coin)]
    assert ends[1] > ends[0] * 1.01
    slow = [jm.forecast(p, jm.Constant(0.01), times=[500.0]).adversarial_risk[-1].item() for p in (mixed, coin)]
    assert slow[1] == pytest.approx(slow[0], rel=1e-3)


def test_optimum_on_samples_is_scipys():
    """Half clean logistic on rows, at a radius; all of it written out for SciPy, which differentiates numerically."""
    g = np.random.default_rng(3)
    X = g.standard_normal((120, 4))
    y = np.where(X[:, 0] - X[:, 1] + g.standard_normal(120) > 0, 1, -1)
    samples = jm.Samples(X, y, preprocessing=None, class_weight={"1": 3.0})
    for objective in (jm.Mixed(0.5), jm.TRADES(2.0)):
        problem = jm.Problem(samples, jm.LogisticLoss(), 0.4, objective=objective)
        weight = np.where(y > 0, 3.0, 1.0)

        def risk(x, objective=objective, weight=weight):
            size = 0.4 * np.linalg.norm(x)
            return np.mean(weight * plain(jm.LogisticLoss(), objective, X @ x, size, y)[0][1])

        options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000}
        found = scipy.optimize.minimize(risk, np.full(4, 0.1), method="Nelder-Mead", options=options)
        assert jm.optimum(problem).adversarial_risk == pytest.approx(found.fun, abs=1e-8)


def test_balanced_weights_are_scikit_learns():
    from sklearn.linear_model import LogisticRegression

    g = np.random.default_rng(0)
    X = g.standard_normal((400, 5))
    y = np.where(X[:, 0] + 1.2 * g.standard_normal(400) > 1.6, "rare", "common")
    samples = jm.Samples(X, y, preprocessing=None, intercept=True, class_weight="balanced")
    best = jm.optimum(jm.Problem(samples, jm.LogisticLoss(), radius=0.0))
    theirs = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-12, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(best.vector, np.append(theirs.coef_[0], theirs.intercept_), atol=1e-5)


@pytest.mark.parametrize("objective", [jm.Adversarial(), jm.CoinFlip(0.4)], ids=["adversarial", "coin"])
def test_weighted_samples_follow_their_forecast(objective):
    """80 runs on rows, seeds 0 to 79: |z| < 4; without weights in the noise the end would be 20 % off."""
    g = np.random.default_rng(1)
    X = g.standard_normal((500, 12))
    y = np.where(X[:, 0] + g.standard_normal(500) > 1.2, 1, -1)
    samples = jm.Samples(X, y, intercept=True, class_weight="balanced")
    problem = jm.Problem(samples, jm.LogisticLoss(), 0.3, objective=objective)
    told = jm.forecast(problem, jm.Constant(1.0), times=[2.0, 20.0])
    runs = jm.simulate(problem, jm.Constant(1.0), times=[2.0, 20.0], seeds=80, progress=False)
    error = runs.adversarial_risk.std("seed") / np.sqrt(80)
    off = np.abs(runs.adversarial_risk.mean("seed") - told.adversarial_risk)
    assert np.all(off < 4 * error + 0.01 * told.adversarial_risk)


@pytest.mark.slow
def test_unit_weights_and_shares_change_nothing():
    data = jm.GaussianMixture([0.5, 0.5], [1.0, -1.0], [jm.two_level(100)] * 2, labels=[1, -1])
    same = jm.forecast(jm.Problem(data, jm.HingeLoss(), 0.4), jm.Constant(1.0), time=3)
    for objective in (jm.Mixed(0.0), jm.CoinFlip(0.0)):
        other = jm.forecast(jm.Problem(data, jm.HingeLoss(), 0.4, objective=objective), jm.Constant(1.0), time=3)
        np.testing.assert_allclose(other.adversarial_risk, same.adversarial_risk, rtol=1e-8)
    weighted = ClassWeightedLoss(jm.HingeLoss(), (1.0, 1.0))
    assert weighted.describe() == jm.HingeLoss().describe()


@pytest.mark.parametrize(
    ("make", "words"),
    [  # each with the way out
        (lambda: jm.Mixed(1.0), "from 0 to below 1"),
        (lambda: jm.CoinFlip("half"), "from 0 to below 1"),
        (lambda: jm.TRADES(-1), "finite number >= 0"),
        (lambda: jm.TRADES(1).of(jm.HingeLoss()), "TRADES compares predictions"),
        (lambda: jm.Samples([[0.0], [1.0]], [0, 1], class_weight="even"), "class_weight is 'balanced'"),
        (lambda: jm.Samples([[0.0], [1.0]], [0, 1], class_weight={2: 3.0}), "a class that is not there"),
        (lambda: jm.Samples([[0.0], [1.0]], [0, 1], class_weight={1: 0}), "finite number > 0"),
        (lambda: jm.Samples([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.5], class_weight="balanced"), "for classification"),
        (lambda: jm.Problem(TEACHER, jm.SquaredLoss(), 0.1, objective=0.4), "objective object"),
    ],
)  # fmt: skip
def test_bad_input(make, words):
    with pytest.raises(jm.InputError, match=words):
        make()


@pytest.mark.parametrize("attack", [jm.L2(), jm.LInf()], ids=["l2", "linf"])
def test_a_clean_share_moves_the_collapse_on_samples(attack):
    """No attack moves what is clean: the optimum, also that on samples, is not zero from the same radius on."""
    g = np.random.default_rng(4)
    y = np.sign(g.standard_normal(200))
    samples = jm.Samples(g.standard_normal((200, 5)) + 0.4 * y[:, None], y)
    plain = jm.collapse_radius(jm.Problem(samples, jm.LogisticLoss(), 0.1, attack))
    mixed = jm.Problem(samples, jm.LogisticLoss(), 1.3 * plain, attack, jm.Mixed(clean=0.4))
    assert jm.collapse_radius(mixed) == pytest.approx(plain / 0.6, rel=1e-12)
    best = jm.optimum(mixed)
    assert best.regime == "interior" and best.adversarial_risk < np.log(2) - 1e-4


def test_a_search_that_is_led_astray_is_never_above_the_zero_vector():
    """TRADES is not convex; of classes whose sizes are 26 orders of magnitude apart a search ended at 6e7."""
    means = [[-0.42, 0.0, 2.24, -0.33, -1.93, 0.0], [0.24, 1.89, -0.88, -0.21, 0.83, 7.9e26]]
    spectra = [
        jm.spectrum([0.28, 2.0, 0.45, 1.5, 0.0, 1.1]),
        jm.spectrum(np.array([0.2, 0.7, 1.1, 1.6, 2.1, 2.5]) * 1e21),
    ]
    data = jm.GaussianMixture([0.33, 0.67], means, spectra, labels=[1, -1])
    problem = jm.Problem(data, jm.LogisticLoss(), radius=0.054, objective=jm.TRADES(beta=2.07))
    assert jm.optimum(problem).adversarial_risk <= np.log(2) + 1e-12
