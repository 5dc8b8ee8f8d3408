import numpy as np
import pytest
from scipy.stats import qmc

import jominy as jm
from jominy.study.designs.named import named_design, parse_values
from jominy.study.sweeps.fields import find_field
from jominy.study.sweeps.keys import key_of
from jominy.study.sweeps.plan import make_plan
from sweep_zoo import network, plain


def test_ranges_are_those_of_numpy():
    assert jm.Linear(-1, 2, 7).values() == pytest.approx(np.linspace(-1, 2, 7).tolist(), abs=1e-15)
    assert jm.Logarithmic(0.03, 70, 9).values() == pytest.approx(np.geomspace(0.03, 70, 9).tolist(), rel=1e-11)
    assert jm.Logarithmic(64, 1024, 5).values() == [64, 128, 256, 512, 1024]
    assert all(type(value) is int for value in jm.Linear(1, 100, 12, whole=True).values())


def test_a_grid_is_every_combination():
    layout = jm.Grid({"a": [1, 2], "b": jm.Linear(0, 1, 3)}).layout()
    first, second = np.meshgrid([1, 2], [0, 0.5, 1], indexing="ij")
    assert layout.rows == list(zip(first.ravel(), second.ravel(), strict=True))


def test_scattered_points_stay_in_their_ranges():
    over = {"a": jm.Linear(-1, 1), "b": jm.Logarithmic(0.01, 100)}
    points = np.array(jm.RandomPoints(over, 2000, seed=1).layout().rows)
    assert np.abs(points[:, 0]).max() <= 1 and points[:, 1].min() >= 0.01 and points[:, 1].max() <= 100
    # The logarithm is uniform: its mean has a standard error of 4 / sqrt(12 * 2000) = 0.026.
    assert abs(np.log10(points[:, 1]).mean()) < 4 * 0.026
    again = np.array(jm.RandomPoints(over, 2000, seed=1).layout().rows)
    assert np.array_equal(points, again)


@pytest.mark.parametrize("name", ["sobol", "halton", "latin-hypercube"])
def test_low_discrepancy(name):
    over = {"a": jm.Linear(0, 1), "b": jm.Linear(0, 1)}
    points = np.array(named_design(name, over, 64, seed=2).layout().rows)
    scattered = np.array(named_design("random", over, 64, seed=2).layout().rows)
    assert qmc.discrepancy(points) < 0.5 * qmc.discrepancy(scattered)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("radius=0:1:3", [0, 0.5, 1]),
        ("rate=log:0.1:10:3", [0.1, 1, 10]),
        ("network.width=int:log:10:1000:3", [10, 100, 1000]),
        ("rate = 0.5, 2", [0.5, 2]),
    ],
)
def test_the_command_line_says_the_same(text, values):
    over = dict([parse_values(text)])
    assert list(jm.Grid(over).layout().axes[0]) == values


@pytest.mark.parametrize(
    ("over", "parts"),
    [
        ({}, ["needs a field"]),
        ({"radius": []}, ["one value or more"]),
        ({"radius": [0.1, 0.1]}, ["may be there once"]),
        ({"radius": 0.1}, ["must be a list or a range", "0.1"]),
        ({"radius": [0.1, -0.5]}, ["the sweep at radius = -0.5", "'radius' must be >= 0"]),
        ({"rate": [0.1, -0.5]}, ["the sweep at rate = -0.5", "learning rate"]),
        ({"rates": [0.1]}, ["'rates'", "Did you mean 'rate'?"]),
        ({"schedule.rates": [0.1]}, ["schedule.rates", "Did you mean 'rate'?"]),
        ({"kind": ["a"]}, ["several places", "loss.kind"]),
        ({"radius.end": [0.1]}, ["'radius.end'", "'radius' is no table"]),
        ({"rate": [0.1], "schedule.rate": [0.2]}, ["varied once"]),
        ({"data.covariance.scale.3": [0.1]}, ["covariance.scale"]),
    ],
)
def test_bad_fields_and_values_are_told_before_anything_runs(over, parts):
    with pytest.raises(jm.InputError) as error:
        make_plan(plain(), jm.Grid(over))
    assert all(part in str(error.value) for part in parts), str(error.value)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: jm.Linear(1, 0), "to a larger one"),
        (lambda: jm.Logarithmic(0, 1), "above zero"),
        (lambda: jm.Grid({"a": jm.Linear(0, 1)}).layout(), "how many points"),
        (lambda: jm.Zipped({"a": [1, 2], "b": [1]}).layout(), "one length"),
        (lambda: jm.RandomPoints({"a": [1]}, 3).layout(), "needs a range"),
        (lambda: jm.RandomPoints({"a": jm.Linear(0, 1)}, 0).layout(), ">= 1"),
        (lambda: named_design("sobol", {"a": jm.Linear(0, 1)}), "needs a number of points"),
        (lambda: named_design("grid", {"a": [1]}, 7), "scattered points"),
        (lambda: parse_values("radius"), "NAME=VALUES"),
        (lambda: parse_values("radius=0:x:3"), "LOW:HIGH:POINTS"),
        (lambda: jm.sweep(plain()), "needs a field to vary"),
        (lambda: jm.sweep({}), "needs a Scenario"),
        (lambda: jm.sweep(plain(), [1]), "must map fields to values"),
        (lambda: jm.sweep(plain(), {"rate": [1]}, engine="simulate"), "jominy.Engine"),
        (lambda: jm.sweep(plain(), {"rate": [1]}, engine=jm.Engine.THEORY), "NetworkScenario"),
        (lambda: jm.sweep(plain(), {"rate": [1]}, executor=3), "submit()"),
        (lambda: jm.sweep(plain(), {"rate": [1]}, workers=-1), ">= 0"),
        (lambda: jm.sweep(plain(), {"rate": [1]}, store=3), "path of a folder"),
    ],
)
def test_what_is_refused(make, part):
    with pytest.raises(jm.InputError, match=part.replace("(", r"\(").replace(")", r"\)")):
        make()


def test_fields_by_path_and_by_name():
    one = {"weight": 0.5, "label": 1, "mean": 1.0, "covariance": {"kind": "identity"}}
    other = one | {"label": -1, "mean": -1.0}
    data = {"kind": "mixture", "dimension": 9, "components": [one, other]}
    scenario = plain(data=data, loss={"kind": "logistic"})
    plan = make_plan(scenario, jm.Grid({"data.components.*.covariance.scale": [2.0], "data.components.0.mean": [3.0]}))
    components = plan.given[0]["data"]["components"]
    assert [c["covariance"]["scale"] for c in components] == [2.0, 2.0]
    assert [c["mean"] for c in components] == [3.0, -1.0]
    assert find_field("dimension", scenario) == ("data", "dimension")
    assert find_field("seeds", scenario) == ("simulation", "seeds")
    assert find_field("width", network()) == ("network", "width")
    # `--rate` of the other commands means a constant rate; so does a rate here where the schedule has none.
    polyak = make_plan(plain(schedule={"kind": "polyak"}), jm.Grid({"rate": [0.7]}))
    assert polyak.given[0]["schedule"] == {"kind": "constant", "rate": 0.7}


def test_the_key_is_the_meaning(tmp_path):
    forecast, simulate = jm.Engine.FORECAST, jm.Engine.SIMULATE
    key = key_of(plain(), forecast)
    assert len(key) == 64
    for same in ({"title": "another"}, {"batch_size": 1}, {"start": 0}, {"simulation": {"seeds": 9}}):
        assert key_of(plain(**same), forecast) == key, same
    assert key_of(plain(simulation={"seeds": [0, 1]}), simulate) == key_of(plain(), simulate)
    assert key_of(plain(sweep={"over": {"rate": [1]}}), forecast) == key
    assert key_of(plain(radius=1), forecast) == key_of(plain(radius=1.0), forecast)
    others = [{"radius": 0.31}, {"start": 0.1}, {"times": [0.5, 1.5]}, {"bands": True}]
    keys = {key_of(plain(**other), forecast) for other in others} | {key, key_of(plain(), simulate)}
    assert len(keys) == len(others) + 2


def test_a_tolerance_is_part_of_a_forecasts_key_alone():
    for engine in (jm.Engine.SIMULATE, jm.Engine.HOMOGENIZE, jm.Engine.OPTIMUM, jm.Engine.STATIONARY):
        assert key_of(plain(rtol=1e-6), engine) == key_of(plain(), engine)
    keys = {key_of(plain(rtol=rtol), jm.Engine.FORECAST) for rtol in (1e-6, 1e-9, 1e-10)}
    assert len(keys) == 3 and key_of(plain(), jm.Engine.FORECAST) in keys  # 1e-9 is the default


def test_a_data_file_counts_by_its_content(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 3)), rng.integers(0, 2, 40)
    for name in ("one.npz", "two.npz"):
        np.savez(tmp_path / name, X=x, y=y)
    given = {"data": {"kind": "file", "path": "one.npz"}, "loss": {"kind": "logistic"}, "radius": 0.1, "time": 1,
             "schedule": {"kind": "constant", "rate": 1.0}}  # fmt: skip
    one = jm.Scenario.from_mapping(given, folder=tmp_path)
    two = jm.Scenario.from_mapping(given | {"data": {"kind": "file", "path": "two.npz"}}, folder=tmp_path)
    key = key_of(one, jm.Engine.FORECAST)
    assert key_of(two, jm.Engine.FORECAST) == key
    np.savez(tmp_path / "one.npz", X=x + 1, y=y)
    assert key_of(one, jm.Engine.FORECAST) != key
    (tmp_path / "one.npz").unlink()
    with pytest.raises(jm.InputError, match="cannot be read"):
        key_of(one, jm.Engine.FORECAST)
