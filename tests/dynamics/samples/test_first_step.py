"""The first step from zero is exact: one row chosen at random, an attack without direction."""

import numpy as np
import pytest

import jominy as jm
from samples_zoo import TIMES, problem, rate, small, small_samples

X, Y = small()
D = X.shape[1]
SLOPE = {"logistic": -0.5, "squared": -1.0}


@pytest.mark.parametrize("loss", SLOPE)
@pytest.mark.parametrize("radius", [0.0, 0.4])
def test_second_moments_after_one_step_are_those_of_the_rows(loss, radius):
    """The norm, and the risk of least squares without attack, need only second moments over the n students."""
    curve = jm.forecast(problem(small_samples(), loss, radius), rate(0.6), times=TIMES, diagonal=False, largest_block=1)
    students = -0.6 / D * SLOPE[loss] * Y[:, None] * X
    assert float(curve.norm[1]) == pytest.approx(np.sqrt(np.mean(np.sum(students**2, axis=1))), rel=1e-12)
    if loss == "squared":
        risk = np.mean((X @ students.T - Y[:, None]) ** 2) / 2
        assert float(curve.clean_risk[1]) == pytest.approx(risk, rel=1e-12)


def test_the_attack_does_not_matter_yet():
    problems = [problem(small_samples(), "logistic", radius) for radius in (0.0, 0.2, 0.4)]
    norms = [float(jm.forecast(mine, rate(0.6), times=TIMES, largest_block=1).norm[1]) for mine in problems]
    assert np.ptp(norms) == 0
