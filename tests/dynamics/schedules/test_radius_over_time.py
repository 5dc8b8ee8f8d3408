"""A radius that changes: forecast against SciPy, every engine against the forecast, what refers to the final radius."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jominy as jm
import oracle_ode
import zoo
from agreement import deviations
from zoo import Case

TIMES = np.array([0.5, 1.0, 2.0, 4.0])
RAMP = jm.RadiusRamp(0.0, 0.5, time=2.0)
STEPS = jm.RadiusPiecewise([1.0], [0.2, 0.8])
RADII = {RAMP: lambda t: 0.5 * min(t / 2, 1.0), STEPS: lambda t: 0.2 if t < 1 else 0.8}


class Moving(oracle_ode.CoordinateODE):
    """The coordinate ODE with the radius a function of time."""

    def velocity(self, t, state):
        object.__setattr__(self.case, "radius", self.radius(t))
        return super().velocity(t, state)


slow = pytest.mark.slow


# Without the slow half every pair of a schedule, a rate and a loss is still met.
@pytest.mark.parametrize(
    ("loss", "rate", "schedule"),
    [
        pytest.param("squared", "constant", RAMP, id="squared, constant, ramp"),
        pytest.param("squared", "polyak", STEPS, id="squared, polyak, steps"),
        pytest.param("logistic", "constant", STEPS, id="logistic, constant, steps"),
        pytest.param("logistic", "polyak", RAMP, id="logistic, polyak, ramp"),
        pytest.param("squared", "constant", STEPS, id="squared, constant, steps", marks=slow),
        pytest.param("squared", "polyak", RAMP, id="squared, polyak, ramp", marks=slow),
        pytest.param("logistic", "constant", RAMP, id="logistic, constant, ramp", marks=slow),
        pytest.param("logistic", "polyak", STEPS, id="logistic, polyak, steps", marks=slow),
    ],
)
def test_the_forecast_is_scipys(schedule, rate, loss):
    d, radius = 48, RADII[schedule]
    law = zoo.one_class(zoo.two(d), 0.25) if loss == "squared" else zoo.two_grouped_classes(d)
    optimum = oracle_ode.minimum(law, loss, schedule.final)  # at the final radius
    case = Case(law, loss, schedule.final, None, (lambda t: 0.7) if rate == "constant" else "polyak", zoo.start(d))
    system = Moving(case, optimum[0])
    system.radius = radius
    state, expected = system.initial(0.0), []
    for low, high in zip([0.0, *TIMES[:-1]], TIMES, strict=True):
        inside = (low + 1e-12, high - 1e-12)
        solved = solve_ivp(
            lambda t, y, inside=inside: system.velocity(min(max(t, inside[0]), inside[1]), y),
            (low, high), state, method="DOP853", rtol=1e-10, atol=1e-12,
        )  # fmt: skip
        state = solved.y[:, -1]
        object.__setattr__(case, "radius", radius(high))
        o, *_, distance = system.parts(high, state)
        row = oracle_ode.student_variables(law, loss, radius(high), o, 0.0) | {"distance_to_optimum": distance}
        row["excess_risk"] = oracle_ode.student_variables(law, loss, schedule.final, o, optimum[1])["excess_risk"]
        row["radius"] = radius(high)
        expected.append(row)
    problem = jm.Problem(law.data(), zoo.LOSSES[loss], schedule)
    curve = jm.forecast(
        problem, jm.Constant(0.7) if rate == "constant" else jm.Polyak(), times=TIMES, start=zoo.start(d)
    )
    for name in expected[0]:
        np.testing.assert_allclose(curve[name], [row[name] for row in expected], rtol=1e-6, atol=1e-7, err_msg=name)


def test_a_constant_schedule_is_the_number_itself():
    law = zoo.one_class(zoo.two(48), 0.25)
    for verb in (jm.forecast, lambda *a, **k: jm.simulate(*a, seeds=2, progress=False, **k)):
        settings = {"times": TIMES, "start": zoo.start(48)}
        number = verb(law.problem(jm.SquaredLoss(), 0.5), jm.Constant(0.5), **settings)
        ramp = verb(law.problem(jm.SquaredLoss(), jm.RadiusRamp(0.5, 0.5, 1.0)), jm.Constant(0.5), **settings)
        for name in number.data_vars:
            np.testing.assert_allclose(number[name], ramp[name], rtol=1e-7, err_msg=str(name))


ENGINES = {
    "groups": (lambda: zoo.two_grouped_classes(600), jm.LogisticLoss()),
    "vectors": (lambda: zoo.one_class(zoo.lin(200), 0.25), jm.SquaredLoss()),
    "dense": (lambda: zoo.turned_classes(60), jm.LogisticLoss()),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n != "groups" else ()) for n in ENGINES])
def test_simulations_follow_the_forecast(name):
    # 150 seeds: standard errors of the risk are 0.3 % (d = 600) to 1 % (d = 60); without the ramp it is off by 30 %.
    make, loss = ENGINES[name]
    problem = make().problem(loss, jm.RadiusRamp(0.0, 1.0, time=2.0))
    settings = {"times": TIMES, "start": zoo.start(problem.data.dimension)}
    runs = jm.simulate(problem, jm.Constant(0.7), seeds=150, progress=False, **settings)
    curve = jm.forecast(problem, jm.Constant(0.7), **settings)
    np.testing.assert_allclose(runs.radius, curve.radius, rtol=1e-12)
    found = deviations(curve, runs, problem.data.dimension)
    assert max(found.values()) < 1, found
    fixed = jm.forecast(make().problem(loss, 1.0), jm.Constant(0.7), **settings)
    assert max(deviations(fixed, runs, problem.data.dimension).values()) > 3


def test_homogenized_paths_follow_it_too():
    problem = zoo.two_grouped_classes(600).problem(jm.LogisticLoss(), STEPS)
    settings = {"times": TIMES, "start": zoo.start(600)}
    paths = jm.homogenize(problem, jm.Constant(0.7), paths=150, progress=False, **settings)
    curve = jm.forecast(problem, jm.Constant(0.7), **settings)
    assert max(deviations(curve, paths, 600).values()) < 1 and paths.numerical_error < 1e-4


def test_samples_follow_it_too():
    rng = np.random.default_rng(0)
    labels = np.where(np.arange(400) % 2, 1.0, -1.0)
    data = jm.Samples(rng.standard_normal((400, 8)) + 0.5 * labels[:, None], labels)
    problem = jm.Problem(data, jm.LogisticLoss(), jm.RadiusRamp(0.0, 1.0, time=4.0))
    times = np.array([1.0, 2.0, 4.0, 6.0])
    runs = jm.simulate(problem, jm.Constant(0.4), times=times, seeds=300, progress=False)
    curve = jm.forecast(problem, jm.Constant(0.4), times=times)
    np.testing.assert_allclose(curve.radius, [0.25, 0.5, 1.0, 1.0])
    for name in ("adversarial_risk", "norm", "excess_risk"):
        mean, error = runs[name].mean("seed"), runs[name].std("seed") / np.sqrt(300)
        assert np.all(np.abs(mean - curve[name]) < 4 * error + 0.01 * np.abs(mean)), name
    fixed = jm.forecast(jm.Problem(data, jm.LogisticLoss(), 1.0), jm.Constant(0.4), times=times)
    assert abs(float(fixed.norm[0] / curve.norm[0]) - 1) > 0.15
    np.testing.assert_allclose(curve.excess_risk[-2:], curve.adversarial_risk[-2:] - curve.optimum_risk, rtol=1e-9)
