from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr

import jominy as jm
from jominy.show.sweep_text import at_end
from jominy.study.sweeps.gather import gather
from jominy.study.sweeps.plan import make_plan
from jominy.study.sweeps.records import Failure, Labelled, Record
from jominy.study.sweeps.together import forecasts_together
from sweep_zoo import network, plain, same


def test_a_grid_of_forecasts_is_the_lone_forecasts():
    result = jm.sweep(plain(), {"radius": [0.0, 0.5], "rate": [0.5, 1.0, 3.0]}, progress=False)
    assert result["adversarial_risk"].dims == ("radius", "rate", "time")
    assert result["radius"].values.tolist() == [0.0, 0.5] and result["rate"].attrs["long_name"] == "rate"
    for radius in (0.0, 0.5):
        for rate in (0.5, 3.0):
            alone = plain(radius=radius, schedule={"kind": "constant", "rate": rate}).forecast()
            point = result.sel(radius=radius, rate=rate)
            for name in alone.data_vars.keys() - {"radius"}:
                np.testing.assert_allclose(point[name].values, alone[name].values, rtol=1e-8, atol=1e-10)
            assert str(point["status"].values) == alone.attrs["status"]
            assert float(point["collapse_radius"]) == pytest.approx(alone.attrs["collapse_radius"], rel=1e-12)
    assert str(result["status"].sel(radius=0.5, rate=3.0).values) == "diverged"
    assert "threshold" in str(result["reason"].sel(radius=0.5, rate=3.0).values)


def test_forecasts_to_the_tolerance_that_the_scenario_asks_for():
    """Against the closed form at radius 0: dD/dt = -2 g D + g^2 (D + noise), risk (D + noise) / 2."""
    decay, end = 2 * 0.5 - 0.5**2, 0.5**2 * 0.25 / (2 * 0.5 - 0.5**2)
    exact = (end + (1 - end) * np.exp(-decay * np.array([0.5, 1.0])) + 0.25) / 2
    result = jm.sweep(plain(radius=0.0), {"rtol": [1e-4, 1e-6, 1e-10]}, progress=False)
    errors = np.abs(result["adversarial_risk"].values / exact - 1).max(axis=1)
    assert (errors < [1e-4, 1e-6, 1e-10]).all() and errors[0] > 1e-8 > 1e-10 > errors[2]
    for rtol, together in zip((1e-4, 1e-10), result["adversarial_risk"].sel(rtol=[1e-4, 1e-10]).values, strict=True):
        alone = plain(radius=0.0, rtol=rtol).forecast()
        np.testing.assert_allclose(alone["adversarial_risk"].values, together, rtol=rtol / 10)
    assert (result["numerical_error"].diff("rtol") < 0).all()


def test_simulations_in_processes_and_threads_are_the_lone_simulations(tmp_path):
    over = {"rate": [0.5, 1.0, 1.5], "radius": [0.1]}
    settings = {"engine": jm.Engine.SIMULATE, "progress": False}
    apart = jm.sweep(plain(), over, workers=1, **settings)
    with ThreadPoolExecutor(2) as pool:
        beside = jm.sweep(plain(), over, executor=pool, **settings)
        assert pool.submit(int, "3").result() == 3  # the caller's executor is left running
    assert apart.identical(beside)
    alone = plain(radius=0.1, schedule={"kind": "constant", "rate": 1.5}).simulate(progress=False)
    assert same(alone, apart.isel(rate=2, radius=0))
    path = jm.save(apart, tmp_path / "sweep.nc")
    assert jm.load(path).identical(apart)
    with xr.open_dataset(path) as opened:  # xarray alone
        assert opened["norm"].sel(rate=1.5).shape == (1, 2, 2)


def test_fixed_points_against_closed_forms():
    over = {"radius": jm.Linear(0.0, 1.0, 3), "data.covariance.scale": [1.0, 4.0]}
    optima = jm.sweep(plain(), over, engine=jm.Engine.OPTIMUM, progress=False)
    # For K = s I, teacher of norm 1, noise 1/4: eps_zero = s sqrt(2 / pi)^-1 / sqrt(s + 1/4).
    for scale in (1.0, 4.0):
        expected = np.sqrt(np.pi / 2) * scale / np.sqrt(scale + 0.25)
        assert optima["collapse_radius"].sel(scale=scale).values == pytest.approx([expected] * 3, rel=1e-9)
    rests = jm.sweep(plain(), {"rate": [0.5, 1.0]}, engine=jm.Engine.STATIONARY, progress=False)
    assert rests["critical_rate"].values == pytest.approx([2.0, 2.0], rel=1e-12)
    for rate in (0.5, 1.0):
        found = jm.stationary(plain().problem(), rate)
        assert float(rests["adversarial_risk"].sel(rate=rate)) == found.adversarial_risk


def test_networks_are_those_of_one_call():
    """The theory has a vectorised sweep of its own: the oracle."""
    widths, radii = [64, 128, 256], [0.1, 1.0]
    result = jm.sweep(network(), {"width": widths, "radius": radii}, progress=False)
    at_once = jm.network_theory(network().architecture(), 0.1, vary={"width": widths, "radius": radii})
    own = at_once["adversarial_loss_bound"].transpose("width", "radius", ...)
    np.testing.assert_allclose(result["adversarial_loss_bound"].values, own.values, rtol=1e-12)
    told = jm.sweep(network(), {"radius": [0.01, 1.3]}, engine=jm.Engine.TRAINABILITY, progress=False)
    alone = [network(radius=radius).trainability().attrs["verdict"] for radius in (0.01, 1.3)]
    assert told["verdict"].values.tolist() == alone and len(set(alone)) == 2


def test_scattered_points_and_lists_side_by_side():
    scattered = jm.LowDiscrepancy({"radius": jm.Linear(0, 1), "depth": jm.Linear(2, 20, whole=True)}, points=5)
    result = jm.sweep(network(), scattered, progress=False)
    assert result["adversarial_loss_bound"].sizes["point"] == 5
    assert result["radius"].dims == result["depth"].dims == ("point",)
    beside = jm.sweep(network(), jm.Zipped({"radius": [0.1, 0.1, 0.3], "depth": [3, 3, 4]}), progress=False)
    bound = beside["adversarial_loss_bound"].values.ravel()
    assert bound[0] == bound[1] != bound[2]  # one point named twice is one point
    curves = jm.sweep(plain(), jm.Zipped({"radius": [0.0, 0.5], "rate": [0.5, 1.0]}), progress=False)
    assert curves["radius"].values.tolist() == [0.0, 0.5] and curves["norm"].dims == ("point", "time")


def test_times_that_differ_between_points():
    result = jm.sweep(plain(), {"times": [[0.5, 1.0], [0.5, 3.0]]}, progress=False)
    assert result["norm"].dims == ("times", "time_index")
    assert result["time"].values.tolist() == [[0.5, 1.0], [0.5, 3.0]]
    alone = plain(times=[0.5, 3.0]).forecast()["norm"].values
    np.testing.assert_allclose(result["norm"].values[1], alone, rtol=1e-8)


def test_results_of_different_lengths_are_filled_up():
    plan = make_plan(plain(), jm.Grid({"times": [[1.0], [1.0, 2.0], [3.0]]}))

    def record(times):
        labelled = Labelled(("time",), np.array(times), {"long_name": "norm"})
        return Record({"norm": labelled}, {"time": labelled}, {"status": "completed", "optimum_risk": times[0]})

    found = {key: record(given["times"]) for key, given in zip(plan.keys[:2], plan.given, strict=False)}
    result = gather(plan, found, {plan.keys[2]: "no luck"}, False, (), "")
    nan = np.nan
    np.testing.assert_array_equal(result["norm"].values, [[1.0, nan], [1.0, 2.0], [nan, nan]])
    assert result["status"].values.tolist() == ["completed", "completed", "failed"]
    assert result["reason"].values.tolist() == ["", "", "no luck"]
    np.testing.assert_array_equal(at_end(result)["norm"].values, [1.0, 2.0, nan])


def test_a_failed_point_is_recorded_and_stops_nothing():
    scenario = plain(schedule={"kind": "polyak"})
    over = {"schedule": [{"kind": "polyak"}, {"kind": "constant", "rate": 0.5}], "radius": [0.2]}
    result = jm.sweep(scenario, over, engine=jm.Engine.STATIONARY, progress=False)
    assert result["status"].values.ravel().tolist() == ["failed", "completed"]
    assert "constant rate" in str(result["reason"].values[0, 0])
    assert np.isnan(result["norm"].values[0, 0]) and np.isfinite(result["norm"].values[1, 0])
    assert result["schedule"].values.tolist() == ['{"kind": "polyak"}', '{"kind": "constant", "rate": 0.5}']


def test_samples_of_a_file_are_read_once_and_computed_alike(tmp_path):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 60)
    np.savez(tmp_path / "mine.npz", X=rng.standard_normal((60, 3)) + labels[:, None], y=labels)
    given = {"data": {"kind": "file", "path": "mine.npz", "held_out": 0.2}, "loss": {"kind": "logistic"},
             "radius": 0.1, "time": 1, "schedule": {"kind": "constant", "rate": 1.0}}  # fmt: skip
    scenario = jm.Scenario.from_mapping(given, folder=tmp_path)
    result = jm.sweep(scenario, {"rate": [0.5, 1.0]}, progress=False)
    assert same(scenario.changed(schedule={"kind": "constant", "rate": 0.5}).forecast(), result.sel(rate=0.5))
    assert "held_out_adversarial_risk" in result


def test_a_scenario_says_what_it_sweeps(tmp_path):
    text = """
radius = 1.3
[network]
depth = 12
width = 128
input_dim = 64
output_dim = 10
weight_variance = 2.0
[sweep.over]
network.width = { low = 64, high = 256, points = 3, scale = "log" }
"radius" = [0.1, 0.2]
"""
    path = tmp_path / "study.toml"
    path.write_text(text)
    study = jm.NetworkScenario.load(path)
    result = jm.sweep(study, progress=False)
    assert result["width"].values.tolist() == [64, 128, 256] and result.sizes["radius"] == 2
    assert study.changed(width=99).sweep == study.sweep
    path.write_text(text + "pionts = 3\n")
    with pytest.raises(jm.InputError, match="pionts"):
        jm.NetworkScenario.load(path)


def test_forecasts_that_are_refused_are_found_among_many(monkeypatch):
    from jominy.dynamics.population.many import plain_forecasts

    def particular(points, **settings):
        if any(problem.radius == 0.4 for problem, _, _ in points):
            raise jm.InputError("not this radius")
        return plain_forecasts(points, **settings)

    monkeypatch.setattr("jominy.study.sweeps.together.plain_forecasts", particular)
    outcomes = forecasts_together([plain(radius=radius) for radius in (0.1, 0.2, 0.4, 0.5)])
    assert [type(outcome) for outcome in outcomes] == [Record, Record, Failure, Record]
    assert outcomes[2].reason == "not this radius"
    np.testing.assert_allclose(
        outcomes[3].variables["norm"].values, plain(radius=0.5).forecast()["norm"].values, rtol=1e-8
    )


def test_a_forecast_among_many_has_the_attributes_of_one_alone():
    scenarios = [
        plain(radius=radius, schedule={"kind": "constant", "rate": rate}) for radius, rate in ((0.1, 0.5), (0.5, 3.0))
    ]
    for outcome, scenario in zip(forecasts_together(scenarios), scenarios, strict=True):
        together, alone = outcome.dataset(), scenario.forecast()
        for name, value in alone.attrs.items():
            if name not in ("numerical_error", "title"):
                expected = pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
                assert together.attrs[name] == expected, name
        assert 0 <= together.attrs["numerical_error"] < 1e-7
        for name in alone.data_vars:
            assert together[name].attrs == alone[name].attrs
