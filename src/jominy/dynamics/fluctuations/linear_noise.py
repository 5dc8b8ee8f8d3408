"""Covariance C/d and bias delta/d of the state around the mean curve, integrated along with it.

Source: theory `fluctuations.md` sections 3 to 5. With J = dF/dy in closed loop (an adaptive rate answers the state),

    C' = J C + C J' + Sigma,    delta' = J delta + (Hess F : C)/2 + F1 - (J F + dF/dt)/2.

dF/dt is that at fixed state, of a rate or a radius that is given. F is a polynomial in a few expectations s(theta), the
rate g(s, y) and the state, affine in the state and then node by node, and theta = theta_0 + T y. Hence J = D + U W with
D block-diagonal and W the gradient of (s, g), and Hess F : C needs one second directional derivative per entry of
(s, g): nothing costs n^3 (theory, section 4). A radius that moves in time enters like a rate: derived here.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from jominy.dynamics.fluctuations.frame import as_vector
from jominy.dynamics.fluctuations.increments import Increments
from jominy.dynamics.laws.flow import GaussianState
from jominy.dynamics.laws.spectral import SpectralFlow
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module
from jominy.schedules import Descent, FixedRadius


class NoisyState(NamedTuple):
    """Mean, covariance C (n, n) and bias delta (n,); both of order one."""

    mean: GaussianState
    covariance: Array
    bias: Array


class Fluctuation(NamedTuple):
    """What bands are read from: covariance (K + 2, K + 2) and bias of the frame's scalars, and those of the rate."""

    covariance: Array
    bias: Array
    rate_variance: Array
    rate_bias: Array


class Response(NamedTuple):
    """How a quantity answers to the state: value (...), derivative (..., n), and half its Hessian : C (...)."""

    value: Array
    gradient: Array
    curved: Array


class LinearNoise(Module):
    """The system: a forecast's flow with its fluctuations.

    With `root_time` the independent variable is s = sqrt(t). From a start at zero under attack the coefficients grow as
    t^(-1/2), and in s everything is smooth.
    """

    flow: SpectralFlow
    step: Increments
    root_time: bool = eqx.field(static=True)

    def velocity(self, clock: Array, noisy: NoisyState) -> NoisyState:
        """d/ds (or d/dt) of mean, covariance and bias."""
        time, pace = (clock**2, 2 * clock) if self.root_time else (clock, 1.0)
        growth, bias, _ = self.fluctuate(time, noisy, jnp.zeros((0, noisy.bias.size)))
        moved = NoisyState(self.flow.velocity(time, noisy.mean), growth, bias)
        return jax.tree.map(lambda leaf: pace * leaf, moved)

    def ended(self, noisy: NoisyState) -> Array:
        """Whether the mean curve has."""
        return self.flow.ended(noisy.mean)

    def observe(self, clock: Array, noisy: NoisyState) -> Fluctuation:
        """Covariance and bias of the scalars that every variable is a function of."""
        time = clock**2 if self.root_time else clock
        matrix = self.step.frame.matrix
        theta, state = self.point(noisy.mean)
        step = self.step_at(time)
        known = matrix @ noisy.covariance @ matrix.T, matrix @ noisy.bias
        if not self.flow.schedule.adaptive:
            return Fluctuation(*known, jnp.zeros(()), jnp.zeros(()))
        scalars = _scalars(step, theta, noisy.covariance)
        rate, _ = self._rate(step, time, scalars, 0 * scalars.value, state, noisy.covariance)
        return Fluctuation(
            *known, rate.gradient @ noisy.covariance @ rate.gradient, rate.gradient @ noisy.bias + rate.curved
        )

    def point(self, mean: GaussianState) -> tuple[Array, Array]:
        """Order parameters (without cancellation) and state of the mean curve."""
        student = self.flow.student(mean)
        return as_vector(self.flow.order(mean)), self.step.frame.state(student)

    def step_at(self, time: Array) -> Increments:
        """The law of a step at the radius of `time`."""
        if isinstance(self.flow.radius, FixedRadius):
            return self.step
        return eqx.tree_at(lambda step: step.radius, self.step, self.flow.radius.at(time))

    def fluctuate(self, time: Array, noisy: NoisyState, earlier: Array) -> tuple[Array, Array, Array]:
        """The derivatives of covariance and bias, and J applied to rows (r, n), such as covariances with what was."""
        covariance, bias = noisy.covariance, noisy.bias
        theta, state = self.point(noisy.mean)
        step = self.step_at(time)
        scalars = _scalars(step, theta, covariance)
        scalars_by_time = self._scalars_by_time(time, theta)
        rate, rate_by_time = self._rate(step, time, scalars, scalars_by_time, state, covariance)
        by_time = jnp.append(scalars_by_time, rate_by_time)
        wide = Response(
            jnp.append(scalars.value, rate.value),
            jnp.concatenate([scalars.gradient, rate.gradient[None]]),
            jnp.append(scalars.curved, rate.curved),
        )

        def drift(w: Array, y: Array) -> Array:
            return step.drift(w[:-1], w[-1], y)

        force = drift(wide.value, state)
        noise, correction = step.spread(theta, rate.value, state, force)
        columns, curved = second_order(drift, wide, state, covariance)
        vectors = jnp.concatenate([covariance, bias[None], force[None], earlier])
        own = step.relaxation(scalars.value, rate.value, vectors)
        moved = own + (vectors @ wide.gradient.T) @ columns  # J applied to every row
        growth, pulled, turned, carried = (
            moved[: bias.size],
            moved[bias.size],
            moved[bias.size + 1],
            moved[bias.size + 2 :],
        )
        acceleration = turned + by_time @ columns
        return growth + growth.T + noise, pulled + curved + correction - acceleration / 2, carried

    def _scalars_by_time(self, time: Array, theta: Array) -> Array:
        """The derivative of the drift's scalars by time at fixed state: what a moving radius does."""

        def at(time: Array) -> Array:
            return self.step_at(time).scalars(theta)

        if isinstance(self.flow.radius, FixedRadius):
            return jnp.zeros(jax.eval_shape(at, time).shape)
        return jax.jvp(at, (time,), (jnp.ones_like(time),))[1]

    def _rate(
        self, step: Increments, time: Array, scalars: Response, scalars_by_time: Array, state: Array, covariance: Array
    ) -> tuple[Response, Array]:
        """The rate, and its derivative by time at fixed state."""
        schedule, tick = self.flow.schedule, jnp.ones_like(time)
        if not schedule.adaptive:
            value, by_time = jax.jvp(lambda t: schedule.rate(t, Descent(*jnp.zeros(4))), (time,), (tick,))
            return Response(value, 0 * state, jnp.zeros(())), by_time

        def rate(t: Array, descent: Array) -> Array:
            return schedule.rate(t, Descent(*descent))

        by_state, rest = step.descent_rows(scalars.value)
        descent = by_state @ state + rest
        by_scalars, curved = second_order(step.descent, scalars, state, covariance)
        whole = by_scalars.T @ scalars.gradient + by_state
        value, by_time = jax.jvp(lambda t: rate(t, descent), (time,), (tick,))
        answer, bent = jax.grad(rate, 1)(time, descent), jax.hessian(rate, 1)(time, descent)
        bending = jnp.sum(bent * (whole @ covariance @ whole.T)) / 2
        by_time = by_time + answer @ (scalars_by_time @ by_scalars)
        return Response(value, answer @ whole, answer @ curved + bending), by_time


def _scalars(step: Increments, theta: Array, covariance: Array) -> Response:
    used = step.used
    rows = step.frame.matrix[used]
    linear = Response(theta[used], rows, jnp.zeros(used.size))

    def scalars(some: Array, state: Array) -> Array:
        return step.scalars(jnp.asarray(theta).at[used].set(some))

    by_theta, curved = second_order(scalars, linear, jnp.zeros(rows.shape[1]), covariance)
    return Response(step.scalars(theta), by_theta.T @ rows, curved)


def second_order(function, wide: Response, state: Array, covariance: Array) -> tuple[Array, Array]:
    """(k, m) derivative by w, and (m,) half of Hess : C, of y -> function(w(y), y), affine in y at fixed w.

    With W the gradient of w, Hess : C is the sum over k of the second derivatives in the directions (e_k, 0) and
    ((W C W')_k, 2 (W C)_k), plus the derivative by w of the curvature of w itself.
    """
    across = wide.gradient @ covariance
    square = across @ wide.gradient.T

    def one(unit: Array, row: Array, beyond: Array) -> tuple[Array, Array]:
        def first(w: Array, y: Array) -> Array:
            return jax.jvp(lambda v: function(v, y), (w,), (unit,))[1]

        return jax.jvp(first, (wide.value, state), (row, 2 * beyond))

    slopes, twice = jax.vmap(one)(jnp.eye(wide.value.size), square, across)
    return slopes, jnp.sum(twice, axis=0) / 2 + wide.curved @ slopes
