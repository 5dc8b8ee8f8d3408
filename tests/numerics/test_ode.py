"""The integrator against solutions known in closed form."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from jominy.numerics.ode import integrate
from jominy.numerics.precision import double_precision

TIMES = np.array([0.5, 1.0, 1.7, 4.0])


class Relaxation(eqx.Module):
    """y' = -rate (y - target(t)), the target jumping from 0 to 1 at time `jump`."""

    rate: float
    jump: float

    def velocity(self, time, state):
        return -self.rate * (state - jnp.where(time < self.jump, 0.0, 1.0))

    def observe(self, time, state):
        return {"state": state, "time": time}


class Explosion(eqx.Module):
    """y' = y^2: infinite at time 1/y(0)."""

    def velocity(self, time, state):
        return state**2

    def observe(self, time, state):
        return state


def solve(system, state, times=TIMES, jumps=(), rtol=1e-9):
    return double_precision(integrate)(system, np.asarray(state), times, np.asarray(jumps, float), np.asarray(rtol))


def relaxed(start, rate, jump, times):
    at_jump = start * np.exp(-rate * (jump - times[0]))
    after = 1 + (at_jump - 1) * np.exp(-rate * np.maximum(times - jump, 0.0))
    return np.where(times <= jump, start * np.exp(-rate * (times - times[0])), after)


def test_smooth_solution_at_the_times_asked_for():
    solved = solve(Relaxation(1.3, 99.0), [2.0])
    np.testing.assert_allclose(solved.observations["time"], TIMES, rtol=1e-15)
    np.testing.assert_allclose(solved.observations["state"][:, 0], relaxed(2.0, 1.3, 99.0, TIMES), rtol=1e-7)
    assert int(solved.reached) == len(TIMES)


def test_a_jump_of_the_velocity_costs_no_accuracy_when_it_is_announced():
    system, exact = Relaxation(1.3, 1.234), relaxed(2.0, 1.3, 1.234, TIMES)
    announced = solve(system, [2.0], jumps=[1.234]).observations["state"][:, 0]
    np.testing.assert_allclose(announced, exact, rtol=1e-7)


def test_the_tolerance_is_what_decides_the_error():
    exact = relaxed(2.0, 1.3, 99.0, TIMES)
    errors = []
    for rtol in (1e-4, 1e-9):
        got = np.asarray(solve(Relaxation(1.3, 99.0), [2.0], rtol=rtol).observations["state"][:, 0])
        errors.append(np.max(np.abs(got - exact) / exact))
    assert errors[0] < 1e-2 and errors[1] < 1e-7 and errors[0] > 10 * errors[1]


def test_a_solution_that_ends_early_says_how_far_it_came():
    solved = solve(Explosion(), [0.5], times=np.array([0.0, 1.0, 1.5, 3.0]))  # infinite at time 2
    assert int(solved.reached) == 3
    np.testing.assert_allclose(np.asarray(solved.observations)[:3, 0], [0.5, 1.0, 2.0], rtol=1e-6)
    assert not np.any(np.isnan(np.asarray(solved.observations)[:3]))


def test_observations_are_double_precision():
    assert solve(Relaxation(1.3, 99.0), [2.0]).observations["state"].dtype == np.float64
    assert jnp.ones(1).dtype == jnp.float32  # and the caller's own JAX keeps its precision


@pytest.mark.parametrize("rate", [0.0, 50.0])
def test_rest_and_stiffness(rate):
    got = np.asarray(solve(Relaxation(rate, 99.0), [2.0]).observations["state"][:, 0])
    np.testing.assert_allclose(got, relaxed(2.0, rate, 99.0, TIMES), rtol=1e-7, atol=1e-10)
