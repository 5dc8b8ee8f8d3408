"""Learning-rate schedules; a schedule is an object."""

from jominy.schedules.adagrad import AdaGradNorm
from jominy.schedules.adaptive import ExactLineSearch, Polyak
from jominy.schedules.averaged import Averaged, averaged
from jominy.schedules.base import UNKNOWN_DESCENT, Descent, Schedule
from jominy.schedules.given import Constant, Cosine, FromFunction, InverseTime, Piecewise
from jominy.schedules.hill import Hill
from jominy.schedules.knots import Knots, knot_times
from jominy.schedules.radius import (
    FixedRadius,
    RadiusFunction,
    RadiusKnots,
    RadiusPiecewise,
    RadiusRamp,
    RadiusSchedule,
    require_radius,
)
from jominy.schedules.tabulated import Tabulated

__all__ = [
    "UNKNOWN_DESCENT",
    "AdaGradNorm",
    "Averaged",
    "Constant",
    "Cosine",
    "Descent",
    "ExactLineSearch",
    "FixedRadius",
    "FromFunction",
    "Hill",
    "InverseTime",
    "Knots",
    "Piecewise",
    "Polyak",
    "RadiusFunction",
    "RadiusKnots",
    "RadiusPiecewise",
    "RadiusRamp",
    "RadiusSchedule",
    "Schedule",
    "Tabulated",
    "averaged",
    "knot_times",
    "require_radius",
]
