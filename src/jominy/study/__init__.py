"""Studies: scenario files, advice before training, sweeps, and forecasts compared with simulations."""

from jominy.study.advise import Advice as Advice
from jominy.study.advise import advise as advise
from jominy.study.checking import Cause as Cause
from jominy.study.checking import Companion as Companion
from jominy.study.checking import Verdict as Verdict
from jominy.study.checking import check as check
from jominy.study.compare import compare as compare
from jominy.study.designs import Grid as Grid
from jominy.study.designs import Linear as Linear
from jominy.study.designs import Logarithmic as Logarithmic
from jominy.study.designs import LowDiscrepancy as LowDiscrepancy
from jominy.study.designs import RandomPoints as RandomPoints
from jominy.study.designs import Zipped as Zipped
from jominy.study.scenario import NetworkScenario as NetworkScenario
from jominy.study.scenario import Scenario as Scenario
from jominy.study.sweeps import Engine as Engine
from jominy.study.sweeps import phase as phase
from jominy.study.sweeps import sweep as sweep
