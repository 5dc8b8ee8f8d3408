"""Schedules of the radius: values, corners, refusals."""

import jax.numpy as jnp
import numpy as np
import pytest

import jominy as jm
from jominy.errors import InputError

RAMP = jm.RadiusRamp(0.1, 0.5, time=4.0)
STEPS = jm.RadiusPiecewise([1.0, 3.0], [0.0, 0.2, 0.6])
KNOTS = jm.RadiusKnots([1.0, 3.0, 4.0], [0.2, 0.0, 0.6])
OWN = jm.RadiusFunction(lambda t: 0.5 * (1 - jnp.exp(-t)), final=0.5, jumps=[2.0])


@pytest.mark.parametrize(
    ("schedule", "times", "radii", "final", "jumps"),
    [
        (RAMP, [0.0, 1.0, 4.0, 9.0], [0.1, 0.2, 0.5, 0.5], 0.5, (4.0,)),
        (STEPS, [0.0, 0.99, 1.0, 2.9, 3.0, 8.0], [0.0, 0.0, 0.2, 0.2, 0.6, 0.6], 0.6, (1.0, 3.0)),
        (KNOTS, [0.0, 1.0, 2.0, 3.5, 9.0], [0.2, 0.2, 0.1, 0.3, 0.6], 0.6, (1.0, 3.0, 4.0)),
        (OWN, [0.0, 1.0], [0.0, 0.5 * (1 - np.exp(-1.0))], 0.5, (2.0,)),
    ],
)
def test_values_end_and_corners(schedule, times, radii, final, jumps):
    np.testing.assert_allclose([float(schedule.at(jnp.asarray(t))) for t in times], radii, rtol=1e-6)
    assert (schedule.final, schedule.jumps) == (final, jumps)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: jm.RadiusRamp(-0.1, 0.5, 1.0), (">= 0", "-0.1")),
        (lambda: jm.RadiusRamp(0.0, 0.5, 0.0), ("time of a ramp", "0.0")),
        (lambda: jm.RadiusPiecewise([1.0], [0.5]), ("one more radius", "1 times and 1 radii")),
        (lambda: jm.RadiusPiecewise([2.0, 1.0], [0.1, 0.2, 0.3]), ("increasing",)),
        (lambda: jm.RadiusKnots([1.0, 2.0], [0.5]), ("one radius per time", "2 times and 1 radii")),
        (lambda: jm.RadiusKnots([], []), ("one radius per time", "0 times")),
        (lambda: jm.RadiusKnots([1.0, 1.0], [0.5, 0.5]), ("increasing",)),
        (lambda: jm.RadiusFunction(lambda t: float(t), 0.5), ("jax.numpy",)),
        (lambda: jm.RadiusFunction(lambda t: jnp.ones(2), 0.5), ("one number", "(2,)")),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(InputError) as error:
        call()
    assert all(word in str(error.value) for word in words)


def test_a_function_that_turns_negative_is_refused_before_it_is_run():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(20)), jm.SquaredLoss(), jm.RadiusFunction(lambda t: 0.5 - t, 0.0))
    for verb in (jm.forecast, jm.simulate, jm.homogenize):
        with pytest.raises(InputError, match=">= 0"):
            verb(problem, jm.Constant(0.5), time=2.0)
