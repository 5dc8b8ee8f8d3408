"""One adaptive ODE solve with observation at given times."""

from typing import Any, NamedTuple, Protocol

import diffrax
import jax
import jax.numpy as jnp

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
    controller: Any = diffrax.PIDController(rtol=rtol, atol=rtol / 100)
    if jumps.size:
        controller = diffrax.ClipStepSizeController(controller, jump_ts=jumps)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: system.velocity(jnp.asarray(t), y)),
        diffrax.Dopri8(),
        t0=times[0],
        t1=times[-1],
        # A guess saves compiling diffrax's own two evaluations; the controller corrects it within a step or two.
        dt0=1e-3 * (times[-1] - times[0]),
        y0=state,
        saveat=diffrax.SaveAt(ts=jnp.asarray(times), fn=lambda t, y, args: system.observe(t, y)),
        stepsize_controller=controller,
        adjoint=diffrax.ForwardMode(),
        max_steps=100_000,
        throw=False,
    )
    return Trajectory(solution.ys, jnp.sum(jnp.isfinite(solution.ts)), solution.stats["num_steps"])
