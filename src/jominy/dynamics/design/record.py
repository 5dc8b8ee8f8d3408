"""What a design found: the schedule, what it gains over what else there is, and whether to believe it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics.design.objective import Objective
from jominy.dynamics.design.torch_rates import TorchRates, radii_at, rates_at, torch_rates
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.results import Status, make_result
from jominy.schedules import Averaged, FixedRadius, RadiusSchedule, Schedule
from jominy.wording import did_you_mean

if TYPE_CHECKING:
    import xarray as xr

POINTS = 201
"""Times of the rates in a result and a figure."""
SAME = 1e-3
"""Excesses that differ by less are the same to a reader."""
OTHER_RADII = ("given-radius", "constant-radius")
"""Names of alternatives that are trained at another radius than the design."""
LITTLE = 0.01
"""Share of the whole risk below which a gain is not worth a schedule with one more number."""


@dataclass(frozen=True)
class Alternative:
    """One way to train, and what it ends with.

    Attributes
    ----------
    name : "designed", "constant", "inverse-time", "hill", "knots", "linear", "polyak", "exact-line-search",
        "averaged-constant", "own", and, where the radius was chosen, "constant-radius" and "given-radius"
    title : in words
    schedule : the schedule; None where there is none
    value : the objective at the horizon
    adversarial, clean : its two parts
    excess : above the least value that any weights have; the value itself where that is not known
    radius : of the training
    note : what there is to say, such as that it cannot be had here
    """

    name: str
    title: str
    schedule: Schedule | None
    value: float
    adversarial: float
    clean: float
    excess: float
    radius: RadiusSchedule
    note: str = ""

    @property
    def average_from(self) -> float | None:
        """The time from which on the weights are averaged, or None."""
        return self.schedule.begin if isinstance(self.schedule, Averaged) else None

    def describe(self) -> dict[str, Any]:
        """It as a JSON-able record."""
        told = {name: getattr(self, name) for name in ("name", "title", "value", "adversarial", "clean", "excess")}
        told["schedule"] = None if self.schedule is None else self.schedule.describe()
        told["radius"] = self.radius.describe()
        return told | {"note": self.note, "average_from": self.average_from}


@dataclass(frozen=True)
class Band:
    """How far one run strays at the horizon.

    Attributes
    ----------
    sd, bias : of the objective's adversarial part; NaN where they are not known
    dimension : of the run
    verdict : "good", "fair", "not to be trusted", or "not known"
    note : why
    """

    sd: float
    bias: float
    dimension: float
    verdict: str
    note: str = ""

    @property
    def width(self) -> float:
        """What a gain has to exceed: the standard deviation of one run and the bias together."""
        return float(self.sd + abs(self.bias)) if np.isfinite(self.sd) else 0.0


@dataclass(frozen=True)
class Design:
    """A designed training: what `design` returns.

    Attributes
    ----------
    problem : with the training radius that was chosen, which may be one over time
    horizon : the time at which training ends, samples / dimension
    objective : what was minimised
    schedule : the designed schedule of the learning rate
    family : the family that it is the best of
    recommended : the schedule to use: the designed one, a simpler one that is as good within the band, or None; it goes
        with `recommended_radius`
    refusal : why nothing is recommended; empty where something is
    alternatives : what else there is, the designed one first
    band : how far one run strays
    finer : the objective of the design, integrated in much finer steps
    knots_ratio : the design's excess over that of the best seventeen knots; None where they were not sought
    last_rate, line_search_rate : the last rate of the best knots, and that of exact line search at their last state,
        which are equal at an optimum; None where that does not hold
    collapse_radius : of the problem
    radii : (R, 2) training radii that were looked at and the best excess at each; empty where the radius was given
    batch_size : of the training that was designed
    remarks : what the theory says of the problem, in words
    """

    problem: Problem
    horizon: float
    objective: Objective
    schedule: Schedule
    family: str
    recommended: Schedule | None
    refusal: str
    alternatives: tuple[Alternative, ...]
    band: Band
    finer: float
    knots_ratio: float | None
    last_rate: float | None
    line_search_rate: float | None
    collapse_radius: float
    radii: np.ndarray = field(repr=False)
    batch_size: int
    remarks: tuple[str, ...]

    @property
    def training_radius(self) -> float:
        """The radius to train at; of one over time, that at the end."""
        return self.problem.final_radius

    @property
    def radius(self) -> RadiusSchedule:
        """The designed training radius over time."""
        return self.problem.radius_schedule

    @property
    def recommended_radius(self) -> RadiusSchedule | None:
        """The training radius that goes with the recommended schedule; None where nothing is recommended."""
        kept = next((one for one in self.alternatives if one.schedule is self.recommended), None)
        return None if self.recommended is None or kept is None else kept.radius

    @property
    def designed(self) -> Alternative:
        """The design among the alternatives."""
        return self.alternatives[0]

    @property
    def value(self) -> float:
        """The objective at the horizon."""
        return self.designed.value

    @property
    def excess(self) -> float:
        """The objective above the least value that any weights have; itself where that is not known."""
        return self.designed.excess

    @property
    def ratios(self) -> dict[str, float]:
        """Excesses of the alternatives over that of the design: above one is worse."""
        return {one.name: one.excess / self.excess for one in self.alternatives[1:] if np.isfinite(one.excess)}

    def __getitem__(self, name: str) -> Alternative:
        """The alternative of this name, such as "constant"."""
        found = next((one for one in self.alternatives if one.name == name), None)
        if found is None:
            names = [one.name for one in self.alternatives]
            raise InputError(
                "a way to train must be one that the design was compared with",
                name,
                did_you_mean(name, names).strip() or f"there are {', '.join(names)}",
            )
        return found

    def rates(self, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """(T,) the designed learning rate at the times, in samples / dimension."""
        return rates_at(self.schedule, np.asarray(times, dtype=float))

    def torch(self, batch_size: int | None = None, *, units: str = "scaled") -> TorchRates:
        """The learning rate of each step for `torch.optim.SGD`, a function for `LambdaLR`, and the radius of each step.

        Parameters
        ----------
        batch_size : samples per step, whose gradients are averaged; by default as designed
        units : "scaled" features, as jominy trains on, or "data" (samples with one factor for all features)
        """
        return torch_rates(self.problem, self.schedule, self.horizon, batch_size, units, self.batch_size)

    def table(self) -> list[tuple[str, float, float, float]]:
        """Of each alternative: its title, objective, excess, and excess over that of the design."""
        return [(one.title, one.value, one.excess, one.excess / self.excess) for one in self.alternatives]

    def describe(self) -> dict[str, Any]:
        """The design as a JSON-able record."""
        names = ("horizon", "family", "refusal", "finer", "knots_ratio", "last_rate", "line_search_rate", "batch_size")
        return {
            **{name: getattr(self, name) for name in names},
            "objective": self.objective.describe(),
            "schedule": self.schedule.describe(),
            "recommended": None if self.recommended is None else self.recommended.describe(),
            "training_radius": self.training_radius,
            "radius": self.radius.describe(),
            "recommended_radius": None if self.recommended_radius is None else self.recommended_radius.describe(),
            "collapse_radius": self.collapse_radius,
            "alternatives": [one.describe() for one in self.alternatives],
            "band": vars(self.band) | {"width": self.band.width},
            "radii": self.radii.tolist(),
            "problem": self.problem.describe(),
            "sentences": self.sentences(),
        }

    def dataset(self) -> xr.Dataset:
        """The design as a labelled result, which `jominy.save` writes and `jominy.load` opens again."""
        given = [one for one in self.alternatives if _has_rates(one)]
        times = np.linspace(0.0, self.horizon, POINTS)
        rates = np.stack([rates_at(one.schedule, times) for one in given if one.schedule is not None])
        ended = [one for one in self.alternatives if np.isfinite(one.value)]
        column = {
            "objective": [one.value for one in ended],
            "objective_excess": [one.excess for one in ended],
            "excess_ratio": [one.excess / self.excess for one in ended],
            "objective_adversarial": [one.adversarial for one in ended],
            "objective_clean": [one.clean for one in ended],
        }
        variables: dict[str, Any] = {name: (("alternative",), np.array(values)) for name, values in column.items()}
        variables["learning_rate"] = (("schedule", "time"), rates)
        variables["radius"] = (("schedule", "time"), np.stack([radii_at(one.radius, times) for one in given]))
        if len(self.radii):
            variables["best_excess"] = (("training_radius",), self.radii[:, 1])
        coords: dict[str, Any] = {
            "time": times,
            "alternative": [one.name for one in ended],
            "schedule": [one.name for one in given],
        }
        if len(self.radii):
            coords["training_radius"] = self.radii[:, 0]
        return make_result(
            variables,
            coords,
            engine="design",
            scenario={"problem": self.problem.describe(), "schedule": self.schedule.describe()},
            status=Status.COMPLETED,
            numerical_error=abs(self.finer - self.value) / max(abs(self.finer), 1e-300),
            notes=self.sentences(),
            extra={"design": json.dumps(_plain(self.describe()))},
        )

    def sentences(self) -> list[str]:
        """The design in words: the schedule, its gain, how sure it is, and what to do."""
        return [*self._found(), *self._gains(), *self._certificates(), *self.remarks, self._verdict()]

    def verdicts(self) -> list[str]:
        """The same without the gains, which `table` has."""
        without = [f"{one.title}: {one.note}" for one in self.alternatives[1:] if one.note]
        return [*self._found(), *without, *self._certificates(), *self.remarks, self._verdict()]

    def _found(self) -> list[str]:
        numbers = _numbers(self.schedule)
        told = [
            f"Designed for the {self.objective.title} at time {self.horizon:g}: {self.schedule.describe()['kind']} "
            f"({numbers}), which ends at {self.value:.4g}"
            + (f", {self.excess:.3g} above the least possible." if self.objective.floor is not None else ".")
        ]
        if len(self.radii):
            best = self.radii[np.argmin(self.radii[:, 1]), 0]
            told.append(f"Of all constant training radii up to {self.radii[-1, 0]:.3g}, {best:.3g} is the best.")
        if not isinstance(self.radius, FixedRadius):
            told.append(f"Training radius over time: {_numbers(self.radius)}; straight between.")
        return told

    def _gains(self) -> list[str]:
        told = []
        for one in self.alternatives[1:]:
            if not np.isfinite(one.value):
                told.append(f"{one.title}: {one.note or 'diverges'}")
                continue
            ratio, share = one.excess / self.excess, one.value / self.value - 1
            size = "the excess is" if self.objective.floor is not None else "the objective is"
            more = f" ({one.note})" if one.note else ""
            told.append(f"{one.title}: {size} {ratio:.3f} times, the whole {100 * share:+.2g} %{more}")
        return told

    def _certificates(self) -> list[str]:
        told = []
        if self.knots_ratio is not None and self.family != "knots":
            worse = 100 * (self.knots_ratio - 1)
            advice = "; family='knots' is worth it" if worse > 2 else ""
            lower = f"with an excess {worse:.2g} % lower" if worse > 0 else "no lower"
            told.append(f"The best seventeen knots would end {lower}{advice}.")
        if self.last_rate and self.line_search_rate:
            ratio = self.last_rate / self.line_search_rate
            told.append(f"Certificate: the last rate of the optimum over that of exact line search is {ratio:.4f} (1).")
        moved = abs(self.finer - self.value)
        share = moved / max(abs(self.excess), 1e-300)
        if moved > 0:  # a recursion step by step has no finer one
            told.append(
                f"Integrated in much finer steps the design differs by {moved:.2g}, {100 * share:.2g} % of the excess."
            )
        if self.band.verdict == "not known":
            told.append(f"How far one run strays is not known: {self.band.note}")
        else:
            told.append(
                f"One run at dimension {self.band.dimension:g} strays by {self.band.sd:.2g} (its band is "
                f"{self.band.verdict}); gains below {self.band.width:.2g} do not show in it."
            )
        return told

    def _verdict(self) -> str:
        if self.recommended is None:
            return f"Nothing is recommended: {self.refusal}"
        if self.recommended is self.schedule:
            return "Recommended: the designed schedule."
        kept = next(one for one in self.alternatives[1:] if one.schedule is self.recommended)
        numbers = _numbers(self.recommended)
        if kept.average_from is not None:
            return f"Recommended: a constant rate and an average of the weights ({numbers}), which ends lower."
        if kept.name in OTHER_RADII:
            what = "one over time" if kept.name == "constant-radius" else "another"
            return (
                f"Recommended: keep {kept.title}, with {self.recommended.describe()['kind']} ({numbers}): {what} gains "
                f"{kept.value - self.value:.2g}, which would not show in one run."
            )
        named = {"own": "your own schedule", "inverse-time": "1/t", "constant": "a constant"}.get(kept.name, kept.title)
        return f"Recommended: keep {named} ({numbers or kept.title}): the design gains nothing over it that would show."


def _has_rates(one: Alternative) -> bool:
    return one.schedule is not None and not (one.schedule.adaptive or one.schedule.remembers)


def _numbers(schedule: Schedule | RadiusSchedule) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in schedule.describe().items() if name != "kind")


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_short(one) for one in value) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """Without what JSON has no word for."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value
