"""The forecast on samples is the finite-step recursion of the theory, here against a dense one in plain NumPy."""

import numpy as np
import pytest

import jominy as jm
import samples_oracle as oracle
from samples_zoo import STEPS, TIMES, problem, rate, small, small_samples

X, Y = small()
D = X.shape[1]
RADIUS, OTHER = 0.4, 0.9
SCHEDULE = rate(0.8, decay=0.5)
VECTOR = 0.3 * np.cos(np.arange(D))
STARTS = {
    "zero": (None, None, None),
    "vector": (VECTOR, VECTOR, None),
    "number": (0.6, np.full(D, 0.6 / np.sqrt(D)), None),
    "random": (jm.RandomStart(0.6), None, 0.36 * np.eye(D) / D),
}
# The library's quadrature over many samples is good to about 1e-6; the squared loss has closed forms.
TOLERANCE = {"logistic": {"rtol": 2e-6, "atol": 1e-6}, "squared": {"rtol": 1e-9}}


@pytest.mark.parametrize("loss", ["logistic", "squared"])
@pytest.mark.parametrize("start", STARTS)
def test_every_variable_follows_the_dense_recursion(loss, start):
    given, m, V = STARTS[start]
    curve = jm.forecast(
        problem(small_samples(), loss, RADIUS),
        SCHEDULE,
        times=TIMES,
        start=given,
        evaluate_at=[OTHER],
        largest_block=1,
        diagonal=False,
    )
    states = oracle.recursion(loss, X, Y, RADIUS, lambda t: 0.8 / (1 + 0.5 * t), STEPS, m, V)
    first = 1 if start == "zero" else 0  # at zero there is nothing to integrate over; that is tested elsewhere
    for index, state in enumerate(states[first:], start=first):
        expected = {
            "norm": state.norm,
            "adversarial_risk": state.risk(loss, X, Y, RADIUS),
            "clean_risk": state.risk(loss, X, Y, 0.0),
            "risk_at_radius": state.risk(loss, X, Y, OTHER),
        }
        # A fixed start has no spread, and a row's accuracy is a step function of its score.
        if index or start == "random":
            expected |= {
                "adversarial_accuracy": state.accuracy(X, Y, RADIUS),
                "clean_accuracy": state.accuracy(X, Y, 0.0),
                "accuracy_at_radius": state.accuracy(X, Y, OTHER),
            }
        for name, value in expected.items():
            np.testing.assert_allclose(np.squeeze(curve[name][index]), value, **TOLERANCE[loss], err_msg=name)


def test_at_zero_the_risk_is_that_of_a_score_of_zero():
    for loss, value in [("logistic", np.log(2)), ("squared", 0.5)]:
        curve = jm.forecast(problem(small_samples(), loss, RADIUS), SCHEDULE, times=TIMES, largest_block=1)
        at_zero = [float(curve[name][0]) for name in ("adversarial_risk", "clean_risk")]
        np.testing.assert_allclose(at_zero, value, rtol=1e-12)
        assert float(curve.adversarial_accuracy[0]) == pytest.approx(0.5, rel=1e-12)  # as a coin
        assert float(curve.norm[0]) == 0.0


def test_distance_and_excess_are_measured_from_the_optimum():
    mine = problem(small_samples(), "squared", RADIUS)
    best = jm.optimum(mine)
    curve = jm.forecast(mine, SCHEDULE, times=TIMES, start=VECTOR, largest_block=1, diagonal=False)
    states = oracle.recursion("squared", X, Y, RADIUS, lambda t: 0.8 / (1 + 0.5 * t), STEPS, VECTOR)
    distance = [np.sqrt(np.sum((s.m - best.vector) ** 2) + np.trace(s.V)) for s in states]
    np.testing.assert_allclose(curve.distance_to_optimum, distance, rtol=1e-8)
    np.testing.assert_allclose(curve.excess_risk, curve.adversarial_risk - best.adversarial_risk, rtol=1e-12)
    np.testing.assert_allclose(curve.learning_rate, [0.8 / (1 + 0.5 * t) for t in TIMES], rtol=1e-12)
