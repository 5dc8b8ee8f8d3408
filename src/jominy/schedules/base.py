"""A schedule says the learning rate from the time and, if it adapts, from the descent it would cause."""

import abc
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.numerics.foreign import as_numpy
from jominy.numerics.module import Module


class Descent(NamedTuple):
    """What one step of size g/d does to the distance and to the risk; all scalars, population values.

    Attributes:
        gradient_dot_error: <grad R(X), X - X0> with X0 the adversarial optimum (0 where no schedule asks for it).
        gradient_squared: ||grad R(X)||^2.
        noise: (1/d) E ||sample gradient||^2; the distance gains g^2 noise.
        curved_noise: (1/d) E <sample gradient, Hess R sample gradient>; the risk gains g^2 curved_noise / 2.
        memory: the integral of `noise` over time so far (in SGD, (1/d^2) times the sum of the square norms of all
            gradients); kept only for schedules that remember.
    """

    gradient_dot_error: Array
    gradient_squared: Array
    noise: Array
    curved_noise: Array
    memory: Array = np.zeros(())


UNKNOWN_DESCENT = Descent(*[np.zeros(())] * 4)
"""For schedules that are not adaptive; those that remember need its memory replaced."""


class Schedule(Module):
    """The learning rate g(t); one step is g/d, time t = samples / d."""

    adaptive: ClassVar[bool] = False
    """Whether `rate` reads the descent's population values; otherwise those of `UNKNOWN_DESCENT` will do."""
    remembers: ClassVar[bool] = False
    """Whether `rate` reads the descent's memory, which the engines then keep."""
    rests_at_zero: ClassVar[bool] = False
    """Whether weights that are zero stay there under attack, whatever the gradient: its rate is zero at the corner."""

    averaging: ClassVar[bool] = False
    """Whether what is reported is an average of the weights; see `Averaged`."""

    @property
    def plain(self) -> "Schedule":
        """The schedule without an average."""
        return self

    @abc.abstractmethod
    def rate(self, time: Array, descent: Descent) -> Array:
        """The learning rate at `time`; traced by JAX."""

    @property
    def jumps(self) -> tuple[float, ...]:
        """Times at which the rate is discontinuous."""
        return ()

    def check(self, times: np.ndarray) -> None:
        """Raise InputError if the rate is void at one of `times`; given rates were checked when they were given."""
        return

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """The schedule as a JSON-able record."""


LARGEST = 1e30
"""The largest rate, radius or time: products of their powers with a law's numbers are numbers still."""


def require_number(value: Any, rule: str, advice: str, *, positive: bool = False) -> float:
    """A finite number >= 0 (> 0 where `positive`), or an error that states `rule` and `advice`."""
    try:
        number = float(value if isinstance(value, (int, float)) else as_numpy(value))
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not (np.isfinite(number) and (number > 0 if positive else number >= 0)):
        raise InputError(rule, value, advice)
    if number > LARGEST:
        raise InputError(f"{rule}, at most {LARGEST:g}", value, advice)
    return number


def require_rate(value: float, name: str = "rate") -> float:
    """A finite learning rate >= 0, or an error that says so."""
    advice = "Rates are in units where one step is rate/dimension; values near 1 are usual"
    return require_number(value, f"A learning {name} must be a finite number >= 0", advice)


def require_positive(value: float, name: str) -> float:
    """A finite number > 0, or an error that says so."""
    advice = "Give it in time units of samples / dimension"
    return require_number(value, f"{name} must be a finite number > 0", advice, positive=True)


def require_increasing(values: Sequence[float], name: str) -> tuple[float, ...]:
    """Finite increasing numbers, or an error that says so."""
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        numbers = (np.nan,)
    if not all(np.isfinite(numbers)) or any(b <= a for a, b in zip(numbers[:-1], numbers[1:], strict=True)):
        raise InputError(f"{name} must be finite and strictly increasing", values, "Sort them and drop repetitions")
    return numbers
