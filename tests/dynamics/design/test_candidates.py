"""Candidates of a design: schedules of other kinds by the same numbers, rows' forecasts in threads, rates looked at."""

from types import SimpleNamespace

import numpy as np
import pytest

import jominy as jm
from jominy.dynamics.design.candidates import LINE_SEARCH, POLYAK, candidate_of
from jominy.dynamics.design.families import Constants
from jominy.dynamics.design.objective import objective_of
from jominy.dynamics.design.search import OVER_CONSTANT, largest_that_ends
from jominy.dynamics.design.trials import Trials
from jominy.dynamics.engines import samples
from jominy.numerics.precision import double_precision
from jominy.optimizers import SGD
from jominy.schedules.base import UNKNOWN_DESCENT

GIVEN = [jm.Constant(0.7), jm.InverseTime(1.3, decay=0.4), jm.Hill(2.0, 1.5, 1.4), jm.InverseTime(0.5, decay=0.0)]


@pytest.mark.parametrize("given", GIVEN, ids=lambda given: given.describe()["kind"])
def test_candidate_has_the_rates_of_the_schedule_that_it_stands_for(given):
    stands = candidate_of(given)
    for time in (0.0, 0.1, 3.0, 1e4):
        told = float(given.rate(np.float32(time), UNKNOWN_DESCENT))
        assert float(stands.rate(np.float32(time), UNKNOWN_DESCENT)) == pytest.approx(told, rel=1e-6)


def test_candidates_of_other_schedules():
    cosine = jm.Cosine(1.0, horizon=5.0)
    assert candidate_of(cosine) is cosine
    assert candidate_of(jm.Polyak()) is POLYAK and candidate_of(jm.ExactLineSearch()) is LINE_SEARCH


@double_precision
def test_forecasts_in_threads_are_those_made_in_turn(monkeypatch):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 5))
    data = jm.Samples(X, np.sign(X @ [1, 0.5, 0, 0, 0] + rng.normal(size=60)))
    problem = jm.Problem(data, jm.LogisticLoss(), radius=0.2)

    def judged():
        objective = objective_of(problem, None, None, 0.0, "risk", False)
        family, trials = Constants(4.0, 2.0), Trials(problem, 4.0, None, SGD(), objective, None)
        return trials.judge([family.candidate(one) for one in family.beginnings])

    together = judged()
    monkeypatch.setattr(samples, "cores", lambda: 1)
    assert len(set(together)) == len(together) and np.array_equal(together, judged())


def looks_of(best, ends_below, most_steps=2000):
    """Trials whose best constant rate is `best`, where only rates below another one come to an end soon."""
    looks = []

    def judge(schedules, soon):
        assert soon
        rates = np.array([one.hill.initial for one in schedules])
        looks.append(rates)
        return np.where(rates < ends_below, np.log(rates / best) ** 2, np.inf)

    return SimpleNamespace(horizon=20.0, request=SimpleNamespace(most_steps=most_steps), judge=judge), looks


def test_usual_rates_are_looked_at_where_they_all_end():
    trials, looks = looks_of(1e-5, 10.0)
    assert largest_that_ends(trials, 2.0) == 2.0 and len(looks) == 1
    trials, looks = looks_of(1e-5, 0.5, most_steps=None)  # rows, where a rate that ends late is none that diverges
    assert largest_that_ends(trials, 2.0) == 2.0 and len(looks) == 1


@pytest.mark.parametrize("best", [0.05, 2e-3, 3e-6])
def test_rates_around_the_best_constant_one_are_looked_at_where_usual_ones_take_too_long(best):
    trials, looks = looks_of(best, 0.2)
    found = largest_that_ends(trials, 2.0)
    assert OVER_CONSTANT * best / 2 < found < OVER_CONSTANT * best * 2 or found == 2.0 < OVER_CONSTANT * best * 2
    assert len(looks) < 7
