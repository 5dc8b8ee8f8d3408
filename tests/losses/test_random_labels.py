"""Margin losses under random labels: double integrals in another order, finite differences of the risk, dblquad."""

import math

import jax
import numpy as np
import pytest
from scipy.integrate import dblquad

import jominy as jm
import oracle_labels
from jominy.losses import OrderParameters
from jominy.losses.random_labels import RandomLabels, random_labels
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision
from l2_moments import by_norm
from oracle_labels import LOGISTIC, PROBABILITY
from user_losses import Hinge
from zoo import LABEL_LAWS

NAMES = {
    "P": "value",
    "P1": "slope",
    "P2": "curvature",
    "P2s": "teacher_curvature",
    "Pr": "norm_slope",
    "PP": "slope_squared",
}
RADIUS, NORM = 0.6, 0.8
# Correlations from none to all but one, both signs, means of both; a student on the teacher's very ray is the fifth.
Q = np.array([0.5, 1.0, 2.2, 0.3, 1.0, 1e-8])
TQ = np.array([1.0, 4.0, 2.0, 9.0, 4.0, 3.0])
COSINE = np.array([0.0, 0.4, -0.8, 0.99999, 1.0, 0.5])
CONFIGURATIONS = {
    "a": np.array([0.0, 0.4, -1.3, 0.2, 0.0, 0.0]),
    "q": Q,
    "ta": np.array([0.3, -0.5, 1.0, 0.0, 0.0, 0.7]),
    "tq": TQ,
    "tc": COSINE * np.sqrt(Q * TQ),
    "rho": NORM,
}


def order(o):
    nothing, size = np.zeros_like(o["a"]), np.asarray(o["rho"])
    return OrderParameters(o["a"], o["q"], nothing, nothing, size, size[None], o["ta"], o["tq"], o["tc"])


@jax.jit
def _compiled(targets, loss, order, radius, rule):
    shift = radius * order.norm
    found = by_norm(targets.moments(loss, order, shift, rule), radius)
    return found | {"accuracy": targets.accuracy(order, shift, rule)}


@double_precision
def moments(kind, o, loss=None, radius=RADIUS):
    targets = RandomLabels(LABEL_LAWS[kind], gaussian_rule(3.0))
    loss = jm.LogisticLoss() if loss is None else loss
    return {
        k: np.asarray(v) for k, v in _compiled(targets, loss, order(o), np.asarray(radius), gaussian_rule(3.0)).items()
    }


@pytest.mark.parametrize("kind", LABEL_LAWS)
@pytest.mark.parametrize("radius", [0.0, RADIUS])
def test_moments_are_the_double_integrals(kind, radius):
    found = moments(kind, CONFIGURATIONS, radius=radius)
    expected = oracle_labels.moments(LOGISTIC, kind, CONFIGURATIONS, radius)
    for name, ours in NAMES.items():
        np.testing.assert_allclose(found[ours], expected[name], rtol=1e-9, atol=1e-10, err_msg=name)
    expected = oracle_labels.accuracy(kind, CONFIGURATIONS, radius)
    np.testing.assert_allclose(found["accuracy"], expected, rtol=1e-9, err_msg="accuracy")


@pytest.mark.parametrize("kind", LABEL_LAWS)
def test_dblquad_over_the_definition(kind):
    """The value, slope and their likes of one configuration, by SciPy from the definition of the adversarial loss."""
    i, er = 2, RADIUS * NORM
    found = moments(kind, CONFIGURATIONS)
    o = {k: v if k == "rho" else v[i] for k, v in CONFIGURATIONS.items()}
    slope = o["tc"] / math.sqrt(o["tq"])
    rest = math.sqrt(o["q"] - slope**2)
    split = -o["ta"] / math.sqrt(o["tq"])

    def integral(function):
        def integrand(w, s):
            r, chance = o["a"] + slope * s + rest * w, PROBABILITY[kind](o["ta"] + math.sqrt(o["tq"]) * s)
            weight = math.exp(-(s * s + w * w) / 2) / (2 * math.pi)
            return weight * (chance * function(r, 1.0) + (1 - chance) * function(r, -1.0))

        pieces = [(-8.0, split), (split, 8.0)]
        return sum(dblquad(integrand, a, b, -8.0, 8.0, epsabs=1e-9, epsrel=1e-9)[0] for a, b in pieces)

    profile, slope_of, _ = LOGISTIC
    assert found["value"][i] == pytest.approx(integral(lambda r, y: profile(y * r - er)), abs=1e-8)
    assert found["slope"][i] == pytest.approx(integral(lambda r, y: y * slope_of(y * r - er)), abs=1e-8)
    assert found["slope_norm_slope"][i] == pytest.approx(
        integral(lambda r, y: -RADIUS * y * slope_of(y * r - er) ** 2), abs=1e-8
    )


@pytest.mark.parametrize("kind", LABEL_LAWS)
def test_gradient_is_that_of_the_risk(kind):
    """P1 mu + P2 K X + P2s K X* + Pr X/rho against central differences of the risk in X: three dimensions, one class.

    The three directions tell slope, curvature and teacher curvature apart.
    """
    k, mu = np.array([0.5, 1.0, 1.7]), np.array([0.3, -0.2, 0.4])
    star, x = np.array([1.0, -1.2, 0.7]), np.array([0.4, 0.5, -0.3])

    def at(x):
        one = {"a": mu @ x, "q": k @ x**2, "ta": mu @ star, "tq": k @ star**2, "tc": (k * x) @ star}
        return {name: np.array([value]) for name, value in one.items()} | {"rho": np.linalg.norm(x)}

    found = {name: value[0] for name, value in moments(kind, at(x)).items()}
    gradient = (
        found["slope"] * mu
        + found["curvature"] * k * x
        + found["teacher_curvature"] * k * star
        + found["norm_slope"] * x / np.linalg.norm(x)
    )
    h = 1e-4
    for j, step in enumerate(h * np.eye(3)):
        values = [oracle_labels.moments(LOGISTIC, kind, at(x + c * step), RADIUS)["P"][0] for c in (-2, -1, 1, 2)]
        slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        assert gradient[j] == pytest.approx(slope, abs=1e-9)


@pytest.mark.parametrize("kind", LABEL_LAWS)
def test_kinked_losses_by_a_smooth_family(kind, monkeypatch):
    """The hinge's moments are the limit of softplus((1 - z) c)/c: Richardson's extrapolation in 1/c^2."""
    monkeypatch.setattr(oracle_labels, "INNER", np.linspace(-9.0, 9.0, 241))  # the softened kink is narrow
    some = {name: value if name == "rho" else value[[1, 2]] for name, value in CONFIGURATIONS.items()}
    found = moments(kind, some, loss=Hinge())

    def softened(c):
        def fall(z):
            return 1 / (1 + np.exp(np.clip(c * (z - 1), -700, 700)))

        loss = (lambda z: np.logaddexp(0, c * (1 - z)) / c, lambda z: -fall(z), lambda z: c * fall(z) * (1 - fall(z)))
        return oracle_labels.moments(loss, kind, some, RADIUS)

    coarse, fine = softened(6.0), softened(12.0)
    for name in ("P", "P1", "P2", "P2s", "Pr"):  # the square of the slope has an error of order 1/c
        limit = (4 * fine[name] - coarse[name]) / 3
        np.testing.assert_allclose(found[NAMES[name]], limit, atol=2e-4, err_msg=name)


def test_a_student_of_norm_zero():
    nothing = np.zeros(6)
    zero = CONFIGURATIONS | {"a": nothing, "q": nothing, "tc": nothing, "rho": 0.0}
    for kind, law in LABEL_LAWS.items():
        found = moments(kind, zero)
        assert all(np.all(np.isfinite(value)) for value in found.values())
        np.testing.assert_allclose(found["value"], math.log(2), rtol=1e-13)
        np.testing.assert_allclose(found["norm_slope"], RADIUS / 2, rtol=1e-13)
        np.testing.assert_allclose(found["accuracy"], 0.5)
        assert law.describe() == {"kind": kind}


@pytest.mark.parametrize("law", [jm.LogisticLabels(), jm.ProbitLabels(), jm.SignLabels()])
def test_teachers_that_make_labels_certain(law):
    """Averages in closed form take any teacher; those over nodes would need a node for each standard deviation."""
    usual, large = (jm.LinearTeacher(jm.identity(6), size, label_law=law).law for size in (30.0, 1e20))
    assert random_labels(usual).inner.logit_scale == 32
    if isinstance(law, jm.LogisticLabels):
        with pytest.raises(jm.InputError, match="deviation up to 32"):
            random_labels(large)
    else:
        assert random_labels(large).inner.nodes.size < 30000
