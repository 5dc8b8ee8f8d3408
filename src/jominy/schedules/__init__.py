"""Learning-rate schedules; a schedule is an object."""

from jominy.schedules.adaptive import ExactLineSearch, Polyak
from jominy.schedules.base import UNKNOWN_DESCENT, Descent, Schedule
from jominy.schedules.given import Constant, Cosine, FromFunction, InverseTime, Piecewise
from jominy.schedules.tabulated import Tabulated

__all__ = [
    "UNKNOWN_DESCENT",
    "Constant",
    "Cosine",
    "Descent",
    "ExactLineSearch",
    "FromFunction",
    "InverseTime",
    "Piecewise",
    "Polyak",
    "Schedule",
    "Tabulated",
]
