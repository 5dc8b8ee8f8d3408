"""AdaGrad-Norm: forecast against SciPy, the real accumulator of every simulator against the forecast."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jominy as jm
import oracle_ode
import zoo
from agreement import deviations
from zoo import Case

TIMES = np.array([0.5, 1.0, 2.0, 5.0])
RATE, OFFSET = 1.2, 0.7
SCHEDULE = jm.AdaGradNorm(RATE, offset=OFFSET)


class AdaGrad(oracle_ode.CoordinateODE):
    """The coordinate ODE with the accumulated square norms as one state more."""

    def velocity(self, t, state):
        rate = RATE / np.sqrt(OFFSET**2 + state[-1])
        object.__setattr__(self.case, "rate", lambda t: rate)
        _, gradient, alpha, power, _, _ = self.parts(t, state[:-1])
        noise = power @ self.case.law.covariances
        moved = [-rate * gradient, rate**2 * noise - 2 * rate * alpha * state[self.d : -1], [noise.mean()]]
        return np.concatenate(moved)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_the_forecast_is_scipys(loss):
    d = 48
    law = zoo.one_class(zoo.two(d), 0.25) if loss == "squared" else zoo.two_classes(d)
    case = Case(law, loss, 0.5, None, None, zoo.start(d))
    system = AdaGrad(case, np.zeros(d))
    begin = np.append(system.initial(0.0), 0.0)
    solved = solve_ivp(system.velocity, (0, 5), begin, t_eval=TIMES, method="DOP853", rtol=1e-10, atol=1e-12)
    curve = jm.forecast(case.problem(), SCHEDULE, times=TIMES, start=zoo.start(d))
    np.testing.assert_allclose(curve.learning_rate, RATE / np.sqrt(OFFSET**2 + solved.y[-1]), rtol=1e-8)
    for k, state in enumerate(solved.y[:-1].T):
        o = system.parts(TIMES[k], state)[0]
        row = oracle_ode.student_variables(law, loss, 0.5, o, 0.0)
        assert float(curve.adversarial_risk[k]) == pytest.approx(row["adversarial_risk"], rel=1e-8)
        assert float(curve.norm[k]) == pytest.approx(row["norm"], rel=1e-8)


ENGINES = {
    "groups": (lambda: zoo.two_grouped_classes(600), jm.LogisticLoss()),
    "vectors": (lambda: zoo.one_class(zoo.lin(200), 0.25), jm.SquaredLoss()),
    "dense": (lambda: zoo.turned_classes(60), jm.LogisticLoss()),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n != "groups" else ()) for n in ENGINES])
def test_the_real_accumulator_follows_the_forecast(name):
    # 150 seeds: standard errors of the rate are below 0.3 %; one wrong by a factor of two is off by 25 %.
    make, loss = ENGINES[name]
    problem = make().problem(loss, 0.5)
    settings = {"times": TIMES, "start": zoo.start(problem.data.dimension)}
    runs = jm.simulate(problem, SCHEDULE, seeds=150, progress=False, **settings)
    curve = jm.forecast(problem, SCHEDULE, **settings)
    found = deviations(curve, runs, problem.data.dimension)
    assert max(found.values()) < 1, found
    assert np.all(np.diff(runs.learning_rate, axis=1) < 0)


def test_the_simulator_sums_the_full_gradients():
    # One step by hand: g_1 = rate / sqrt(offset^2 + ||gradient||^2 / d^2), read off from the step that it makes.
    d = 16
    law = zoo.one_class(np.ones(d), 0.0)
    problem, start = law.problem(jm.SquaredLoss(), 0.5), zoo.start(d)
    settings = {"times": [1 / d], "start": start, "seeds": 3, "full_vectors": True, "progress": False}
    plain = jm.simulate(problem, jm.Constant(1e-9), **settings)
    ours = jm.simulate(problem, jm.AdaGradNorm(1e-9, offset=1e-12), **settings)  # then ||step|| = rate, whatever it is
    moved = (0.7 - ours.norm.values) / (0.7 - plain.norm.values)  # the rate itself: d / ||gradient||
    np.testing.assert_allclose(ours.learning_rate.values / 1e-9, moved, rtol=1e-4)


def test_homogenized_paths_follow_it_too():
    problem = zoo.two_grouped_classes(600).problem(jm.LogisticLoss(), 0.5)
    settings = {"times": TIMES, "start": zoo.start(600)}
    paths = jm.homogenize(problem, SCHEDULE, paths=150, progress=False, **settings)
    curve = jm.forecast(problem, SCHEDULE, **settings)
    assert max(deviations(curve, paths, 600).values()) < 1 and paths.numerical_error < 1e-4


def test_samples_follow_it_too():
    rng = np.random.default_rng(0)
    labels = np.where(np.arange(400) % 2, 1.0, -1.0)
    data = jm.Samples(rng.standard_normal((400, 20)) + 0.3 * labels[:, None], labels)
    problem = jm.Problem(data, jm.LogisticLoss(), 0.3)
    times = np.array([1.0, 2.0, 5.0])
    runs = jm.simulate(problem, SCHEDULE, times=times, seeds=300, progress=False)
    curve = jm.forecast(problem, SCHEDULE, times=times)
    for name in ("learning_rate", "adversarial_risk", "norm"):
        mean, error = runs[name].mean("seed"), runs[name].std("seed") / np.sqrt(300)
        assert np.all(np.abs(mean - curve[name]) < 4 * error + 0.01 * np.abs(mean)), (name, mean, curve[name], error)


def test_bad_input_is_refused():
    with pytest.raises(jm.InputError, match="offset of AdaGrad-Norm"):
        jm.AdaGradNorm(1.0, offset=0.0)
    with pytest.raises(jm.InputError, match="schedules without memory"):
        problem = zoo.one_class(zoo.two(48), 0.25).problem(jm.SquaredLoss(), 0.3)
        jm.forecast(problem, SCHEDULE, time=1.0, bands=True)
