"""The JSON schema of scenario files."""

from typing import Any

from jominy.study.scenario.base import Table
from jominy.study.scenario.model import Scenario
from jominy.study.scenario.network import NetworkScenario


def json_schema(of: type[Table] = Scenario) -> dict[str, Any]:
    """The JSON schema of a scenario file, or of a network scenario, for editors and other programs.

    Examples
    --------
    >>> json_schema()["required"]
    ['data', 'loss', 'radius', 'schedule']
    >>> json_schema(NetworkScenario)["required"]
    ['network', 'radius']
    """
    schema = of.model_json_schema()
    schema["title"] = "jominy network scenario" if of is NetworkScenario else "jominy scenario"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
