"""The page's own controls of attack, reach and objective: the scenario that they make, in files and in Python."""

import numpy as np
import pytest

import jominy as jm
from jominy.explore.curves_state import Curves
from jominy.explore.fields import controls
from jominy.explore.forecasts import Forecasts
from jominy.explore.part_choices import PAGE_OBJECTIVES, PartSettings
from jominy.explore.texts import python_text

SMALL = {"spectrum": "two-level", "dimension": 100, "horizon": 4.0}


def test_no_setting_of_a_part_has_the_name_of_another_control():
    # Hill's exponent once took the place of the spectrum's.
    assert not set(PartSettings.model_fields) & set(Curves.__annotations__)
    state = Curves(schedule="hill", hill_exponent=2.5, exponent=0.5)
    assert state.mapping()["schedule"]["exponent"] == 2.5
    assert state.mapping()["data"]["covariance"]["exponent"] == 0.5
    assert Curves.of_scenario(state.mapping()).hill_exponent == 2.5


@pytest.mark.parametrize(
    ("asked", "attack", "objective"),
    [
        ({"reach": 0.5}, jm.Mahalanobis(np.arange(100) % 20 < 10), jm.Adversarial()),
        ({"objective": "mixed", "clean": 0.3}, jm.L2(), jm.Mixed(clean=0.3)),
    ],
)
def test_the_page_forecasts_what_python_does(asked, attack, objective):
    state = Curves(**SMALL, **asked)
    told = Forecasts().curve(state)
    data = jm.LinearTeacher(jm.two_level(100, 1.6, 0.4), 1.0, 0.25)
    problem = jm.Problem(data, jm.SquaredLoss(), 0.5, attack, objective)
    curve = jm.forecast(problem, jm.Constant(0.5), times=told["time"])
    np.testing.assert_allclose(told["variables"]["adversarial_risk"], curve.adversarial_risk, rtol=1e-5)
    made = {}
    exec(python_text(state, state.mapping()), made)
    assert made["problem"].describe()["radius"] == 0.5
    assert float(made["curve"].adversarial_risk[-1]) == pytest.approx(float(curve.adversarial_risk[-1]), rel=1e-6)


def test_l_inf_is_a_choice_and_objectives_show_their_numbers():
    assert Curves(attack="linf", reach=0.25).mapping()["attack"] == {"kind": "linf", "budget": [1.0] * 5 + [0.0] * 15}
    assert Curves(attack="linf").mapping()["attack"] == {"kind": "linf"}
    assert "attack" not in Curves().mapping() and "objective" not in Curves().mapping()
    (objective,) = (one for one in controls(Curves) if one["name"] == "objective")
    assert objective["shows"]["trades"] == ["beta"] and objective["shows"] == PAGE_OBJECTIVES.shown_with
