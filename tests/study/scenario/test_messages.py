"""Every mistake in a scenario gets one message that names the key, the value and what is allowed."""

import copy

import pytest

from jominy import InputError, Scenario
from scenario_tables import BASE, mixture

REMOVED = object()


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("radius", -1, ["'radius' must be >= 0", "received: -1"]),
        ("radius", "0.5", ["'radius' must be a number", "'0.5'"]),
        ("radius", float("nan"), ["'radius' must be finite"]),
        ("radius", True, ["'radius' must be a number"]),
        ("radius", REMOVED, ["the key 'radius' is missing"]),
        ("radios", 0.5, ["there is no key 'radios'", "Did you mean 'radius'?", "schedule, simulation"]),
        ("loss", REMOVED, ["the key 'loss' is missing", "add a table [loss]"]),
        ("loss", "squared", ["'loss' must be a table"]),
        ("loss", {}, ["'loss' must be a table with a kind", "'squared', 'logistic'"]),
        ("loss.kind", "huber", ["'loss.kind' must be one of 'squared', 'logistic'", "received: 'huber'"]),
        ("loss.scale", 2, ["no key 'loss.scale'", "Keys allowed there: kind"]),
        ("schedule.rate", "fast", ["'schedule.rate' must be a number"]),
        ("schedule.rate", REMOVED, ["the key 'schedule.rate' is missing"]),
        ("schedule", {"kind": "polyak", "rate": 2}, ["no key 'schedule.rate'"]),
        ("time", 0, ["'time' must be > 0"]),
        ("time", REMOVED, ["exactly one of 'time' and 'times'", "neither"]),
        ("times", [1.0], ["exactly one of 'time' and 'times'", "both"]),
        ("evaluate_at", 0.5, ["'evaluate_at' must be a list"]),
        ("evaluate_at", [0, -1], ["'evaluate_at[1]' must be >= 0"]),
        ("units", "data", ["units = 'data' needs samples"]),
        ("units", "meters", ["'units' must be 'scaled' or 'data'"]),
        ("simulation", {"seeds": "many"}, ["'simulation.seeds' must be a whole number or a list"]),
        ("simulation", {"sampling": "bootstrap"}, ["'simulation.sampling' must be", "'reshuffled-epochs'"]),
        ("data", [1], ["'data' must be a table"]),
        ("data.kind", "images", ["'data.kind' must be one of", "'scikit-learn'"]),
        ("data.dimension", 1.5, ["'data.dimension' must be a whole number >= 1, or inf"]),
        ("data.dimension", -3, ["'data.dimension' must be a whole number >= 1, or inf"]),
        ("data.covariance", {"kind": "power-law"}, ["the key 'data.covariance.exponent' is missing"]),
        (
            "data.covariance",
            {"kind": "identity", "scal": 1},
            ["no key 'data.covariance.scal'", "Did you mean 'scale'?"],
        ),
        ("data.covariance", {"kind": "rotated", "spectrum": {"kind": "matrix"}}, ["'data.covariance.spectrum.kind'"]),
        ("data.teacher", "up", ["'data.teacher' must be a number", "random-direction"]),
        ("data.teacher", {"kind": "patern", "values": [1]}, ["'data.teacher' must be a number"]),
        ("data.teacher", {"kind": "pattern", "values": [1, "a"]}, ["'data.teacher.values[1]' must be a number"]),
        ("start", {"kind": "random"}, ["the key 'start.norm' is missing"]),
        ("data", mixture(covarance=1), ["no key 'data.components[0].covarance'", "Did you mean 'covariance'?"]),
        ("data", mixture(weight=-1), ["'data.components[0].weight' must be > 0"]),
        ("data", {"kind": "file", "path": "a.csv", "target": 1.5}, ["'data.target' must be text"]),
        (
            "data",
            {"kind": "file", "path": "a.csv", "preprocessing": {"clip": "none"}},
            ["'data.preprocessing.clip' must be a number or 'off'"],
        ),
        ("data", {"kind": "scikit-learn", "name": "iris"}, ["'data.name' must be 'breast_cancer'"]),
    ],
)
def test_mistakes(path, value, parts):
    given = copy.deepcopy(BASE)
    *above, key = path.split(".")
    place = given
    for part in above:
        place = place[part]
    if value is REMOVED:
        del place[key]
    else:
        place[key] = value
    with pytest.raises(InputError) as caught:
        Scenario.from_mapping(given, source="study.toml")
    message = str(caught.value)
    assert message.startswith("study.toml: ") and "\n" not in message
    for part in parts:
        assert part in message or part in message.replace("Add a", "add a"), message


def test_the_most_telling_mistake_comes_first():
    given = {**BASE, "radius": "a", "shedule": {}}
    with pytest.raises(InputError, match="no key 'shedule'"):
        Scenario.from_mapping(given)


def test_files(tmp_path):
    with pytest.raises(InputError, match="scenario file must exist.*nowhere.toml"):
        Scenario.load(tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("radius = = 1")
    with pytest.raises(InputError, match="bad.toml is not valid TOML.*line 1"):
        Scenario.load(tmp_path / "bad.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8.*binary.toml"):
        Scenario.load(tmp_path / "binary.toml")
