"""Labelled results: their schema, how a run ended, and NetCDF files."""

from jominy.results.schema import CITE_NETWORKS as CITE_NETWORKS
from jominy.results.schema import make_result as make_result
from jominy.results.status import Status as Status
from jominy.results.store import load as load
from jominy.results.store import save as save
from jominy.results.variables import COMPARISON as COMPARISON
from jominy.results.variables import COORDINATES as COORDINATES
from jominy.results.variables import VARIABLES as VARIABLES
from jominy.results.variables import Variable as Variable
from jominy.results.variables import describe_variable as describe_variable
