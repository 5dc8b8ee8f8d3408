"""What answers a verb: one set of engines for each kind of problem.

A verb checks what all kinds share and asks `engines_of(problem)`; nobody else looks at what kind of data there are. A
new kind of problem is one more file here, and its name in `EVERY`.
"""

from jominy.dynamics.engines.base import Endings, Engines, ForecastRequest, PathRequest, SimulationRequest
from jominy.dynamics.engines.class_mixtures import ClassMixtureEngines
from jominy.dynamics.engines.classes import ClassEngines
from jominy.dynamics.engines.heads import HeadEngines
from jominy.dynamics.engines.mixtures import MixtureEngines
from jominy.dynamics.engines.samples import SampleEngines
from jominy.dynamics.engines.single_features import SingleFeatureEngines
from jominy.dynamics.problem import Problem
from jominy.errors import InputError

EVERY: tuple[Engines, ...] = (
    HeadEngines(), ClassMixtureEngines(), ClassEngines(), SampleEngines(), SingleFeatureEngines(), MixtureEngines(),
)  # fmt: skip
"""In the order in which they are asked whether a problem is theirs; the last one takes what is left."""


def engines_of(problem: Problem) -> Engines:
    """The engines for a problem."""
    return next(engines for engines in EVERY if engines.covers(problem))


def row_engines_of(problem: Problem) -> SampleEngines:
    """The engines for a problem on samples, which can make single runs too."""
    found = engines_of(problem)
    if not isinstance(found, SampleEngines):
        raise InputError(
            "A model is fitted to samples", type(problem.data).__name__, "Wrap your arrays as `Samples(X, y)`"
        )
    return found


__all__ = ["Endings", "Engines", "ForecastRequest", "PathRequest", "SimulationRequest", "engines_of", "row_engines_of"]
