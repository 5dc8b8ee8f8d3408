"""Sweeps: a scenario at many values of its fields, on any executor, with a store that survives anything."""

from jominy.study.sweeps.engines import Engine as Engine
from jominy.study.sweeps.phase import phase as phase
from jominy.study.sweeps.sweep import sweep as sweep
