"""Scenario files: TOML, checked by pydantic."""

from jominy.study.scenario.from_data_file import DATA_FILES as DATA_FILES
from jominy.study.scenario.from_data_file import from_data_file as from_data_file
from jominy.study.scenario.model import Scenario as Scenario
from jominy.study.scenario.network import NetworkScenario as NetworkScenario
from jominy.study.scenario.schema_file import json_schema as json_schema
