"""How a run ended: divergence, instability, collapse, a start that never leaves zero; and never NaN."""

import json
from functools import partial

import numpy as np
import pytest

import jominy as jm
from samples_zoo import TIMES, few_rows, heavy_tails, named, problem, rate, small, small_samples

X, Y = small()


def no_nan(result):
    for name, values in result.data_vars.items():
        assert not np.isnan(values).any(), name


def test_least_squares_on_heavy_rows_is_called_unstable_and_clipping_cures_it():
    """Student-t rows with 2.5 degrees of freedom (seed 0), rate 0.3; clipping is the default."""
    raw = jm.Samples(*heavy_tails(), preprocessing=jm.Preprocessing(clip=None))
    curve = jm.forecast(problem(raw, "squared", 0.2), jm.Constant(0.3), times=TIMES)
    assert curve.attrs["status"] == "unstable tail events"
    runs = jm.simulate(problem(raw, "squared", 0.2), jm.Constant(0.3), times=TIMES, seeds=2, progress=False)
    assert runs.attrs["status"] in ("unstable tail events", "diverged") and "below" in runs.attrs["advice"]
    safe = max(0.6 * curve.attrs["mean_square_stability_rate"], curve.attrs["largest_sample_rate"])
    assert f"below {safe:.3g}" in curve.attrs["advice"] and "clip" in curve.attrs["advice"]
    no_nan(curve)
    lower = jm.forecast(problem(raw, "squared", 0.2), jm.Constant(0.9 * safe), times=TIMES)
    assert lower.attrs["status"] == "completed"
    clipped = jm.forecast(problem(jm.Samples(*heavy_tails()), "squared", 0.2), jm.Constant(0.3), times=TIMES)
    assert clipped.attrs["status"] == "completed"


@pytest.mark.parametrize("loss", [jm.SquaredHingeLoss(), jm.ProbitLoss()])
def test_margin_losses_above_the_limit_are_called_unstable_where_the_risk_grows(loss):
    mine = jm.Problem(small_samples(), loss, 0.2)
    limit = jm.critical_rate(mine)
    times = [0.0, 1.0, 10.0, 50.0]
    above, below = (jm.forecast(mine, jm.Constant(share * limit), times=times) for share in (1.5, 0.5))
    assert above.attrs["status"] == "unstable tail events" and "Lower the rate below" in above.attrs["advice"]
    runs = jm.simulate(mine, jm.Constant(1.5 * limit), times=times, seeds=20, progress=False)
    assert np.median(runs.adversarial_risk[:, -1]) < 0.9 * above.adversarial_risk[-1]  # a mean that is not typical
    assert below.attrs["status"] == "completed"
    no_nan(above)


@pytest.mark.parametrize("radius", [0.0, 0.2])
def test_a_rate_far_above_the_limit_diverges_without_nan(radius):
    mine = problem(small_samples(), "squared", radius)
    times = [0.0, 1.0, 10.0, 100.0]
    curve = jm.forecast(mine, rate(6.0), times=times, evaluate_at=[0.5], held_out=(X[:30], Y[:30]))
    assert curve.attrs["status"] == "diverged"
    assert "Lower the rate below" in curve.attrs["advice"] and "clip" in curve.attrs["advice"]
    runs = jm.simulate(
        mine, rate(6.0), times=times, seeds=3, evaluate_at=[0.5], held_out=(X[:30], Y[:30]), progress=False
    )
    assert runs.attrs["status"] == "diverged"
    assert "3 of 3 runs diverged" in runs.attrs["notes"]
    for result in (curve, runs):
        no_nan(result)
        assert np.all(np.isinf(result.adversarial_risk[..., -1])) and np.all(np.isinf(result.norm[..., -1]))
        assert np.all(np.isfinite(result.adversarial_accuracy))
        assert np.all(np.isfinite(result.adversarial_risk[..., 0]))


@pytest.mark.parametrize("loss", ["logistic", "squared"])
def test_above_the_collapse_radius_the_status_says_so(loss):
    mine = problem(small_samples(), loss, 1.5 * jm.collapse_radius(problem(small_samples(), loss, 0.0)))
    curve = jm.forecast(mine, rate(0.3), times=TIMES, start=0.5)
    runs = jm.simulate(mine, rate(0.3), times=TIMES, start=0.5, seeds=3, progress=False)
    for result in (curve, runs):
        assert result.attrs["status"] == "collapsed" and "Lower the radius" in result.attrs["advice"]
        assert result.attrs["optimum_norm"] == 0.0
        no_nan(result)
    assert float(curve.norm[-1]) < 0.5


def test_exact_line_search_from_zero_is_stuck_and_from_elsewhere_is_not():
    mine = problem(small_samples(), "squared", 0.2)
    stuck = jm.forecast(mine, jm.ExactLineSearch(), times=TIMES)
    assert stuck.attrs["status"] == "stuck at zero" and "start=0.1" in stuck.attrs["advice"]
    assert np.all(stuck.norm == 0) and np.all(stuck.learning_rate == 0)
    no_nan(stuck)
    free = jm.forecast(mine, jm.ExactLineSearch(), times=TIMES, start=0.1)
    assert free.attrs["status"] == "completed" and float(free.norm[-1]) > 0.1
    without_attack = jm.forecast(problem(small_samples(), "squared", 0.0), jm.ExactLineSearch(), times=TIMES)
    assert without_attack.attrs["status"] == "completed" and float(without_attack.norm[-1]) > 0.1


def test_a_simulation_that_follows_a_stuck_forecast_says_so_too():
    mine = problem(small_samples(), "squared", 0.2)
    runs = jm.simulate(mine, jm.ExactLineSearch(), times=TIMES, seeds=2, progress=False)
    assert runs.attrs["status"] == "stuck at zero"
    assert np.all(runs.norm == 0)
    no_nan(runs)


def notes(result):
    return " ".join(json.loads(result.attrs["notes"]))


def test_separable_samples_are_noted_and_have_no_distance():
    samples = jm.Samples(*few_rows(n=30, d=40), preprocessing=None)
    mine = problem(samples, "logistic", 0.1)
    curve = jm.forecast(mine, jm.Constant(0.5), times=[0.0, 1.0])
    runs = jm.simulate(mine, jm.Constant(0.5), times=[0.0, 1.0], seeds=2, progress=False)
    for result in (curve, runs):
        assert "can be separated" in notes(result)
        assert "distance_to_optimum" not in result and result.attrs["optimum_regime"] == "separable"
        assert result.attrs["optimum_norm"] == np.inf
        np.testing.assert_array_equal(result.excess_risk, result.adversarial_risk)
        no_nan(result)
    for verb in (jm.forecast, partial(jm.simulate, seeds=2, progress=False)):
        with pytest.raises(jm.InputError, match="Polyak's rate needs an adversarial optimum.*radius 0.1"):
            verb(mine, jm.Polyak(), times=[0.0, 1.0])


def test_few_samples_per_dimension_are_noted():
    """Breast cancer has 569/30 = 19 samples per dimension, wine 178/13 = 13.7; a hundred per dimension are enough."""
    assert "19 samples per dimension" in notes(
        jm.simulate(problem(named("breast_cancer"), "squared", 0.0), rate(0.1), times=[1.0], seeds=1, progress=False)
    )
    many = jm.Samples(X[:, :2], Y, preprocessing=None)  # 48 rows in two dimensions
    assert "per dimension" not in notes(
        jm.simulate(problem(many, "squared", 0.0), rate(0.1), times=[1.0], seeds=1, progress=False)
    )


def test_the_preprocessing_is_reported():
    told = notes(jm.forecast(problem(named("wine"), "squared", 0.0), rate(0.1), times=[0.0, 1.0]))
    for phrase in ("centred 13 features", "scaled each feature", "clipped", "rescaled", "label -1"):
        assert phrase in told
