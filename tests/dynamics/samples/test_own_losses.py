"""Kinked and user-written losses on samples: optimum against SciPy, forecast against SGD on the rows."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

import jominy as jm
from samples_zoo import small, small_samples

X, Y = small()


def huber(e):
    return jnp.where(jnp.abs(e) < 1, e**2 / 2, jnp.abs(e) - 0.5)


HUBER = jm.CustomResidualLoss(huber, kinks=[1.0], name="Huber")
CAPPED = jm.CustomMarginLoss(
    lambda z: jnp.where(z > -1, jnp.exp(-jnp.maximum(z, -1.0)), -jnp.e * z), kinks=[-1.0], name="capped exponential"
)


def hinge_by_epigraph(x, y, radius):
    """min mean s_i with s_i >= 0, s_i >= 1 - y_i x_i w + radius t, t >= |w|: smooth, convex, by SLSQP."""
    n, d = x.shape
    bound = np.hstack([y[:, None] * x, np.eye(n), -np.full((n, 1), radius)])
    constraints = [
        {"type": "ineq", "fun": lambda v: bound @ v - 1, "jac": lambda v: bound},
        {
            "type": "ineq",
            "fun": lambda v: v[-1] ** 2 - v[:d] @ v[:d],
            "jac": lambda v: np.r_[-2 * v[:d], 0 * y, 2 * v[-1]],
        },
    ]
    w = 0.3 * y @ x / n
    t = np.linalg.norm(w) + 0.01
    first = np.concatenate([w, np.maximum(1 - y * (x @ w) + radius * t, 0) + 0.01, [t]])
    end = optimize.minimize(
        lambda v: (np.mean(v[d : d + n]), np.r_[np.zeros(d), np.full(n, 1 / n), 0]),
        first,
        jac=True,
        bounds=[(None, None)] * d + [(0, None)] * (n + 1),
        method="SLSQP",
        constraints=constraints,
        options={"ftol": 1e-14, "maxiter": 2000},
    )
    assert end.success
    return end.fun, end.x[:d]


@pytest.mark.parametrize("radius", [0.0, 0.1])
@pytest.mark.parametrize("loss", [jm.HingeLoss(), jm.CustomMarginLoss(lambda z: jnp.maximum(1 - z, 0.0), kinks=[1.0])])
def test_the_hinge_optimum_is_that_of_the_epigraph(loss, radius):
    found = jm.optimum(jm.Problem(small_samples(), loss, radius))
    risk, w = hinge_by_epigraph(X, Y, radius)
    assert found.adversarial_risk == pytest.approx(risk, rel=1e-6)
    np.testing.assert_allclose(found.vector, w, atol=2e-4)


@pytest.mark.parametrize("loss", [HUBER, CAPPED], ids=lambda loss: loss.name)
def test_other_optima_are_no_higher_than_those_of_a_direct_search(loss):
    found = jm.optimum(jm.Problem(small_samples(), loss, 0.1))

    def value(w):
        norm = np.linalg.norm(w)
        if loss is HUBER:
            e = np.abs(X @ w - Y) + 0.1 * norm
            return np.mean(np.where(e < 1, e**2 / 2, e - 0.5))
        z = Y * (X @ w) - 0.1 * norm
        return np.mean(np.where(z > -1, np.exp(-np.maximum(z, -1)), -np.e * z))

    assert value(found.vector) == pytest.approx(found.adversarial_risk, rel=1e-12)
    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000}
    ends = [
        optimize.minimize(value, w, method="Nelder-Mead", options=options) for w in (found.vector, 0.3 * Y @ X / 48)
    ]
    best = min(end.fun for end in ends)
    assert found.adversarial_risk == pytest.approx(best, rel=1e-7)


@pytest.mark.parametrize("loss", [HUBER, pytest.param(CAPPED, marks=pytest.mark.slow)], ids=lambda loss: loss.name)
def test_forecasts_compare_with_simulations(loss):
    # 400 seeds on 48 rows in 5 dimensions: relative error of the mean at most 4 %, as for the built-in losses.
    problem, rate = jm.Problem(small_samples(), loss, 0.1), jm.Constant(0.3)
    curve = jm.forecast(problem, rate, times=[0.0, 1.0, 4.0], largest_block=1)
    runs = jm.simulate(problem, rate, times=[0.0, 1.0, 4.0], seeds=400, progress=False)
    agreement = jm.compare(curve, runs)
    for name in ("adversarial_risk", "clean_risk"):
        assert float(agreement["largest_relative_error"].sel(variable=name)) < 0.04, name
    # In five dimensions the root mean square of the norm, which the forecast gives, is 5 % above its mean.
    np.testing.assert_allclose(np.sqrt((runs.norm**2).mean("seed")), curve.norm, rtol=0.04)


def test_the_exponential_loss_on_samples_diverges_with_a_status():
    problem = jm.Problem(small_samples(), jm.ExponentialLoss(), 0.1)
    for rate, status in ((0.2, "completed"), (50.0, "diverged")):
        curve = jm.forecast(problem, jm.Constant(rate), time=4)
        assert curve.status == status
        runs = jm.simulate(problem, jm.Constant(rate), time=4, seeds=5, progress=False)
        assert runs.status == status
        assert not any(np.any(np.isnan(result[name])) for result in (curve, runs) for name in result.data_vars)
