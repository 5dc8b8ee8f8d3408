"""Monotone links: functions of a linear score, for the output of a student or the target of a teacher.

Source: theory `dynamics.md` section 2.4.
"""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import erf, erfinv

from jominy.data.arrays import finite_number
from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.numerics.module import Module


class Link(Module):
    """A smooth increasing function of the score times a `gain` > 0."""

    kind: eqx.AbstractClassVar[str]
    """Its name in scenarios and results."""
    gain: float = 1.0

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = finite_number(gain, "the gain of a link")
        if not self.gain > 0:
            raise InputError("the gain of a link must be > 0", self.gain)

    @abc.abstractmethod
    def base(self, score: Array) -> Array:
        """The function at gain one, elementwise."""

    @abc.abstractmethod
    def base_inverse(self, value: Array) -> Array:
        """The score at gain one, elementwise; infinite at the ends of the range and beyond."""

    def __call__(self, score: Array) -> Array:
        return self.base(self.gain * score)

    def inverse(self, value: Array) -> Array:
        """The score of a value, elementwise; infinite at the ends of the range and beyond."""
        return self.base_inverse(value) / self.gain

    def derivatives(self, score: Array) -> tuple[Array, Array, Array]:
        """Value, first and second derivative, elementwise."""
        one = jnp.ones_like(score)

        def slope(x: Array) -> tuple[Array, Array]:
            return jax.jvp(self, (x,), (one,))

        (value, first), (_, second) = jax.jvp(slope, (score,), (one,))
        return value, first, second

    def describe(self) -> dict[str, Any]:
        """The link as a JSON-able record."""
        return {"kind": self.kind, "gain": float(self.gain)}


class Identity(Link):
    """f(r) = gain r."""

    kind: ClassVar[str] = "identity"

    def base(self, score: Array) -> Array:
        return 1.0 * score

    def base_inverse(self, value: Array) -> Array:
        return 1.0 * value


class Erf(Link):
    """f(r) = erf(gain r); gain = 1/sqrt(2) is the convention erf(r / sqrt 2).

    >>> import jax.numpy as jnp
    >>> round(float(Erf()(jnp.array(1.0))), 4)
    0.8427
    """

    kind: ClassVar[str] = "erf"

    def base(self, score: Array) -> Array:
        return erf(score)

    def base_inverse(self, value: Array) -> Array:
        return erfinv(jnp.clip(value, -1.0, 1.0))


class Logistic(Link):
    """f(r) = 1 / (1 + exp(-gain r)).

    >>> import jax.numpy as jnp
    >>> round(float(Logistic()(jnp.array(1.0))), 4)
    0.7311
    """

    kind: ClassVar[str] = "logistic"

    def base(self, score: Array) -> Array:
        return jax.nn.sigmoid(score)

    def base_inverse(self, value: Array) -> Array:
        inside = jnp.clip(value, 0.0, 1.0)
        return jnp.log(inside) - jnp.log1p(-inside)


class Tanh(Link):
    """f(r) = tanh(gain r).

    >>> import jax.numpy as jnp
    >>> round(float(Tanh()(jnp.array(1.0))), 4)
    0.7616
    """

    kind: ClassVar[str] = "tanh"

    def base(self, score: Array) -> Array:
        return jnp.tanh(score)

    def base_inverse(self, value: Array) -> Array:
        return jnp.arctanh(jnp.clip(value, -1.0, 1.0))


__all__ = ["Erf", "Identity", "Link", "Logistic", "Tanh"]
