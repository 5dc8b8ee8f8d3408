"""A user's loss is one scalar function: its forecast, optimum and simulation follow from that alone."""

import numpy as np
import pytest
from scipy.stats import norm as normal

import jominy as jm
import oracle_ode
import zoo
from agreement import deviations
from user_losses import Exponential, Hinge, Huber, PlainSquare

TIMES = np.array([0.5, 1.0, 2.0, 5.0])


def hinge_moments(law, o, radius):
    """Theory section 2.2, closed forms; the law's labels are the classes."""
    y, s = law.labels, np.sqrt(o["q"])
    u = (1 - (y * o["a"] - radius * o["rho"])) / s
    return {
        "P": s * (u * normal.cdf(u) + normal.pdf(u)),
        "P1": -y * normal.cdf(u),
        "P2": normal.pdf(u) / s,
        "P2s": np.zeros(len(y)),
        "Pr": radius * normal.cdf(u),
        "PP": normal.cdf(u),
    }


@pytest.mark.slow
def test_a_hinge_forecast_agrees_with_scipy_to_1e_6(monkeypatch):
    monkeypatch.setitem(oracle_ode.MOMENTS, "hinge", hinge_moments)
    law, radius = zoo.two_grouped_classes(48), 0.4
    problem = law.problem(Hinge(), radius)
    one = zoo.Case(law, "hinge", radius, jm.Constant(0.7), lambda t: 0.7, zoo.start(48))
    curve = jm.forecast(problem, one.schedule, times=TIMES, start=one.start)
    found = jm.optimum(problem)
    # The optimum itself is checked on its own gradient, by closed forms.
    assert np.linalg.norm(oracle_ode.risk_and_gradient(law, "hinge", radius, found.vector)[1]) < 1e-8
    expected = oracle_ode.solve(one, TIMES, optimum=(found.vector, found.adversarial_risk))
    for name, values in expected.items():
        np.testing.assert_allclose(curve[name], values, rtol=1e-6, err_msg=name)


@pytest.mark.slow
def test_the_squared_loss_by_quadrature_is_the_squared_loss():
    law = zoo.two_grouped_classes(48, with_teacher=True, noise_variance=0.1)
    settings = {"times": TIMES, "start": zoo.start(48)}
    first, second = (
        jm.forecast(law.problem(loss, 0.5), jm.Constant(0.5), **settings) for loss in (jm.SquaredLoss(), PlainSquare())
    )
    for name in first.data_vars:
        np.testing.assert_allclose(second[name], first[name], rtol=1e-8, err_msg=str(name))
    assert second.optimum_regime == "interior"  # the regimes' names are those of least squares in closed form


@pytest.mark.slow
@pytest.mark.parametrize("loss", [Hinge(), Exponential(), Huber()], ids=lambda loss: type(loss).__name__)
def test_simulations_of_user_losses_follow_their_forecasts(loss):
    # 150 seeds (0, 1, ...) at d = 600; 3.5 standard errors plus C/d, as in the simulations of the built-in losses.
    residual = isinstance(loss, Huber)
    law = zoo.two_grouped_classes(600, with_teacher=residual, noise_variance=0.1 if residual else 0.0)
    problem, rate = law.problem(loss, 0.4), jm.Constant(0.2 if isinstance(loss, Exponential) else 0.5)
    curve = jm.forecast(problem, rate, times=TIMES, start=zoo.start(600))
    runs = jm.simulate(problem, rate, times=TIMES, start=zoo.start(600), seeds=150, progress=False)
    found = deviations(curve, runs, 600)
    assert max(found.values()) < 1, found
