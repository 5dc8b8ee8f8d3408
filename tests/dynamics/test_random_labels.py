"""Labels drawn from a teacher's score: forecast, optimum, simulators, and what is refused.

Forecasts are held against SciPy's integration of the coordinate ODE with double integrals of their own
(`oracle_labels`), to 1e-6; simulations against the forecast within 3.5 standard errors plus C/d (`agreement`), and
against SGD in plain NumPy within 4 standard errors of means and spreads.
"""

import numpy as np
import pytest

import jominy as jm
import oracle_ode
import plain_sgd
import zoo
from agreement import deviations
from zoo import Case

D = 48
TIMES = np.array([0.5, 1.0, 3.0])
POLYAK = (jm.Polyak(), "polyak")


def case(law, radius, schedule=None, rate=None):
    schedule, rate = (jm.Constant(0.8), lambda t: 0.8) if schedule is None else (schedule, rate)
    return Case(law, "logistic", radius, schedule, rate, zoo.start(law.dimension))


def one_class(d):
    return zoo.one_class(zoo.two(d), 0.0)


CASES = {
    "logistic labels": lambda d=D: case(zoo.drawn_labels(one_class(d), "logistic"), 0.3),
    "probit labels, Polyak": lambda d=D: case(zoo.drawn_labels(one_class(d), "probit", 1.0), 0.4, *POLYAK),
    "sign labels, two classes": lambda d=D: case(zoo.drawn_labels(zoo.two_grouped_classes(d), "sign"), 0.5),
    "non-commuting, logistic labels": lambda d=24: case(zoo.drawn_labels(zoo.turned_classes(d), "logistic"), 0.3),
}
SLOW = ["logistic labels", "probit labels, Polyak", "non-commuting, logistic labels"]
SOME = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in CASES]


@pytest.mark.parametrize("name", SOME)
def test_forecast_against_scipy(name):
    one = CASES[name]()
    expected = oracle_ode.solve(one, TIMES, rtol=1e-9)
    curve = jm.forecast(one.problem(), one.schedule, times=TIMES, start=one.start)
    assert set(expected) == set(curve.data_vars)
    for variable, values in expected.items():
        scale = expected["adversarial_risk"] if variable == "excess_risk" else np.abs(values)
        assert np.max(np.abs(curve[variable].values - values) / scale) < 1e-6, variable
    assert curve.status == "completed" and curve.numerical_error < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_simulation_follows_the_forecast(name):
    dense = name.startswith("non-commuting")
    d, seeds = (40, 300) if dense else (400, 150)
    one = CASES[name](d=d)
    curve = jm.forecast(one.problem(), one.schedule, times=TIMES, start=one.start)
    runs = jm.simulate(one.problem(), one.schedule, times=TIMES, start=one.start, seeds=seeds, progress=False)
    assert runs.attrs["method"].startswith("full vectors" if dense else "exact in law")
    found = deviations(curve, runs, d)
    assert max(found.values()) < 1, found


@pytest.mark.slow
@pytest.mark.parametrize("engine", [False, True])
def test_simulators_have_the_law_of_plain_sgd(engine):
    """Means and standard deviations at d = 24, after 72 steps: 400 seeds, |z| < 4 of 6 numbers."""
    one = CASES["sign labels, two classes"](d=24)
    seeds, times = 400, TIMES[-1:]
    steps = np.rint(times * 24).astype(int).tolist()
    students = plain_sgd.run(
        one.law, one.loss, one.radius, lambda t, x: 0.8, steps, one.start, seeds, np.random.default_rng(5)
    )
    norm = np.linalg.norm(students, axis=-1)
    plain = {
        "norm": norm,
        "alignment": students @ one.law.teacher / (norm * np.linalg.norm(one.law.teacher)),
        "distance_to_optimum": np.linalg.norm(students - jm.optimum(one.problem()).vector, axis=-1),
    }
    runs = jm.simulate(
        one.problem(), one.schedule, times=times, start=one.start, seeds=seeds, full_vectors=engine, progress=False
    )
    for name, values in plain.items():
        ours = runs[name].values
        mean = (ours.mean(0) - values.mean(0)) / np.sqrt((ours.var(0) + values.var(0)) / seeds)
        ratio = np.log(ours.std(0) / values.std(0)) / np.sqrt(1.5 / seeds)  # a normal's spread has error sd/sqrt(2 n)
        assert np.max(np.abs(mean)) < 4 and np.max(np.abs(ratio)) < 4, (name, mean, ratio)


@pytest.mark.parametrize(
    "kind", [kind if kind == "logistic" else pytest.param(kind, marks=pytest.mark.slow) for kind in zoo.LABEL_LAWS]
)
def test_optimum_and_collapse(kind):
    """Against SciPy's minimiser with the oracle's integrals; the collapse radius against E[y x] in closed form."""
    law = zoo.drawn_labels(zoo.two_grouped_classes(24), kind)
    found = jm.optimum(law.problem(jm.LogisticLoss(), 0.3))
    vector, risk = oracle_ode.minimum(law, "logistic", 0.3)
    assert found.regime == "interior" and found.adversarial_risk == pytest.approx(risk, rel=1e-9)
    np.testing.assert_allclose(found.vector, vector, atol=1e-6)
    radius = jm.collapse_radius(law.problem(jm.LogisticLoss(), 0.3))
    pull = oracle_ode.risk_and_gradient(law, "logistic", 0.0, np.zeros(24))[1]
    assert radius == pytest.approx(np.linalg.norm(pull) / 0.5, rel=1e-9)
    beyond = jm.optimum(law.problem(jm.LogisticLoss(), 1.001 * radius))
    assert beyond.regime == "collapse" and beyond.norm == 0
    assert jm.optimum(law.problem(jm.LogisticLoss(), 0.999 * radius)).norm > 0


def test_isotropic_collapse_radius_in_closed_form():
    """One centred class: E[y x] = 2 E[pi'(r*)] K X*; for signs sqrt(2/pi), for probit sqrt(2/pi)/sqrt(1 + 1/s^2)."""
    for size in (0.5, 2.0):
        radii = [
            jm.collapse_radius(
                jm.Problem(jm.LinearTeacher(jm.identity(50), size, label_law=law), jm.LogisticLoss(), 0.1)
            )
            for law in (jm.SignLabels(), jm.ProbitLabels())
        ]
        c = np.sqrt(2 / np.pi)
        assert radii == pytest.approx([c, c * size / np.sqrt(1 + size**2)], rel=1e-12)


@pytest.mark.slow
def test_sign_labels_without_attack_have_no_optimum():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(50), 2.0, label_law=jm.SignLabels()), jm.LogisticLoss(), 0.0)
    found = jm.optimum(problem)
    assert (found.regime, found.adversarial_risk, found.norm, found.vector) == ("separable", 0.0, np.inf, None)
    curve = jm.forecast(problem, jm.Constant(1.0), time=30)
    assert "distance_to_optimum" not in curve and "no adversarial optimum" in curve.notes
    assert np.all(np.diff(curve.adversarial_risk) < 0) and np.all(np.diff(curve.norm) > 0)
    for verb in (jm.forecast, jm.simulate):
        with pytest.raises(jm.InputError, match="Polyak's rate needs an adversarial optimum"):
            verb(problem, jm.Polyak(), time=1)


@pytest.mark.slow
def test_a_certain_teacher_is_a_sign_teacher():
    """The longer the teacher, the more its logistic labels are signs: the difference falls like 1/size^2."""

    def risk(law, size):
        problem = jm.Problem(jm.LinearTeacher(jm.identity(50), size, label_law=law), jm.LogisticLoss(), 0.5)
        return float(jm.forecast(problem, jm.Constant(1.0), times=[0.5]).adversarial_risk[0])

    sign = risk(jm.SignLabels(), 1.0)
    assert risk(jm.SignLabels(), 7.0) == pytest.approx(sign, rel=1e-8)
    gaps = [risk(jm.LogisticLabels(), size) - sign for size in (6.0, 12.0)]
    assert gaps[0] / gaps[1] == pytest.approx(4.0, abs=0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_law": "logistic"}, "label_law must be a label law"),
        ({"teacher": None}, "needs a teacher"),
        ({"labels": [1.0]}, "components have none"),
        ({"noise_variance": 0.1}, "takes no noise_variance"),
    ],
)
def test_refused_laws(changes, message):
    parts = {"teacher": 1.0, "label_law": jm.LogisticLabels()} | changes
    with pytest.raises(jm.InputError, match=message):
        jm.GaussianMixture([1.0], [0.0], [jm.identity(10)], **parts)


def test_residual_losses_refuse_random_labels():
    data = jm.LinearTeacher(jm.identity(10), label_law=jm.ProbitLabels())
    assert data.classification and data.describe()["label_law"] == {"kind": "probit"}
    with pytest.raises(jm.InputError, match="SquaredLoss needs targets that are not random labels"):
        jm.Problem(data, jm.SquaredLoss(), 0.1)
