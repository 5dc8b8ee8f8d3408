"""What answers a verb: one set of engines for each kind of problem.

A verb checks what all kinds share and asks `engines_of(problem)`; nobody else looks at what kind of data there are. A
new kind of problem is one more file here, and its name in `EVERY`.
"""

from jominy.dynamics.engines.base import Engines, ForecastRequest, PathRequest, SimulationRequest
from jominy.dynamics.engines.mixtures import MixtureEngines
from jominy.dynamics.engines.samples import SampleEngines
from jominy.dynamics.engines.single_features import SingleFeatureEngines
from jominy.dynamics.problem import Problem

EVERY: tuple[Engines, ...] = (SampleEngines(), SingleFeatureEngines(), MixtureEngines())
"""In the order in which they are asked whether a problem is theirs; the last one takes what is left."""


def engines_of(problem: Problem) -> Engines:
    """The engines for a problem."""
    return next(engines for engines in EVERY if engines.covers(problem))


__all__ = ["Engines", "ForecastRequest", "PathRequest", "SimulationRequest", "engines_of"]
