"""Forecasts against SciPy's integration of the coordinate ODE (`oracle_ode`), to 1e-6 relative in every variable."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

import jominy as jm
import oracle_ode
import zoo
from zoo import Case

D, SMALL, DENSE = 400, 24, 60


def constant(rate):
    return jm.Constant(rate), lambda t: rate


def inverse_time():
    return jm.InverseTime(1.2, 0.3), lambda t: 1.2 / (1 + 0.3 * t)


def cosine():
    return jm.Cosine(1.0, 8.0, 0.1), lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * min(t / 8, 1))) / 2


def piecewise():
    return jm.Piecewise([3.0, 6.0], [1.0, 0.4, 0.1]), lambda t: 1.0 if t < 3 else 0.4 if t < 6 else 0.1


POLYAK, LINE = (jm.Polyak(), "polyak"), (jm.ExactLineSearch(), "line search")


def case(law, loss, radius, schedule, jumps=(), factor=1.0):
    return Case(law, loss, radius, *schedule, factor * zoo.start(law.dimension), jumps)


CASES = {
    "power law, cosine, collapsed": case(zoo.one_class(zoo.pow_(D), 0.25), "squared", 1.5, cosine(), (8.0,)),
    "linear, piecewise": case(zoo.one_class(zoo.lin(D), 0.25), "squared", 0.8, piecewise(), (3.0, 6.0)),
    "isotropic noiseless, Polyak": case(zoo.one_class(zoo.iso(D), 0.0), "squared", 0.2, POLYAK),
    "two-level, line search": case(zoo.one_class(zoo.two(D), 0.25), "squared", 0.3, LINE),
    "two grouped classes, far start": case(zoo.two_grouped_classes(D), "logistic", 0.5, constant(1.0), factor=20.0),
    "two grouped classes, both": case(
        zoo.two_grouped_classes(D, with_teacher=True, noise_variance=0.1), "squared", 0.7, constant(0.5)
    ),
    "four classes, teacher, Polyak": case(zoo.four_classes(SMALL, (1, -1, 0.5, 0), True, 0.1), "squared", 0.4, POLYAK),
    "non-commuting logistic": case(zoo.turned_classes(DENSE), "logistic", 0.5, constant(1.0)),
    # Slower to compile, and of kinds that are covered above.
    "two grouped classes, Polyak": case(zoo.two_grouped_classes(D), "logistic", 0.3, POLYAK),
    "two-level, inverse time": case(zoo.one_class(zoo.two(D), 0.25), "squared", 0.3, inverse_time()),
    "linear noiseless, line search": case(zoo.one_class(zoo.lin(D), 0.0), "squared", 0.5, LINE),
    "two classes with offsets": case(zoo.two_classes(D), "squared", 0.5, constant(0.5)),
    "two grouped classes, line search": case(zoo.two_grouped_classes(D), "logistic", 0.8, LINE),
    "non-commuting, Polyak": case(zoo.turned_classes(DENSE, 0.7, (1, -1), True, 0.1), "squared", 0.5, POLYAK),
    "four classes, logistic": case(zoo.four_classes(SMALL, (1, -1, 1, -1)), "logistic", 0.1, inverse_time()),
    "power law noiseless clean": case(zoo.one_class(zoo.pow_(D), 0.0), "squared", 0.0, constant(0.7)),
    "power law, Polyak": case(zoo.one_class(zoo.pow_(D), 0.25), "squared", 1.0, POLYAK),
    "two classes, clean Polyak": case(zoo.two_classes(D), "logistic", 0.0, POLYAK),
    "two classes, collapsed cosine": case(zoo.two_classes(D), "logistic", 1.5, cosine(), (8.0,)),
    "non-commuting, line search": case(zoo.turned_classes(DENSE, 0.7, (1, -1), True, 0.1), "squared", 0.5, LINE),
}
SLOW = list(CASES)[-12:]
# Known where the general minimiser of the oracle cannot find it, at a corner of the risk.
AT_CORNERS = {
    "power law, cosine, collapsed": lambda law: np.zeros(D),
    "two classes, collapsed cosine": lambda law: np.zeros(D),
    "isotropic noiseless, Polyak": lambda law: law.teacher,
    "linear noiseless, line search": lambda law: law.teacher,
    "power law noiseless clean": lambda law: law.teacher,
}
# SciPy's explicit 8th-order method everywhere, but for a stiff and a classical one among them.
METHODS = {"two-level, inverse time": "LSODA", "four classes, logistic": "Radau", "linear, piecewise": "RK45"}


def oracle(name):
    one = CASES[name]
    known = None
    if name in AT_CORNERS:
        vector = AT_CORNERS[name](one.law)
        known = vector, oracle_ode.risk_and_gradient(one.law, one.loss, one.radius, vector)[0]
    return oracle_ode.solve(one, zoo.TIMES, optimum=known, method=METHODS.get(name, "DOP853"))


def largest_errors(curve, expected):
    """Largest relative error of every variable; an excess risk is measured in units of the risk it is part of."""
    errors = {}
    for name, values in expected.items():
        scale = expected["adversarial_risk"] if name == "excess_risk" else np.abs(values)
        errors[name] = float(np.max(np.abs(curve[name].values - values) / scale))
    return errors


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in CASES])
def test_every_variable_agrees_to_1e_6(name):
    one = CASES[name]
    curve = jm.forecast(one.problem(), one.schedule, times=zoo.TIMES, start=one.start)
    expected = oracle(name)
    assert set(expected) == set(curve.data_vars)
    errors = largest_errors(curve, expected)
    assert max(errors.values()) < 1e-6, errors
    # The estimate that comes with the result is honest, and not absurdly large.
    assert errors["adversarial_risk"] < 10 * curve.numerical_error + 1e-11
    assert curve.numerical_error < 1e-6
    assert curve.status == ("collapsed" if "collapsed" in name else "completed")
    assert ("dense" in curve.method) == ("non-commuting" in name)


def test_a_loose_tolerance_says_so():
    one = CASES["two-level, line search"]
    expected = oracle("two-level, line search")
    for rtol in (1e-3, 1e-5, 1e-7):
        curve = jm.forecast(one.problem(), one.schedule, times=zoo.TIMES, start=one.start, rtol=rtol)
        error = largest_errors(curve, expected)["adversarial_risk"]
        assert error < 10 * curve.numerical_error
        assert curve.numerical_error < 1e4 * rtol


def test_the_oracle_knows_its_moments():
    # Logistic moments by adaptive quadrature; the gradient by finite differences of the risk.
    law, radius = zoo.two_classes(SMALL), 0.5
    x = zoo.start(SMALL)
    o = oracle_ode.orders(law, x, (0.0, 0.0))
    found = oracle_ode.logistic_moments(law, o, radius)
    for i in range(2):
        a, s = law.labels[i] * o["a"][i] - radius * o["rho"], math.sqrt(o["q"][i])

        def expect(function, a=a, s=s):
            return quad(lambda u: function(a + s * u) * math.exp(-(u**2) / 2), -12, 12, epsrel=1e-12)[0] / math.sqrt(
                2 * math.pi
            )

        assert found["P"][i] == pytest.approx(expect(lambda z: np.logaddexp(0, -z)), rel=1e-11)
        assert found["P2"][i] == pytest.approx(expect(lambda z: expit(z) * expit(-z)), rel=1e-11)
        assert found["PP"][i] == pytest.approx(expect(lambda z: expit(-z) ** 2), rel=1e-11)
    for turned, loss in ((law, "logistic"), (zoo.turned_classes(SMALL, 0.7, (1, -1), True, 0.1), "squared")):
        _, gradient = oracle_ode.risk_and_gradient(turned, loss, radius, x)
        for j in (0, 5, 17):
            step = 1e-6 * np.eye(SMALL)[j]
            up, down = (oracle_ode.risk_and_gradient(turned, loss, radius, x + s)[0] for s in (step, -step))
            assert gradient[j] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-9)


def test_the_two_oracles_agree():
    # Coordinates against matrices, on covariances that commute.
    one = case(zoo.two_classes(DENSE), "logistic", 0.5, constant(1.0))
    law = one.law
    matrices = zoo.Law(law.weights, law.means, np.array([np.diag(k) for k in law.covariances]), law.labels)
    other = Case(matrices, one.loss, one.radius, one.schedule, one.rate, one.start)
    expected, found = (oracle_ode.solve(c, zoo.TIMES, variance=0.2) for c in (one, other))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, err_msg=name)
