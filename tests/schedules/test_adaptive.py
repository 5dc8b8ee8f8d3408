"""Polyak and exact line search are the best steps for what they minimise; checked by brute force over rates."""

import math

import jax
import numpy as np
import pytest

import jominy as jm
import oracle_ode
import zoo
from jominy.numerics.precision import double_precision
from jominy.schedules import Descent

D = 80


@double_precision
def rate(schedule, *descent):
    return float(jax.jit(schedule.rate)(0.0, Descent(*descent)))


def test_rates_are_the_minimisers_of_their_parabolas():
    # -2 g a + g^2 b is least at a/b; for the risk -g s + g^2 c / 2 at s/c.
    assert rate(jm.Polyak(), 0.3, 9.0, 0.6, 9.0) == pytest.approx(0.5)
    assert rate(jm.ExactLineSearch(), 9.0, 0.2, 9.0, 0.5) == pytest.approx(0.4)


def test_rates_are_never_negative_nor_undefined():
    assert rate(jm.Polyak(), -0.3, 0.1, 0.6, 0.5) == 0.0
    assert rate(jm.Polyak(), 0.0, 0.0, 0.0, 0.0) == 0.0
    assert rate(jm.ExactLineSearch(), 0.0, 0.0, 0.0, 0.0) == 0.0
    assert rate(jm.ExactLineSearch(), 0.0, -1e-20, 0.0, 1e-21) == 0.0  # rounding, where nothing is left to descend
    assert rate(jm.ExactLineSearch(), 0.0, 1.0, 0.0, 1e28) == 0.0  # a student of norm zero under attack


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squared", "logistic"])
def test_they_are_the_best_rates_of_one_small_step_of_real_sgd(name):
    # E ||X - X0||^2 after one step of rate g is quadratic in g, least at the Polyak rate; likewise the risk at that of
    # line search. By 300,000 samples (seed 3): relative standard error below 1 %. The theory leaves out O(1/d), here
    # 1.5/d to 2.2/d at d = 12 and 24; allowed are 2.5/d = 3 % at d = 80, and 2 % for the samples.
    law = zoo.two_classes(D) if name == "logistic" else zoo.one_class(zoo.lin(D), 0.25)
    radius, x = 0.3, zoo.start(D)
    problem = law.problem(zoo.LOSSES[name], radius)
    x0 = jm.optimum(problem).vector
    g = np.random.default_rng(3)
    n = 300_000
    component = g.choice(len(law.weights), size=n, p=law.weights)
    inputs = law.means[component] + np.sqrt(law.covariances[component]) * g.standard_normal((n, D))
    rho, score = np.linalg.norm(x), inputs @ x
    if name == "logistic":
        y = law.labels[component]
        slope = -y / (1 + np.exp(y * score - radius * rho))
        attacked = inputs - radius * y[:, None] * x / rho
    else:
        y = inputs @ law.teacher + math.sqrt(law.noise_variance) * g.standard_normal(n)
        sign = np.sign(score - y)
        slope = score - y + radius * rho * sign
        attacked = inputs + radius * sign[:, None] * x / rho
    gradients = slope[:, None] * attacked
    mean = gradients.mean(axis=0)
    polyak = mean @ (x - x0) / np.mean(np.sum(gradients**2, axis=1) / D)
    found = jm.forecast(problem, jm.Polyak(), times=[0.0, 1.0], start=x).learning_rate[0]
    assert float(found) == pytest.approx(polyak, rel=2.5 / D + 0.02)
    # Line search: the risk after one step, R(x - g/d gradient), is least at its rate; Hessian by differences.
    hessian = (
        np.array(
            [
                oracle_ode.risk_and_gradient(law, name, radius, x + 1e-5 * e)[1]
                - oracle_ode.risk_and_gradient(law, name, radius, x - 1e-5 * e)[1]
                for e in np.eye(D)
            ]
        )
        / 2e-5
    )
    line = mean @ mean / np.mean(np.einsum("ni,ij,nj->n", gradients, hessian, gradients) / D)
    found = jm.forecast(problem, jm.ExactLineSearch(), times=[0.0, 1.0], start=x).learning_rate[0]
    assert float(found) == pytest.approx(line, rel=2.5 / D + 0.02)


def test_polyak_and_line_search_coincide_for_clean_isotropic_least_squares():
    # Theory section 5: equal when K is a multiple of the identity and nothing is attacked.
    problem = zoo.one_class(zoo.iso(24), 0.25).problem(jm.SquaredLoss(), 0.0)
    first, second = (
        jm.forecast(problem, s, times=zoo.TIMES, start=zoo.start(24)) for s in (jm.Polyak(), jm.ExactLineSearch())
    )
    np.testing.assert_allclose(first.learning_rate, second.learning_rate, rtol=1e-6)
    np.testing.assert_allclose(first.adversarial_risk, second.adversarial_risk, rtol=1e-7)
