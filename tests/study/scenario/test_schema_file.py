import json
import math
import tomllib
from pathlib import Path

import jsonschema
import pytest

from jominy import NetworkScenario, Scenario
from jominy.study.scenario import json_schema

ROOT = Path(__file__).parents[3]
NETWORKS = sorted((ROOT / "examples").glob("*network*.toml"))
EXAMPLES = sorted(set((ROOT / "examples").glob("*.toml")) - set(NETWORKS))


def test_the_published_schema_is_current():
    kept = json.loads((ROOT / "docs" / "scenario.schema.json").read_text())
    assert kept == json_schema(), "run `make schema`"
    kept = json.loads((ROOT / "docs" / "network.schema.json").read_text())
    assert kept == json_schema(NetworkScenario), "run `make schema`"


@pytest.mark.parametrize("of", [Scenario, NetworkScenario])
def test_it_is_a_valid_schema(of):
    jsonschema.Draft202012Validator.check_schema(json_schema(of))


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_examples_of_networks_fit_their_schema_and_build(path):
    given = tomllib.loads(path.read_text())
    jsonschema.validate(given, json_schema(NetworkScenario))
    study = NetworkScenario.load(path)
    assert study.title and study.theory()["adversarial_loss"].size
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**given, "radios": 1}, json_schema(NetworkScenario))


def test_there_are_enough_examples():
    assert len(EXAMPLES) >= 6 and len(NETWORKS) >= 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_fit_the_schema_and_build(path):
    given = tomllib.loads(path.read_text())
    jsonschema.validate(given, json_schema())
    study = Scenario.load(path)
    assert study.title and study.problem().radius >= 0
    assert study.build_schedule().describe()["kind"] == given["schedule"]["kind"]


def test_infinity_fits_the_schema():
    given = tomllib.loads((ROOT / "examples" / "power_law.toml").read_text())
    given["data"]["dimension"] = math.inf
    jsonschema.validate(given, json_schema())


def test_the_schema_refuses_what_the_program_refuses():
    given = tomllib.loads((ROOT / "examples" / "power_law.toml").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**given, "radios": 1}, json_schema())
