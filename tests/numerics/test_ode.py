"""The integrator against solutions known in closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import DOP853, RK45, solve_ivp

from jominy.numerics.ode import FIRST_STEP, integrate
from jominy.numerics.precision import double_precision
from jominy.numerics.runge_kutta import DORMAND_PRINCE_5, DORMAND_PRINCE_8

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
    """One system as the only lane, without the leading axis."""
    lane = jax.tree.map(
        lambda leaf: np.asarray(leaf, float)[None], (system, np.asarray(state), times, np.asarray(jumps), rtol)
    )
    return jax.tree.map(lambda leaf: leaf[0], double_precision(integrate)(*lane))


def relaxed(start, rate, jump, times):
    at_jump = start * np.exp(-rate * (jump - times[0]))
    after = 1 + (at_jump - 1) * np.exp(-rate * np.maximum(times - jump, 0.0))
    return np.where(times <= jump, start * np.exp(-rate * (times - times[0])), after)


def test_no_more_steps_than_allowed():
    lane = (
        Relaxation(np.ones(1), np.full(1, 99.0)),
        np.full((1, 1), 2.0),
        TIMES[None],
        np.zeros((1, 0)),
        np.full(1, 1e-9),
    )
    few, enough = (jax.tree.map(np.asarray, double_precision(integrate)(*lane, most_steps=most)) for most in (3, 1000))
    assert few.steps == 3 and few.reached < len(TIMES)
    beyond = int(few.reached[0])
    assert not np.any(few.observations["time"][0, beyond:]) and np.all(few.observations["state"][0, :beyond] != 0)
    assert 3 < enough.steps < 1000 and enough.reached == len(TIMES)


@pytest.mark.parametrize(("rate", "few"), [(1e9, 300), (1e7, 2100), (3e3, None)])
def test_a_solve_that_cannot_reach_the_end_gives_up(rate, few):
    """A step of these methods is a few units of 1 / rate: until time 4, 1e9 asks for 4e8 steps, 3e3 for 2,000."""
    found = solve(Relaxation(rate, 99.0), 2.0, np.linspace(0, 4, 5))
    if few is None:
        assert int(found.reached) == 5
        np.testing.assert_allclose(found.observations["state"][1:], 0.0, atol=1e-9)
    else:
        assert int(found.reached) < 5 and int(found.steps) < few


class Corner(eqx.Module):
    """y' = exp(-y), so that exp(y) grows as the time does: steps are as short as the time is."""

    def velocity(self, time, state):
        return jnp.exp(-state)

    def observe(self, time, state):
        return state


def test_a_solve_whose_steps_grow_goes_on():
    """A hundred powers of ten of time, each in ten steps: the first half do not come to a millionth of the way."""
    found = solve(Corner(), -230.0, np.array([0.0, 1.0]))
    assert int(found.reached) == 2 and int(found.steps) > 512
    np.testing.assert_allclose(found.observations[-1], 0.0, atol=1e-6)


def test_smooth_solution_at_the_times_asked_for():
    solved = solve(Relaxation(1.3, 99.0), [2.0])
    np.testing.assert_allclose(solved.observations["time"], TIMES, rtol=1e-15)
    np.testing.assert_allclose(solved.observations["state"][:, 0], relaxed(2.0, 1.3, 99.0, TIMES), rtol=1e-7)
    assert int(solved.reached) == len(TIMES)


@pytest.mark.parametrize("rtol", [1e-9, 1e-5])
def test_times_inside_the_first_step(rtol):
    """Where the solution begins is the first time asked for: the step's inner times need its further stages as well."""
    times = np.array([0.0, 0.3 * FIRST_STEP * 4, 0.6 * FIRST_STEP * 4, 4.0])
    rate = 0.1 / (FIRST_STEP * 4)  # moves by a tenth within the step
    solved = solve(Relaxation(rate, 99.0), [2.0], times, rtol=rtol)
    np.testing.assert_allclose(solved.observations["state"][:3, 0], 2 * np.exp(-rate * times[:3]), rtol=rtol)


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


def swung(time, state):
    return np.array([state[1], -np.sin(state[0]) - 0.1 * state[1] + np.cos(time)])


class Pendulum(eqx.Module):
    """A driven pendulum, for which there is no closed form."""

    push: float

    def velocity(self, time, state):
        return jnp.stack([state[1], -jnp.sin(state[0]) - 0.1 * state[1] + self.push * jnp.cos(time)])

    def observe(self, time, state):
        return state


@pytest.mark.parametrize(("method", "rtol"), [("DOP853", 1e-9), ("DOP853", 1e-11), ("RK45", 1e-6)])
def test_methods_and_interpolants_are_those_of_scipy(method, rtol):
    times = np.linspace(0.0, 9.0, 40)
    got = solve(Pendulum(1.0), [0.3, 0.0], times, rtol=rtol)
    scipy = solve_ivp(swung, (0, 9), [0.3, 0.0], method=method, rtol=rtol, atol=rtol / 100, t_eval=times)
    exact = solve_ivp(swung, (0, 9), [0.3, 0.0], method="DOP853", rtol=1e-13, atol=1e-14, t_eval=times).y.T
    errors = np.max(np.abs(np.asarray(got.observations) - exact)), np.max(np.abs(scipy.y.T - exact))
    assert errors[0] < 3 * errors[1] + 1e-13  # the same order of error for the same work
    stages = 15 if method == "DOP853" else 6
    assert int(got.steps) < 1.3 * scipy.nfev / stages + 8


def test_the_tables_are_those_of_scipy():
    for ours, theirs in ((DORMAND_PRINCE_8, DOP853), (DORMAND_PRINCE_5, RK45)):
        stages = len(theirs.B)
        stated = theirs.A[:stages, :stages]
        np.testing.assert_array_equal(ours.weights[:stages, : stated.shape[1]], stated)
        np.testing.assert_array_equal(ours.weights[ours.closing, :stages], theirs.B)
        np.testing.assert_array_equal(ours.times[:stages], theirs.C[:stages])
    np.testing.assert_array_equal(DORMAND_PRINCE_8.weights[13:], DOP853.A_EXTRA)
    np.testing.assert_array_equal(DORMAND_PRINCE_8.error[:, :13], [DOP853.E5, DOP853.E3])
    np.testing.assert_array_equal(DORMAND_PRINCE_5.error[0], RK45.E)


def test_lanes_are_solved_as_if_they_were_alone():
    pushes = np.array([0.0, 0.5, 1.0, 3.0])
    starts = np.array([[0.3, 0.0], [1.0, 0.0], [0.0, 2.0], [0.1, 0.1]])
    times = np.linspace(0.0, 9.0, 12) * np.array([[1.0], [0.5], [2.0], [1.0]])
    rtol = np.array([1e-9, 1e-8, 1e-10, 1e-9])
    together = double_precision(integrate)(Pendulum(pushes), starts, times, np.zeros((4, 0)), rtol)
    for lane in range(4):
        alone = solve(Pendulum(pushes[lane]), starts[lane], times[lane], rtol=rtol[lane])
        np.testing.assert_allclose(together.observations[lane], alone.observations, rtol=1e-10, atol=1e-12)
        assert int(together.steps[lane]) == int(alone.steps)


def test_what_lanes_share_may_be_given_once():
    starts = np.array([[0.3, 0.0], [1.0, 0.0]])
    times = np.repeat(TIMES[None], 2, axis=0)
    each = double_precision(integrate)(Pendulum(np.ones(2)), starts, times, np.zeros((2, 0)), np.full(2, 1e-9))
    once = double_precision(integrate)(
        Pendulum(np.asarray(1.0)), starts, times, np.zeros((2, 0)), np.full(2, 1e-9), (False,)
    )
    np.testing.assert_allclose(once.observations, each.observations, rtol=1e-13)


def test_the_derivative_of_a_solution_is_that_of_the_exact_one():
    def final(rate):
        solved = integrate(Relaxation(rate[None], jnp.full(1, 99.0)), jnp.full((1, 1), 2.0), TIMES[None], *nothing)
        return solved.observations["state"][0, -1, 0]

    nothing = np.zeros((1, 0)), np.full(1, 1e-9)
    slope = double_precision(lambda: jax.jvp(final, (jnp.asarray(1.3),), (jnp.ones(()),))[1])()
    assert float(slope) == pytest.approx(-3.5 * 2.0 * np.exp(-1.3 * 3.5), rel=1e-7)
