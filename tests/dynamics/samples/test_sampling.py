"""The three orders of rows: with replacement, one pass, reshuffled epochs."""

import numpy as np
import pytest
from scipy import stats

import jominy as jm
from samples_zoo import problem, rate, small_samples

COUNT = 12


def rows(sampling, steps, seed=0):
    return sampling.rows(np.random.default_rng(seed), steps, COUNT)


def test_with_replacement_rows_are_uniform_and_independent():
    """120,000 draws, seed 0: chi-square of singles and of consecutive pairs, p above 1e-3."""
    drawn = rows(jm.WithReplacement(), 120_000)
    assert stats.chisquare(np.bincount(drawn, minlength=COUNT)).pvalue > 1e-3
    pairs = np.bincount(drawn[:-1:2] * COUNT + drawn[1::2], minlength=COUNT**2)
    assert stats.chisquare(pairs).pvalue > 1e-3


def test_one_pass_visits_every_row_once():
    assert sorted(rows(jm.OnePass(), COUNT)) == list(range(COUNT))
    assert len(set(rows(jm.OnePass(), COUNT - 3))) == COUNT - 3


def test_one_pass_has_every_row_equally_often_at_every_place():
    """24,000 passes, seed 1: chi-square of the row at each place, smallest p of 12 above 1e-4."""
    generator = np.random.default_rng(1)
    passes = np.array([jm.OnePass().rows(generator, COUNT, COUNT) for _ in range(24_000)])
    counts = [np.bincount(place, minlength=COUNT) for place in passes.T]
    assert min(stats.chisquare(count).pvalue for count in counts) > 1e-4


def test_reshuffled_epochs_visit_every_row_once_per_epoch_in_new_orders():
    epochs = rows(jm.ReshuffledEpochs(), 3 * COUNT).reshape(3, COUNT)
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs)
    assert not np.array_equal(epochs[0], epochs[1])
    assert len(rows(jm.ReshuffledEpochs(), COUNT + 5)) == COUNT + 5


def simulated(sampling, time):
    mine = problem(small_samples(), "squared", 0.4)
    return jm.simulate(mine, rate(0.3), time=time, seeds=4, sampling=sampling, progress=False)


def test_one_pass_is_refused_where_rows_run_out():
    count, d = small_samples().features.shape
    with pytest.raises(jm.InputError, match=f"{count} rows allows {count} steps .*received: {count + d} steps"):
        simulated(jm.OnePass(), (count + d) / d)


def test_a_note_says_that_reshuffling_is_not_what_is_forecast():
    """More than one epoch only: 48 rows in 5 dimensions are one epoch at time 9.6."""
    once, twice = simulated(jm.ReshuffledEpochs(), 9.6), simulated(jm.ReshuffledEpochs(), 19.2)
    assert "reshuffled" not in once.attrs["notes"] and "2 reshuffled epochs" in twice.attrs["notes"]
    assert (once.attrs["epochs"], twice.attrs["epochs"]) == (1.0, 2.0)
    assert "reshuffled" not in simulated(jm.WithReplacement(), 19.2).attrs["notes"]


def test_after_one_pass_every_order_of_least_squares_without_attack_has_seen_the_same_rows():
    """A rate so small that steps commute: all runs end at the same student; with replacement they do not."""
    mine = problem(small_samples(), "squared", 0.0)
    spread = {}
    for sampling in (jm.OnePass(), jm.ReshuffledEpochs(), jm.WithReplacement()):
        runs = jm.simulate(mine, rate(1e-4), times=[9.6], seeds=4, sampling=sampling, progress=False)
        spread[type(sampling)] = float(runs.norm.std() / runs.norm.mean())
    assert spread[jm.OnePass] < 1e-3 and spread[jm.ReshuffledEpochs] < 1e-3
    assert spread[jm.WithReplacement] > 0.02
