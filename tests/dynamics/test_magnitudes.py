"""Numbers of any magnitude: a result whose status is true, or one line that says what is wrong with the number."""

import warnings

import numpy as np
import pytest
from tests.fuzz_scenarios import Tally, run, structures, try_one

import jominy as jm
from jominy.data.nodes import fixed_vectors
from jominy.dynamics.least_squares import effective_values
from jominy.errors import InputError

PROBLEM = jm.Problem(jm.LinearTeacher(jm.identity(6), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
ROWS = jm.Problem(jm.Samples(np.eye(3)[[0, 1, 2, 0]], [1.0, 2.0, 3.0, 1.5]), jm.SquaredLoss(), radius=0.1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: jm.identity(6, 1e300), "scale must be at most 1e"),
        (lambda: jm.LinearTeacher(jm.identity(6), [1e200] * 6), "teacher must be at most 1e"),
        (lambda: jm.Problem(PROBLEM.data, PROBLEM.loss, radius=1e300), "radius must be .* at most 1e"),
        (lambda: jm.Constant(1e300), "rate must be .* at most 1e"),
        (lambda: jm.RandomStart(1e300), "random start must be at most 1e"),
        (lambda: jm.forecast(PROBLEM, jm.Constant(0.5), time=1, start=1e200), "start must be at most 1e"),
        (lambda: jm.forecast(PROBLEM, jm.Constant(0.5), time=1e300), "horizon must be from 1e"),
        (lambda: jm.forecast(PROBLEM, jm.Constant(0.5), times=[0, 1e300]), "Times must be at most 1e"),
        (lambda: jm.simulate(PROBLEM, jm.Constant(0.5), times=[1e20]), r"within 1e\+12 steps"),
        (lambda: jm.simulate(PROBLEM, jm.Constant(0.5), time=1, seeds=1e12), "At most 1e"),
        (lambda: jm.forecast(ROWS, jm.Constant(0.5), time=1e12), r"within 1e\+06 steps"),
        # Of 10^12 steps not even the blocks can be listed, to tell what they cost.
        (lambda: jm.forecast(ROWS, jm.Constant(0.5), times=[0, 1e11]), r"within 1e\+06 steps"),
        (lambda: jm.simulate(ROWS, jm.Constant(0.5), times=[1e20]), r"within 1e\+12 steps"),
        # The rows of 10^8 steps of five runs would be a gigabyte or more.
        (lambda: jm.simulate(ROWS, jm.Constant(0.5), times=[1e8], seeds=5, progress=False), "draw at most 5e"),
    ],
)
def test_what_is_too_large_is_said(wrong, says):
    with pytest.raises(InputError, match=says):
        wrong()


def test_a_forecast_that_has_diverged_stays_where_it_is():
    for rate, start in ((1e9, None), (0.5, 1e20)):
        curve = jm.forecast(PROBLEM, jm.Constant(rate), times=[0.0, 1.0, 20.0], start=start)
        assert curve.status == "diverged" and not np.any(np.isnan(curve.adversarial_risk))


def test_directions_of_any_size_are_told_apart():
    for size in (1e-200, 1e-30, 1.0, 1e30):
        classes = jm.GaussianMixture([0.5, 0.5], [size, -size], [jm.identity(6)] * 2, labels=[1, -1])
        assert len(fixed_vectors(classes.law, np.zeros(6)).vectors) == 1


def test_a_rate_of_zero_moves_nothing_however_steep_the_loss():
    rate, _, _ = effective_values(np.array([0.0, 0.0]), np.array([1.0, 1.0]), np.array([0.0, 0.5]), 0.5)
    assert rate.tolist() == [0.0, np.inf]


def test_the_effective_ridge_of_a_radius_without_a_square():
    """eps^2 + c eps sigma / rho to first order in eps: no warning, no 0 x inf."""
    _, ridge, _ = effective_values(np.array([4.0]), np.array([1e-170]), np.array(0.5), 1e-185)
    np.testing.assert_allclose(ridge, [np.sqrt(2 / np.pi) * 2e-15], rtol=1e-12)


@pytest.mark.parametrize("size", [0.0, 1e-310])
def test_inputs_that_do_not_vary_are_stable_at_any_rate(size):
    problem = jm.Problem(jm.LinearTeacher(jm.spectrum([size] * 3), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    assert jm.critical_rate(problem) == np.inf
    classes = jm.GaussianMixture([0.5, 0.5], [1.0, -1.0], [jm.identity(3), jm.identity(3, size)], labels=[1, -1])
    assert jm.critical_rate(jm.Problem(classes, jm.SquaredLoss(), radius=0.5)) == 2.0


@pytest.mark.parametrize("size", [1e-154, 1e-160])
def test_teacher_whose_square_has_no_inverse(size):
    def risk(size):
        data = jm.LinearTeacher(jm.uniform(100, 0.5, 1.5), size, noise_variance=0.25)
        told = jm.forecast(jm.Problem(data, jm.SquaredLoss(), radius=0.1), jm.Constant(0.5), times=[0.0, 1.0])
        return told.adversarial_risk[-1].item()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert risk(size) == pytest.approx(risk(0.0), rel=1e-9)


def test_means_of_which_one_is_beyond_all_numbers_times_the_other():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = jm.GaussianMixture([0.5, 0.5], [1e-290, 1e20], [jm.identity(6)] * 2, labels=[-1, 1])
        told = jm.forecast(jm.Problem(data, jm.LogisticLoss(), radius=0.1), jm.Constant(1e-40), times=[0.0, 1e-9])
    assert np.isfinite(told.adversarial_risk.values).all()


@pytest.mark.parametrize("size", [1e-290, 1.0, 1e20])
def test_targets_of_any_size_are_standardised(size):
    data = jm.Samples(np.eye(3)[[0, 1, 2, 0]], size * np.array([1.0, 2.0, 3.0, 1.5]))
    assert np.std(data.targets) == pytest.approx(1.0) and np.mean(data.targets) == pytest.approx(0.0, abs=1e-12)


def test_random_scenarios():
    """A few of `python -m tests.fuzz_scenarios`."""
    cheap = [index for index, one in enumerate(structures()) if one.name in CHEAP]
    assert len(cheap) == len(CHEAP)
    tally = run(30, seed=16, chosen=cheap)
    assert not tally.faults, tally.told()


@pytest.mark.parametrize(
    "name",
    ["matrices, squared, line search/60", *(pytest.param(one, marks=pytest.mark.slow) for one in (
        "classes, exponential, constant/113", "classes, exponential, Polyak/25", "classes, hinge, line search/39",
    ))],
)  # fmt: skip
def test_scenarios_that_once_went_wrong(name):
    """Seed 801: a covariance that rounding leaves below zero, searches that end anywhere, a lower zero vector."""
    structure, _, number = name.rpartition("/")
    verb = "optimum" if structure.endswith("exponential, constant") else "forecast"
    (index,) = [k for k, one in enumerate(structures()) if one.name == f"{verb}, {structure}"]
    tally = Tally()
    try_one(structures()[index], (801, index, int(number)), tally, first=True)
    assert not tally.faults, tally.told()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_random_scenarios_of_every_structure(part):
    tally = run(42, seed=17, chosen=range(part, len(structures()), 8))
    assert not tally.faults, tally.told()


CHEAP = {"forecast, one_level, squared, constant", "optimum, one_level, squared, constant"}
