"""Asymptotic rates: the values of theory section 5."""

import pytest

import jominy as jm
from jominy.dynamics.asymptotics.asymptotic import asymptotic_rate


def problem(radius, noise):
    return jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=noise), jm.SquaredLoss(), radius)


@pytest.mark.parametrize(("radius", "limit"), [(0.0, 0.25), (0.3, 0.2072), (0.5, 0.1832)])
def test_limits_of_time_times_square_distance(radius, limit):
    for schedule in (jm.Polyak(), jm.ExactLineSearch()):
        found = asymptotic_rate(problem(radius, 0.25), schedule)
        assert found.kind == "inverse time" and found.value == pytest.approx(limit, abs=6e-5)


@pytest.mark.parametrize(
    ("radius", "polyak", "line"), [(0.2, 0.500970, 0.493024), (0.4, 0.254638, 0.213494), (0.6, 0.067182, 0.033361)]
)
def test_exponential_rates(radius, polyak, line):
    assert asymptotic_rate(problem(radius, 0.0), jm.Polyak()).value == pytest.approx(polyak, abs=6e-7)
    assert asymptotic_rate(problem(radius, 0.0), jm.ExactLineSearch()).value == pytest.approx(line, abs=6e-7)


def test_other_problems_are_refused():
    with pytest.raises(jm.InputError, match="Polyak"):
        asymptotic_rate(problem(0.2, 0.0), jm.Constant(1.0))
    with pytest.raises(jm.InputError, match="identity"):
        other = jm.Problem(jm.LinearTeacher(jm.two_level(40)), jm.SquaredLoss(), 0.2)
        asymptotic_rate(other, jm.Polyak())
