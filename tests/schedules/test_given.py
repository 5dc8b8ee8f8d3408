"""Schedules that are functions of time: values, corners, descriptions, and what they refuse."""

import json
import math

import jax.numpy as jnp
import numpy as np
import pytest

import jominy as jm
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.schedules import UNKNOWN_DESCENT, Tabulated


@double_precision
def rates(schedule, times):
    return [float(schedule.rate(jnp.asarray(float(time)), UNKNOWN_DESCENT)) for time in times]


def test_values_follow_the_formulas():
    times = [0.0, 0.7, 3.0, 10.0, 25.0]
    assert rates(jm.Constant(0.4), times) == [0.4] * 5
    assert rates(jm.InverseTime(1.2, 0.3), times) == pytest.approx([1.2 / (1 + 0.3 * t) for t in times], rel=1e-15)
    cosine = [0.1 + 0.9 * (1 + math.cos(math.pi * min(t / 10, 1))) / 2 for t in times]
    assert rates(jm.Cosine(1.0, 10.0, 0.1), times) == pytest.approx(cosine, rel=1e-14)
    assert rates(jm.FromFunction(lambda t: 0.5 * jnp.exp(-t)), times) == pytest.approx(
        [0.5 * math.exp(-t) for t in times]
    )
    assert rates(Tabulated([1.0, 5.0], [1.0, 0.2]), times) == pytest.approx([1.0, 1.0, 0.6, 0.2, 0.2], rel=1e-14)


def test_a_piecewise_rate_changes_exactly_at_its_times():
    schedule = jm.Piecewise([2.0, 5.0], [1.0, 0.3, 0.05])
    assert rates(schedule, [0.0, 1.999999, 2.0, 4.999999, 5.0, 99.0]) == [1.0, 1.0, 0.3, 0.3, 0.05, 0.05]
    assert schedule.jumps == (2.0, 5.0)


def test_a_cosine_stays_at_its_end():
    schedule = jm.Cosine(1.0, 4.0)
    assert rates(schedule, [0.0, 2.0, 4.0, 40.0]) == pytest.approx([1.0, 0.5, 0.0, 0.0], abs=1e-15)
    assert schedule.jumps == (4.0,)


def test_a_constant_function_of_any_kind_will_do():
    for function in (lambda t: 0.5, lambda t: jnp.float32(0.5), lambda t: np.array(0.5)):
        assert rates(jm.FromFunction(function), [0.0, 3.0]) == [0.5, 0.5]
    assert jm.FromFunction(lambda t: 0.5, jumps=[1.0, 2.0]).jumps == (1.0, 2.0)


@pytest.mark.parametrize(
    "schedule",
    [
        jm.Constant(0.4),
        jm.InverseTime(1.2, 0.3),
        jm.Cosine(1.0, 10.0),
        jm.Piecewise([2.0], [1.0, 0.3]),
        jm.FromFunction(jnp.exp),
        Tabulated([1.0, 5.0], [1.0, 0.2]),
        jm.Polyak(),
        jm.ExactLineSearch(),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_descriptions_are_records_with_a_kind(schedule):
    record = json.loads(json.dumps(schedule.describe()))
    assert isinstance(record["kind"], str)
    assert schedule.adaptive == (type(schedule).__name__ in ("Polyak", "ExactLineSearch"))


REFUSED = [
    (lambda: jm.Constant(-1.0), "A learning rate must be a finite number >= 0", "-1.0", "values near 1 are usual"),
    (lambda: jm.Constant(math.nan), "A learning rate must be a finite number >= 0", "nan", "values near 1 are usual"),
    (lambda: jm.Constant("fast"), "A learning rate must be a finite number >= 0", "'fast'", "values near 1 are usual"),
    (lambda: jm.InverseTime(1.0, -0.1), "A learning decay must be a finite number >= 0", "-0.1", ""),
    (
        lambda: jm.Cosine(1.0, 0.0),
        "The horizon of a cosine schedule must be a finite number > 0",
        "0.0",
        "samples / dimension",
    ),
    (lambda: jm.Cosine(1.0, 5.0, -0.1), "A learning final rate must be a finite number >= 0", "-0.1", ""),
    (lambda: jm.Piecewise([1.0, 2.0], [1.0, 0.5]), "one more rate than times", "2 times and 2 rates", "after the last"),
    (lambda: jm.Piecewise([2.0, 1.0], [1.0, 0.5, 0.1]), "strictly increasing", "[2.0, 1.0]", "Sort them"),
    (lambda: jm.Piecewise(["soon"], [1.0, 0.5]), "must be finite and strictly increasing", "['soon']", "Sort them"),
    (lambda: jm.Piecewise([1.0], [1.0, -0.5]), "A learning rate must be a finite number >= 0", "-0.5", ""),
    (lambda: jm.FromFunction(0.5), "must be callable", "0.5", "Constant(rate)"),
    (lambda: jm.FromFunction(float), "written with jax.numpy", "ConcretizationTypeError", "neither float(...) nor if"),
    (lambda: jm.FromFunction(lambda t: jnp.ones(3) * t), "must give one number", "(3,)", ""),
    (lambda: jm.FromFunction(lambda t: 1.0, jumps=[2.0, 2.0]), "strictly increasing", "[2.0, 2.0]", ""),
    (lambda: Tabulated([1.0], [1.0, 0.5]), "one rate per time", "1 times, 2 rates", ""),
]


@pytest.mark.parametrize(("make", "rule", "received", "step"), REFUSED, ids=range(len(REFUSED)))
def test_bad_schedules_are_refused_with_rule_value_and_next_step(make, rule, received, step):
    with pytest.raises(InputError) as caught:
        make()
    message = str(caught.value)
    assert rule in message and received in message and step in message


@pytest.mark.parametrize(
    ("function", "shown"), [(lambda t: 0.5 - t, "-0.5 at time 1.0"), (lambda t: jnp.sqrt(0.5 - t), "nan at time 1.0")]
)
def test_a_function_that_turns_negative_or_nan_on_the_way_is_refused(function, shown):
    problem = jm.Problem(jm.LinearTeacher(jm.identity(24), noise_variance=0.25), jm.SquaredLoss(), 0.5)
    for verb in (jm.forecast, jm.simulate):
        with pytest.raises(InputError, match="A learning rate must be finite and >= 0 at all times") as caught:
            verb(problem, jm.FromFunction(function), times=[0.0, 0.25, 1.0])
        assert shown in str(caught.value)
