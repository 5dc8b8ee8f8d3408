"""Studies: scenario files, and forecasts compared with simulations."""

from jominy.study.compare import compare as compare
from jominy.study.scenario import Scenario as Scenario
