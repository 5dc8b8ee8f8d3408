"""Schedules, radius schedules and batches in scenario files."""

import numpy as np
import pytest

import jominy as jm
from jominy.errors import InputError
from jominy.study.scenario import Scenario

GIVEN = {
    "data": {"kind": "linear-teacher", "dimension": 40, "covariance": {"kind": "identity"}, "noise_variance": 0.25},
    "loss": {"kind": "squared"},
    "radius": 0.5,
    "schedule": {"kind": "constant", "rate": 0.5},
    "times": [1.0, 2.0],
    "simulation": {"seeds": 2},
}


def scenario(**changes):
    return Scenario.from_mapping(GIVEN | changes)


def test_adagrad_norm():
    study = scenario(schedule={"kind": "adagrad-norm", "rate": 1.2, "offset": 0.7})
    direct = jm.forecast(study.problem(), jm.AdaGradNorm(1.2, 0.7), times=[1.0, 2.0])
    np.testing.assert_array_equal(study.forecast().adversarial_risk, direct.adversarial_risk)


@pytest.mark.parametrize(
    ("table", "schedule"),
    [
        ({"kind": "ramp", "end": 0.5, "time": 1.5}, jm.RadiusRamp(0.0, 0.5, 1.5)),
        ({"kind": "knots", "times": [0.5, 1.0], "radii": [0.1, 0.4]}, jm.RadiusKnots([0.5, 1.0], [0.1, 0.4])),
        ({"kind": "piecewise", "times": [1.0], "radii": [0.1, 0.4]}, jm.RadiusPiecewise([1.0], [0.1, 0.4])),
    ],
)
def test_a_radius_over_time(table, schedule):
    problem = scenario(radius=table).problem()
    assert problem.radius.describe() == schedule.describe() and problem.final_radius == schedule.final
    assert "kind" in scenario(radius=table).forecast().attrs["scenario"]


def test_batches_reach_forecast_and_simulation():
    study = scenario(batch_size=20)
    direct = jm.forecast(study.problem(), jm.Constant(0.5), times=[1.0, 2.0], batch_size=20)
    np.testing.assert_array_equal(study.forecast().adversarial_risk, direct.adversarial_risk)
    assert study.simulate(progress=False).sizes["seed"] == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"radius": -0.5}, ("radius", ">= 0", "-0.5")),
        ({"radius": {"kind": "rampe", "end": 1}}, ("radius.kind", "'ramp'", "'piecewise'")),
        ({"radius": {"kind": "ramp", "end": 1.0}}, ("radius.time", "missing")),
        ({"batch_size": 0}, ("batch_size", ">= 1")),
    ],
)
def test_bad_input_is_refused(changes, words):
    with pytest.raises(InputError) as error:
        scenario(**changes)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_rates_in_units_of_the_data_are_those_of_the_scaled_features(tmp_path):
    """Features s times as large: a rate goes with s^2, AdaGrad's with s^3 (gradients s times as large) and offset s."""
    g = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", X=7 * g.standard_normal((60, 4)), y=np.where(g.random(60) < 0.5, 0, 1))

    def scheduled(units, **schedule):
        data = {"kind": "file", "path": "rows.npz", "preprocessing": {"scaling": "one-factor"}}
        given = {"data": data, "loss": {"kind": "logistic"}, "radius": 0.1, "schedule": schedule, "time": 1.0}
        return jm.Scenario.from_mapping(given | {"units": units}, folder=tmp_path)

    own = scheduled("data", kind="adagrad-norm", rate=0.01, offset=2.0)
    factor = own._scaled_rate(1.0)
    assert abs(factor - 1) > 0.5
    made = own.build_schedule().describe()
    assert made["rate"] == pytest.approx(0.01 * factor**1.5, rel=1e-12)
    assert made["offset"] == pytest.approx(2.0 * factor**0.5, rel=1e-12)
    piecewise = scheduled("data", kind="piecewise", times=[0.5], rates=[0.01, 0.02]).build_schedule().describe()
    assert piecewise["rates"] == pytest.approx([0.01 * factor, 0.02 * factor], rel=1e-12)
    assert piecewise["times"] == [0.5]
    scaled = scheduled("scaled", kind="adagrad-norm", rate=0.01, offset=2.0).build_schedule().describe()
    assert (scaled["rate"], scaled["offset"]) == (0.01, 2.0)
