"""The simulation is SGD on the rows: against a plain loop over prescribed rows, and against direct averages."""

from dataclasses import dataclass

import numpy as np
import pytest

import jominy as jm
import samples_oracle as oracle
from samples_zoo import STEPS, TIMES, problem, rate, small, small_samples

X, Y = small()
N, D = X.shape
TEST_X, TEST_Y = small(seed=5, n=30)
RADIUS, RADII = 0.4, [0.2, 0.8]
START = 0.3 * np.cos(np.arange(D))


@dataclass(frozen=True)
class Prescribed:
    """The same rows for every seed."""

    order: tuple[int, ...]

    def check(self, steps, count):
        pass

    def rows(self, generator, steps, count):
        return np.array(self.order[:steps])


ORDER = tuple(np.random.default_rng(8).integers(N, size=STEPS[-1]).tolist())


@pytest.fixture(scope="module", params=["logistic", "squared"])
def run(request):
    """(loss, simulation of one seed, students of the plain loop at the reports)."""
    simulation = jm.simulate(
        problem(small_samples(), request.param, RADIUS),
        rate(0.8, decay=0.5),
        times=TIMES,
        seeds=[3],
        start=START,
        evaluate_at=RADII,
        held_out=(TEST_X, TEST_Y),
        sampling=Prescribed(ORDER),
        progress=False,
    )
    path = oracle.sgd(request.param, X, Y, RADIUS, lambda t: 0.8 / (1 + 0.5 * t), ORDER, START)
    return request.param, simulation.sel(seed=3), path[STEPS]


def averages(loss, x, y, students, radius):
    """Risk and accuracy (T,) over rows."""
    norms = np.linalg.norm(students, axis=1)
    risk = [np.mean(oracle.attacked_loss(loss, y, x @ s, r, radius)) for s, r in zip(students, norms, strict=True)]
    right = [np.mean(y * (x @ s) > radius * r) for s, r in zip(students, norms, strict=True)]
    return risk, right


def test_the_students_are_those_of_the_plain_loop(run):
    _, simulation, students = run
    np.testing.assert_allclose(simulation.norm, np.linalg.norm(students, axis=1), rtol=1e-12)


@pytest.mark.parametrize("prefix, x, y", [("", X, Y), ("held_out_", TEST_X, TEST_Y)])
def test_risks_and_accuracies_are_averages_over_rows(run, prefix, x, y):
    loss, simulation, students = run
    for radius, name in [(RADIUS, "adversarial_{}"), (0.0, "clean_{}")]:
        risk, right = averages(loss, x, y, students, radius)
        np.testing.assert_allclose(simulation[prefix + name.format("risk")], risk, rtol=1e-12)
        np.testing.assert_allclose(simulation[prefix + name.format("accuracy")], right, rtol=1e-12)
    for radius in RADII:
        risk, right = averages(loss, x, y, students, radius)
        there = simulation.sel(evaluation_radius=radius)
        np.testing.assert_allclose(there[prefix + "risk_at_radius"], risk, rtol=1e-12)
        np.testing.assert_allclose(there[prefix + "accuracy_at_radius"], right, rtol=1e-12)


def test_distance_and_excess_are_measured_from_the_optimum(run):
    loss, simulation, students = run
    best = jm.optimum(problem(small_samples(), loss, RADIUS))
    np.testing.assert_allclose(
        simulation.distance_to_optimum, np.linalg.norm(students - best.vector, axis=1), rtol=1e-10
    )
    np.testing.assert_allclose(simulation.excess_risk, simulation.adversarial_risk - best.adversarial_risk, atol=1e-13)


def test_a_forecast_without_spread_reads_out_the_same_averages(run):
    """At the start the student is known: forecast and simulation say the same of it, on held-out rows too."""
    loss, simulation, _ = run
    curve = jm.forecast(
        problem(small_samples(), loss, RADIUS),
        rate(0.8, decay=0.5),
        times=TIMES,
        start=START,
        evaluate_at=RADII,
        held_out=(TEST_X, TEST_Y),
        largest_block=1,
    )
    for name in set(curve.data_vars) - {"adversarial_risk_sd"}:
        np.testing.assert_allclose(curve[name][0], simulation[name][0], rtol=1e-6, err_msg=name)
    assert float(curve.adversarial_risk_sd[0]) == pytest.approx(0.0, abs=1e-12)
