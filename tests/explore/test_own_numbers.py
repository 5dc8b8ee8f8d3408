"""The numbers of a user's scenario on the page, against the scenario files that say the same."""

import tomllib

import numpy as np
import pytest

pytest.importorskip("tomli_w")

import jominy as jm
from jominy.errors import InputError
from jominy.explore.asked import Map, Text
from jominy.explore.curves_state import Curves
from jominy.explore.initial_state import explorer_for
from jominy.explore.request_handler import RequestHandler

CLASSES = """
radius = 0.3
time = 3
[data]
kind = "mixture"
dimension = 120
[[data.components]]
weight = 0.25
label = 1
mean = 1.0
covariance = { kind = "two-level", high = 1.5, low = 0.5 }
[[data.components]]
weight = 0.75
label = -1
mean = { kind = "pattern", values = [1, 1], norm = -1.0 }
covariance = { kind = "identity" }
[loss]
kind = "logistic"
[schedule]
kind = "constant"
rate = 0.8
"""
RAMP = """
radius = { kind = "ramp", end = 0.4, time = 2 }
time = 3
[data]
kind = "linear-teacher"
dimension = 100
covariance = { kind = "power-law", exponent = 1.0 }
[loss]
kind = "squared"
[schedule]
kind = "piecewise"
times = [1.0]
rates = [0.5, 0.1]
"""


def opened(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    explorer = explorer_for(path)
    return (
        explorer,
        RequestHandler(path, lambda told: None, lambda: False),
        {one["path"]: one for one in explorer.numbers},
    )


def test_every_number_that_a_sweep_names_has_a_control_within_the_scenarios_own_bounds(tmp_path):
    explorer, _, numbers = opened(tmp_path, CLASSES)
    assert set(numbers) == {
        "data.dimension", "data.components.0.weight", "data.components.0.mean", "data.components.0.covariance.high",
        "data.components.0.covariance.low", "data.components.0.covariance.share", "data.components.1.weight",
        "data.components.1.mean.norm", "data.components.1.covariance.scale", "schedule.rate", "start", "batch_size",
    }  # fmt: skip
    scenario = jm.Scenario.load(tmp_path / "mine.toml")
    assert set(numbers) <= {".".join(jm.study.sweeps.fields.find_field(name, scenario)) for name in numbers}
    for name, one in numbers.items():
        low, high = one["slider"]
        assert one["min"] <= low < high <= one["max"] and low <= one["value"] <= high, name
    told = explorer.told_at_start()
    assert {one["name"] for one in told["controls"]["curves"]} >= {f"own.{name}" for name in numbers}
    assert numbers["data.components.0.covariance.high"]["group"] == "Component 1"


@pytest.mark.slow
def test_numbers_set_anew_are_those_of_the_same_scenario_file_and_its_copies(tmp_path, capsys):
    explorer, desk, _ = opened(tmp_path, CLASSES)
    state = explorer.start.model_copy(
        update={"numbers": {"data.components.0.weight": 0.75, "data.components.0.mean": 1.6, "data.dimension": 150.0}}
    )
    same = CLASSES.replace("weight = 0.75", "weight = 0.5").replace("weight = 0.25", "weight = 0.5")
    same = same.replace("mean = 1.0", "mean = 1.6").replace("dimension = 120", "dimension = 150")
    expected = float(jm.Scenario.from_mapping(tomllib.loads(same)).forecast().adversarial_risk[-1])
    assert desk.curve(state)["variables"]["adversarial_risk"][-1] == pytest.approx(expected, rel=1e-6)
    copied = jm.Scenario.from_mapping(tomllib.loads(desk.text(Text(form="toml", curves=state))["text"]))
    assert [one.weight for one in copied.data.components] == [0.5, 0.5] and copied.data.dimension == 150
    exec(desk.text(Text(form="python", curves=state))["text"], {})
    assert float(capsys.readouterr().out.split()[1]) == pytest.approx(expected, rel=1e-6)


def test_radius_and_rate_over_time_stay_as_they_are_written_and_move(tmp_path):
    explorer, desk, numbers = opened(tmp_path, RAMP)
    assert {"radius.end", "radius.time", "schedule.rates.1", "schedule.times.0", "data.noise_variance"} <= set(numbers)
    assert desk.text(Text(form="toml", curves=explorer.start))["text"].count("rates") == 1
    moved = explorer.start.model_copy(update={"numbers": {"radius.end": 0.7, "schedule.rates.1": 0.3}})
    same = RAMP.replace("end = 0.4", "end = 0.7").replace("0.1]", "0.3]")
    assert tomllib.loads(desk.text(Text(form="toml", curves=moved))["text"]) == tomllib.loads(same)
    with pytest.raises(InputError, match="follows a schedule of its own"):
        desk.map(Map(state=moved))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"data.nothing": 1.0}, "no such number"),
        ({"data.components.5.weight": 1.0}, "no such number"),
        ({"title": 1.0}, "no such number"),
        ({"data.dimension": 1e6}, "whole number from 100 to 20000"),
        ({"data.dimension": 150.5}, "whole number from 100 to 20000"),
        ({"data.components.0.covariance.share": 1.0}, "share must be a number from"),
        ({"schedule.rate": -1.0}, "rate must be a number from"),
    ],
)
def test_numbers_that_are_none_of_the_scenarios_are_refused(tmp_path, numbers, words):
    explorer, desk, _ = opened(tmp_path, CLASSES)
    with pytest.raises(InputError, match=words):
        desk.curve(explorer.start.model_copy(update={"numbers": numbers}))
    if "data.nothing" in numbers:
        with pytest.raises(InputError, match="without a scenario of yours"):
            RequestHandler(None, lambda told: None, lambda: False).curve(Curves(problem="own", numbers=numbers))


@pytest.mark.slow
def test_samples_have_a_map_as_fine_as_their_time_allows(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    y = np.where(rng.random(120) < 0.5, -1.0, 1.0)
    np.savez(tmp_path / "mine.npz", X=rng.normal(size=(120, 8)) + y[:, None], y=y)
    explorer, desk, numbers = opened(
        tmp_path,
        'radius = 0.3\ntime = 4\n[data]\nkind = "file"\npath = "mine.npz"\nheld_out = 0.2\n[loss]\nkind = "logistic"\n'
        '[schedule]\nkind = "constant"\nrate = 1.0\n',
    )
    assert set(numbers) == {"data.split_seed", "data.preprocessing.clip", "schedule.rate", "start"}
    told = desk.map(Map(state=explorer.start, points=5))
    i, j = 1, 2
    scenario = jm.Scenario.load(tmp_path / "mine.toml")
    there = scenario.changed(radius=told["radius"][i], schedule={"kind": "constant", "rate": told["rate"][j]})
    assert told["risk"][i][j] == pytest.approx(float(there.forecast().adversarial_risk[-1]), rel=1e-4)
    assert told["lines"]["collapse_radius"] == pytest.approx(jm.collapse_radius(scenario.problem()), rel=1e-4)
    monkeypatch.setattr("jominy.explore.maps.SAMPLES_MAP", 1e-3)
    with pytest.raises(InputError, match="Use jominy phase on the command line"):
        desk.map(Map(state=explorer.start))
