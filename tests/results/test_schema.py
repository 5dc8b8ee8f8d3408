import json

import numpy as np
import pytest

from jominy.results import VARIABLES, Status, describe_variable, make_result


def one(name="norm", **settings):
    return make_result(
        {name: (("time",), [0.0, 1.0])},
        {"time": [0.0, 2.0]},
        **({"engine": "forecast", "scenario": {"radius": 0.5}, "status": Status.COMPLETED} | settings),
    )


def test_variables_and_coordinates_carry_names_and_units():
    result = one()
    assert result["norm"].attrs == {
        "long_name": "norm of the weights",
        "units": "1",
        "symbol": VARIABLES["norm"].symbol,
    }
    assert result["time"].attrs["units"] == "samples / dimension"


def test_attributes():
    result = one(
        seed=[1, 2], numerical_error=np.float64(1e-9), notes=["mind the gap"], extra={"gap": 0.5, "flags": [1]}
    )
    assert result.attrs["engine"] == "forecast"
    assert json.loads(result.attrs["scenario"]) == {"radius": 0.5}
    assert set(json.loads(result.attrs["versions"])) == {"jominy", "python", "numpy", "jax", "xarray"}
    assert result.attrs["status"] == "completed"
    assert result.attrs["advice"] == Status.COMPLETED.advice
    assert json.loads(result.attrs["seed"]) == [1, 2]
    assert json.loads(result.attrs["notes"]) == ["mind the gap"]
    assert result.attrs["numerical_error"] == 1e-9 and type(result.attrs["numerical_error"]) is float
    assert result.attrs["gap"] == 0.5 and result.attrs["flags"] == "[1]"
    assert "arXiv" in result.attrs["cite"]


def test_advice_can_be_more_precise_than_the_status():
    assert one(status=Status.DIVERGED, advice="use 1.9").attrs["advice"] == "use 1.9"


def test_nothing_depends_on_when_or_where():
    assert one().identical(one())


def test_arrays_in_the_scenario_become_lists():
    assert json.loads(one(scenario={"start": np.ones(2), "n": np.int64(3)}).attrs["scenario"]) == {
        "start": [1, 1],
        "n": 3,
    }


def test_what_json_cannot_hold_is_a_programming_error():
    with pytest.raises(TypeError, match="object"):
        one(scenario={"loss": object()})


@pytest.mark.parametrize("name", ["risk", "held_out_risk", "norm_mean", "seed_norm", ""])
def test_unknown_variables_are_programming_errors(name):
    with pytest.raises(KeyError, match="VARIABLES"):
        one(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("norm_sd", "standard deviation over runs of the norm of the weights"),
        ("norm_bias", "finite-dimension bias of the norm of the weights"),
        ("held_out_clean_risk", "held-out clean risk"),
        ("held_out_clean_risk_sd", "standard deviation over runs of the held-out clean risk"),
        ("held_out_accuracy_at_radius", "held-out adversarial accuracy at the evaluation radius"),
    ],
)
def test_derived_names(name, text):
    assert describe_variable(name).long_name == text
