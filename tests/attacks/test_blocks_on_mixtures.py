"""Several budgets at once on Gaussian mixtures: l2 in symmetric blocks, SciPy, SGD in NumPy, rotations, spread."""

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import jominy as jm

C = np.sqrt(2 / np.pi)
BUDGET = [1.0, 0.4, 1.5]


def problem_of(dimension, radius, budget=BUDGET, loss="squared"):
    """Blocks 0, 1, 2, 1, a quarter of the features each, a teacher or classes that are spread over all."""
    g = np.random.default_rng(3)
    k, teacher = np.tile([1.6, 0.4], dimension // 2), g.standard_normal(dimension) / np.sqrt(dimension)
    attack = jm.BlockL2(blocks_of(dimension), budget)
    if loss == "squared":
        return jm.Problem(jm.LinearTeacher(k, teacher, noise_variance=0.25), jm.SquaredLoss(), radius, attack)
    means = [1.3 * teacher, -teacher]
    data = jm.GaussianMixture([0.4, 0.6], means, [k, 0.5 + 0.3 * k], labels=[1, -1])
    return jm.Problem(data, jm.LogisticLoss(), radius, attack)


def blocks_of(dimension):
    return np.repeat([0, 1, 2, 1], dimension // 4)


def sizes(x, block, budget):
    """(..., G) of weights (..., d)."""
    return np.stack([b * np.linalg.norm(x[..., block == g], axis=-1) for g, b in enumerate(budget)], axis=-1)


Z, W = np.polynomial.hermite_e.hermegauss(60)
W = W / W.sum()


def risk(problem, x):
    """Of weights (..., d): the squared loss in closed form, the logistic one by Gauss-Hermite quadrature."""
    law = problem.data.law
    shift = problem.radius * sizes(x, problem.attack.block, problem.attack.budget).sum(axis=-1)
    if law.teacher is not None:
        variance = law.noise_variance + (x - law.teacher) ** 2 @ law.eigenvalues[0]
        return (variance + 2 * C * np.sqrt(variance) * shift + shift**2) / 2
    total = 0.0
    for p, mean, k, y in zip(law.weights, law.means, law.eigenvalues, law.labels, strict=True):
        margin, sd = y * (x @ mean) - shift, np.sqrt(x**2 @ k)
        total = total + p * np.logaddexp(0, -(margin[..., None] + sd[..., None] * Z)) @ W
    return total


def runs(problem, rate, times, start, count, seed):
    """(T, count) risks of streaming SGD, a loop over samples in NumPy."""
    g, law, attack = np.random.default_rng(seed), problem.data.law, problem.attack
    d, x, told = start.size, np.tile(start, (count, 1)), []
    every = attack.block == np.arange(len(attack.budget))[:, None]
    for step in range(round(times[-1] * d) + 1):
        if step in [round(time * d) for time in times]:
            told.append(risk(problem, x))
        i = g.choice(len(law.weights), size=count, p=law.weights)
        row = law.means[i] + np.sqrt(law.eigenvalues[i]) * g.standard_normal((count, d))
        score, lengths = np.sum(row * x, axis=1), sizes(x, attack.block, np.ones(len(every)))
        shift = problem.radius * lengths @ attack.budget
        if law.teacher is None:
            slope = -1 / (1 + np.exp(law.labels[i] * score - shift))
            by_score, by_shift = law.labels[i] * slope, -slope
        else:
            error = score - row @ law.teacher - np.sqrt(law.noise_variance) * g.standard_normal(count)
            by_score, by_shift = error + np.sign(error) * shift, np.abs(error) + shift
        pull = (attack.budget / lengths) @ every * x
        x = x - rate / d * (by_score[:, None] * row + problem.radius * by_shift[:, None] * pull)
    return np.array(told)


@pytest.mark.parametrize(
    ("dimension", "count", "loss"),
    [
        (60, 150, "squared"),
        pytest.param(200, 300, "squared", marks=pytest.mark.slow),
        pytest.param(200, 300, "logistic", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("budget", [BUDGET, [1.0, 0.0, 1.5]], ids=["all", "immutable"])
def test_sgd_in_numpy_does_what_the_forecast_says(dimension, count, loss, budget):
    """Standard errors: 300 runs at d = 200 .2 to .3 % (logistic .1 %), 150 runs at d = 60 .6 %; one budget for all, the
    root mean square, is 8 % off."""
    problem, times = problem_of(dimension, 0.5, budget, loss), [0.5, 1.0, 2.0]
    rate, start = 0.6 if loss == "squared" else 1.0, np.full(dimension, 0.5 / np.sqrt(dimension))
    told = jm.forecast(problem, jm.Constant(rate), times=times, start=start).adversarial_risk.values
    values = runs(problem, rate, times, start, count, seed=5)
    error = values.std(axis=1) / np.sqrt(count)
    assert np.all(np.abs(values.mean(axis=1) - told) < 3.5 * error + 0.3 * told / dimension)
    pooled = jm.Mahalanobis(np.square(budget)[blocks_of(dimension)])
    other = jm.forecast(
        jm.Problem(problem.data, problem.loss, 0.5, pooled), jm.Constant(rate), times=times, start=start
    )
    assert np.any(np.abs(values.mean(axis=1) - other.adversarial_risk.values) > 8 * error)


@pytest.mark.parametrize(
    "schedules",
    [[jm.Polyak()], pytest.param([jm.Constant(0.5), jm.ExactLineSearch()], marks=pytest.mark.slow)],
    ids=["polyak", "others"],
)
def test_two_blocks_that_are_alike_are_l2_at_a_radius_of_root_two(schedules):
    """||X_1|| + ||X_2|| is then sqrt(2) ||X||: forecasts, the optimum, the end."""
    k, g = np.tile(np.repeat([1.5, 0.5], 10), 2), np.random.default_rng(0)
    data = jm.LinearTeacher(k, np.tile(g.standard_normal(20) / 6, 2), noise_variance=0.25)
    blocks = jm.Problem(data, jm.SquaredLoss(), 0.3, jm.BlockL2(np.repeat([0, 1], 20)))
    ball = jm.Problem(data, jm.SquaredLoss(), 0.3 * np.sqrt(2))
    how = {"times": [0.5, 3.0], "start": np.full(40, 0.05), "rtol": 1e-9}
    for schedule in schedules:
        one, other = (jm.forecast(problem, schedule, **how) for problem in (blocks, ball))
        for name in ("adversarial_risk", "clean_risk", "norm", "learning_rate", "distance_to_optimum"):
            np.testing.assert_allclose(one[name], other[name], rtol=1e-7)
    best, other_best = jm.optimum(blocks), jm.optimum(ball)
    assert best.adversarial_risk == pytest.approx(other_best.adversarial_risk, rel=1e-12)
    assert best.collapse_radius * np.sqrt(2) == pytest.approx(other_best.collapse_radius, rel=1e-12)
    end, other_end = jm.stationary(blocks, 0.5), jm.stationary(ball, 0.5)
    assert end.adversarial_risk == pytest.approx(other_end.adversarial_risk, rel=1e-9)
    assert end.distance_to_optimum == pytest.approx(other_end.distance_to_optimum, rel=1e-7)


@pytest.mark.parametrize(
    ("loss", "budget", "radius", "empty"),
    [
        ("squared", BUDGET, 0.8, 1),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [
                ("logistic", [0.0, 0.5, 1.5], 0.4, 1),
                ("squared", BUDGET, 0.1, 0),
                ("squared", [0.0, 0.5, 1.5], 0.9, 1),
                ("squared", [1.0, 1.0, 0.0], 0.7, 0),
                ("logistic", BUDGET, 0.1, 0),
                ("logistic", BUDGET, 0.8, 2),
                ("logistic", [1.0, 1.0, 0.0], 0.7, 1),
            ]
        ),
    ],
)
def test_no_vector_has_a_lower_risk_than_the_optimum(loss, budget, radius, empty):
    """BFGS from around it; some have an empty block, and beyond the collapse radius all are."""
    problem = problem_of(60, radius, budget, loss)
    found, g = jm.optimum(problem), np.random.default_rng(1)
    options = {"gtol": 1e-9, "maxiter": 3000}
    ways = [found.vector + off * g.standard_normal(60) for off in (1e-4, 1e-2)]
    best = min(scipy.optimize.minimize(lambda x: risk(problem, x), way, options=options).fun for way in ways)
    assert found.adversarial_risk == pytest.approx(float(risk(problem, found.vector)), rel=1e-8)
    assert found.adversarial_risk - 1e-8 < best < found.adversarial_risk + 1e-6
    assert np.count_nonzero(sizes(found.vector, problem.attack.block, np.ones(3)) == 0) == empty
    edge = found.collapse_radius
    below, above = (
        jm.optimum(jm.Problem(problem.data, problem.loss, f * edge, problem.attack)).vector for f in (0.97, 1.03)
    )
    assert sizes(above, problem.attack.block, budget).sum() < 1e-12 < 1e-3 < sizes(below, blocks_of(60), budget).sum()


@pytest.mark.parametrize("count", [20, pytest.param(400, marks=pytest.mark.slow)])
def test_the_optimum_has_a_subgradient_that_is_zero(count):
    """Random least squares in closed form: blocks that are used pull as the attack does, empty ones no more than it."""
    g, empty = np.random.default_rng(12), 0
    for _ in range(count):
        number = int(g.integers(2, 6))
        block = g.permutation(np.append(np.arange(number), g.integers(0, number, 24 - number)))
        budget, k, radius = g.uniform(0.2, 1.5, number), g.uniform(0.1, 1.8, 24), g.uniform(0.02, 1.2)
        teacher = g.standard_normal(24) / np.sqrt(24) * g.choice([0.2, 1.0, 3.0], 24)
        data = jm.LinearTeacher(k, teacher, noise_variance=0.25)
        found = jm.optimum(jm.Problem(data, jm.SquaredLoss(), radius, jm.BlockL2(block, budget)))
        x = found.vector
        shift, sd = radius * sizes(x, block, budget).sum(), np.sqrt(0.25 + k @ (x - teacher) ** 2)
        pull, push = k * (x - teacher) * (1 + C * shift / sd), radius * (C * sd + shift)
        for number, price in enumerate(budget):
            own, length = pull[block == number], np.linalg.norm(x[block == number])
            if length:
                np.testing.assert_allclose(own, -push * price * x[block == number] / length, atol=1e-7)
            else:
                empty += 1
                assert np.linalg.norm(own) <= push * price * (1 + 1e-6)
    assert empty > count / 4


@pytest.mark.slow
def test_a_block_for_each_feature_has_the_optimum_of_l_inf():
    """Other equations, weight by weight: a soft threshold for each."""
    g = np.random.default_rng(6)
    data = jm.LinearTeacher(g.uniform(0.3, 1.5, 24), g.standard_normal(24) / 5, noise_variance=0.1)
    budget = g.uniform(0.5, 1.5, 24)
    found = jm.optimum(jm.Problem(data, jm.SquaredLoss(), 0.1, jm.BlockL2(np.arange(24), budget)))
    other = jm.optimum(jm.Problem(data, jm.SquaredLoss(), 0.1 * np.sqrt(24), jm.LInf(budget)))
    assert found.adversarial_risk == pytest.approx(other.adversarial_risk, rel=1e-9)
    np.testing.assert_allclose(found.vector, other.vector, atol=1e-7)
    assert 0 < np.count_nonzero(np.abs(found.vector) < 1e-12) < 24
    assert found.collapse_radius * np.sqrt(24) == pytest.approx(other.collapse_radius, rel=1e-9)


@pytest.mark.slow
def test_one_block_within_reach_is_an_ellipsoid_with_zeros():
    block, how = blocks_of(40), {"times": [1.0, 4.0], "start": 0.5}
    data = problem_of(40, 0.4, loss="logistic").data
    attacks = jm.BlockL2(block, [0.0, 0.6, 0.0]), jm.Mahalanobis(np.where(block == 1, 0.36, 0.0))
    one, other = (jm.Problem(data, jm.LogisticLoss(), 0.4, attack) for attack in attacks)
    found, expected = (jm.forecast(problem, jm.Constant(0.8), **how).adversarial_risk for problem in (one, other))
    np.testing.assert_array_equal(found, expected)
    assert jm.optimum(one).adversarial_risk == jm.optimum(other).adversarial_risk


def _rotated(within_blocks):
    """A problem of 40 features whose classes' covariances are turned, with that turn."""
    g, block, turn = np.random.default_rng(2), blocks_of(40), np.zeros((40, 40))
    groups = [np.flatnonzero(block == number) for number in range(3)] if within_blocks else [np.arange(40)]
    for group in groups:
        turn[np.ix_(group, group)] = scipy.stats.ortho_group.rvs(group.size, random_state=g)
    return block, turn, np.linspace(0.3, 1.7, 40), 1.3 * g.standard_normal(40) / np.sqrt(40)


@pytest.mark.slow
def test_a_rotation_within_the_blocks_changes_nothing():
    block, turn, k, mean = _rotated(within_blocks=True)
    found = []
    for q in (np.eye(40), turn):
        covariances = [q @ np.diag(k) @ q.T, q @ np.diag(0.5 + 0.3 * k) @ q.T]
        data = jm.GaussianMixture([0.4, 0.6], [q @ mean, -0.8 * q @ mean], covariances, labels=[1, -1])
        problem = jm.Problem(data, jm.LogisticLoss(), 0.4, jm.BlockL2(block, BUDGET))
        told = jm.forecast(problem, jm.Constant(1.0), times=[1.0, 4.0], start=q @ np.full(40, 0.05))
        found.append([*told.adversarial_risk.values, jm.optimum(problem).adversarial_risk])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)


def test_covariances_that_join_blocks_are_dense():
    """A class with a full covariance: the same law given as an eigenbasis where only one class is known, and SciPy."""
    block, turn, k, mean = _rotated(within_blocks=False)
    data = jm.LinearTeacher(turn @ np.diag(k) @ turn.T, mean, noise_variance=0.25)
    problem = jm.Problem(data, jm.SquaredLoss(), 0.3, jm.BlockL2(block, BUDGET))
    assert not problem.law.commuting

    def of(x):
        variance, shift = 0.25 + (x - mean) @ (turn * k) @ turn.T @ (x - mean), 0.3 * sizes(x, block, BUDGET).sum()
        return (variance + 2 * C * np.sqrt(variance) * shift + shift**2) / 2

    found = jm.optimum(problem)
    assert found.adversarial_risk == pytest.approx(of(found.vector), rel=1e-10)
    best = scipy.optimize.minimize(of, found.vector + 1e-3, options={"gtol": 1e-9, "maxiter": 3000}).fun
    assert found.adversarial_risk - 1e-9 < best < found.adversarial_risk + 1e-6
    start = np.full(40, 0.05)
    told = jm.forecast(problem, jm.Constant(0.5), times=[0.0, 2.0], start=start)
    assert told.adversarial_risk.values[0] == pytest.approx(of(start), rel=1e-9)
    values = jm.simulate(problem, jm.Constant(0.5), times=[2.0], start=start, seeds=60, progress=False).adversarial_risk
    error = float(values.std()) / np.sqrt(60)  # 1.1 %
    assert abs(float(values.mean()) - told.adversarial_risk.values[1]) < 3.5 * error + 0.3 / 40


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("corner", [False, True], ids=["", "one block starts at zero"])
def test_bands_hold_single_runs(loss, corner):
    """400 runs at d = 200: their spread has a standard error of 3.5 %, and 95 % bands hold 95 % of them +- 1.1 %."""
    problem, times = problem_of(200, 0.4, loss=loss), [0.5, 1.0, 2.0, 4.0]
    start = np.where((blocks_of(200) == 1) & corner, 0.0, 0.05)
    told = jm.forecast(problem, jm.Constant(0.6), times=times, start=start, bands=True)
    values = jm.simulate(problem, jm.Constant(0.6), times=times, start=start, seeds=400, progress=False)
    for name in ("adversarial_risk", "norm"):
        sd, mean = told[name + "_sd"].values, told[name].values + told[name + "_bias"].values
        np.testing.assert_allclose(values[name].values.std(axis=0), sd, rtol=0.13)
        held = np.abs(values[name].values - mean) < 1.96 * sd
        assert np.all(np.abs(held.mean(axis=0) - 0.95) < 0.04)
        assert np.all(np.abs(values[name].values.mean(axis=0) - mean) < 3.5 * sd / np.sqrt(400) + 0.002 * mean)


@pytest.mark.slow
def test_a_spread_of_runs():
    """60 runs at d = 60, their spread to a standard error of 9 %; and from a block at zero bands are finite."""
    problem, start = problem_of(60, 0.4), np.full(60, 0.06)
    told = jm.forecast(problem, jm.Constant(0.6), times=[2.0], start=start, bands=True)
    values = jm.simulate(problem, jm.Constant(0.6), times=[2.0], start=start, seeds=60, progress=False).norm.values
    assert 0.7 < float(values.std()) / float(told.norm_sd.values[0]) < 1.35
    corner = np.where(blocks_of(60) == 1, 0.0, 0.06)
    told = jm.forecast(problem, jm.Constant(0.6), times=[0.01, 2.0], start=corner, bands=True)
    assert np.all(told.adversarial_risk_sd.values < 0.2)


@pytest.mark.slow
def test_line_search_does_not_leave_a_block_at_zero():
    corner = np.where(blocks_of(60) == 1, 0.0, 0.06)
    told = jm.forecast(problem_of(60, 0.4), jm.ExactLineSearch(), times=[1.0], start=corner)
    assert told.attrs["status"] == "stuck at zero" and "of a block" in told.attrs["advice"]


@pytest.mark.slow
def test_the_end_is_where_a_long_forecast_arrives():
    problem = problem_of(40, 0.4)
    told = jm.forecast(problem, jm.Constant(0.5), times=[80.0], start=0.5)
    end = jm.stationary(problem, 0.5)
    assert end.adversarial_risk == pytest.approx(float(told.adversarial_risk[-1]), rel=1e-7)
    assert end.norm == pytest.approx(float(told.norm[-1]), rel=1e-7)


@pytest.mark.slow
def test_the_stochastic_equation_has_the_forecast_as_its_mean():
    """60 paths at d = 60, standard error 1 %."""
    problem, start = problem_of(60, 0.4), np.full(60, 0.06)
    told = jm.forecast(problem, jm.Constant(0.5), times=[2.0], start=start)
    paths = jm.homogenize(problem, jm.Constant(0.5), times=[2.0], start=start, paths=60, progress=False)
    values = paths.adversarial_risk.values
    assert abs(values.mean() - float(told.adversarial_risk[0])) < 3.5 * values.std() / np.sqrt(60) + 0.3 / 60


@pytest.mark.slow
def test_single_weights_are_followed_for_other_attacks():
    """What is read out under the training's own attack is its risk; under l_inf the mean over 40 runs at d = 200."""
    problem = problem_of(200, 0.4)
    told = jm.forecast(
        problem, jm.Constant(0.5), times=[1.0, 3.0], start=0.5, evaluate_at=[(problem.attack, 0.4), (jm.L2(), 0.3)]
    )
    np.testing.assert_allclose(told.risk_at_attack.values[:, 0], told.adversarial_risk, rtol=1e-5)
    ball = jm.forecast(
        jm.Problem(problem.data, problem.loss, 0.4), jm.Constant(0.5), times=[0.0, 2.0], start=np.full(200, 0.05),
        evaluate_at=[(problem.attack, 0.4)],
    )  # fmt: skip
    assert ball.risk_at_attack.values[0, 0] == pytest.approx(risk(problem, np.full(200, 0.05)), rel=1e-9)


def test_small_blocks_are_spoken_of():
    data = problem_of(60, 0.1).data
    told = jm.forecast(
        jm.Problem(data, jm.SquaredLoss(), 0.1, jm.BlockL2(np.arange(60) // 4)), jm.Constant(0.5), times=[1.0]
    )
    assert "smallest block has 4 features" in told.attrs["notes"]
    told = jm.forecast(problem_of(80, 0.1), jm.Constant(0.5), times=[1.0])
    assert "smallest block" not in told.attrs["notes"]


def test_a_scenario_and_a_sweep_have_it():
    mapping = {
        "data": {"kind": "linear-teacher", "dimension": 40, "covariance": {"kind": "identity"}, "noise_variance": 0.25},
        "loss": {"kind": "squared"}, "radius": 0.2,
        "attack": {"kind": "block-l2", "block": [0, 0, 1, 0], "budget": [1, 0.5]},
        "schedule": {"kind": "constant", "rate": 0.5}, "time": 2,
    }  # fmt: skip
    scenario = jm.Scenario.from_mapping(mapping)
    attack = scenario.problem().attack
    assert len(attack.block) == 40 and attack.budget.tolist() == [1.0, 0.5]
    swept = jm.sweep(scenario, {"radius": [0.1, 0.2]}, progress=False)
    alone = jm.forecast(scenario.problem(), jm.Constant(0.5), time=2)
    assert float(swept.adversarial_risk.isel(time=-1, radius=1)) == pytest.approx(
        float(alone.adversarial_risk[-1]), rel=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_derivatives_are_differences_and_many_are_single_ones(loss):
    def forecast(radius, rate):
        problem = problem_of(40, radius, loss=loss)
        return jm.forecast(problem, jm.Constant(rate), times=[2.0], start=jm.RandomStart(0.3), rtol=1e-11)

    def made(radius, rate):
        return problem_of(40, radius, loss=loss), jm.Constant(rate), jm.RandomStart(0.3)

    found, h = jm.sensitivity(made, {"radius": 0.2, "rate": 0.5}, times=[2.0]), 1e-4
    for name in ("adversarial_risk", "norm"):
        slopes = [
            float((forecast(*up)[name] - forecast(*down)[name])[0]) / (2 * h)
            for up, down in (((0.2 + h, 0.5), (0.2 - h, 0.5)), ((0.2, 0.5 + h), (0.2, 0.5 - h)))
        ]
        np.testing.assert_allclose(found[f"{name}_slope"][:, 0], slopes, rtol=1e-5, err_msg=name)
    problems = [problem_of(40, radius, loss=loss) for radius in (0.1, 0.3)]
    many = jm.forecast_many(problems, jm.Constant(0.5), times=[1.0, 2.0], progress=False)
    for place, problem in enumerate(problems):
        alone = jm.forecast(problem, jm.Constant(0.5), times=[1.0, 2.0])
        np.testing.assert_allclose(many.adversarial_risk[place], alone.adversarial_risk, rtol=1e-8)


def test_bad_blocks_are_refused():
    law = jm.GaussianMixture([0.5, 0.5], [0.5, -0.5], [jm.identity(6)] * 2, labels=[0, 1])
    with pytest.raises(jm.InputError, match="one block for each feature"):
        jm.Problem(jm.LinearTeacher(jm.identity(6)), jm.SquaredLoss(), 0.1, jm.BlockL2([0, 1]))
    with pytest.raises(jm.InputError, match="lists every coordinate"):
        jm.Problem(jm.LinearTeacher(jm.identity(np.inf)), jm.SquaredLoss(), 0.1, jm.BlockL2([0, 1]))
    with pytest.raises(jm.InputError, match="one score per row"):
        jm.Problem(law, jm.SoftmaxLoss(), 0.1, jm.BlockL2([0, 0, 0, 1, 1, 1]))
