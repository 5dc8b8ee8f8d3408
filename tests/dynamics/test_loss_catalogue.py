"""Every loss of the catalogue through forecast, optimum and simulation, against SciPy on formulations of its own."""

import numpy as np
import pytest
from scipy.optimize import minimize

import jominy as jm
import margin_oracle
import oracle_ode
import zoo
from agreement import deviations

LOSSES = {
    "probit": jm.ProbitLoss(),
    "hinge": jm.HingeLoss(),
    "squared hinge": jm.SquaredHingeLoss(),
    "smoothed hinge": jm.SmoothedHingeLoss(),
    "exponential": jm.ExponentialLoss(),
}
RATES = {"exponential": 0.2}
TIMES = np.array([0.5, 2.0, 6.0])
LAWS = {"two": zoo.two_classes(32), "four": zoo.four_classes(24, (1, -1, 1, -1))}


@pytest.fixture(autouse=True)
def _averages(monkeypatch):
    for name in LOSSES:
        monkeypatch.setitem(oracle_ode.MOMENTS, name, margin_oracle.moments(name))


def slow_but(quick, law, loss, radius):
    return pytest.param(law, loss, radius, marks=() if (law, loss, radius) in quick else pytest.mark.slow)


QUICK = [("four", "squared hinge", 1.5)]
CASES = [slow_but(QUICK, law, loss, radius) for loss in LOSSES for law in LAWS for radius in (0.0, 0.5, 1.5)]


@pytest.mark.parametrize(("law", "loss", "radius"), CASES)
def test_forecasts_agree_with_scipy_to_1e_6(law, loss, radius):
    rate = RATES.get(loss, 1.0)
    one = zoo.Case(LAWS[law], loss, radius, jm.Constant(rate), lambda t: rate, zoo.start(LAWS[law].dimension))
    problem = one.law.problem(LOSSES[loss], radius)
    curve = jm.forecast(problem, one.schedule, times=TIMES, start=one.start)
    found = jm.optimum(problem)
    expected = oracle_ode.solve(one, TIMES, optimum=(found.vector, found.adversarial_risk), rtol=1e-10)
    assert set(expected) == set(curve.data_vars)
    for name, values in expected.items():
        scale = expected["adversarial_risk"] if name == "excess_risk" else np.maximum(np.abs(values), 1e-300)
        assert np.max(np.abs(curve[name].values - values) / scale) < 1e-6, name
    assert curve.status == ("collapsed" if radius >= found.collapse_radius else "completed")


@pytest.mark.parametrize("loss", LOSSES)
def test_optima_are_scipys(loss):
    # d = 8, by BFGS on the population risk; beyond the collapse radius (.977) the kink at zero is the minimum.
    law = zoo.two_classes(8)
    for radius in (0.0, 0.3, 0.9, 1.5):
        found = jm.optimum(law.problem(LOSSES[loss], radius))
        ends = [
            minimize(
                lambda m, radius=radius: oracle_ode.risk_and_gradient(law, loss, radius, m),
                start,
                jac=True,
                method="BFGS",
                options={"gtol": 1e-9},
            )
            for start in (0.2 * zoo.start(8), 0.5 * law.weights @ (law.means * law.labels[:, None]))
        ]
        assert found.adversarial_risk == pytest.approx(min(end.fun for end in ends), abs=1e-9)
        own, gradient = oracle_ode.risk_and_gradient(law, loss, radius, found.vector)
        assert own == pytest.approx(found.adversarial_risk, rel=1e-11)
        assert found.regime == ("collapse" if radius > 1 else "interior")
        assert radius > 1 or np.linalg.norm(gradient) < 1e-9
        assert found.collapse_radius == pytest.approx(np.linalg.norm((law.weights * law.labels) @ law.means), rel=1e-12)


@pytest.mark.parametrize("loss", [pytest.param(x, marks=() if x == "hinge" else pytest.mark.slow) for x in LOSSES])
def test_a_start_at_zero_leaves_it(loss):
    # The margin's variance vanishes there: the hinge's curvature is a density of no width.
    problem = LAWS["two"].problem(LOSSES[loss], 0.3)
    curve = jm.forecast(problem, jm.Constant(0.2), times=[0.0, 1e-3, 1.0])
    assert curve.status == "completed" and curve.norm[0] == 0 and curve.norm[2] > 0.05
    assert all(np.all(np.isfinite(curve[name])) for name in curve.data_vars)
    assert float(curve.adversarial_risk[2]) < float(curve.adversarial_risk[0])


@pytest.mark.parametrize(
    "loss", ["hinge", *(pytest.param(x, marks=pytest.mark.slow) for x in ("probit", "squared hinge"))]
)
def test_simulations_follow_their_forecasts(loss):
    # 150 seeds (0, 1, ...) at d = 600; 3.5 standard errors plus C/d, as for the other losses.
    problem, start = zoo.two_grouped_classes(600).problem(LOSSES[loss], 0.4), zoo.start(600)
    times = [0.5, 1.0, 2.0]
    curve = jm.forecast(problem, jm.Constant(0.6), times=times, start=start)
    runs = jm.simulate(problem, jm.Constant(0.6), times=times, start=start, seeds=150, progress=False)
    found = deviations(curve, runs, 600)
    assert max(found.values()) < 1, found


def test_the_exponential_loss_diverges_with_a_status():
    # E l'^2 grows like exp(2 variance): the equations blow up in finite time, at rates that other losses stand.
    law = zoo.two_grouped_classes(48)
    problem = law.problem(jm.ExponentialLoss(), 0.4)
    for rate in (1.0, 5.0):
        curve = jm.forecast(problem, jm.Constant(rate), time=10)
        assert curve.status == "diverged" and np.isinf(curve.adversarial_risk[-1]) and np.isfinite(curve.norm[0])
        assert not any(np.any(np.isnan(curve[name])) for name in curve.data_vars)
    assert jm.forecast(problem, jm.Constant(0.2), time=10).status == "completed"
    runs = jm.simulate(problem, jm.Constant(5.0), time=10, seeds=8, progress=False)
    assert runs.status == "diverged"
    assert not any(np.any(np.isnan(runs[name])) for name in runs.data_vars)
