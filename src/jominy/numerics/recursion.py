"""Iterating a map, with observation after given numbers of steps."""

from typing import Any, Protocol

import jax
import jax.numpy as jnp

from jominy.numerics.arrays import Array


class Map(Protocol):
    """What `iterate` needs; an equinox module of arrays."""

    def batch(self, time: Array, state: Any, length: Array) -> Any: ...

    def observe(self, time: Array, state: Any) -> Any: ...


@jax.jit
def iterate(map: Map, state: Any, reports: Array, length: Array) -> Any:
    """Observations, with a leading axis, after `reports` (T,) (increasing) steps of length `length` each."""

    def step(k: Array, state: Any) -> Any:
        return map.batch(k * length, state, length)

    def to_report(carry: tuple[Any, Any], report: Any) -> tuple[Any, Any]:
        state, done = carry
        state = jax.lax.fori_loop(done, report, step, state)
        return (state, report), map.observe(report * length, state)

    begin = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), state)
    return jax.lax.scan(to_report, (begin, jnp.zeros_like(reports[0])), reports)[1]
