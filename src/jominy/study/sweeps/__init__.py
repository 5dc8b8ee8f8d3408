"""Sweeps: a scenario at many values of its fields, on any executor, with a store that survives anything."""

from jominy.study.sweeps.designs import Design as Design
from jominy.study.sweeps.designs import Grid as Grid
from jominy.study.sweeps.designs import LowDiscrepancy as LowDiscrepancy
from jominy.study.sweeps.designs import RandomPoints as RandomPoints
from jominy.study.sweeps.designs import Zipped as Zipped
from jominy.study.sweeps.engines import Engine as Engine
from jominy.study.sweeps.phase import phase as phase
from jominy.study.sweeps.ranges import Linear as Linear
from jominy.study.sweeps.ranges import Logarithmic as Logarithmic
from jominy.study.sweeps.sweep import sweep as sweep
