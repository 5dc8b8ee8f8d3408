"""A run depends on its seed alone: not on the seeds beside it, nor on when it is looked at."""

import numpy as np
import pytest

import jominy as jm
from samples_zoo import TIMES, problem, rate, small_samples


def simulated(seeds, times=TIMES, start=None, sampling=None):
    mine = problem(small_samples(), "squared", 0.4)
    return jm.simulate(mine, rate(0.3), times=times, seeds=seeds, start=start, sampling=sampling, progress=False)


@pytest.mark.parametrize("sampling", [None, jm.OnePass(), jm.ReshuffledEpochs()])
def test_not_on_its_companions(sampling):
    start = jm.RandomStart(0.5)
    alone = simulated([7, 2, 5], start=start, sampling=sampling).sel(seed=5)
    among = simulated([1, 5, 9], start=start, sampling=sampling).sel(seed=5)
    for name in alone.data_vars:
        np.testing.assert_array_equal(alone[name], among[name], err_msg=name)


def test_not_on_the_report_times():
    few = simulated([7, 2, 5], times=TIMES)
    more = simulated([7, 2, 5], times=[0.0, 0.2, 0.6, 1.0, 2.2, 4.0])
    np.testing.assert_array_equal(few.norm, more.norm.sel(time=few.time))


def test_different_seeds_give_different_runs_and_the_same_seeds_the_same():
    first, second = simulated([1, 5, 9]), simulated([1, 5, 9])
    np.testing.assert_array_equal(first.norm, second.norm)
    assert len(np.unique(first.norm[:, -1])) == 3


def test_times_between_steps_are_moved_to_whole_steps():
    assert simulated([1, 5, 9], times=[0.0, 0.21, 1.0, 3.93]).time.values.tolist() == [0.0, 0.2, 1.0, 4.0]
