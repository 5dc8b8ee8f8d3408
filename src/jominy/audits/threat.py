"""What an attack may do to an input, and the best it can do to a linear function of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jominy.errors import InputError

Floats = NDArray[np.float64]
ROUNDING = 1e-4
"""Share of the radius, and of the width of the box, by which single precision may overstep them."""
SINGLE = 2.0**-22
"""Of the largest entry of an input: what an entry may be off by, after it was moved in single precision."""


@dataclass(frozen=True)
class Threat:
    """Perturbations of size at most `radius`, of inputs that stay in a box.

    Attributes
    ----------
    radius : largest size
    p : 1, 2 or infinity, the norm that measures it
    box : lowest and highest value of an entry of an input; None: no limit
    weights : (d,) budgets M of a Mahalanobis attack, size^2 = sum delta_i^2 / M_i, p = 2 only; None: all 1
    """

    radius: float
    p: float
    box: tuple[float, float] | None = None
    weights: Floats | None = None

    def __post_init__(self) -> None:
        try:
            radius, p = float(self.radius), float(self.p)
        except (TypeError, ValueError):
            raise InputError("radius and p must be numbers", (self.radius, self.p)) from None
        if not (np.isfinite(radius) and radius > 0):
            raise InputError("the radius of an audit must be positive and finite", self.radius, "such as radius=8/255")
        if p not in (1.0, 2.0, np.inf):
            raise InputError("the norm p of an attack must be 1, 2 or infinity", self.p)
        object.__setattr__(self, "radius", radius)
        object.__setattr__(self, "p", p)
        if self.box is not None:
            object.__setattr__(self, "box", _box(self.box))
        if self.weights is not None:
            weights = np.asarray(self.weights, dtype=float)
            if p != 2 or weights.ndim != 1 or not np.all(np.isfinite(weights) & (weights >= 0)) or not weights.any():
                raise InputError(
                    "weights are finite numbers >= 0, one per entry of an input, and belong to p=2",
                    f"p={self.p}, weights of shape {weights.shape}",
                )
            object.__setattr__(self, "weights", weights)

    def require_felt(self, dimension: int) -> None:
        """InputError for a radius that inputs of so many entries do not feel, or that reaches all of the box."""
        each = self._unit(dimension)
        if self.radius < 20 * self.rounding(dimension):
            raise InputError(
                "the radius of an audit must be one that inputs in single precision feel",
                f"{self.radius:g}, where rounding moves an input by {self.rounding(dimension):.2g}",
                "use the units of the inputs, as in 8/255",
            )
        if self.box is not None and self.radius >= each * (self.box[1] - self.box[0]):
            raise InputError(
                "the radius of an audit must be smaller than the box of the inputs",
                f"{self.radius:g} in the box [{self.box[0]:g}, {self.box[1]:g}]",
                "use the units of the inputs, as in 8/255, or give their `box`",
            )

    def rounding(self, dimension: int) -> float:
        """Size of what single precision adds to a perturbation of an input of so many entries."""
        largest = 1.0 if self.box is None else max(map(abs, self.box))
        return SINGLE * largest * self._unit(dimension)

    def _unit(self, dimension: int) -> float:
        """The size of a perturbation with 1 in every entry."""
        each = np.ones(dimension) if self.weights is None else (self.weights > 0).astype(float)
        return float(self.size(each[None])[0])

    @property
    def words(self) -> str:
        """In one line.

        >>> Threat(8 / 255, np.inf, (0, 1)).words
        'l_inf, radius 0.03137, box [0, 1]'
        """
        norm = "Mahalanobis" if self.weights is not None else "l_inf" if np.isinf(self.p) else f"l{self.p:g}"
        box = "" if self.box is None else f", box [{self.box[0]:g}, {self.box[1]:g}]"
        return f"{norm}, radius {self.radius:.4g}{box}"

    def size(self, deltas: Floats) -> Floats:
        """(n,) sizes of perturbations (n, d); infinite where an entry is moved that has no budget."""
        if self.weights is None:
            return np.linalg.norm(deltas, ord=self.p, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.where(deltas == 0, 0.0, deltas**2 / self.weights)
        return np.sqrt(parts.sum(axis=1))

    def dual(self, slopes: Floats) -> Floats:
        """(...) largest <slopes, delta> over perturbations of size 1, without the box; slopes (..., d).

        >>> Threat(1.0, np.inf).dual(np.array([[3.0, -4.0]])).tolist()
        [7.0]
        """
        if self.weights is not None:
            return np.sqrt((self.weights * slopes**2).sum(axis=-1))
        return np.linalg.norm(slopes, ord={1.0: np.inf, 2.0: 2.0, np.inf: 1.0}[self.p], axis=-1)

    def room(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Smallest and largest change of every entry that the box allows."""
        if self.box is None:
            return np.full_like(inputs, -np.inf), np.full_like(inputs, np.inf)
        return np.minimum(self.box[0] - inputs, 0.0), np.maximum(self.box[1] - inputs, 0.0)

    def outside(self, attacked: Floats) -> Floats:
        """(n,) how far inputs stick out of the box, at most over their entries."""
        if self.box is None:
            return np.zeros(len(attacked))
        return np.maximum(np.maximum(self.box[0] - attacked, attacked - self.box[1]), 0.0).max(axis=1)

    def within(self, inputs: Floats, deltas: Floats) -> Floats:
        """The perturbations shrunk to the radius and clipped to the box: what of them is allowed."""
        kept = deltas if self.weights is None else np.where(self.weights > 0, deltas, 0.0)
        size = self.size(kept)[:, None]
        return np.clip(kept * np.minimum(1.0, self.radius / np.maximum(size, 1e-300)), *self.room(inputs))

    def best(self, slopes: Floats, inputs: Floats) -> Floats:
        """argmax <slopes, delta> over the perturbations of each input, exactly; (n, d).

        Source: theory `attacks.md` section 1 (the maximisers without a box). With one, each is a linear programme with
        a closed form: for l_inf entry by entry, for l1 the entries of largest slope first as far as the box lets them,
        for l2 and Mahalanobis clip(M slope / nu) with the one nu that uses up the radius.

        >>> Threat(1.0, 1, (0, 1)).best(np.array([[3.0, 2.0, 1.0]]), np.array([[0.75, 0.5, 0.5]])).tolist()
        [[0.25, 0.5, 0.25]]
        """
        low, high = self.room(inputs)
        if np.isinf(self.p):
            return np.where(
                slopes > 0, np.minimum(self.radius, high), np.where(slopes < 0, np.maximum(-self.radius, low), 0.0)
            )
        if self.p == 1:
            return _greedy(slopes, low, high, self.radius)
        return self._filled(slopes, low, high)

    def _filled(self, slopes: Floats, low: Floats, high: Floats) -> Floats:
        pushed = slopes if self.weights is None else slopes * self.weights
        length = self.size(pushed)[:, None]
        free = pushed * (self.radius / np.maximum(length, 1e-300))
        if self.box is None:
            return free
        # Of clip(s * free) the entry i stops at s = stops_i; between stops the square of the size is a + b s^2, and
        # grows: it is that of the radius at one s, unless the box is in the way of all.
        with np.errstate(divide="ignore", invalid="ignore"):
            stops = np.where(free > 0, high / free, np.where(free < 0, low / free, np.inf))
            costs = free**2 if self.weights is None else np.where(self.weights > 0, free**2 / self.weights, 0.0)
            order = np.argsort(stops, axis=1)
            stops, costs = np.take_along_axis(stops, order, axis=1), np.take_along_axis(costs, order, axis=1)
            ended = np.cumsum(np.where(np.isfinite(stops), costs * stops**2, 0.0), axis=1)
        going = np.cumsum(costs[:, ::-1], axis=1)[:, ::-1]
        before, nothing = np.hstack([np.zeros_like(length), ended[:, :-1]]), np.zeros_like(length)
        with np.errstate(divide="ignore", invalid="ignore"):
            lengths = np.sqrt(np.maximum(self.radius**2 - before, 0.0) / going)  # if the first k entries have stopped
        fits = (lengths <= stops) & (lengths >= np.hstack([nothing, stops[:, :-1]])) & (going > 0)
        chosen = np.where(fits.any(axis=1), fits.argmax(axis=1), -1)
        each = np.arange(len(free))
        far = np.where(chosen >= 0, lengths[each, chosen], stops.max(axis=1, where=np.isfinite(stops), initial=0.0))
        return np.clip(far[:, None] * free, low, high)


def _greedy(slopes: Floats, low: Floats, high: Floats, radius: float) -> Floats:
    """The l1 maximiser: the radius is spent on the entries of largest slope, as far as the box lets each go."""
    room = np.minimum(np.where(slopes > 0, high, -low), radius)
    order = np.argsort(-np.abs(slopes), axis=1, kind="stable")
    sorted_room = np.take_along_axis(room, order, axis=1)
    before = np.cumsum(sorted_room, axis=1) - sorted_room
    spent = np.clip(radius - before, 0.0, sorted_room)
    moved = np.zeros_like(slopes)
    np.put_along_axis(moved, order, spent, axis=1)
    return np.sign(slopes) * moved


def _box(box: Any) -> tuple[float, float]:
    try:
        low, high = (float(bound) for bound in box)
    except (TypeError, ValueError):
        raise InputError(
            "a box is two numbers, the lowest and the highest value of an entry", box, "such as (0, 1)"
        ) from None
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InputError("a box must be finite and its lower bound below its upper one", box, "such as (0, 1)")
    return low, high
