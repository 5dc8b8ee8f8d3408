"""Starts: what each kind means at time zero, and how a random one is drawn."""

import numpy as np
import pytest

import jominy as jm
from samples_zoo import TIMES, problem, rate, small, small_samples

X, Y = small()
D = X.shape[1]


def run(start, seeds=4000):
    mine = problem(small_samples(), "squared", 0.4)
    return jm.simulate(mine, rate(0.3), times=TIMES, seeds=seeds, start=start, progress=False)


def told(start):
    mine = problem(small_samples(), "squared", 0.4)
    return jm.forecast(mine, rate(0.3), times=TIMES, start=start, largest_block=1)


@pytest.mark.parametrize("start, norm", [(None, 0.0), (0.7, 0.7), (-0.7, 0.7), (np.arange(5) / 10, np.sqrt(0.3))])
def test_fixed_starts_have_their_norm(start, norm):
    assert float(told(start).norm[0]) == pytest.approx(norm, rel=1e-12)
    assert run(start, seeds=4).norm[:, 0].values.tolist() == pytest.approx([norm] * 4, rel=1e-12)


def test_a_number_is_spread_evenly_and_keeps_its_sign():
    for number in (0.7, -0.7):
        same = told(np.full(D, number / np.sqrt(D)))
        np.testing.assert_allclose(told(number).adversarial_risk, same.adversarial_risk, rtol=1e-12)


def test_a_random_start_is_gaussian_with_its_norm_as_root_mean_square():
    """4000 seeds: z of the mean square norm and of the mean risk at the start, forecast against simulation."""
    runs, curve = run(jm.RandomStart(0.7)), told(jm.RandomStart(0.7))
    squares = runs.norm[:, 0] ** 2
    assert abs(float(squares.mean()) - 0.49) < 3.5 * float(squares.std()) / np.sqrt(4000)
    assert float(curve.norm[0]) == pytest.approx(0.7, rel=1e-12)
    # E |X|^4 = norm^4 (1 + 2/d) for a Gaussian start; 10 % is four standard errors here
    assert float((squares**2).mean()) == pytest.approx(0.49**2 * (1 + 2 / D), rel=0.1)
    clean = runs.clean_risk[:, 0]
    assert abs(float(clean.mean() - curve.clean_risk[0])) < 3.5 * float(clean.std()) / np.sqrt(4000)


def test_seeds_start_apart_from_a_random_start_only():
    assert np.ptp(run(jm.RandomStart(0.7), seeds=4).norm.values[:, 0]) > 0
    assert np.ptp(run(0.7, seeds=4).norm.values[:, 0]) == 0


def test_bad_starts_say_what_is_wrong():
    with pytest.raises(jm.InputError, match=r"one entry per input dimension, shape \(5,\).*shape \(4,\)"):
        told(np.zeros(4))
    with pytest.raises(jm.InputError, match="must be finite"):
        told(np.array([0, 1, np.nan, 0, 0]))
    with pytest.raises(jm.InputError, match="random start must be finite and > 0"):
        jm.RandomStart(0.0)
