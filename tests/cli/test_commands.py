"""The commands from end to end, on small problems."""

import json

import numpy as np
import pytest

import jominy as jm
from jominy.cli.main import main

SCENARIO = """
title = "A small study"
radius = 0.3
time = 2
evaluate_at = [0.0, 0.5]

[data]
kind = "linear-teacher"
dimension = 60
covariance = { kind = "identity" }
noise_variance = 0.25

[loss]
kind = "squared"

[schedule]
kind = "constant"
rate = 0.5

[simulation]
seeds = 4
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(1)
    labels = np.repeat([-1, 1], 60)
    features = rng.standard_normal((120, 5)) + 0.8 * labels[:, None]
    lines = [
        ",".join([*(f"{value:.6f}" for value in row), "yes" if y > 0 else "no"])
        for row, y in zip(features, labels, strict=True)
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,c,d,e,ill", *lines]))
    return path


def test_bands(study, capsys):
    assert main(["forecast", str(study), "--bands", "--dimension", "240", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["forecast"]
    assert "norm_sd" in told["variables"] and "adversarial_risk_bias" in told["variables"]
    assert main(["forecast", str(study), "--bands"]) == 0
    assert "A small study\nforecast" in (out := capsys.readouterr().out)
    assert "one run of dimension 60 minus the curve: bias ± standard deviation" in out
    assert main(["forecast", str(study), "--dimension", "240"]) == 2
    assert "A dimension belongs to bands" in capsys.readouterr().err


def test_forecast(study, tmp_path, capsys):
    assert main(["forecast", str(study), "--out", str(tmp_path / "a.nc"), "--plot", str(tmp_path / "a.png")]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("A small study\nforecast: completed\n")
    assert "adv. risk" in captured.out and "against the radius of the attack" in captured.out
    assert captured.err.splitlines() == [f"saved {tmp_path / 'a.nc'}", f"drawn {tmp_path / 'a.png'}"]
    stored = jm.load(tmp_path / "a.nc")
    direct = jm.Scenario.load(study).forecast()
    assert stored.identical(direct) and stored.attrs["title"] == "A small study"


def test_forecast_as_json(study, capsys):
    assert main(["forecast", str(study), "--json", "--radius", "0.4"]) == 0
    value = json.loads(capsys.readouterr().out)["forecast"]
    assert value["attributes"]["scenario"]["problem"]["radius"] == 0.4
    assert len(value["variables"]["adversarial_risk"]["values"]) == len(value["coordinates"]["time"])


def test_homogenize(study, tmp_path, capsys):
    assert main(["homogenize", str(study), "--seeds", "3", "--out", str(tmp_path / "a.nc")]) == 0
    assert capsys.readouterr().out.startswith("A small study [changed: seeds 3]\nhomogenize: completed\n")
    paths = jm.load(tmp_path / "a.nc")
    assert paths.sizes["seed"] == 3 and paths.engine == "homogenize"


def test_simulate(study, tmp_path, capsys):
    assert main(["simulate", str(study), "--seeds", "2", "--out", str(tmp_path / "a.nc")]) == 0
    assert "±" in capsys.readouterr().out
    assert jm.load(tmp_path / "a.nc").sizes["seed"] == 2


def test_compare(study, tmp_path, capsys):
    assert main(["compare", str(study), "--out", str(tmp_path / "a.nc"), "--plot", str(tmp_path / "a.pdf")]) == 0
    text = capsys.readouterr().out
    assert "SGD mean ± s.e." in text and "largest |z|" in text and "of the mean of 4 runs of SGD" in text
    report = jm.load(tmp_path / "a.nc")
    again = jm.compare(jm.load(tmp_path / "a.forecast.nc"), jm.load(tmp_path / "a.simulation.nc"))
    assert report.identical(again)


def test_compare_as_json(study, capsys):
    assert main(["compare", str(study), "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"forecast", "simulation", "comparison"}


def test_compare_with_one_seed(study, capsys):
    assert main(["compare", str(study), "--seeds", "1"]) == 2
    assert "one run has no standard error" in capsys.readouterr().err


def test_optimum(study, tmp_path, capsys):
    assert main(["optimum", str(study), "--out", str(tmp_path / "a.json"), "--plot", str(tmp_path / "a.png")]) == 0
    text = capsys.readouterr().out
    assert text.startswith("A small study\nadversarial optimum\n") and "regime" in text and "shrink" in text
    stored = json.loads((tmp_path / "a.json").read_text())
    assert main(["optimum", str(study), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["optimum"] == stored
    assert stored["radius"] == 0.3


def test_a_divergence_is_a_result(study, capsys):
    assert main(["forecast", str(study), "--rate", "2.5", "--time", "40"]) == 0
    text = capsys.readouterr().out
    assert "forecast: diverged" in text and "rate" in text


def test_a_radius_beyond_the_collapse(study, capsys):
    assert main(["forecast", str(study), "--radius", "1.5"]) == 0
    assert "collapse" in capsys.readouterr().out


def test_a_data_file(table, capsys):
    options = ["--target", "ill", "--radius", "0.2", "--time", "5", "--seeds", "10"]
    assert main(["compare", str(table), *options]) == 0
    text = capsys.readouterr().out
    for part in ("data: 90 samples, dimension 6", "held-out adversarial accuracy", "Gaussian picture", "runs of SGD"):
        assert part in text


def test_the_gaussian_picture_is_asked_for(table, capsys):
    source = [str(table), "--target", "ill", "--radius", "0.2", "--time", "2"]
    asked = (("forecast", False), ("forecast", "--picture", True), ("compare", "--no-picture", False))
    for command, *option, there in asked:
        assert main([command, *source, *option]) == 0
        assert ("Gaussian picture" in capsys.readouterr().out) is there


def test_a_target_that_is_not_there(table, capsys):
    assert main(["forecast", str(table), "--target", "il"]) == 2
    error = capsys.readouterr().err
    assert "'il'" in error and "'ill'" in error and error.count("\n") == 1


def test_a_loss_for_classes_is_none_for_a_regression(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", X=rng.standard_normal((40, 3)), y=rng.standard_normal(40))
    assert main(["forecast", str(tmp_path / "data.npz"), "--loss", "logistic"]) == 2
    assert "--loss squared" in capsys.readouterr().err


def test_nan_in_the_data(tmp_path, capsys):
    features = np.ones((10, 2))
    features[3, 1] = np.nan
    np.savez(tmp_path / "data.npz", X=features, y=np.arange(10) % 2)
    assert main(["forecast", str(tmp_path / "data.npz")]) == 2
    assert "finite" in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_done(study, tmp_path, capsys, monkeypatch):
    import hand_made

    partial = hand_made.simulation({"norm": [[0, 0.4], [0, 0.6]]}, jm.Status.INTERRUPTED, times=hand_made.TIMES[:2])
    monkeypatch.setattr("jominy.study.scenario.model.simulate", lambda *args, **settings: partial)
    assert main(["simulate", str(study), "--out", str(tmp_path / "a.nc")]) == 130
    assert "interrupted" in capsys.readouterr().out
    assert jm.load(tmp_path / "a.nc").sizes["time"] == 2


def test_a_tolerance(study, table, capsys):
    def error(*arguments):
        assert main(["forecast", str(study), "--json", *arguments]) == 0
        return json.loads(capsys.readouterr().out)["forecast"]["attributes"]["numerical_error"]

    assert error("--rtol", "1e-5") > error() > error("--rtol", "1e-11")
    assert main(["forecast", str(study), "--rtol", "0"]) == 2
    assert "'rtol' must be" in capsys.readouterr().err
    assert main(["forecast", str(table), "--target", "ill", "--rtol", "1e-6"]) == 2
    assert "--rtol goes with a scenario of a Gaussian law" in capsys.readouterr().err
    over = ["--over", "radius=0.1,0.2", "--store", "none", "--json", "--rtol"]
    assert main(["sweep", str(study), *over, "1e-5"]) == 0
    loose = json.loads(capsys.readouterr().out)["sweep"]["variables"]["numerical_error"]["values"]
    assert main(["sweep", str(study), *over, "1e-11"]) == 0
    tight = json.loads(capsys.readouterr().out)["sweep"]["variables"]["numerical_error"]["values"]
    assert all(one > 1e-6 > 1e-9 > other for one, other in zip(loose, tight, strict=True))
