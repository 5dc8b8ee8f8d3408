"""`jominy sweep` from end to end."""

import json

import pytest

import jominy as jm
from jominy.cli import sweep
from jominy.cli.main import main
from jominy.study.designs.named import DESIGNS

NETWORK = """
title = "A small network"
radius = 0.3
[network]
depth = 4
width = 128
input_dim = 64
output_dim = 10
weight_variance = 2.0
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(NETWORK)
    return tmp_path


def test_a_grid_in_every_form(study, capsys):
    argv = ["sweep", "study.toml", "--over", "radius=0.1:0.5:5", "--over", "width=64,128", "--out", "all.nc"]
    assert main([*argv, "--plot", "map.png"]) == 0
    captured = capsys.readouterr()
    assert "theory at 10 points: 10 completed" in captured.out and "saved all.nc" in captured.err
    assert (study / "map.png").stat().st_size > 5000 and (study / "study.sweep" / "store.json").is_file()
    assert main([*argv, "--json", "--store", "none"]) == 0
    told = json.loads(capsys.readouterr().out)["sweep"]
    assert told["coordinates"]["radius"] == [0.1, 0.2, 0.3, 0.4, 0.5]
    result = jm.load("all.nc")
    assert told["variables"]["total_gain"]["values"] == result["total_gain"].values.tolist()


def test_the_scenarios_own_sweep_and_what_replaces_it(study, capsys):
    (study / "study.toml").write_text(
        NETWORK + "[sweep.over]\nradius = { low = 0.1, high = 1.0, points = 4, scale = 'log' }\n"
    )
    assert main(["sweep", "study.toml", "--plot", "line.png"]) == 0
    assert "0.2154" in capsys.readouterr().out and (study / "line.png").is_file()
    assert main(["sweep", "study.toml", "--design", "sobol", "--points", "8"]) == 0
    assert "theory at 8 points" in capsys.readouterr().out
    assert main(["sweep", "study.toml", "--over", "depth=2,3,4"]) == 0
    assert "theory at 3 points" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["study.toml"], "needs a field to vary"),
        (["study.csv", "--over", "radius=0,1"], "must be a scenario file"),
        (["study.toml", "--over", "radius=0,1", "--rtol", "1e-6"], "--rtol goes with forecasts"),
        (["nowhere.toml", "--over", "radius=0,1"], "must exist"),
        (["study.toml", "--over", "radius"], "NAME=VALUES"),
        (["study.toml", "--over", "radius=0,-1"], "the sweep at radius = -1"),
        (["study.toml", "--over", "radios=0,1"], "Did you mean 'radius'?"),
        (["study.toml", "--over", "radius=0,1", "--engine", "simulate"], "ngines: theory, trainability, measure"),
        (["study.toml", "--over", "radius=0:1", "--design", "halton"], "needs a number of points"),
        (["study.toml", "--over", "radius=0,1", "--over", "radius=2,3"], "varied once"),
        (["study.toml", "--over", "radius=0,1", "--out", "no/where.nc"], "folder of --out"),
        (["study.toml", "--over", "radius=0,1", "--store", "study.toml"], "must be a folder"),
    ],
)
def test_wrong_input_is_one_line(study, capsys, argv, part):
    assert main(["sweep", *argv]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and part in captured.err


def test_where_every_point_fails_the_command_does(study, capsys):
    assert main(["sweep", "study.toml", "--over", "radius=0.1,0.2", "--engine", "trainability"]) == 1
    assert "2 failed: trainability needs data" in capsys.readouterr().out


def test_the_names_are_those_of_the_library():
    assert tuple(engine.label for engine in jm.Engine) == sweep.ENGINES and sweep.DESIGNS == DESIGNS
