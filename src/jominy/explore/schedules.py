"""The learning rates that the page's own controls can say: all that are made of single numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import create_model

from jominy.explore.fields import Request, number
from jominy.parts import REQUIRED, SCHEDULES, Part, Setting

OWN = "own"
"""What stands for the user's scenario, in the place of one of the page's problems or schedules."""
HORIZON = "horizon"
"""A setting of this name is the time until which the page trains."""


def _movable(part: Part) -> bool:
    """Whether each setting has a slider, is the page's horizon, or may be left out."""
    return all(
        setting.slider is not None or setting.name == HORIZON or setting.default is not REQUIRED
        for setting in part.settings
    )


MOVED: dict[str, Part] = {part.name: part for part in SCHEDULES.used() if _movable(part)}


def moved_settings(kind: str) -> list[Setting]:
    """Those settings of a schedule that the page sets."""
    return [setting for setting in MOVED[kind].settings if setting.slider is not None or setting.name == HORIZON]


def words() -> dict[str, str]:
    """What each schedule is called."""
    return {name: part.spoken for name, part in MOVED.items()} | {OWN: "your scenario's"}


def shown_with() -> dict[str, list[str]]:
    """The controls that mean something for each schedule."""
    return {kind: [one.name for one in moved_settings(kind) if one.name != HORIZON] for kind in MOVED}


def as_python(kind: str, values: dict[str, Any]) -> tuple[str, str]:
    """A schedule in Python, and the line that imports its class where jominy does not show it.

    >>> as_python("inverse-time", {"rate": 0.5, "decay": 0.2})
    ('jm.InverseTime(rate=0.5, decay=0.2)', '')
    """
    part = MOVED[kind]
    given = ", ".join(f"{one.name}={values[one.name]!r}" for one in moved_settings(kind))
    ours = part.module.split(".")[0] == "jominy"
    return (
        f"{'jm.' if ours else ''}{part.class_name}({given})",
        "" if ours else f"from {part.module} import {part.class_name}\n",
    )


def _fields() -> dict[str, Any]:
    """One number for each setting with a slider; schedules share those of one name."""
    told: dict[str, Any] = {}
    for part in MOVED.values():
        for setting in part.settings:
            if (slider := setting.slider) is not None and setting.name not in told:
                usual, bounds = (slider.lowest, slider.highest), slider.bounds
                control = number(
                    slider.start, setting.name, setting.description, usual, bounds, log=slider.log,
                    hint="" if part.has_only(setting.name) else part.description.rstrip("."),
                )  # fmt: skip
                told[setting.name] = (float, control)
    return told


if TYPE_CHECKING:
    ScheduleName = str

    class ScheduleSettings(Request):
        """The numbers that schedules are made of."""

        def __getattr__(self, name: str) -> float:
            """One of them."""
else:
    ScheduleName = Literal[(*MOVED, OWN)]
    ScheduleSettings = create_model("ScheduleSettings", __base__=Request, __module__=__name__, **_fields())
