"""Bad input to problems on samples: rule, value received, next step; and Ctrl-C, which is no error."""

import numpy as np
import pytest

import jominy as jm
from jominy.dynamics.samples import sgd
from samples_zoo import TIMES, named, problem, rate, small, small_samples

X, Y = small()


def forecast(**more):
    return jm.forecast(problem(small_samples(), "squared", 0.2), rate(0.3), times=TIMES, **more)


@pytest.mark.parametrize(
    "held_out, message",
    [
        ((X[:, :4], Y), "X must have 5 columns .*4 columns"),
        ((X, Y[:7]), "one row per sample .*48 rows of X, 7 of y"),
        ((X, np.where(Y > 0, 1, 3)), r"one of the classes .*received: \[3"),
        ((np.where(X > 1, np.nan, X), Y), "(?i)nan|finite|missing"),
    ],
)
def test_held_out_rows_must_fit_the_training_rows(held_out, message):
    with pytest.raises(jm.InputError, match=message):
        forecast(held_out=held_out)
    with pytest.raises(jm.InputError, match=message):
        mine = problem(small_samples(), "squared", 0.2)
        jm.simulate(mine, rate(0.3), times=TIMES, held_out=held_out, progress=False)


def test_held_out_columns_are_counted_before_preprocessing():
    mine, short = problem(named("wine"), "squared", 0.2), (np.ones((3, 12)), [1, 1, 1])
    with pytest.raises(jm.InputError, match="the 13 columns it was fitted on .*12 columns"):
        jm.forecast(mine, rate(0.3), times=TIMES, held_out=short)


def test_what_belongs_to_samples_is_refused_elsewhere():
    mixture = jm.Problem(jm.LinearTeacher(jm.identity(10)), jm.SquaredLoss(), 0.2)
    with pytest.raises(jm.InputError, match="Held-out arrays belong to a problem on Samples"):
        jm.forecast(mixture, rate(0.3), times=TIMES, held_out=(X, Y))
    with pytest.raises(jm.InputError, match="belong to a problem on Samples"):
        jm.simulate(mixture, rate(0.3), times=TIMES, sampling=jm.OnePass())
    with pytest.raises(jm.InputError, match="for a problem on Samples"):
        jm.gaussian_picture(mixture, rate(0.3), times=TIMES)


def test_a_classification_loss_needs_two_classes():
    numbers = jm.Samples(X, X[:, 0] + Y, preprocessing=None)
    with pytest.raises(jm.InputError, match="LogisticLoss is a classification loss"):
        jm.Problem(numbers, jm.LogisticLoss(), 0.2)


@pytest.mark.parametrize("radius", [-0.1, np.nan, np.inf, "wide"])
def test_a_radius_is_a_finite_number_from_zero_on(radius):
    with pytest.raises(jm.InputError, match="radius must be a finite number >= 0"):
        problem(small_samples(), "squared", radius)
    with pytest.raises(jm.InputError, match="radius must be a finite number >= 0"):
        forecast(evaluate_at=[0.1, radius])


@pytest.mark.parametrize("times", [[], [1.0, 1.0], [2.0, 1.0], [-1.0, 1.0], [0.0, np.inf]])
def test_times_increase(times):
    with pytest.raises(jm.InputError, match="Times must be increasing finite numbers >= 0"):
        jm.forecast(problem(small_samples(), "squared", 0.2), rate(0.3), times=times)


@pytest.mark.parametrize("seeds", [0, [1, 1], [-1], [0.5]])
def test_seeds_are_a_count_or_different_whole_numbers(seeds):
    with pytest.raises(jm.InputError, match="Seeds must be"):
        jm.simulate(problem(small_samples(), "squared", 0.2), rate(0.3), times=TIMES, seeds=seeds)


class Interrupted(sgd.RowSource):
    """Rows as ever, one at a time, and Ctrl-C when rows beyond the first are asked for."""

    def block(self, lanes, first, steps):
        if first + steps > 1:
            raise KeyboardInterrupt
        return super().block(lanes, first, steps)


def test_an_interrupted_run_keeps_what_is_done(monkeypatch):
    mine = problem(small_samples(), "squared", 0.2)
    whole = jm.simulate(mine, rate(0.3), times=TIMES, seeds=3, progress=False)
    monkeypatch.setattr("jominy.dynamics.simulation.seed_batches.LONGEST_BLOCK", 1)
    monkeypatch.setattr("jominy.dynamics.samples.simulation.RowSource", Interrupted)
    part = jm.simulate(mine, rate(0.3), times=TIMES, seeds=3, progress=False)
    assert part.attrs["status"] == "interrupted" and "kept" in part.attrs["advice"]
    reached = part.sizes["time"]
    assert 1 <= reached < len(TIMES)
    np.testing.assert_array_equal(part.norm, whole.norm[:, :reached])


def test_ctrl_c_before_the_first_report_stays_ctrl_c(monkeypatch):
    monkeypatch.setattr("jominy.dynamics.simulation.seed_batches.LONGEST_BLOCK", 1)
    monkeypatch.setattr("jominy.dynamics.samples.simulation.RowSource", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        mine = problem(small_samples(), "squared", 0.2)
        jm.simulate(mine, rate(0.3), times=[3.0, 4.0], seeds=3, progress=False)
