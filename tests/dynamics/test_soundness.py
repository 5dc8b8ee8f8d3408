"""A result whose numbers cannot be right says so, whichever engine made it: the optimum is made wrong by hand."""

import json

import numpy as np
import pytest

import jominy as jm
import zoo
from jominy.dynamics import labelled
from jominy.dynamics.optima import optimum as optima
from jominy.dynamics.samples import forecast as sample_forecasts
from jominy.dynamics.samples import simulation as sample_simulations
from jominy.results import Status

TIMES = [0.0, 1.0, 30.0]
RATE = jm.Constant(0.2)


def mixture():
    return zoo.one_class(zoo.two(24), 0.25).problem(jm.SquaredLoss(), 0.31)


def samples():
    g = np.random.default_rng(0)
    x = g.standard_normal((90, 6))
    return jm.Problem(jm.Samples(x, np.sign(x[:, 0] + 0.5 * g.standard_normal(90))), jm.LogisticLoss(), 0.11)


ENGINES = {
    "forecast": lambda: jm.forecast(mixture(), RATE, times=TIMES),
    "simulate": lambda: jm.simulate(mixture(), RATE, times=TIMES, seeds=2),
    "homogenize": lambda: jm.homogenize(mixture(), RATE, times=TIMES, paths=2),
    "forecast on samples": lambda: jm.forecast(samples(), RATE, times=TIMES),
    "simulate on samples": lambda: jm.simulate(samples(), RATE, times=TIMES, seeds=2),
}


@pytest.fixture
def wrong_optimum(monkeypatch):
    """Optima whose risk is too high by one."""
    right, right_on_samples = optima._optimum_on, sample_forecasts.sample_optimum

    def wrong(problem, reference):
        found = right(problem, reference)
        return optima.PopulationOptimum(found.solved._replace(risk=found.solved.risk + 1), "shrink", np.inf)

    def wrong_on_samples(problem):
        found = right_on_samples(problem)
        told = found.describe() | {"adversarial_risk": found.adversarial_risk + 1, "vector": found.vector}
        return type(found)(**told)

    monkeypatch.setattr(optima, "_optimum_on", wrong)
    for module in (sample_forecasts, sample_simulations):
        monkeypatch.setattr(module, "sample_optimum", wrong_on_samples)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_optimum_above_what_training_reaches_is_told(engine, wrong_optimum):
    result = ENGINES[engine]()
    assert result.status == Status.UNSOUND.label and result.advice == Status.UNSOUND.advice
    (note,) = [note for note in json.loads(result.notes) if "The optimum that was found is none" in note]
    lowest = float(result.optimum_risk + result.excess_risk.min())
    assert f"{lowest:.6g}" in note and f"{result.optimum_risk:.6g}" in note
    assert result.excess_risk.min() < -0.1  # the numbers are what they are


@pytest.mark.parametrize("engine", ENGINES)
def test_a_right_optimum_is_left_alone(engine):
    result = ENGINES[engine]()
    assert result.status == Status.COMPLETED.label and "optimum that was found" not in result.notes


def test_many_forecasts_say_which_of_them(wrong_optimum):
    many = jm.forecast_many([mixture(), mixture()], [RATE, jm.Constant(30.0)], times=TIMES)
    assert many.status.values.tolist() == [Status.UNSOUND.label, Status.DIVERGED.label]


def test_missing_numbers_are_no_completed_run(monkeypatch):
    kept = labelled.make_result

    def missing(variables, *given, **more):
        variables["norm"][1][-1] = np.nan
        return judged(variables, *given, **more)

    judged = labelled.judged
    monkeypatch.setattr(labelled, "judged", missing)
    monkeypatch.setattr(labelled, "make_result", kept)
    result = jm.forecast(mixture(), RATE, times=TIMES)
    assert result.status == Status.UNSOUND.label
    assert any("NaN) in norm" in note for note in json.loads(result.notes))
