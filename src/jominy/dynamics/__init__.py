"""The exact dynamics of adversarial training: problems, forecasts, simulations, optima."""

from jominy.dynamics.forecast import forecast
from jominy.dynamics.optimum import Optimum, collapse_radius, optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.sampling import OnePass, ReshuffledEpochs, WithReplacement
from jominy.dynamics.simulate import simulate
from jominy.dynamics.start import RandomStart

__all__ = [
    "OnePass",
    "Optimum",
    "Problem",
    "RandomStart",
    "ReshuffledEpochs",
    "WithReplacement",
    "collapse_radius",
    "forecast",
    "optimum",
    "simulate",
]
