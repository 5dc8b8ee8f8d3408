"""A solve that was begun before its optimum was known tells the same as one that was not."""

import numpy as np
import pytest

import jominy as jm
from jominy.dynamics.laws.representations import representations
from jominy.dynamics.laws.systems import Point
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.population.solve import begin_solve, solve
from jominy.numerics.precision import double_precision

CLASS = jm.GaussianMixture([1.0], labels=[1], means=[2.0], covariances=[jm.identity(50)])
DATA = jm.LinearTeacher(jm.power_law(300, 1.5), noise_variance=0.25)


def point_of(problem, schedule):
    return Point(problem, schedule, 0.7, next(iter(representations(problem.law, 0.7, True))))


@double_precision
def begun_and_not(point, times=(0.0, 1.0, 5.0)):
    plan = Plan.of(point.problem.data.dimension, None, times, (0.2,), 1e-9, 1)
    solve([point], plan)  # the first of a process is but compiled beside
    begin_solve(point, plan)()
    begun = begin_solve(point, plan)()
    return begun, solve([point], plan, begun=begun)[0], solve([point], plan)[0]


@pytest.mark.parametrize("times", [(0.0, 1.0, 5.0), (0.5, 5.0)])
@pytest.mark.parametrize("schedule", [jm.Constant(0.4), jm.InverseTime(0.5, 0.3)], ids=["constant", "inverse time"])
def test_the_same_as_one_that_waited_for_its_optimum(schedule, times):
    """Distances and overlaps too, which alone see the optimum; a zero one in its place would be off by .5."""
    begun, early, late = begun_and_not(point_of(jm.Problem(DATA, jm.SquaredLoss(), 0.3), schedule), times)
    assert begun is not None
    assert early.variables.keys() == late.variables.keys()
    for name, (_, values) in late.variables.items():
        np.testing.assert_array_equal(early.variables[name][1], values, err_msg=name)
    assert np.all(early.variables["distance_to_optimum"][1] != early.variables["norm"][1])


@pytest.mark.parametrize(
    ("problem", "schedule"),
    [
        (jm.Problem(DATA, jm.SquaredLoss(), 0.3), jm.Polyak()),
        (jm.Problem(CLASS, jm.LogisticLoss(), 0.3), jm.Constant(0.4)),
    ],
    ids=["a rate that follows from the optimum", "a quadrature that does"],
)
def test_what_needs_its_optimum_waits_for_it(problem, schedule):
    assert begun_and_not(point_of(problem, schedule))[0] is None
