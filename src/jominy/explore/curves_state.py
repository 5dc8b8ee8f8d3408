"""The state of the first tab, and the scenario that it stands for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from jominy.errors import InputError
from jominy.explore.fields import choice, number, switch
from jominy.explore.part_choices import (
    OWN,
    PAGE_OBJECTIVES,
    PAGE_SCHEDULES,
    ObjectiveName,
    PartSettings,
    ScheduleName,
)
from jominy.explore.tables import TableRef

LEAST_SQUARES, TWO_CLASS = "least-squares", "two-class"
_PATTERN = 20
"""Features of which a whole number is within the attack's reach; the pattern is repeated over all of them."""
_REPLACED = ("times", "sweep", "bands", "dimension")  # what the page decides itself


class Curves(PartSettings):
    """Everything the first tab's controls say. Rates, radii and times are scaled as everywhere (`docs/scalings.md`)."""

    problem: Literal["least-squares", "two-class", "own"] = choice(
        LEAST_SQUARES,
        "problem",
        {LEAST_SQUARES: "least squares, linear teacher", TWO_CLASS: "two classes, logistic loss", OWN: "your scenario"},
    )
    radius: float = number(0.5, "radius", "size of the attack", (0.0, 2.0), (0.0, 1e3))
    attack: Literal["l2", "linf"] = choice("l2", "attack", {"l2": "l2", "linf": "l∞, of radius / √d on every feature"})
    reach: float = number(1.0, "features within reach", "share that the attack can touch", (0.05, 1.0), (0.05, 1.0))
    beside: bool = switch(False, "the other attack beside it", "l∞ beside l2, or l2 beside l∞")
    objective: ObjectiveName = choice(
        "adversarial", "objective", PAGE_OBJECTIVES.words, shows=PAGE_OBJECTIVES.shown_with
    )
    schedule: ScheduleName = choice("constant", "learning rate", PAGE_SCHEDULES.words, shows=PAGE_SCHEDULES.shown_with)
    start: float = number(0.0, "start", "norm of the first weights", (0.0, 2.0), (0.0, 1e3))
    noise: float = number(0.25, "label noise", "variance", (0.0, 2.0), (0.0, 1e4))
    separation: float = number(2.0, "class separation", "distance of the class means", (0.0, 6.0), (0.0, 20.0))
    spectrum: Literal["identity", "power-law", "marchenko-pastur", "two-level"] = choice(
        "power-law",
        "spectrum",
        {
            "identity": "identity",
            "power-law": "power law",
            "marchenko-pastur": "Marchenko-Pastur",
            "two-level": "two levels",
        },
    )
    exponent: float = number(1.0, "exponent", "of the eigenvalues", (0.0, 3.0), (0.0, 8.0))
    ratio: float = number(0.5, "dimension / samples", "of that covariance", (0.02, 0.98), (0.001, 0.999))
    high: float = number(1.6, "higher level", "the lower one is 2 minus it", (1.0, 2.0), (1.0, 2.0))
    dimension: int = number(300, "dimension d", "of one run and its band", (100, 20_000), (100, 20_000), log=True)
    numbers: dict[Annotated[str, Field(max_length=100)], Annotated[float, Field(ge=-1e6, le=1e6)]] = Field(
        {}, max_length=64, description="numbers of the user's scenario set anew, by their dotted path"
    )
    table: TableRef | None = Field(None, exclude=True, description="the user's scenario is that of this table")
    horizon: float = number(20.0, "train until time", "samples / dimension", (1.0, 100.0), (0.01, 500.0), log=True)

    def mapping(self, own: dict[str, Any] | None = None) -> dict[str, Any]:
        """The scenario as a scenario file says it; `own` is the user's, its `numbers` set already.

        Raises InputError where the state asks for a scenario of the user's and there is none.
        """
        if own is None and OWN in (self.problem, self.schedule):
            raise InputError(
                "the explorer was started without a scenario of yours", OWN, "jominy explore SCENARIO.toml"
            )
        own = own or {}
        schedule = own["schedule"] if self.schedule == OWN else self.schedule_table()
        training = {"radius": self.radius, "schedule": schedule, "time": self.horizon}
        if self.problem == OWN:
            if isinstance(own["radius"], dict):
                training["radius"] = own["radius"]
            return {key: value for key, value in own.items() if key not in _REPLACED} | training
        title = {LEAST_SQUARES: "Least squares with a linear teacher", TWO_CLASS: "Two classes, logistic loss"}
        start = {"start": self.start} if self.start else {}
        loss = {"kind": "squared" if self.problem == LEAST_SQUARES else "logistic"}
        attack = {"attack": self.attack_table()} if (self.attack, self.reach) != ("l2", 1.0) else {}
        aim = {"objective": self.objective_table()} if self.objective != "adversarial" else {}
        return (
            {"title": title[self.problem], **training, **start, "data": self.data_table(), "loss": loss} | attack | aim
        )

    @classmethod
    def of_scenario(cls, given: dict[str, Any]) -> Curves:
        """The state in which the page opens on a user's scenario; what its controls cannot say stays as it is there."""
        schedule, found = given["schedule"], {"problem": OWN, "schedule": given["schedule"]["kind"]}
        part = PAGE_SCHEDULES.moved.get(schedule["kind"])
        unmoved = [] if part is None else [one for one in part.settings if one.slider is None]
        if part is None or any(schedule.get(one.name, one.default) != one.default for one in unmoved):
            found["schedule"] = OWN
        found |= PAGE_SCHEDULES.controls_of(schedule)
        radius, times = given["radius"], given.get("times")
        if not isinstance(radius, dict):  # one that varies in time moves by its own numbers
            found["radius"] = float(radius)
        found["horizon"] = float(given["time"] if times is None else times[-1])
        return cls.model_validate(found)

    def schedule_table(self) -> dict[str, Any]:
        """[schedule] of a scenario file."""
        return PAGE_SCHEDULES.table(self.schedule, dict(self))

    def objective_table(self) -> dict[str, Any]:
        """[objective] of a scenario file."""
        return PAGE_OBJECTIVES.table(self.objective, dict(self))

    def attack_table(self) -> dict[str, Any]:
        """[attack] of a scenario file: features out of reach are spread evenly over all."""
        within = max(1, round(self.reach * _PATTERN))
        budget = [1.0] * within + [0.0] * (_PATTERN - within)
        if self.attack == "linf":
            return {"kind": "linf"} | ({"budget": budget} if within < _PATTERN else {})
        return {"kind": "l2"} if within == _PATTERN else {"kind": "mahalanobis", "weights": budget}

    def data_table(self) -> dict[str, Any]:
        """[data] of a scenario file, of one of the two synthetic problems."""
        covariance = self.covariance_table()
        if self.problem == LEAST_SQUARES:
            return {
                "kind": "linear-teacher",
                "dimension": self.dimension,
                "covariance": covariance,
                "teacher": 1.0,
                "noise_variance": self.noise,
            }
        components = [
            {"weight": 0.5, "label": label, "mean": label * self.separation / 2, "covariance": covariance}
            for label in (1.0, -1.0)
        ]
        return {"kind": "mixture", "dimension": self.dimension, "components": components}

    def covariance_table(self) -> dict[str, Any]:
        """The spectrum, of mean one."""
        settings: dict[str, dict[str, float]] = {
            "identity": {},
            "power-law": {"exponent": self.exponent},
            "marchenko-pastur": {"ratio": self.ratio},
            "two-level": {"high": self.high, "low": 2.0 - self.high},
        }
        return {"kind": self.spectrum, **settings[self.spectrum]}
