"""The exact dynamics of adversarial training: problems, forecasts, simulations, optima."""

from jominy.dynamics.forecast import forecast
from jominy.dynamics.optimum import Optimum, collapse_radius, optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.simulate import simulate
from jominy.dynamics.start import RandomStart

__all__ = ["Optimum", "Problem", "RandomStart", "collapse_radius", "forecast", "optimum", "simulate"]
