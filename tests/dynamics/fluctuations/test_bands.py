"""Bands against an independent solution, against SGD, and against each other."""

import json
import time

import jax.numpy as jnp
import numpy as np
import pytest

import jominy as jm
import oracle_fluctuations
import user_losses
import zoo
from jominy.dynamics.population import forecast

TIMES = [0.5, 2.0, 6.0]

slow = pytest.mark.slow


def two_level(d: int = 400) -> zoo.Law:
    return zoo.one_class(zoo.two(d), 0.25)


def scaled(curve, name):
    """Standard deviation times sqrt(d), bias times d."""
    d = curve.attrs["band_dimension"]
    return curve[f"{name}_sd"].values * np.sqrt(d), curve[f"{name}_bias"].values * d


def groups_of(law: zoo.Law, start):
    """What the oracle needs of a one-class law with two levels, and the state of a start."""
    values = np.unique(law.covariances[0])
    where = [law.covariances[0] == value for value in values]
    mass = [np.sum(law.teacher[w] ** 2) for w in where]
    state = np.array([start[w] @ start[w] for w in where] + [start[w] @ law.teacher[w] for w in where])
    return values, [np.mean(w) for w in where], mass, state


def decay(t):
    return jnp.exp(-1.2 * t) + 0.1


@pytest.mark.parametrize("radius", [0.3, pytest.param(0.8, marks=slow)])
@pytest.mark.parametrize("schedule", ["constant", pytest.param("moving", marks=slow)])
def test_least_squares_against_closed_forms_and_scipy(radius, schedule):
    law, start = two_level(40), zoo.start(40)
    lam, dl, mass, state = groups_of(law, start)
    rate = decay if schedule == "moving" else (lambda t: 0.5 + 0 * t)
    oracle = oracle_fluctuations.OneClass(lam, dl, mass, 0.25, radius, lambda t, y: rate(t))
    solved = oracle.solve(state, np.zeros((4, 4)), TIMES)
    given = jm.FromFunction(decay) if schedule == "moving" else jm.Constant(0.5)
    curve = jm.forecast(law.problem(jm.SquaredLoss(), radius), given, times=TIMES, start=start, bands=True)
    functions = {"adversarial_risk": oracle.risk, "norm": lambda y: oracle.scalars(y)[3]}
    for name, function in functions.items():
        for found, expected in zip(scaled(curve, name), oracle.read(function, *solved), strict=True):
            np.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-8)


def test_a_spread_that_takes_too_many_steps_is_unknown(monkeypatch):
    """The curve stays as it is, and the bands say that they are not known."""
    law, start = two_level(40), zoo.start(40)
    ask = lambda: jm.forecast(  # noqa: E731
        law.problem(jm.SquaredLoss(), 0.3), jm.Constant(0.5), times=TIMES, start=start, bands=True
    )
    whole = ask()
    monkeypatch.setattr(forecast, "PACE", 0)
    monkeypatch.setattr(forecast, "LEAST_STEPS", 5)
    some = ask()
    np.testing.assert_array_equal(some.norm, whole.norm)
    assert np.all(np.isfinite(whole.norm_sd)) and np.all(np.isinf(some.norm_sd))
    assert some.bands == "not to be trusted"


@slow
def test_a_spread_at_a_collapse_does_not_take_minutes():
    """Polyak's rate brings the student to zero within the first instant, where the spread blows up."""
    law = jm.LinearTeacher(jm.identity(6), noise_variance=0.25)
    begin = time.process_time()
    curve = jm.forecast(
        jm.Problem(law, jm.SquaredLoss(), 3e7), jm.Polyak(), time=2, start=jm.RandomStart(1.0), bands=True
    )
    assert curve.bands == "not to be trusted" and time.process_time() - begin < 100


@slow
def test_closed_loop_against_an_oracle_that_differentiates_the_rate():
    law, start = two_level(400), zoo.start(400)
    problem = law.problem(jm.SquaredLoss(), 0.3)
    lam, dl, mass, state = groups_of(law, start)
    target = jm.optimum(problem).vector
    inside = [law.covariances[0] == value for value in lam]
    ratio = np.array([target[w] @ law.teacher[w] / (law.teacher[w] @ law.teacher[w]) for w in inside])

    def polyak(t, y):  # <grad R, X - X0> / noise, with X0 = ratio X* in each group
        size, along, _, _ = oracle.scalars(y)
        a, b = oracle.slopes(y)
        alpha = a * oracle.lam + b
        gain = jnp.sum(alpha * size - (alpha * ratio + a * oracle.lam) * along + a * oracle.lam * ratio * oracle.mass)
        return gain / (2 * oracle.risk(y) * jnp.sum(oracle.lam * oracle.dl))

    oracle = oracle_fluctuations.OneClass(lam, dl, mass, 0.25, 0.3, polyak)
    closed, opened = (oracle.solve(state, np.zeros((4, 4)), TIMES, closed=flag) for flag in (True, False))
    curve = jm.forecast(problem, jm.Polyak(), times=TIMES, start=start, bands=True)
    for found, expected in zip(scaled(curve, "adversarial_risk"), oracle.read(oracle.risk, *closed), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    rate = oracle.read(lambda y: polyak(0.0, y), *closed)
    for found, expected in zip(scaled(curve, "learning_rate"), rate, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    # The open loop is another process: its bias at the last time even has another sign (theory, section 5).
    other = oracle.read(oracle.risk, *opened)[1]
    np.testing.assert_allclose(other, [0.382, 0.135, 0.018], atol=2e-3)


def growing(t):
    return 0.2 + 0.6 * (1 - jnp.exp(-1.5 * t))


@slow
@pytest.mark.parametrize("kind", ["constant rate", "line search"])
def test_a_radius_that_moves_against_closed_forms_and_scipy(kind):
    # The first time is early, where the radius moves fast; risks are at the radius of their time, excess at the last.
    law, start, times = two_level(40), zoo.start(40), [0.3, 1.0, 3.0]
    lam, dl, mass, state = groups_of(law, start)

    def line_search(t, y):
        here = oracle.at(t)
        size, along, _, _ = here.scalars(y)
        a, b = here.slopes(y)
        alpha, beta = a * here.lam + b, -a * here.lam
        squared = jnp.sum(alpha**2 * size + 2 * alpha * beta * along + beta**2 * here.mass)
        return squared / (2 * here.risk(y) * jnp.sum(here.lam * here.dl * alpha))

    def rate(t, y):
        return line_search(t, y) if kind == "line search" else 0.5 + 0 * t

    oracle = oracle_fluctuations.OneClass(lam, dl, mass, 0.25, growing, rate)
    solved = oracle.solve(state, np.zeros((4, 4)), times)
    schedule = jm.ExactLineSearch() if kind == "line search" else jm.Constant(0.5)
    problem = law.problem(jm.SquaredLoss(), jm.RadiusFunction(growing, final=0.8))
    curve = jm.forecast(problem, schedule, times=times, start=start, bands=True)
    last = oracle_fluctuations.OneClass(lam, dl, mass, 0.25, 0.8, rate)
    told = {"excess_risk": oracle.read(last.risk, *solved), "norm": oracle.read(lambda y: last.scalars(y)[3], *solved)}
    at_its_time = [oracle.read(oracle.at(t).risk, *(part[k : k + 1] for part in solved)) for k, t in enumerate(times)]
    told["adversarial_risk"] = [np.concatenate(part) for part in zip(*at_its_time, strict=True)]
    if kind == "line search":
        rates = [
            oracle.read(lambda y, t=t: line_search(t, y), *(part[k : k + 1] for part in solved))
            for k, t in enumerate(times)
        ]
        told["learning_rate"] = [np.concatenate(part) for part in zip(*rates, strict=True)]
    for name, expected in told.items():
        np.testing.assert_allclose(scaled(curve, name), expected, rtol=2e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(
    "radius, schedule, sd, bias",
    [
        (0.3, jm.Polyak(), (0.582, 0.234, 0.0707), (0.350, 0.052, -0.032)),
        pytest.param(0.3, jm.ExactLineSearch(), (0.551, 0.209, 0.0626), (0.215, 0.008, 0.000), marks=slow),
        pytest.param(0.8, jm.Polyak(), (0.627, 0.179, 0.0502), (0.294, -0.074, -0.038), marks=slow),
        pytest.param(0.8, jm.ExactLineSearch(), (0.605, 0.170, 0.0469), (0.200, -0.073, -0.024), marks=slow),
    ],
)
def test_reference_values_of_adaptive_rates(radius, schedule, sd, bias):
    # The table of `fluctuations.md` section 5, to its last digit.
    law = two_level()
    curve = jm.forecast(law.problem(jm.SquaredLoss(), radius), schedule, times=TIMES, start=zoo.start(400), bands=True)
    found = scaled(curve, "adversarial_risk")
    np.testing.assert_allclose(found[0], sd, atol=6e-4)
    np.testing.assert_allclose(found[1], bias, atol=6e-4)


@slow
def test_reference_values_of_a_moving_rate():
    # `fluctuations.md` section 5: d * bias of the norm with and (0.284, ...) without dF/dt.
    law = two_level()
    curve = jm.forecast(
        law.problem(jm.SquaredLoss(), 0.3),
        jm.FromFunction(decay),
        times=[1.0, 2.0, 3.0],
        start=zoo.start(400),
        bands=True,
    )
    np.testing.assert_allclose(scaled(curve, "norm")[1], [0.427, 0.243, 0.178], atol=6e-4)


CASES = {
    "zero start, least squares": (lambda: two_level(200), jm.SquaredLoss(), 0.5, jm.Constant(0.5), None),
    "zero start, logistic": (lambda: zoo.two_grouped_classes(200), jm.LogisticLoss(), 0.5, jm.Constant(1.0), None),
    "random start, hinge": (
        lambda: zoo.two_grouped_classes(200), user_losses.Hinge(), 0.3, jm.Constant(0.7), jm.RandomStart(0.6),
    ),
    "classes and teacher, cosine": (
        lambda: zoo.two_grouped_classes(200, labels=(0.5, -0.3), with_teacher=True, noise_variance=0.2),
        jm.SquaredLoss(), 0.5, jm.Cosine(1.0, 5.0), zoo.start(200),
    ),
    "logistic, Polyak": (
        lambda: zoo.two_grouped_classes(200), jm.LogisticLoss(), 0.3, jm.Polyak(), zoo.start(200),
    ),
    "logistic, a ramp of the radius": (
        lambda: zoo.two_grouped_classes(200), jm.LogisticLoss(), jm.RadiusRamp(0.0, 0.6, time=2.0),
        jm.Constant(1.0), zoo.start(200),
    ),
    "zero start, least squares, a radius that jumps, Polyak": (
        lambda: two_level(200), jm.SquaredLoss(), jm.RadiusPiecewise([0.5], [0.2, 0.7]), jm.Polyak(), None,
    ),
}  # fmt: skip


FIRST = ("zero start, least squares",)


@pytest.mark.parametrize("name", [name if name in FIRST else pytest.param(name, marks=slow) for name in CASES])
def test_against_sgd(name):
    # 1000 runs: the sample standard deviation has a relative error of 0.022, the mean one of sd / 32.
    law, loss, radius, schedule, start = CASES[name]
    case = law().problem(loss, radius), schedule
    times = [0.2, 1.0, 3.0]
    curve = jm.forecast(*case, times=times, start=start, bands=True, evaluate_at=[0.2])
    runs = jm.simulate(*case, times=times, start=start, seeds=1000, progress=False, evaluate_at=[0.2])
    bands = [str(key).removesuffix("_sd") for key in curve.data_vars if str(key).endswith("_sd")]
    without = {"effective_learning_rate", "effective_ridge", "noise_inflation", "radius"}
    without |= set() if schedule.adaptive else {"learning_rate"}
    assert set(bands) == {str(key) for key in runs.data_vars} - without
    for variable in bands:
        values = runs[variable].transpose("seed", ...).values
        sd, bias = curve[f"{variable}_sd"].values, curve[f"{variable}_bias"].values
        np.testing.assert_allclose(values.std(axis=0, ddof=1), sd, rtol=0.1, err_msg=variable)
        z = (values.mean(axis=0) - curve[variable].values - bias) / sd * np.sqrt(1000)
        assert np.max(np.abs(z)) < 4, (variable, z)


def with_budgets(intercept: bool, schedule, d: int = 200):
    """Two classes on two groups of variances and of budgets."""
    mean = 1.1 * np.random.default_rng(0).standard_normal(d) / np.sqrt(d)
    spectrum = jm.spectrum(np.where(np.arange(d) < d // 2, 0.4, 1.6))
    data = jm.GaussianMixture([0.25, 0.75], [mean, -mean], [spectrum] * 2, labels=[1, -1], intercept=intercept)
    budget = np.append(np.where(np.arange(d) % 2, 0.2, 2.0), [0.0] * intercept)
    return jm.Problem(data, jm.LogisticLoss(), 0.4, jm.Mahalanobis(budget)), schedule


@slow
@pytest.mark.parametrize(("intercept", "schedule"), [(False, jm.Polyak()), (True, jm.Constant(1.0))], ids=str)
def test_budgets_and_an_intercept_against_sgd(intercept, schedule):
    """1,000 runs: standard deviations to .022, means to a standard error; without the bias the norm is 8 off."""
    case, times = with_budgets(intercept, schedule), np.array([40, 200, 600]) / (200 + intercept)
    curve = jm.forecast(*case, times=times, start=0.5, bands=True)
    runs = jm.simulate(*case, times=times, start=0.5, seeds=1000, progress=False)
    for name in ("adversarial_risk", "adversarial_accuracy", "clean_risk", "norm", "distance_to_optimum"):
        values = runs[name].transpose("seed", "time").values
        sd, bias = curve[f"{name}_sd"].values, curve[f"{name}_bias"].values
        np.testing.assert_allclose(values.std(axis=0, ddof=1), sd, rtol=0.1, err_msg=name)
        z = (values.mean(axis=0) - curve[name].values - bias) / sd * np.sqrt(1000)
        assert np.max(np.abs(z)) < 4, (name, z)


@slow
def test_nodes_that_stand_for_a_long_spectrum():
    law = zoo.one_class(zoo.pow_(120), 0.25)
    problem = law.problem(jm.SquaredLoss(), 0.5)
    asked = {"times": TIMES, "start": zoo.start(120), "bands": True, "rtol": 1e-11}  # at 1e-9 the integrators differ
    bands = [jm.forecast(problem, jm.Constant(0.5), compress=compress, **asked) for compress in (True, False)]
    assert "Chebyshev" in bands[0].attrs["method"] and "groups" in bands[1].attrs["method"]
    for name in ("adversarial_risk", "norm", "distance_to_optimum", "alignment"):
        np.testing.assert_allclose(bands[0][f"{name}_sd"], bands[1][f"{name}_sd"], rtol=1e-8)
        np.testing.assert_allclose(bands[0][f"{name}_bias"], bands[1][f"{name}_bias"], rtol=1e-7, atol=1e-11)


@slow
@pytest.mark.parametrize(("noise", "radius"), [(0.25, 0.5), (0.0, 0.2)], ids=["label noise", "noiseless"])
def test_bands_on_few_nodes_are_as_exact_as_said(noise, radius):
    problem = jm.Problem(jm.LinearTeacher(jm.power_law(100, 1.5), noise_variance=noise), jm.SquaredLoss(), radius)
    asked = {"times": [0.5, 2.0, 20.0], "start": 0.7, "bands": True}
    told = jm.forecast(problem, jm.Constant(0.3), **asked)
    exact = jm.forecast(problem, jm.Constant(0.3), compress=False, rtol=1e-11, **asked)
    allowed = 10 * max(1e-7, told.numerical_error)
    assert allowed < 1e-4
    for name in exact.data_vars:
        if str(name).endswith(("_sd", "_bias")):
            size = np.abs(exact[name].values)
            scale = np.maximum(size, 0.1 * np.maximum.accumulate(size))
            assert np.max(np.abs(told[name].values - exact[name].values) / scale) < allowed, name


@slow
def test_one_class_twice_is_one_class():
    one = zoo.two_grouped_classes(40)
    same = zoo.Law(np.array([0.5, 0.5]), one.means[[0, 0]], one.covariances[[0, 0]], np.array([1.0, 1.0]))
    single = zoo.Law(np.ones(1), one.means[:1], one.covariances[:1], np.ones(1))
    pair = [
        jm.forecast(law.problem(jm.SquaredLoss(), 0.4), jm.Constant(0.6), times=TIMES, start=zoo.start(40), bands=True)
        for law in (same, single)
    ]
    for name in ("adversarial_risk", "norm"):
        np.testing.assert_allclose(scaled(pair[0], name), scaled(pair[1], name), rtol=1e-7)


def test_another_dimension_only_rescales():
    problem = two_level().problem(jm.SquaredLoss(), 0.5)
    own = jm.forecast(problem, jm.Constant(0.5), times=TIMES, start=zoo.start(400), bands=True)
    other = jm.forecast(problem, jm.Constant(0.5), times=TIMES, start=zoo.start(400), bands=True, dimension=100)
    np.testing.assert_allclose(other.norm_sd, 2 * own.norm_sd, rtol=1e-12)
    np.testing.assert_allclose(other.norm_bias, 4 * own.norm_bias, rtol=1e-12)
    assert other.attrs["band_dimension"] == 100


@slow
def test_a_limiting_law_agrees_with_a_large_dimension():
    def bands(own, **more):
        data = jm.LinearTeacher(jm.uniform(own, low=0.2, high=1.8), noise_variance=0.25)
        problem = jm.Problem(data, jm.SquaredLoss(), radius=0.5)
        return jm.forecast(problem, jm.Constant(0.5), times=TIMES, start=jm.RandomStart(0.5), bands=True, **more)

    limit, large = bands(np.inf, dimension=1000), bands(1000)
    np.testing.assert_allclose(limit.adversarial_risk_sd, large.adversarial_risk_sd, rtol=1e-4)
    np.testing.assert_allclose(limit.adversarial_risk_bias, large.adversarial_risk_bias, rtol=1e-3)


@slow
@pytest.mark.parametrize("rate, scaled_indicator, verdict", [(1.2, 0.38, "fair"), (1.8, 2.39, "not to be trusted")])
def test_near_the_largest_stable_rate_bands_are_not_trusted(rate, scaled_indicator, verdict):
    # `fluctuations.md` section 8: |bias| / sd at t = 8 for d = 50.
    problem = zoo.one_class(zoo.iso(50), 0.25).problem(jm.SquaredLoss(), 0.3)
    curve = jm.forecast(problem, jm.Constant(rate), times=[1.0, 2.0, 8.0], start=zoo.start(50), bands=True)
    assert curve.attrs["bands"] == verdict
    assert curve.attrs["bands_indicator"] == pytest.approx(scaled_indicator, abs=0.02)
    assert any(verdict in note for note in json.loads(curve.attrs["notes"]))
    assert np.isinf(curve.adversarial_risk_sd[-1]) == (verdict == "not to be trusted")
    assert np.all(np.isfinite(curve.adversarial_risk_bias))


def test_divergence_has_bands_until_it_diverges():
    problem = two_level(40).problem(jm.SquaredLoss(), 0.3)
    curve = jm.forecast(problem, jm.Constant(6.0), times=[1.0, 20.0, 60.0], start=zoo.start(40), bands=True)
    assert curve.attrs["status"] == "diverged" and curve.attrs["bands"] == "not to be trusted"
    assert not any(np.isnan(curve[name]).any() for name in curve.data_vars)
    assert np.isinf(curve.norm_sd[-1]) and np.isfinite(curve.norm_bias).all()


def test_a_start_that_never_moves():
    problem = two_level(40).problem(jm.SquaredLoss(), 0.3)
    curve = jm.forecast(problem, jm.ExactLineSearch(), times=TIMES, bands=True)
    assert curve.attrs["status"] == "stuck at zero"
    assert np.all(curve.adversarial_risk_sd == 0) and not any(np.isnan(curve[name]).any() for name in curve.data_vars)


@slow
def test_at_a_start_that_is_fixed_nothing_fluctuates_yet():
    problem = two_level(40).problem(jm.SquaredLoss(), 0.3)
    curve = jm.forecast(
        problem, jm.Constant(0.3), times=[0.0, 1.0, 2.0], start=jm.optimum(problem).vector, bands=True
    )  # the distance to the optimum is zero there, and not differentiable
    for name in curve.data_vars:
        if str(name).endswith(("_sd", "_bias")):
            assert curve[name][0] == 0 and 0 < abs(curve[name][1]) < 1, name


def test_messages():
    problem = two_level(40).problem(jm.SquaredLoss(), 0.3)
    with pytest.raises(jm.InputError, match="Bands need covariances that commute"):
        jm.forecast(zoo.turned_classes(20).problem(jm.LogisticLoss(), 0.3), jm.Constant(1.0), time=1, bands=True)
    with pytest.raises(jm.InputError, match="need the dimension of the runs.*dimension=1000"):
        limit = jm.LinearTeacher(jm.uniform(np.inf, low=0.2, high=1.8))
        jm.forecast(jm.Problem(limit, jm.SquaredLoss(), 0.3), jm.Constant(0.5), time=1, bands=True)
    with pytest.raises(jm.InputError, match="A dimension belongs to bands"):
        jm.forecast(problem, jm.Constant(0.5), time=1, dimension=100)
    with pytest.raises(jm.InputError, match="finite number >= 1.*received: -3"):
        jm.forecast(problem, jm.Constant(0.5), time=1, bands=True, dimension=-3)
