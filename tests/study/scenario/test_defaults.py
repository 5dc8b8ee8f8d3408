"""What is chosen from the data where a loss, a rate or a radius is not given."""

import json

import numpy as np
import pytest
import scipy.optimize

from jominy.study.scenario import from_data_file
from jominy.study.scenario.defaults import default_radii, rounded_down

RNG = np.random.default_rng(4)
HEAVY = RNG.standard_normal((120, 3)) ** 3
CLASSES = np.where(HEAVY[:, 0] + RNG.standard_normal(120) > 0.3, 1, 0)
NUMBERS = HEAVY[:, 0] + RNG.standard_normal(120)


@pytest.fixture
def file(tmp_path):
    def written(y, **settings):
        np.savez(tmp_path / "data.npz", X=HEAVY, y=y)
        return from_data_file(tmp_path / "data.npz", **({"loss": None, "rate": None, "radius": None} | settings))

    return written


def largest_rate(x):
    """At which the second moment of least-squares SGD neither grows nor falls: the matrix on d x d matrices, d = 3."""
    d = x.shape[1]

    def growth(rate):
        steps = [np.eye(d) - rate / d * np.outer(row, row) for row in x]
        return max(abs(np.linalg.eigvals(np.mean([np.kron(step, step) for step in steps], axis=0)))) - 1

    return max(0.6 * scipy.optimize.brentq(growth, 1e-3, 4.0), 2 * d / (x**2).sum(axis=1).max())


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("squared", NUMBERS),
        pytest.param("probit", CLASSES, marks=pytest.mark.slow),
        pytest.param("squared-hinge", CLASSES, marks=pytest.mark.slow),
    ],
)
def test_the_rate_is_half_of_the_largest_safe_one(loss, y, file):
    study = file(y, loss=loss, preprocessing={"clip": "off"})
    safe = largest_rate(study.loaded.samples.features)
    assert safe / 2 < 0.9 and study.schedule.rate == rounded_down(safe / 2)
    assert f"the rate {study.schedule.rate:.3g} was chosen" in study.remarks[0] and f"{safe:.3g}" in study.remarks[0]


def test_usual_rates_stay_and_nothing_is_said(file):
    for loss in ("logistic", "hinge", "smoothed-hinge"):
        study = file(CLASSES, loss=loss, radius=0.1, intercept=False)
        assert (study.schedule.rate, study.remarks) == (1.0, ())
    assert file(CLASSES, loss="exponential", radius=0.1).schedule.rate == 0.1
    assert file(NUMBERS, loss="squared", radius=0.1, rate=0.7).remarks == ()


def test_radii_are_fractions_of_the_collapse_radius(file):
    study = file(CLASSES, evaluate_at=[0.5], intercept=False)
    x, y = study.loaded.samples.features, study.loaded.samples.targets
    collapse = np.linalg.norm((y[:, None] * x).mean(axis=0))  # all slopes of the logistic loss are 1/2 at zero
    found, radii = default_radii(study)
    assert found == pytest.approx(collapse, rel=1e-12)
    assert radii == [0.0, *(rounded_down(share * collapse) for share in (0.1, 0.25, 0.5))]
    assert study.radius == radii[2] and "25 % of the collapse radius" in study.remarks[0]
    assert study.title == f"data.npz: logistic loss, radius {study.radius:g}, rate 1"


def test_numbers_in_the_units_of_the_data(file):
    scaled = file(NUMBERS, preprocessing={"scaling": "one-factor"})
    own = file(NUMBERS, preprocessing={"scaling": "one-factor"}, units="data")
    samples = own.loaded.samples
    assert own._scaled_rate(own.schedule.rate) == pytest.approx(scaled.schedule.rate)
    assert samples.radius_from_data_units(own.radius) == pytest.approx(scaled.radius, rel=0.1)  # rounded in other units


def test_many_numbers_are_a_regression_and_few_whole_ones_are_classes(file):
    study = file(NUMBERS)
    assert study.loss.kind == "squared" and "120 different values: this is a regression" in study.remarks[0]
    assert file(CLASSES).loss.kind == "logistic"
    assert file(NUMBERS[:, None].round(1).ravel()).loss.kind == "squared"
    several = file(np.arange(120) % 3)
    assert several.loss.kind == "softmax" and several.problem().data.classes == (0, 1, 2)
    assert "3 whole numbers, taken for classes: 0, 1, 2 (`SquaredLoss()` predicts it)" in several.remarks[0]


def test_a_result_says_what_was_chosen_and_a_changed_scenario_keeps_it(file):
    study = file(NUMBERS).changed(time=1.0)
    assert json.loads(study.forecast().attrs["notes"])[: len(study.remarks)] == list(study.remarks)
    assert len(study.remarks) == 3


def test_two_classes_have_an_intercept_and_numbers_none(file):
    """94 % of one class: with it the forecast is at the base rate, without it far below."""
    rare = np.where(HEAVY[:, 0] + RNG.standard_normal(120) > np.quantile(HEAVY[:, 0], 0.97) + 1, 1, 0)
    with_one, without = file(rare, radius=0.1, time=60.0), file(rare, radius=0.1, time=60.0, intercept=False)
    assert "an intercept is learnt" in with_one.remarks[0] and with_one.data.intercept
    assert with_one.loaded.samples.feature_names[-1] == "intercept" and with_one.loaded.samples.untouched[-1]
    base = max(np.mean(rare), 1 - np.mean(rare))
    ends = [one.forecast(progress=False).clean_accuracy[-1].item() for one in (with_one, without)]
    assert base > 0.85 and ends[0] > base - 0.02 and ends[1] < base - 0.1
    # The same as asked for in the scenario itself, read anew.
    again = with_one.changed(time=59.0)
    np.testing.assert_array_equal(again.loaded.samples.features, with_one.loaded.samples.features)
    assert not file(NUMBERS).loaded.samples.intercept
    in_data_units = file(CLASSES, units="data", preprocessing={"scaling": "one-factor"})
    assert not in_data_units.loaded.samples.intercept
