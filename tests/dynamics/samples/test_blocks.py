"""Blocks of steps against every step, and the diagonal covariance against the dense one, on breast cancer (569 x 30)."""

import numpy as np
import pytest

import jominy as jm
from samples_zoo import RATES, named, problem

TIME = 10.0


def curve(loss, diagonal=None, largest=None):
    """Radius 0.5, the issue's rates."""
    mine = problem(named("breast_cancer"), loss, 0.5)
    return jm.forecast(mine, jm.Constant(RATES[loss]), time=TIME, diagonal=diagonal, largest_block=largest)


@pytest.fixture(scope="module")
def logistic():
    return {largest: curve("logistic", False, largest) for largest in (1, 4, None)}


def largest_change(curve, every):
    return float(np.max(np.abs(curve.adversarial_risk / every.adversarial_risk - 1)))


def test_blocks_change_little(logistic):
    """Theory: the risk by less than 8e-4, the accuracy by 5e-5."""
    every, blocks = logistic[1], logistic[None]
    assert largest_change(blocks, every) < 8e-4
    np.testing.assert_allclose(blocks.adversarial_accuracy, every.adversarial_accuracy, atol=5e-5)
    np.testing.assert_allclose(blocks.norm, every.norm, rtol=8e-4)
    np.testing.assert_allclose(blocks.adversarial_risk_sd[1:], every.adversarial_risk_sd[1:], rtol=0.02)
    assert "300 blocks" in every.attrs["method"] and "300 blocks" not in blocks.attrs["method"]


def test_smaller_blocks_are_closer(logistic):
    assert largest_change(logistic[4], logistic[1]) < largest_change(logistic[None], logistic[1])


def test_the_diagonal_covariance_is_close(logistic):
    """Theory: rms 0.9 % on the worst of seven sets."""
    dense, diagonal = logistic[None].adversarial_risk, curve("logistic", True)
    rms = np.sqrt(np.mean((diagonal.adversarial_risk - dense) ** 2) / np.mean(dense**2))
    assert 1e-6 < float(rms) < 0.009
    assert "diagonal covariance" in diagonal.attrs["method"]
    assert "dense covariance" in logistic[None].attrs["method"]


def test_least_squares_takes_every_step_by_default():
    default, every = curve("squared"), curve("squared", False, 1)
    np.testing.assert_array_equal(default.norm, every.norm)
    assert largest_change(curve("squared", False, 7), every) < 8e-4
