"""Many forecasts at once are the same numbers as one by one (which other tests hold against SciPy)."""

import jax
import numpy as np
import pytest

import jominy as jm
from jominy.errors import InputError

D = 60
TIMES = [0.5, 2.0, 6.0]


def teacher(radius, noise=0.25):
    data = jm.LinearTeacher(jm.power_law(D, 1.2), noise_variance=noise)
    return jm.Problem(data, jm.SquaredLoss(), radius)


def classes(radius, separation=1.5):
    mean = np.full(D, separation / np.sqrt(D))
    data = jm.GaussianMixture([0.5, 0.5], [mean, -mean], [1.0, 0.5], labels=[1, -1])
    return jm.Problem(data, jm.LogisticLoss(), radius)


def in_dimension(d):
    return jm.Problem(jm.LinearTeacher(jm.identity(d)), jm.SquaredLoss(), 0.1)


SAMPLES = jm.Samples(np.eye(4), [1, -1, 1, -1])


def assert_same(many, singles, rtol=1e-9):
    for place, one in enumerate(singles):
        point = many.isel(point=place)
        assert str(point.status.values) == one.attrs["status"]
        assert float(point.optimum_risk) == pytest.approx(one.attrs["optimum_risk"], rel=1e-9)
        for name, values in one.data_vars.items():
            np.testing.assert_allclose(point[name].values, values.values, rtol=rtol, atol=1e-12, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("rtol", [1e-9, 1e-6])
def test_lanes_of_several_structures_are_their_own_single_forecasts(rtol):
    points = [
        *((teacher(radius), jm.Constant(rate), None) for radius in (0.0, 0.4) for rate in (0.2, 0.9)),
        (classes(0.3), jm.Constant(1.0), 0.5),
        (classes(0.0), jm.Constant(0.5), None),
        (classes(2.5), jm.Constant(0.5), 0.5),  # collapses
        (teacher(0.4), jm.Piecewise([1.0], [0.5, 0.1]), None),
        (teacher(0.4), jm.Polyak(), 0.3),
        (teacher(0.4), jm.Constant(5.0), None),  # diverges
    ]
    problems, schedules, starts = (list(column) for column in zip(*points, strict=True))
    many = jm.forecast_many(problems, schedules, times=TIMES, starts=starts, rtol=rtol, evaluate_at=[0.1])
    singles = [
        jm.forecast(problem, schedule, times=TIMES, start=start, rtol=rtol, evaluate_at=[0.1])
        for problem, schedule, start in points
    ]
    assert_same(many, singles)
    assert many.status.values.tolist()[-1] == "diverged" and many.status.values.tolist()[6] == "collapsed"
    assert np.all(many.numerical_error < 30 * rtol)


def test_two_losses_at_once():
    points = [
        (teacher(0.4), jm.Constant(0.2), None),
        (classes(0.3), jm.Constant(1.0), 0.5),
        (teacher(0.4), jm.Constant(5.0), None),  # diverges
        (classes(2.5), jm.Constant(0.5), 0.5),  # collapses
    ]
    problems, schedules, starts = (list(column) for column in zip(*points, strict=True))
    many = jm.forecast_many(problems, schedules, times=TIMES, starts=starts)
    assert many.status.values.tolist() == ["completed", "completed", "diverged", "collapsed"]
    assert_same(many, [jm.forecast(p, schedule, times=TIMES, start=start) for p, schedule, start in points])


def test_a_lane_that_diverges_leaves_the_others_their_quadrature():
    # The start's logits need a finer quadrature than those of the optimum, with which the solve begins.
    loss = jm.CustomMarginLoss(lambda margin: jax.nn.softplus(-margin) ** 2)
    problem = jm.Problem(classes(0.2, 1.0).data, loss, 0.2)
    schedules = [jm.Constant(rate) for rate in (0.05, 0.1, 20.0)]
    many = jm.forecast_many(problem, schedules, times=TIMES, starts=9.0)
    assert many.status.values.tolist() == ["completed", "completed", "diverged"]
    alone = [jm.forecast(problem, schedule, times=TIMES, start=9.0) for schedule in schedules[:2]]
    assert_same(many.isel(point=slice(2)), alone)


@pytest.mark.slow
def test_a_grid_of_lanes_in_chunks_of_like_stiffness_keeps_its_order():
    problems = [teacher(radius) for radius in (0.1, 0.5)]
    rates = np.random.default_rng(3).uniform(0.05, 1.2, 150)
    pairs = [(problem, jm.Constant(rate)) for problem in problems for rate in rates]
    columns = [list(column) for column in zip(*pairs, strict=True)]
    many = jm.forecast_many(*columns, times=TIMES, rtol=1e-6)
    np.testing.assert_allclose(many.learning_rate.values[:, -1], np.tile(rates, 2), rtol=1e-14)
    some = [7, 149, 150, 211, 299]
    singles = [jm.forecast(*pairs[k], times=TIMES, rtol=1e-6) for k in some]
    assert_same(many.isel(point=some), singles)
    exact = jm.forecast_many([pairs[k][0] for k in some], [pairs[k][1] for k in some], times=TIMES)
    error = np.abs(many.adversarial_risk.values[some] / exact.adversarial_risk.values - 1)
    assert np.max(error) < 10 * float(many.numerical_error[some].max())  # the sampled estimate is one


def test_one_problem_serves_many_schedules():
    problem = teacher(0.4)
    many = jm.forecast_many(problem, [jm.Constant(0.5), jm.Constant(0.5)], times=TIMES)
    one = jm.forecast(problem, jm.Constant(0.5), times=TIMES)
    np.testing.assert_allclose(many.adversarial_risk, [one.adversarial_risk] * 2, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (lambda: ([teacher(0.1)] * 2, [jm.Constant(0.5)] * 3), "lists of one length"),
        (lambda: ([], []), "lists of one length"),
        (lambda: ([teacher(0.1)], [0.5]), "needs a schedule object"),
        (lambda: (["problem"], [jm.Constant(0.5)]), "needs a problem object"),
        (
            lambda: (
                [teacher(0.1), jm.Problem(jm.LinearTeacher(jm.identity(7)), jm.SquaredLoss(), 0.1)],
                jm.Constant(0.5),
            ),
            "one dimension",
        ),
        (
            lambda: (jm.Problem(jm.Samples(np.eye(4), [1, -1, 1, -1]), jm.LogisticLoss(), 0.1), jm.Constant(1)),
            "samples",
        ),
    ],
)
def test_bad_input_says_what_is_wrong(arguments, rule):
    with pytest.raises(InputError, match=rule):
        jm.forecast_many(*arguments(), times=TIMES)
