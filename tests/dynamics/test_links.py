"""Students and teachers with links: forecast against simulation, optimum against SciPy, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

import jominy as jm
import oracle_links
import oracle_ode
import zoo
from agreement import deviations
from jominy.losses import OrderParameters, link_targets
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision
from l2_moments import by_norm

D = 12
TIMES = np.array([0.5, 2.0, 5.0])


def problem(noise, radius=0.3, d=300):
    data = jm.LinearTeacher(jm.two_level(d, 0.5, 4.0), 1.5, noise, teacher_link=jm.Erf())
    return jm.Problem(data, jm.LinkSquaredLoss(jm.Erf()), radius)


def erf_case(noise, rate=0.8, classes=False):
    """A teacher with noise; or two classes with means, whose labels the targets contain as well."""
    law = zoo.two_grouped_classes(D) if classes else zoo.one_class(zoo.two(D), noise)
    law = replace(law, teacher=1.5 * zoo.teacher(D), noise_variance=noise, teacher_link=jm.Erf())
    schedule = jm.Constant(rate) if isinstance(rate, float) else jm.Polyak()
    return zoo.Case(law, "erf", 0.4, schedule, (lambda t: rate) if isinstance(rate, float) else rate, zoo.start(D))


@pytest.mark.parametrize(
    ("one", "tolerance"),
    [
        pytest.param(lambda: erf_case(0.0), 1e-5, id="no noise", marks=pytest.mark.slow),
        pytest.param(lambda: erf_case(0.1), 1e-5, id="noise", marks=pytest.mark.slow),
        pytest.param(lambda: erf_case(0.0, "polyak"), 1e-5, id="Polyak", marks=pytest.mark.slow),
        pytest.param(lambda: erf_case(0.0, classes=True), 1e-4, id="two classes", marks=pytest.mark.slow),
    ],
)
def test_forecast_and_optimum_against_scipy(one, tolerance):
    """Double integrals of another order, curvatures without derivatives (`oracle_links`).

    Two classes only to 1e-4: where a target leaves the link's range the oracle's outer integrand has a corner, which
    its 205 points resolve no better; the next test gives it more of them.
    """
    follows_scipy(one(), TIMES, tolerance)


def test_the_beginning_against_scipy():
    follows_scipy(erf_case(0.0), TIMES[:1] / 2, 1e-5)


def follows_scipy(case, times, tolerance):
    expected = oracle_ode.solve(case, times, rtol=1e-8)
    curve = jm.forecast(case.problem(), case.schedule, times=times, start=case.start)
    assert set(expected) == set(curve.data_vars) and curve.status == "completed"
    for variable, values in expected.items():
        scale = expected["adversarial_risk"] if variable == "excess_risk" else np.abs(values)
        assert np.max(np.abs(curve[variable].values - values) / scale) < tolerance, variable


@pytest.mark.slow
def test_moments_where_no_target_reaches_the_middle_of_the_ends(monkeypatch):
    """Labels move the middle of the ends out of the link's range: a corner of the integrand, and a kink far out."""
    monkeypatch.setattr(oracle_links, "OUTER", np.linspace(-oracle_links.REACH, oracle_links.REACH, 4001))
    one = erf_case(0.0, classes=True)
    o = oracle_ode.orders(one.law, one.start, (0.0, 0.0))
    expected = oracle_links.moments(one.law, o, one.radius)
    given = [np.asarray(o[name]) for name in ("a", "q", "b", "s2", "rho", "rho", "ta", "tq", "tc")]
    order = OrderParameters(*given[:5], given[5][None], *given[6:])
    problem = one.problem()
    targets = problem.loss.targets(problem.data.law)
    found = double_precision(targets.moments)(problem.loss, order, one.radius * order.norm, gaussian_rule(2.0))
    found = double_precision(by_norm)(found, one.radius)
    # The oracle's slope converges with the first power of its points. The curvature counts targets at the middle, whose
    # density has an integrable pole at the end of the range, of which the library's panels leave 1.2e-4.
    for name, symbol, error in (("value", "P", 1e-8), ("norm_slope", "Pr", 2e-8), ("slope", "P1", 3e-6)):
        np.testing.assert_allclose(found[name], expected[symbol], rtol=error)
    np.testing.assert_allclose(found["curvature"], expected["P2"], rtol=0, atol=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_simulation_follows_the_forecast(noise):
    """100 seeds at d = 300: 3.5 standard errors plus C/d."""
    one, schedule = problem(noise), jm.Constant(0.8)
    curve = jm.forecast(one, schedule, times=TIMES, start=0.3)
    runs = jm.simulate(one, schedule, times=TIMES, start=0.3, seeds=100, progress=False)
    assert "adversarial_accuracy" not in curve and curve.status == "completed"
    found = deviations(curve, runs, 300)
    assert max(found.values()) < 1, found


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jm.LinearTeacher(jm.identity(10), teacher_link="erf"), "teacher_link must be a link"),
        (
            lambda: jm.LinearTeacher(jm.identity(10), teacher_link=jm.Erf(), label_law=jm.SignLabels()),
            "a link of the teacher's score or a label",
        ),
        (
            lambda: jm.Problem(jm.LinearTeacher(jm.identity(10), teacher_link=jm.Erf()), jm.SquaredLoss(), 0.1),
            "SquaredLoss does not take a teacher with a link",
        ),
        (
            lambda: jm.Problem(
                jm.LinearTeacher(jm.identity(10), label_law=jm.SignLabels()), jm.LinkSquaredLoss(jm.Erf()), 0.1
            ),
            "does not take random labels",
        ),
        (
            lambda: jm.Problem(jm.Samples(np.eye(4), [1, -1, 1, -1]), jm.LinkSquaredLoss(jm.Erf()), 0.1),
            "is for Gaussian mixtures",
        ),
        (lambda: jm.LinkSquaredLoss("erf"), "needs a link"),
    ],
)
def test_refused(make, message):
    with pytest.raises(jm.InputError, match=message):
        make()


@pytest.mark.slow
def test_a_forecast_that_slides_along_zero_ends(monkeypatch):
    """Inputs that never vary: nothing holds the student against the attack, and the steps become ever shorter."""
    monkeypatch.setattr(link_targets, "MOST_STEPS", 20)
    data = jm.LinearTeacher(jm.identity(6, 0.0), 0.8, 0.1, teacher_link=jm.Erf())
    curve = jm.forecast(jm.Problem(data, jm.LinkSquaredLoss(jm.Erf()), 2.8), jm.Constant(0.9), time=5, start=0.15)
    assert curve.status == "step limit reached"
