import json

import numpy as np
import pytest

import hand_made
from jominy import Status
from jominy.cli.output import as_json, exit_code, plain, print_json


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
