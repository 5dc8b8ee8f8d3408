"""One adaptive ODE solve with observation at given times; divergence is an outcome, not an exception."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import diffrax
import jax
import jax.numpy as jnp
from jax import Array


class System(Protocol):
    """What `integrate` needs; an equinox module, so that its numbers are traced and its structure is compiled once."""

    def velocity(self, time: Array, state: Any) -> Any: ...

    def observe(self, time: Array, state: Any) -> Any: ...

    def diverged(self, time: Array, state: Any) -> Array: ...


class Trajectory(NamedTuple):
    """Observations at the times asked for (infinite past the end), the last time reached, and how it ended."""

    observations: Any
    end: Array
    diverged: Array
    step_limit: Array
    steps: Array


@jax.jit
def integrate(system: System, state: Any, times: Array, jumps: Array, rtol: Array) -> Trajectory:
    """Solve dy/dt = system.velocity(t, y), y(times[0]) = state, with an 8th-order Runge-Kutta method (Dormand-Prince).

    Args:
        system: velocity, observation and test of divergence.
        state: pytree of arrays of order one, at times[0].
        times: (T,) increasing times of the observations.
        jumps: (J,) times at which the velocity is discontinuous.
        rtol: relative tolerance per step; the absolute one is a hundredth of it.
    """
    clock: Callable[..., Array] = lambda t, y, args, **_: system.diverged(t, y)  # noqa: E731
    controller: Any = diffrax.PIDController(rtol=rtol, atol=rtol / 100)
    if jumps.size:
        controller = diffrax.ClipStepSizeController(controller, jump_ts=jumps)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: system.velocity(t, y)),
        diffrax.Dopri8(),
        t0=times[0],
        t1=times[-1],
        dt0=None,
        y0=state,
        saveat=diffrax.SaveAt(subs=[
            diffrax.SubSaveAt(ts=times, fn=lambda t, y, args: system.observe(t, y)),
            diffrax.SubSaveAt(t1=True, fn=lambda t, y, args: t),
        ]),
        stepsize_controller=controller,
        adjoint=diffrax.ForwardMode(),
        event=diffrax.Event(clock),
        max_steps=100_000,
        throw=False,
    )  # fmt: skip
    observations, end = solution.ys
    stopped = solution.result == diffrax.RESULTS.event_occurred
    return Trajectory(
        observations,
        jnp.squeeze(end),
        diverged=stopped,
        step_limit=~(stopped | (solution.result == diffrax.RESULTS.successful)),
        steps=solution.stats["num_steps"],
    )
