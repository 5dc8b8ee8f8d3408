"""`jominy forecast` of a data file without a radius."""

import json

import numpy as np
import pytest

import jominy as jm
from jominy.cli.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("radii")
    rng = np.random.default_rng(8)
    x = rng.standard_normal((120, 3))
    ill = np.where(x[:, 0] + 0.4 * rng.standard_normal(120) > 0, "yes", "no")
    dose = 3 * x[:, 1] + rng.standard_normal(120)
    lines = [",".join(map(str, [*row, word, number])) for row, word, number in zip(x, ill, dose, strict=True)]
    path.joinpath("table.csv").write_text("\n".join(["a,b,c,ill,dose", *lines]))
    return path


def test_each_row_is_the_forecast_at_that_radius(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    plain = ["forecast", "table.csv", "--target", "ill", "--drop", "dose", "--time", "2"]
    assert main([*plain, "--json", "--out", "told.nc", "--plot", "told.png"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)["forecast"]
    radii = told["coordinates"]["radius"]
    assert len(radii) == 4 and radii[0] == 0 and "drawn told.png" in captured.err
    stored = jm.load("told.nc")
    assert stored["radius"].values.tolist() == radii == stored["evaluation_radius"].values.tolist()
    attacks = ",".join(map(str, radii))
    assert main([*plain, "--radius", str(radii[2]), "--evaluate-at", attacks, "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)["forecast"]["variables"]
    for name in ("held_out_accuracy_at_radius", "accuracy_at_radius", "clean_accuracy", "adversarial_risk", "norm"):
        assert stored[name].sel(radius=radii[2]).values == pytest.approx(np.array(alone[name]["values"]), abs=1e-12)
    assert main(["report", "told.nc", "-o", "told.html"]) == 0


def test_the_table_for_a_newcomer(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert main(["forecast", "table.csv", "--target", "ill", "--drop", "dose", "--time", "2"]) == 0
    text = capsys.readouterr().out
    for part in ("% of the collapse radius", "--radius R", "a constant answer", "rows held out of training"):
        assert part in text
    rows = [line.split() for line in text.split("trained at  ")[1].splitlines()[1:5]]
    assert [len(row) for row in rows] == [6] * 4 and rows[0][0] == "0"
    accuracies = np.array([[float(cell) for cell in row[1:5]] for row in rows])
    assert np.all(np.diff(accuracies, axis=1) < 0)  # a stronger attack leaves less


def test_numbers_are_a_regression_without_being_told(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    options = ["--evaluate-at", "0.5,0,0.5", "--scaling", "one-factor", "--data-units"]
    assert main(["forecast", "table.csv", "--target", "dose", "--drop", "ill", "--time", "2", *options]) == 0
    text = capsys.readouterr().out
    assert "120 different values" not in text and "90 different values: this is a regression" in text
    assert "adversarial risk on rows held out" in text and "Lowest risk under no attack: trained at 0" in text
    assert "class" not in text and "accuracy" not in text
    assert len(text.split("trained at  ")[1].splitlines()[1].split()) == 4  # radius, two attacks, norm


@pytest.mark.parametrize("command", ["simulate", "optimum"])
def test_other_commands_choose_one_radius_and_say_it(command, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    more = ["--time", "0.5", "--seeds", "2"] if command == "simulate" else []
    assert main([command, "table.csv", "--target", "ill", "--drop", "dose", *more]) == 0
    text = capsys.readouterr().out
    assert "25 % of the collapse radius" in text and "`--radius 0.1` sets another" in text.replace("\n  ", " ")
