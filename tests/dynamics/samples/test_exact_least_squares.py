"""At radius zero the forecast of least squares is exact in expectation: mean and second moment of X are linear maps."""

import numpy as np
import pytest

import jominy as jm
from samples_zoo import LOSSES, STEPS, TIMES, few_rows, small
from samples_zoo import rate as schedule


def exact_risk(x, y, rate, reports):
    """E R(X_k) after each of `reports` steps from zero, through the moments (1, X, X X') of SGD as one linear map.

    X+ = (I - eta x x') X + eta y x for a random row, so Z = (X; 1) obeys Z+ = A Z and E Z Z' obeys E[A . A'].
    """
    n, d = x.shape
    eta = rate / d
    A = np.zeros((n, d + 1, d + 1))
    A[:, :d, :d] = np.eye(d) - eta * x[:, :, None] * x[:, None, :]
    A[:, :d, d] = eta * y[:, None] * x
    A[:, d, d] = 1
    second = np.zeros((d + 1, d + 1))
    second[d, d] = 1
    residual = np.column_stack([x, -y])
    risks = []
    for k in range(max(reports) + 1):
        if k in reports:
            risks.append(np.einsum("ni,ij,nj->n", residual, second, residual).mean() / 2)
        second = np.mean(A @ second @ A.transpose(0, 2, 1), axis=0)
    return np.array(risks)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_the_mean_risk_is_exact_at_every_rate(rate):
    x, y = small()
    mine = jm.Problem(jm.Samples(x, y, preprocessing=None), LOSSES["squared"], radius=0.0)
    curve = jm.forecast(mine, schedule(rate), times=TIMES, diagonal=False)
    np.testing.assert_allclose(curve.adversarial_risk, exact_risk(x, y, rate, STEPS), rtol=1e-10)


def test_also_with_real_targets_and_unlike_rows():
    x, y = small()
    targets = y + 0.5 * x[:, 0] ** 2
    mine = jm.Problem(jm.Samples(x, targets, preprocessing=None), LOSSES["squared"], radius=0.0)
    curve = jm.forecast(mine, schedule(0.4), times=TIMES, diagonal=False)
    np.testing.assert_allclose(curve.adversarial_risk, exact_risk(x, targets, 0.4, STEPS), rtol=1e-10)
    assert not {"adversarial_accuracy", "clean_accuracy"} & set(curve.data_vars)


def test_also_with_fewer_rows_than_features():
    x, y = few_rows(n=6, d=8)
    mine = jm.Problem(jm.Samples(x, y, preprocessing=None), LOSSES["squared"], radius=0.0)
    curve = jm.forecast(mine, schedule(0.2), times=[0.125, 1.0, 5.0])
    np.testing.assert_allclose(curve.adversarial_risk, exact_risk(x, y, 0.2, [1, 8, 40]), rtol=1e-9)


def test_held_out_rows_too():
    """For test rows the mean of the square residual needs the same second moment."""
    x, y = small()
    other, targets = small(seed=9, n=30)
    mine = jm.Problem(jm.Samples(x, y, preprocessing=None), LOSSES["squared"], radius=0.0)
    curve = jm.forecast(mine, schedule(0.4), times=TIMES, diagonal=False, held_out=(other, targets))
    students = 0.4 / 5 * y[:, None] * x  # after one step from zero
    risk = np.mean((other @ students.T - targets[:, None]) ** 2) / 2
    np.testing.assert_allclose(curve.held_out_adversarial_risk[1], risk, rtol=1e-12)
