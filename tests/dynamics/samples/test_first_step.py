"""The first step from zero is exact: one row chosen at random, an attack without direction."""

import numpy as np
import pytest

import jominy as jm
import samples_oracle as oracle
from samples_zoo import problem, small, small_samples

X, Y = small()
D = X.shape[1]


@pytest.mark.parametrize("loss, slope", [("logistic", -0.5), ("squared", -1.0)])
@pytest.mark.parametrize("radius", [0.0, 0.7])
def test_second_moments_after_one_step_are_those_of_the_rows(loss, slope, radius):
    """Norm and, for the squared loss at radius zero, risk need only second moments: averages over the n students."""
    curve = jm.forecast(problem(small_samples(), loss, radius), jm.Constant(0.6), times=[1 / D], diagonal=False)
    students = -0.6 / D * slope * Y[:, None] * X
    np.testing.assert_allclose(curve.norm, [np.sqrt(np.mean(np.sum(students**2, axis=1)))], rtol=1e-12)
    if loss == "squared":
        risk = np.mean((X @ students.T - Y[:, None]) ** 2) / 2
        np.testing.assert_allclose(curve.clean_risk, [risk], rtol=1e-12)


def test_the_attack_does_not_matter_yet():
    norms = [
        float(jm.forecast(problem(small_samples(), "logistic", radius), jm.Constant(0.6), times=[1 / D]).norm[0])
        for radius in (0.0, 0.3, 0.8)
    ]
    assert np.ptp(norms) == 0


@pytest.mark.parametrize("loss", ["logistic", "squared"])
def test_the_risk_after_one_step_is_near_the_average_over_the_rows(loss):
    """The score of a row is taken for Gaussian and the norm for its root mean square: a small error (theory, 1 %)."""
    curve = jm.forecast(problem(small_samples(), loss, 0.5), jm.Constant(0.6), times=[1 / D], diagonal=False)
    slope = -0.5 if loss == "logistic" else -1.0
    risks = []
    for student in -0.6 / D * slope * Y[:, None] * X:
        risks.append(np.mean(oracle.attacked_loss(loss, Y, X @ student, np.linalg.norm(student), 0.5)))
    assert float(curve.adversarial_risk[0]) == pytest.approx(np.mean(risks), rel=0.01)
