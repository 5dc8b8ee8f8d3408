"""Studies: scenario files, advice before training, and forecasts compared with simulations."""

from jominy.study.advise import Advice as Advice
from jominy.study.advise import advise as advise
from jominy.study.compare import compare as compare
from jominy.study.scenario import NetworkScenario as NetworkScenario
from jominy.study.scenario import Scenario as Scenario
