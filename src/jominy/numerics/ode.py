"""One adaptive ODE solve with observation at given times."""

from typing import Any, NamedTuple, Protocol

import diffrax
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jominy.numerics.arrays import Array


class System(Protocol):
    """What `integrate` needs; an equinox module, so that its numbers are traced and its structure is compiled once."""

    def velocity(self, time: Array, state: Any) -> Any: ...

    def observe(self, time: Array, state: Any) -> Any: ...


class Trajectory(NamedTuple):
    """Observations at the times asked for (infinite past the last one reached), and how many were reached."""

    observations: Any
    reached: Array
    steps: Array


@jax.jit
def integrate(system: System, state: Any, times: Array, jumps: Array, rtol: Array) -> Trajectory:
    """Solve dy/dt = system.velocity(t, y), y(times[0]) = state, with an 8th-order Runge-Kutta method (Dormand-Prince).

    Args:
        system: velocity and observation; the velocity must stay finite.
        state: pytree of arrays of order one, at times[0].
        times: (T,) increasing times of the observations.
        jumps: (J,) times at which the velocity is discontinuous.
        rtol: relative tolerance per step; the absolute one is a hundredth of it.
    """
    # Time runs from 0 to 1 inside: diffrax unrolls a hundred roundings of the end time, which cost nothing to compile
    # for a constant and a second for a variable.
    begin, span = times[0], times[-1] - times[0]
    controller: Any = diffrax.PIDController(rtol=rtol, atol=rtol / 100)
    if jumps.size:
        controller = diffrax.ClipStepSizeController(controller, jump_ts=(jumps - begin) / span)

    # One flat vector: for states of a few hundred numbers time goes by the number of XLA's kernels, and a stage over a
    # tree has one of each kind for every leaf.
    flat, restore = ravel_pytree(state)

    def velocity(s: Any, y: Any, args: Any) -> Any:
        return span * ravel_pytree(system.velocity(begin + span * s, restore(y)))[0]

    def observe(s: Any, y: Any, args: Any) -> Any:
        return system.observe(begin + span * s, restore(y))

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(velocity),
        diffrax.Dopri8(),
        t0=0.0,
        t1=1.0,
        dt0=1e-3,  # corrected within a step or two; diffrax's own guess would compile two copies of the velocity more
        y0=flat,
        saveat=diffrax.SaveAt(ts=jnp.clip((times - begin) / span, 0.0, 1.0), fn=observe),
        stepsize_controller=controller,
        adjoint=diffrax.ForwardMode(),
        max_steps=100_000,
        throw=False,
    )
    return Trajectory(solution.ys, jnp.sum(jnp.isfinite(solution.ts)), solution.stats["num_steps"])
