"""The exact dynamics of adversarial training: problems, forecasts, simulations, optima."""

from jominy.dynamics.asymptotics.asymptotic import AsymptoticRate, asymptotic_rate
from jominy.dynamics.asymptotics.record import Stationary
from jominy.dynamics.asymptotics.small_rates import SmallRateEnd, interpolation_radius, small_rate_end
from jominy.dynamics.design import Design, Front, design, pareto
from jominy.dynamics.equivalent import least_squares_equivalent
from jominy.dynamics.fit import fit
from jominy.dynamics.forecast import forecast
from jominy.dynamics.forecast_many import forecast_many
from jominy.dynamics.homogenize import homogenize
from jominy.dynamics.laws.stability import RateLimits
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.optimum import collapse_radius, optimum
from jominy.dynamics.path_law import path_law
from jominy.dynamics.problem import Problem
from jominy.dynamics.samples import OnePass, ReshuffledEpochs, WithReplacement, gaussian_picture
from jominy.dynamics.sensitivity import sensitivity
from jominy.dynamics.simulate import simulate
from jominy.dynamics.stability import critical_rate, rate_limits
from jominy.dynamics.start import RandomStart
from jominy.dynamics.stationary import stationary

__all__ = [
    "AsymptoticRate",
    "Design",
    "Front",
    "asymptotic_rate",
    "OnePass",
    "Optimum",
    "Problem",
    "RandomStart",
    "RateLimits",
    "ReshuffledEpochs",
    "SmallRateEnd",
    "Stationary",
    "WithReplacement",
    "collapse_radius",
    "critical_rate",
    "design",
    "fit",
    "forecast",
    "forecast_many",
    "gaussian_picture",
    "homogenize",
    "interpolation_radius",
    "least_squares_equivalent",
    "optimum",
    "pareto",
    "path_law",
    "rate_limits",
    "sensitivity",
    "simulate",
    "small_rate_end",
    "stationary",
]
