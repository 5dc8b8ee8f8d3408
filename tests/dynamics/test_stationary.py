"""Where training ends, against SciPy: root finding for least squares, long integrations for every other loss."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import root

import jominy as jm
import margin_oracle
import oracle_ode
import zoo

D = 400
C = math.sqrt(2 / math.pi)
SPECTRA = {"iso": zoo.iso, "pow": zoo.pow_, "two": zoo.two, "lin": zoo.lin}
# Table K of the theory page (iso, noise 0.25): radius, rate, risk, ridge, norm, residual variance.
TABLE = [
    (0.1, 0.1, 0.17771778, 0.04591690, 0.96380211, 0.26671670),
    (0.1, 1.5, 0.68848813, 0.06739355, 1.32582491, 1.13408854),
    (0.5, 0.5, 0.52521416, 0.40045187, 0.79839815, 0.45932913),
    (0.9, 0.1, 0.62389201, 1.72785183, 0.38914269, 0.66825438),
    (1.1, 0.1, 0.66837295, 4.22960991, 0.21730251, 0.91478268),
    (1.1, 1.5, 2.85426072, 1.24070027, 1.12926353, 1.63265800),
]


def squared(eigenvalues, noise, radius):
    return zoo.one_class(eigenvalues, noise).problem(jm.SquaredLoss(), radius)


def balance(k, x, noise, radius, rate):
    """Least squares at rest as two equations in (log sigma^2, log rho^2), from the coordinate ODE itself."""

    def gaps(logs):
        sigma, rho = np.exp(np.asarray(logs) / 2)
        slope, pull = 1 + C * radius * rho / sigma, radius**2 + C * radius * sigma / rho
        alpha = slope * k + pull
        m = slope * k * x / alpha
        w = rate * (sigma**2 + 2 * C * radius * rho * sigma + (radius * rho) ** 2) * k / (2 * alpha * len(k))
        return [math.log((noise + k @ ((m - x) ** 2 + w)) / sigma**2), math.log(np.sum(m**2 + w) / rho**2)]

    return gaps


@pytest.mark.parametrize("row", TABLE)
def test_table_k(row):
    end = jm.stationary(squared(zoo.iso(D), 0.25, row[0]), row[1])
    np.testing.assert_allclose((end.adversarial_risk, end.ridge, end.norm, end.residual_variance), row[2:], rtol=1e-7)


# The others differ in numbers alone; the isotropic one has the table above.
@pytest.mark.parametrize("noise", [0.25, 0.0])
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in ("pow", "two") else pytest.mark.slow) for n in SPECTRA]
)
def test_least_squares_over_spectra_radii_and_rates(name, noise):
    k, x = SPECTRA[name](D), zoo.teacher(D)
    for radius in (0.1, 0.5, 0.9, 1.1):
        for rate in (0.1, 0.5, 1.5):
            end = jm.stationary(squared(k, noise, radius), rate / k.mean())
            logs = np.log([end.residual_variance, end.norm**2])
            found = root(balance(k, x, noise, radius, rate / k.mean()), logs + [0.01, -0.01], tol=1e-13)
            np.testing.assert_allclose(found.x, logs, atol=1e-8)
            sigma, rho = np.exp(found.x / 2)
            risk = (sigma**2 + 2 * C * radius * sigma * rho + (radius * rho) ** 2) / 2
            assert end.adversarial_risk == pytest.approx(risk, rel=1e-8)
            bias = jm.optimum(squared(k, noise, radius)).vector
            alpha = (1 + C * radius * rho / sigma) * k + radius**2 + C * radius * sigma / rho
            m = (1 + C * radius * rho / sigma) * k * x / alpha
            distance = math.sqrt(np.sum((m - bias) ** 2) + rho**2 - m @ m)
            assert end.distance_to_optimum == pytest.approx(distance, rel=1e-5)


def test_without_attack_it_is_the_geometric_series():
    # sigma^2 = nu^2 / (1 - g trK / (2 d)), ||X||^2 = ||X*||^2 + g sigma^2 / 2.
    k = zoo.lin(D)
    end = jm.stationary(squared(k, 0.25, 0.0), 0.8)
    variance = 0.25 / (1 - 0.4 * k.mean())
    assert end.residual_variance == pytest.approx(variance, rel=1e-12)
    assert end.norm == pytest.approx(math.sqrt(1 + 0.4 * variance), rel=1e-12)
    assert end.ridge == 0 and end.status == "completed"


LOSSES = {
    "logistic": jm.LogisticLoss(),
    "hinge": jm.HingeLoss(),
    "squared hinge": jm.SquaredHingeLoss(),
    "smoothed hinge": jm.SmoothedHingeLoss(),
    "probit": jm.ProbitLoss(),
    "exponential": jm.ExponentialLoss(),
}
LAW = zoo.two_grouped_classes(16)
QUICK = [("logistic", 1.5)]


@pytest.mark.parametrize(
    ("loss", "radius"),
    [
        pytest.param(loss, radius, marks=() if (loss, radius) in QUICK else pytest.mark.slow)
        for loss in LOSSES
        for radius in (0.0, 0.5, 1.5)
    ],
)
def test_every_loss_ends_where_a_long_integration_ends(loss, radius, monkeypatch):
    monkeypatch.setitem(oracle_ode.MOMENTS, loss, margin_oracle.moments(loss))
    rate = 0.15 if loss == "exponential" else 0.6
    problem = LAW.problem(LOSSES[loss], radius)
    end, found = jm.stationary(problem, rate), jm.optimum(problem)
    case = zoo.Case(LAW, loss, radius, jm.Constant(rate), lambda t: rate, zoo.start(16))
    system = oracle_ode.CoordinateODE(case, found.vector)
    state = solve_ivp(system.velocity, (0, 1500), system.initial(0.0), method="LSODA", rtol=1e-11, atol=1e-13).y[:, -1]
    o, _, _, _, _, distance = system.parts(1500.0, state)
    assert end.status == "completed"
    risk = LAW.weights @ oracle_ode.MOMENTS[loss](LAW, o, radius)["P"]
    assert end.adversarial_risk == pytest.approx(risk, rel=1e-8)
    assert end.norm == pytest.approx(o["rho"], rel=1e-8)
    assert end.distance_to_optimum == pytest.approx(distance, rel=1e-8)
    assert end.norm > 0  # also beyond the collapse radius, 0.977


@pytest.mark.parametrize("loss", [jm.LogisticLoss(), pytest.param(jm.SquaredLoss(), marks=pytest.mark.slow)])
def test_covariances_that_do_not_commute(loss):
    # The matrix ODE of the oracle is at rest there.
    law, name = zoo.turned_classes(12), "logistic" if loss.needs_classes else "squared"
    end = jm.stationary(law.problem(loss, 0.5), 0.6)
    case = zoo.Case(law, name, 0.5, jm.Constant(0.6), lambda t: 0.6, zoo.start(12))
    known = (np.zeros(12), 0.0)
    found = oracle_ode.solve(case, [600.0], optimum=known, method="LSODA", rtol=1e-10)
    assert end.adversarial_risk == pytest.approx(found["adversarial_risk"][0], rel=1e-8)
    assert end.norm == pytest.approx(found["norm"][0], rel=1e-8)


def test_a_rate_without_an_end_says_so():
    ends = [
        jm.stationary(squared(zoo.iso(D), 0.25, 0.5), 2.0),
        jm.stationary(LAW.problem(jm.SquaredLoss(), 0.5), 9.0),
        jm.stationary(LAW.problem(jm.ExponentialLoss(), 0.4), 5.0),
    ]
    for end in ends:
        assert end.status == "diverged" and math.isinf(end.adversarial_risk)
        assert "grows without bound" in end.advice
    assert "below 2" in ends[0].advice


@pytest.mark.parametrize(("radius", "rate"), [(0.1, 1e-6), (0.1, 1e-9), (1e-12, 1.0)])
def test_without_noise_tiny_rates_and_radii_end_at_the_teacher(radius, rate):
    # Up to the interpolation radius, c, the ridge vanishes with the rate, or is of the order of the square radius.
    end = jm.stationary(squared(zoo.iso(D), 0.0, radius), rate)
    assert end.status == "completed" and end.norm == pytest.approx(np.linalg.norm(zoo.teacher(D)), rel=1e-6)
    law = jm.small_rate_end(squared(zoo.iso(D), 0.0, radius), rate)
    if radius == 0.1:
        assert math.sqrt(end.residual_variance) == pytest.approx(law.residual_sd, rel=1e-5)
        assert end.adversarial_risk == pytest.approx(law.adversarial_risk, rel=1e-9)


def test_a_tiny_radius_ends_as_no_attack_does():
    one, other = (jm.stationary(squared(zoo.lin(D), 0.25, radius), 0.8) for radius in (1e-15, 0.0))
    assert one.adversarial_risk == pytest.approx(other.adversarial_risk, rel=1e-12)
    assert one.norm == pytest.approx(other.norm, rel=1e-12)


def test_with_nothing_to_learn_and_no_noise_training_ends_at_zero():
    end = jm.stationary(jm.Problem(jm.LinearTeacher(jm.identity(40), teacher=np.zeros(40)), jm.SquaredLoss(), 0.3), 0.5)
    assert end.status == "completed" and end.adversarial_risk == end.norm == 0


@pytest.mark.parametrize(
    ("radius", "noise", "regime"), [(0.5, 0.25, "shrink"), (2.0, 0.25, "collapse"), (0.4, 0.0, "interpolating")]
)
def test_laws_of_small_rates(radius, noise, regime):
    for name, rate in (("iso", 1e-3), ("lin", 1e-3)):
        problem = squared(SPECTRA[name](D), noise, radius)
        law, end = jm.small_rate_end(problem, rate), jm.stationary(problem, rate)
        assert law.regime == regime
        # Relative to what the rate changes, the next order is of the order of the rate.
        still = jm.optimum(problem).adversarial_risk
        assert law.adversarial_risk - still == pytest.approx(end.adversarial_risk - still, rel=0.01)
        assert law.norm == pytest.approx(end.norm, rel=0.01)
        assert law.residual_sd == pytest.approx(math.sqrt(end.residual_variance), rel=0.01)


def test_the_interpolation_radius_is_where_the_optimum_leaves_the_teacher():
    k, x = zoo.lin(D), zoo.teacher(D)
    edge = jm.interpolation_radius(squared(k, 0.0, 0.3))
    assert edge == pytest.approx(C / math.sqrt(np.sum(x**2 / k)), rel=1e-12)
    assert jm.optimum(squared(k, 0.0, 0.999 * edge)).regime == "interpolating"
    assert jm.optimum(squared(k, 0.0, 1.001 * edge)).regime == "shrink"
    assert jm.interpolation_radius(squared(k, 0.1, 0.3)) == 0
    with pytest.raises(jm.InputError, match="one centred class"):
        jm.interpolation_radius(LAW.problem(jm.HingeLoss(), 0.3))
