"""Schedules and objectives that the page's own controls can say: all that are made of single numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import create_model

from jominy.explore.fields import Request, number
from jominy.parts import OBJECTIVES, REQUIRED, SCHEDULES, Part, Registry, Setting

OWN = "own"
"""What stands for the user's scenario, in the place of one of the page's problems or schedules."""
HORIZON = "horizon"
"""A setting of this name is the time until which the page trains."""
TAKEN = (
    "exponent",
    "ratio",
    "high",
    "noise",
    "separation",
    "spectrum",
    "dimension",
    "problem",
    "radius",
    "start",
    "reach",
)
"""Names of the page's own controls: a setting of such a name has that of its part before it."""


@dataclass(frozen=True)
class PartChoices:
    """The parts of one sort among which the page has a choice, and their numbers.

    registry : all parts of that sort
    further : choices that are no parts, and what they are called
    """

    registry: Registry
    further: dict[str, str]

    @cached_property
    def moved(self) -> dict[str, Part]:
        """Those each of whose settings has a slider, is the page's horizon, or may be left out."""
        return {part.name: part for part in self.registry.used() if all(map(_movable, part.settings))}

    def settings(self, kind: str) -> list[Setting]:
        """Those settings of a part that the page sets."""
        return [one for one in self.moved[kind].settings if one.slider is not None or one.name == HORIZON]

    @property
    def words(self) -> dict[str, str]:
        """What each choice is called."""
        return {name: part.spoken for name, part in self.moved.items()} | self.further

    @property
    def shown_with(self) -> dict[str, list[str]]:
        """The controls that mean something for each part."""
        return {kind: [control(kind, one) for one in self.settings(kind) if one.name != HORIZON] for kind in self.moved}

    def values(self, kind: str, state: dict[str, Any]) -> dict[str, Any]:
        """The settings of a part, from the page's controls."""
        return {one.name: state[control(kind, one)] for one in self.settings(kind)}

    def controls_of(self, table: dict[str, Any]) -> dict[str, float]:
        """The page's controls, from a part in a scenario file."""
        kind = table["kind"]
        if kind not in self.moved:
            return {}
        own = [one for one in self.settings(kind) if one.name != HORIZON and one.name in table]
        return {control(kind, one): float(table[one.name]) for one in own}

    def table(self, kind: str, state: dict[str, Any]) -> dict[str, Any]:
        """The part in a scenario file."""
        return {"kind": kind} | self.values(kind, state)

    def as_python(self, kind: str, state: dict[str, Any]) -> tuple[str, str]:
        """The part in Python, and the line that imports its class where jominy does not show it.

        >>> PAGE_SCHEDULES.as_python("inverse-time", {"rate": 0.5, "decay": 0.2})
        ('jm.InverseTime(rate=0.5, decay=0.2)', '')
        """
        part = self.moved[kind]
        given = ", ".join(f"{name}={value!r}" for name, value in self.values(kind, state).items())
        ours = part.module.split(".")[0] == "jominy"
        return (
            f"{'jm.' if ours else ''}{part.class_name}({given})",
            "" if ours else f"from {part.module} import {part.class_name}\n",
        )

    def fields(self) -> dict[str, Any]:
        """One number for each setting with a slider; parts share those of one name."""
        told: dict[str, Any] = {}
        for part in self.moved.values():
            for setting in part.settings:
                name = control(part.name, setting)
                if (slider := setting.slider) is not None and name not in told:
                    usual, bounds = (slider.lowest, slider.highest), slider.bounds
                    moved = number(
                        slider.start, setting.name, setting.description, usual, bounds, log=slider.log,
                        hint="" if part.has_only(setting.name) else part.description.rstrip("."),
                    )  # fmt: skip
                    told[name] = (float, moved)
        return told


def control(kind: str, setting: Setting) -> str:
    """What the page calls the control of a part's setting."""
    return f"{kind.replace('-', '_')}_{setting.name}" if setting.name in TAKEN else setting.name


def _movable(setting: Setting) -> bool:
    return setting.slider is not None or setting.name == HORIZON or setting.default is not REQUIRED


PAGE_SCHEDULES = PartChoices(SCHEDULES, {OWN: "your scenario's"})
PAGE_OBJECTIVES = PartChoices(OBJECTIVES, {})

if TYPE_CHECKING:
    ScheduleName = str
    ObjectiveName = str

    class PartSettings(Request):
        """The numbers that schedules and objectives are made of."""

        def __getattr__(self, name: str) -> float:
            """One of them."""
else:
    ScheduleName = Literal[(*PAGE_SCHEDULES.moved, OWN)]
    ObjectiveName = Literal[tuple(PAGE_OBJECTIVES.moved)]
    PartSettings = create_model(
        "PartSettings", __base__=Request, __module__=__name__, **PAGE_SCHEDULES.fields(), **PAGE_OBJECTIVES.fields()
    )
