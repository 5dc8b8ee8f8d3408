import json

import numpy as np
import pytest

import hand_made
from jominy import Status
from jominy.cli.main import main
from jominy.cli.output import as_json, exit_code, plain, print_json
from jominy.study.scenario import Scenario


def test_what_json_does_not_know_becomes_null():
    given = {
        "a": [1.0, np.inf, float("nan")],
        "b": np.array([1, 2]),
        "c": {"d": np.float64(0.5)},
        "e": (None, "x", True),
    }
    assert plain(given) == {"a": [1.0, None, None], "b": [1, 2], "c": {"d": 0.5}, "e": [None, "x", True]}


def test_a_forecast_as_json(capsys):
    print_json({"forecast": as_json(hand_made.forecast(norm=[0, 1, 2, np.inf]))})
    value = json.loads(capsys.readouterr().out)["forecast"]
    assert value["attributes"]["status"] == "completed" and value["attributes"]["scenario"] == {
        "problem": {"radius": 0.5}
    }
    assert value["coordinates"]["time"] == [0, 1, 2, 4]
    assert value["variables"]["norm"]["values"] == [0, 1, 2, None]
    assert value["variables"]["norm"]["units"] == "1"


def test_a_simulation_as_json_is_summed_up():
    value = plain(as_json(hand_made.simulation({"norm": [[0, 1, 2, 3], [0, 1, 2, 5]]})))["variables"]["norm"]
    assert value["dimensions"] == ["time"] and value["mean"] == [0, 1, 2, 4]
    assert value["standard_deviation"][3] == pytest.approx(np.sqrt(2))
    assert value["standard_error"][3] == pytest.approx(1)


def test_exit_codes():
    assert exit_code(hand_made.forecast()) == 0
    assert exit_code(hand_made.forecast(Status.DIVERGED)) == 0
    assert exit_code(hand_made.forecast(Status.INTERRUPTED)) == 130


SCENARIO = """
title = "A $ \\u001b[31mstudy"
radius = 0.3
time = 2

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
"""
COMMANDS = ["forecast", "simulate", "homogenize", "compare", "optimum", "advise", "sweep", "phase"]


@pytest.fixture
def study(tmp_path):
    (tmp_path / "study.toml").write_text(SCENARIO)
    return tmp_path / "study.toml"


@pytest.fixture
def by_hand(monkeypatch):
    """Results that are there at once."""
    told = hand_made.forecast().assign_attrs(title="A $ \x1b[31mstudy")
    seen = hand_made.simulation({"norm": [[0, 0.5, 1, 2], [0, 0.6, 1, 2]]}).assign_attrs(title="A $ \x1b[31mstudy")
    monkeypatch.setattr(Scenario, "forecast", lambda self: told)
    monkeypatch.setattr(Scenario, "gaussian_picture", lambda self: None)
    monkeypatch.setattr(Scenario, "simulate", lambda self: seen)
    monkeypatch.setattr(Scenario, "homogenize", lambda self: seen)


@pytest.mark.parametrize("command", COMMANDS[:4])
def test_nothing_computed_is_lost_because_a_figure_cannot_be_drawn(study, by_hand, command, monkeypatch, capsys):
    import jominy.show.figures

    def broken(*_):
        raise RuntimeError("no such font\nat all")

    monkeypatch.setattr(jominy.show.figures, "plot", broken)
    out = study.with_suffix(".nc")
    assert main([command, str(study), "--out", str(out), "--plot", str(study.with_suffix(".png"))]) == 2
    shown = capsys.readouterr()
    assert "norm" in shown.out and "A $ \\x1b[31mstudy" in shown.out and "\x1b" not in shown.out + shown.err
    assert out.exists() and not study.with_suffix(".png").exists()
    assert shown.err.splitlines()[-1] == (
        f"jominy {command}: the figure could not be drawn (received: RuntimeError: no such font at all)"
    )


def test_nothing_computed_is_lost_on_a_full_disk_or_in_a_closed_pipe(study, by_hand, monkeypatch, capsys):
    import jominy.results.replaced

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(jominy.results.replaced.os, "fsync", full)
        assert main(["forecast", str(study), "--out", str(study.with_suffix(".nc"))]) == 2
    shown = capsys.readouterr()
    assert "norm" in shown.out and "No space left on device" in shown.err and shown.err.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--plot", "curve.doc", "must end in a picture format"),
        ("--plot", "curve", "must end in a picture format"),
        ("--plot", "none/curve.png", "the folder of --plot must exist"),
        ("--out", "none/a.nc", "the folder of --out must exist"),
        ("--out", ".", "--out must be a file, not a folder"),
        ("--out", "n" * 300 + ".nc", "--out could not be written: File name too long"),
        ("--out", "study.toml", "--out would replace the file that is read"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_computed(
    study, command, option, value, message, monkeypatch, capsys
):
    for name in ("problem", "forecast", "simulate", "homogenize", "advise"):
        monkeypatch.setattr(Scenario, name, lambda self: pytest.fail("computed"))
    monkeypatch.chdir(study.parent)
    before = study.read_text()
    assert main([command, "study.toml", option, value]) == 2
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1 and shown.out == ""
    assert study.read_text() == before and [path.name for path in study.parent.iterdir()] == ["study.toml"]


def test_parts_of_a_comparison_have_names_that_fit(study, capsys, monkeypatch):
    monkeypatch.setattr(Scenario, "forecast", lambda self: pytest.fail("computed"))
    assert main(["compare", str(study), "--out", str(study.parent / ("n" * 245 + ".nc"))]) == 2
    assert "File name too long" in capsys.readouterr().err


def test_out_and_plot_are_two_files(study, capsys):
    same = str(study.with_suffix(".png"))
    assert main(["forecast", str(study), "--out", same, "--plot", same]) == 2
    assert "must be two files" in capsys.readouterr().err
