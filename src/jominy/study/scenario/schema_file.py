"""The JSON schema of scenario files."""

from typing import Any

from jominy.study.scenario.model import Scenario


def json_schema() -> dict[str, Any]:
    """The JSON schema of a scenario file, for editors and other programs.

    Examples
    --------
    >>> json_schema()["required"]
    ['data', 'loss', 'radius', 'schedule']
    """
    schema = Scenario.model_json_schema()
    schema["title"] = "jominy scenario"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
