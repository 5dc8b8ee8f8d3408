"""The best perturbation in a ball and a box against SciPy: a linear programme for l1 and l_inf, SLSQP for l2."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from jominy import InputError
from jominy.audits import Threat

DIMENSION = 7


def problem(seed):
    draw = np.random.default_rng(seed)
    inputs = draw.random((1, DIMENSION))
    inputs[0, :2] = [0.0, 1.0]  # at the edges
    return draw.standard_normal((1, DIMENSION)), inputs


def largest_linear(slopes, inputs, radius, p):
    """max <slopes, up - down> by linear programming, up and down >= 0."""
    ones = np.ones((1, 2 * DIMENSION))
    bounds = [(0, min(1 - x, radius)) for x in inputs[0]] + [(0, min(x, radius)) for x in inputs[0]]
    limit = {"A_ub": ones, "b_ub": [radius]} if p == 1 else {}
    return -linprog(np.concatenate([-slopes[0], slopes[0]]), bounds=bounds, **limit).fun


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("p", [1, np.inf])
def test_it_is_the_solution_of_the_linear_programme(p, seed):
    slopes, inputs = problem(seed)
    threat = Threat(0.8 if p == 1 else 0.3, p, (0, 1))
    delta = threat.best(slopes, inputs)
    assert threat.size(delta)[0] <= threat.radius * (1 + 1e-12)
    assert threat.outside(inputs + delta)[0] < 1e-12
    assert np.isclose((slopes * delta).sum(), largest_linear(slopes, inputs, threat.radius, p), rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_best_of_the_ball_and_the_box(weighted, seed):
    slopes, inputs = problem(seed)
    weights = np.random.default_rng(seed).uniform(0.2, 3, DIMENSION)
    threat = Threat(0.7, 2, (0, 1), weights if weighted else None)
    delta = threat.best(slopes, inputs)
    assert threat.size(delta)[0] <= threat.radius * (1 + 1e-9) and threat.outside(inputs + delta)[0] < 1e-12
    scale = weights if weighted else np.ones(DIMENSION)
    found = minimize(
        lambda d: -slopes[0] @ d,
        np.zeros(DIMENSION),
        jac=lambda d: -slopes[0],
        bounds=[(-x, 1 - x) for x in inputs[0]],
        constraints={"type": "ineq", "fun": lambda d: 0.49 - np.sum(d**2 / scale), "jac": lambda d: -2 * d / scale},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert np.isclose((slopes * delta).sum(), -found.fun, rtol=1e-5)


def test_without_a_box_it_is_the_dual_norm():
    slopes, inputs = problem(9)
    for p, dual in ((1, np.inf), (2, 2), (np.inf, 1)):
        best = Threat(0.4, p).best(slopes, inputs)
        assert np.isclose((slopes * best).sum(), 0.4 * np.linalg.norm(slopes, ord=dual, axis=1)[0])


def test_an_entry_without_budget_stays():
    weights = np.array([1.0, 0.0, 2.0])
    threat = Threat(0.5, 2, None, weights)
    assert threat.best(np.ones((1, 3)), np.zeros((1, 3)))[0, 1] == 0
    assert np.isinf(threat.size(np.ones((1, 3)))[0])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"radius": 0.0, "p": 2}, "radius"),
        ({"radius": "a", "p": 2}, "numbers"),
        ({"radius": 1.0, "p": 3}, "1, 2 or infinity"),
        ({"radius": 1.0, "p": 2, "box": (1, 0)}, "lower bound"),
        ({"radius": 1.0, "p": 2, "box": 3}, "box"),
        ({"radius": 1.0, "p": 1, "weights": [1.0]}, "weights"),
    ],
)
def test_what_is_no_threat_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        Threat(**given)
