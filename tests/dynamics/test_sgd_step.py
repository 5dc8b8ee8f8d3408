"""The one step of all SGD engines: step size, memory of the schedule, optimizer, and weights that have diverged."""

import jax.numpy as jnp
import numpy as np
import pytest

import jominy as jm
from jominy.dynamics.simulation.steps import StreamingSGD, WeightState
from jominy.numerics.precision import double_precision
from jominy.optimizers import Optimizer
from jominy.schedules import Schedule

SLOPE = np.array([3.0, -4.0])


class Tilted(StreamingSGD):
    """The gradient is the same everywhere."""

    schedule: Schedule
    optimizer: Optimizer

    def gradient(self, state, noise, time):
        return jnp.asarray(SLOPE)


@double_precision
def after(schedule, optimizer, weights, memory=0.0, buffer=(), time=0.5):
    engine = Tilted(schedule, optimizer)
    return engine.step(WeightState(np.array(weights), np.asarray(memory), np.array(buffer)), None, jnp.asarray(time))


def test_a_step_is_rate_over_dimension_times_the_gradient():
    moved = after(jm.Constant(0.5), jm.SGD(), [1.0, 2.0])
    np.testing.assert_allclose(moved.weights, [1 - 0.25 * 3, 2 + 0.25 * 4], rtol=1e-15)


def test_the_gradient_is_remembered_before_it_is_followed():
    """|g|^2 / d^2 = 25 / 4, and the rate .5 / sqrt(1 + 2 + 25 / 4)."""
    moved = after(jm.AdaGradNorm(0.5, 1.0), jm.SGD(), [0.0, 0.0], memory=2.0)
    assert float(moved.memory) == pytest.approx(2 + 25 / 4, rel=1e-15)
    np.testing.assert_allclose(moved.weights, -SLOPE * 0.5 / np.sqrt(3 + 25 / 4) / 2, rtol=1e-14)


@pytest.mark.parametrize("time", [0.0, 0.5])
def test_the_optimizer_has_its_buffer(time):
    """Dampening takes nothing from the first gradient, that at time 0."""
    moved = after(jm.Constant(0.5), jm.SGD(momentum=0.9, dampening=0.4), [0.0, 0.0], buffer=[1.0, 1.0], time=time)
    kept = 0.9 + (1.0 if time == 0 else 0.6) * SLOPE
    np.testing.assert_allclose(moved.buffer, kept, rtol=1e-15)
    np.testing.assert_allclose(moved.weights, -0.25 * kept, rtol=1e-15)


def test_weights_that_have_diverged_rest_with_all_that_belongs_to_them():
    far = [1e7, 1e7]
    moved = after(jm.AdaGradNorm(0.5), jm.SGD(momentum=0.9), far, memory=2.0, buffer=[1.0, 1.0])
    assert moved.weights.tolist() == far and float(moved.memory) == 2.0 and moved.buffer.tolist() == [1.0, 1.0]
    near = after(jm.AdaGradNorm(0.5), jm.SGD(momentum=0.9), [7e6, 7e6], memory=2.0, buffer=[1.0, 1.0])
    assert near.weights.tolist() != [7e6, 7e6]
