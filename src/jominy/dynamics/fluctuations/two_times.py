"""How single runs stray together at many times: the covariance of a forecast's variables between any two times.

Source: theory `fluctuations.md` section 3: Cov(y(t), y(s)) = Phi_J(t, s) C(s) / d for s < t, with the propagator of
the linearised drift J, and f' Cov f' for what is a function f of the state. Rows of C at every time that is asked for
are carried along by J to all later ones.
"""

from typing import NamedTuple

import jax
import numpy as np

from jominy.dynamics.fluctuations.bands import Curve, begun, noise_around
from jominy.dynamics.fluctuations.linear_noise import Fluctuation, LinearNoise, NoisyState
from jominy.dynamics.fluctuations.observables import as_variables, readings, sloped
from jominy.dynamics.fluctuations.trust import judge
from jominy.dynamics.laws.systems import Point, initial
from jominy.dynamics.start import random_variance
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.numerics.ode import integrate

LARGEST = 300
"""Numbers of a state up to which its covariance in time takes seconds."""
EARLIEST = 50
"""Steps before which runs are not normal: with a first look at step 5 a check at d = 100 called 3.7 % of healthy runs
not normal, with one at step 50 1.5 % (of 600), and was set to call 1 %."""
PRECISION = 1e-6
"""Relative tolerance of the covariance, which a check of runs bears."""


class PathLaw(NamedTuple):
    """The normal law of single runs at several times, as d grows.

    names : (V,) of the variables
    times : (T,)
    mean : (T, V) over runs, its 1/d bias included
    covariance : (T, V, T, V) of one run
    """

    names: tuple[str, ...]
    times: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


class _State(NamedTuple):
    """Fluctuations now, and the covariance (r, n) of what was read before with the present state."""

    noisy: NoisyState
    earlier: Array


class _TwoTimes(Module):
    """Another system of fluctuations, with covariances between times."""

    noise: LinearNoise

    def velocity(self, clock: Array, state: _State) -> _State:
        time, pace = (clock**2, 2 * clock) if self.noise.root_time else (clock, 1.0)
        mean = self.noise.flow.velocity(time, state.noisy.mean)
        covariance, bias, earlier = self.noise.fluctuate(time, state.noisy, state.earlier)
        return jax.tree.map(lambda leaf: pace * leaf, _State(NoisyState(mean, covariance, bias), earlier))

    def ended(self, state: _State) -> Array:
        return self.noise.ended(state.noisy)

    def observe(self, clock: Array, state: _State) -> tuple[_State, Fluctuation]:
        return state, self.noise.observe(clock, state.noisy)


def path_law(point: Point, curve: Curve, dimension: float, most_steps: int) -> PathLaw | None:
    """The law of runs at the times of a curve, all > 0; None where the first is too early, or bands are not good."""
    problem, times = point.problem, curve.times
    system = noise_around(point, curve.flow)
    frame = system.step.frame
    early = times[0] * dimension < EARLIEST * (1 - 1e-9)
    if early or frame.matrix.shape[1] > LARGEST or not curve.sound.all():
        return None
    norm = np.asarray(curve.observation.order.norm)
    if not np.all(norm > 0):
        return None
    names, values, slopes = sloped(problem, curve.setting, frame, times, curve.observation)
    rows = slopes @ frame.matrix  # (T, V, n): derivatives of the variables by the state
    count, width = rows.shape[:2]
    start = initial(point.representation, problem.law, point.start)
    clock, noisy, jumps = begun(system, start, random_variance(point.start), times[-1])
    state = _State(noisy, np.zeros((count * width, rows.shape[2])))
    both, seen = _TwoTimes(system), []
    covariance = np.zeros((count, width, count, width))
    for place, end in enumerate(np.sqrt(times) if system.root_time else times):
        grid = np.array([clock, end])
        first, begin, when, breaks, rtol = jax.tree.map(
            lambda leaf: np.asarray(leaf)[None], (both, state, grid, jumps, PRECISION)
        )
        found = integrate(first, begin, when, breaks, rtol, most_steps=most_steps)
        if int(found.reached[0]) < 2:
            return None
        state, fluctuation = jax.tree.map(lambda leaf: np.array(leaf[0, -1]), found.observations)
        state.earlier[place * width : (place + 1) * width] = rows[place] @ state.noisy.covariance
        so_far = state.earlier[: (place + 1) * width] @ rows[place].T
        covariance[: place + 1, :, place] = so_far.reshape(place + 1, width, width)
        covariance[place, :, : place + 1] = np.moveaxis(covariance[: place + 1, :, place], 2, 0)
        clock = end
        seen.append(fluctuation)
    together = jax.tree.map(lambda *leaves: np.stack(leaves), *seen)
    found_bands = readings(problem, curve.setting, frame, times, curve.observation, together, np.zeros(0))
    variables = as_variables(found_bands, dimension)
    if judge(variables, times, dimension, norm, all_known=True).verdict != "good":
        return None
    bias = np.stack([variables[f"{name}_bias"][1] for name in names], axis=1)
    return PathLaw(names, times, values + bias, covariance / dimension)
