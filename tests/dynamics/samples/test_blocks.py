"""Blocks of steps against every step, and the diagonal covariance against the dense one, on breast cancer (569 x 30).

The theory's blocks change the risk by up to 8e-4 and the accuracy by 5e-5; ours have their slopes at the middle one of
an odd number of steps, and do better by a factor of ten.
"""

import numpy as np
import pytest

import jominy as jm
from jominy.dynamics.samples import law
from samples_zoo import RATES, named, problem

TIME = 10.0


def curve(loss, diagonal=None, largest=None):
    """Radius 0.5, the issue's rates."""
    mine = problem(named("breast_cancer"), loss, 0.5)
    return jm.forecast(mine, jm.Constant(RATES[loss]), time=TIME, diagonal=diagonal, largest_block=largest)


@pytest.fixture(scope="module")
def logistic():
    return {largest: curve("logistic", False, largest) for largest in (1, 3, None)}


def largest_change(curve, every):
    return float(np.max(np.abs(curve.adversarial_risk / every.adversarial_risk - 1)))


@pytest.mark.slow
def test_blocks_change_little(logistic):
    every, blocks = logistic[1], logistic[None]
    assert 0 < largest_change(blocks, every) < 8e-5
    np.testing.assert_allclose(blocks.adversarial_accuracy, every.adversarial_accuracy, atol=5e-6)
    np.testing.assert_allclose(blocks.norm, every.norm, rtol=2e-4)
    np.testing.assert_allclose(blocks.adversarial_risk_sd[1:], every.adversarial_risk_sd[1:], rtol=0.02)


def test_smaller_blocks_are_closer(logistic):
    """At the end; early on all blocks are short."""
    changes = [abs(float(logistic[size].norm[-1] / logistic[1].norm[-1]) - 1) for size in (3, None)]
    assert changes[0] < changes[1]


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


@pytest.mark.slow
def test_blocks_change_least_squares_little_too():
    every = curve("squared")
    assert 0 < largest_change(curve("squared", False, 7), every) < 8e-5


def test_single_precision_of_sums_over_many_samples_does_not_show(monkeypatch):
    """Rounding errors of 1e-7, where blocks of steps are good to 1e-3; the same rows in double precision tell."""
    mine = problem(named("digits_even_odd"), "logistic", 0.5)
    found = jm.forecast(mine, jm.Constant(1.0), time=10, diagonal=True)
    monkeypatch.setattr(law, "MANY_NUMBERS", np.inf)
    exact = jm.forecast(mine, jm.Constant(1.0), time=10, diagonal=True)
    for name in ("adversarial_risk", "clean_risk", "adversarial_accuracy", "norm", "adversarial_risk_sd"):
        difference = np.abs(found[name] - exact[name])[1:] / exact[name][1:]
        assert 0 < difference.max() < 1e-6, name
