"""Random problems: whatever the input, a forecast is finite, or has a status that says what happened."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jominy as jm
from jominy.results import Status
from zoo import LOSSES, Law

D, TIMES = 6, np.array([0.3, 1.0, 4.0, 12.0])
LABELS = {status.label for status in Status}
NUMBERS = st.floats(-1.0, 1.0)


@st.composite
def laws(draw, with_teacher):
    """Two classes in six dimensions: one shape of arrays, hence one compiled program."""
    share = draw(st.floats(0.05, 0.95))
    # Different in every coordinate, so that the number of groups is always the same; some may be almost zero.
    eigenvalues = np.array([[draw(st.floats(0.0, 2.0)) + 1e-3 * (j + 1) for j in range(D)] for _ in range(2)])
    size = draw(st.sampled_from([0.01, 0.3, 1.0]))
    means = size * np.array([[draw(NUMBERS) for _ in range(D)] for _ in range(2)]) + 1e-3 * np.eye(2, D)
    if not with_teacher:
        return Law(np.array([share, 1 - share]), means, eigenvalues, np.array([1.0, -1.0]))
    teacher = np.array([draw(NUMBERS) for _ in range(D)]) + 0.01 * np.eye(3, D)[2]
    offsets = np.array([draw(NUMBERS), draw(NUMBERS)])
    noise = draw(st.sampled_from([0.0, 1e-6, 0.3]))
    return Law(np.array([share, 1 - share]), means, eigenvalues, offsets, teacher, noise)


STARTS = st.sampled_from([1e-8, 0.1, 1.0]).map(lambda size: size * np.array([0.5, -0.5, 0.3, 0.1, -0.6, 0.2]))
SETTINGS = {"deadline": None, "derandomize": True, "database": None}


def check(law, loss, radius, schedule, start):
    problem = law.problem(LOSSES[loss], radius)
    curve = jm.forecast(problem, schedule, times=TIMES, start=start)
    assert curve.status in LABELS and curve.advice
    for name, values in curve.data_vars.items():
        assert not np.any(np.isnan(values)), name
        if np.any(np.isinf(values)) and name != "effective_ridge":  # that is infinite at norm zero
            assert curve.status == Status.DIVERGED.label, name
    finite = curve.isel(time=np.isfinite(curve.norm.values))
    adversarial, clean = finite.adversarial_risk.values, finite.clean_risk.values
    assert np.all(adversarial >= clean * (1 - 1e-9))  # an attack never helps
    assert np.all(finite.norm.values >= 0)
    # The optimum is the least risk, and the distance obeys the triangle inequality.
    slack = 1e-6 + 10 * curve.numerical_error
    assert np.all(finite.excess_risk.values >= -slack * (1e-3 + adversarial))
    gap = np.abs(finite.norm.values - curve.optimum_norm)
    assert np.all(gap <= finite.distance_to_optimum.values * (1 + slack) + slack)
    if "alignment" in curve:
        assert np.all(np.abs(curve.alignment) <= 1 + 1e-9)
    if "clean_accuracy" in curve:
        assert np.all((curve.adversarial_accuracy >= 0) & (curve.clean_accuracy <= 1))
        assert np.all(curve.adversarial_accuracy <= curve.clean_accuracy + 1e-12)
    assert math.isfinite(curve.numerical_error) and curve.numerical_error >= 0
    if curve.status == Status.COLLAPSED.label:
        assert radius >= curve.collapse_radius and curve.optimum_norm < 1e-100
    elif radius >= curve.collapse_radius:
        assert curve.status == Status.DIVERGED.label


@given(laws(True), st.floats(0.0, 3.0), st.floats(0.0, 8.0), STARTS)
@settings(max_examples=20, **SETTINGS)
def test_least_squares(law, radius, rate, start):
    check(law, "squared", radius, jm.Constant(rate), start)


# A gentle rate, so that the logits keep to one quadrature and its one program.
@given(laws(False), st.floats(0.0, 2.0), st.floats(0.0, 0.5), STARTS)
@settings(max_examples=20, **SETTINGS)
def test_logistic(law, radius, rate, start):
    check(law, "logistic", radius, jm.Constant(rate), start)


@given(laws(True), st.floats(0.0, 3.0), STARTS)
@settings(max_examples=12, **SETTINGS)
def test_least_squares_with_polyak(law, radius, start):
    check(law, "squared", radius, jm.Polyak(), start)


@pytest.mark.slow
@given(laws(True), laws(False), st.floats(0.0, 3.0), st.floats(0.0, 8.0), STARTS)
@settings(max_examples=150, **SETTINGS)
def test_many(regression, classes, radius, rate, start):
    for schedule in (jm.Constant(rate), jm.Polyak(), jm.ExactLineSearch()):
        check(regression, "squared", radius, schedule, start)
        check(classes, "logistic", 0.6 * radius, schedule, start)
