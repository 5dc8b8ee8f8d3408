"""One problem stated in two ways must have one forecast."""

import math

import numpy as np
import pytest

import jominy as jm
import oracle_ode
import zoo
from zoo import Case

D, TIMES = 24, zoo.TIMES
TIGHT = {"rtol": 1e-11}


def curve(law, loss="squared", radius=0.5, rate=0.6, start=None, times=TIMES, **more):
    start = zoo.start(law.dimension) if start is None else start
    return jm.forecast(law.problem(zoo.LOSSES[loss], radius), jm.Constant(rate), times=times, start=start, **more)


def assert_same(first, second, rtol=1e-9):
    assert set(first.data_vars) == set(second.data_vars)
    for name in first.data_vars:
        np.testing.assert_allclose(second[name], first[name], rtol=rtol, atol=1e-12, err_msg=str(name))


@pytest.fixture(scope="module")
def diagonal():
    law = zoo.two_classes(D)
    return law, curve(law, "logistic", **TIGHT)


def test_rotated_data_have_the_same_forecast(diagonal):
    law, expected = diagonal
    q = zoo.rotation(D)
    matrices = np.array([q @ np.diag(k) @ q.T for k in law.covariances])
    turned = zoo.Law(law.weights, law.means @ q.T, matrices, law.labels)
    found = curve(turned, "logistic", start=q @ zoo.start(D), **TIGHT)
    assert found.method == expected.method == f"{D} groups of equal eigenvalues"
    assert_same(expected, found)


def test_components_in_another_order_have_the_same_forecast(diagonal):
    law, expected = diagonal
    swapped = zoo.Law(law.weights[::-1], law.means[::-1], law.covariances[::-1], law.labels[::-1])
    assert_same(expected, curve(swapped, "logistic", **TIGHT))


@pytest.mark.slow
def test_the_dense_route_agrees_where_covariances_almost_commute(diagonal):
    # A turn by 1e-6 makes the covariances non-commuting for the library, and changes the curve by about its square.
    law, expected = diagonal
    turned = zoo.turned_classes(D, angle=1e-6)
    found = curve(turned, "logistic", **TIGHT)
    assert found.method.startswith("dense") and expected.method.endswith("groups of equal eigenvalues")
    for name in expected.data_vars:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, err_msg=str(name))
    # The first-order effect is odd in the angle, so the mean of both turns is a second-order one away.
    back = curve(zoo.turned_classes(D, angle=-1e-6), "logistic", **TIGHT)
    for name in expected.data_vars:
        np.testing.assert_allclose((found[name] + back[name]) / 2, expected[name], rtol=1e-9, err_msg=str(name))


@pytest.mark.slow
def test_grouped_and_ungrouped_eigenvalues_have_the_same_forecast():
    # Relative perturbations of 1e-11 keep equal eigenvalues apart, so that every coordinate is a node of its own.
    grouped = zoo.two_grouped_classes(D)
    apart = grouped.covariances * (1 + 1e-11 * np.arange(D))
    ungrouped = zoo.Law(grouped.weights, grouped.means, apart, grouped.labels)
    first, second = curve(grouped, "logistic", **TIGHT), curve(ungrouped, "logistic", **TIGHT)
    assert first.method.startswith("4 groups") and second.method.startswith(f"{D} groups")
    assert_same(first, second)


def test_a_grouped_law_has_the_same_forecast_in_every_dimension():
    # The deterministic equivalent knows only eigenvalues, shares and Gram sums.
    laws = [zoo.two_grouped_classes(d) for d in (48, 480)]
    assert_same(*(curve(law, "logistic", **TIGHT) for law in laws))


@pytest.mark.parametrize("loss", [pytest.param("logistic", marks=pytest.mark.slow), "squared"])
def test_one_class_split_in_two_is_one_class(loss):
    one = zoo.two_grouped_classes(D)
    weights = np.array([0.1, 0.3, 0.6])
    split = zoo.Law(weights, one.means[[0, 0, 1]], one.covariances[[0, 0, 1]], one.labels[[0, 0, 1]])
    assert_same(curve(one, loss, **TIGHT), curve(split, loss, **TIGHT))


@pytest.mark.slow
def test_mirrored_classes_are_one_class():
    # x -> -x with y -> -y leaves every margin as it was, so two mirrored classes have the forecast of one.
    mu, k = zoo.u1(D), zoo.two(D)
    one = zoo.Law(np.ones(1), mu[None], k[None], np.ones(1))
    two = zoo.Law(np.array([0.4, 0.6]), np.array([mu, -mu]), np.array([k, k]), np.array([1.0, -1.0]))
    assert_same(curve(one, "logistic", **TIGHT), curve(two, "logistic", **TIGHT))


def test_at_radius_zero_it_is_clean_least_squares():
    # Streaming SGD without an attack, from its textbook ODE: with v = d w, m' = -g K (m - X*) and
    # v' = -2 g K v + g^2 2 R K, which is linear; solved exactly by diagonalising the matrix of (second moments).
    k, x, noise, g = zoo.lin(D), zoo.teacher(D), 0.25, 0.6
    found = curve(zoo.one_class(k, noise), radius=0.0, rate=g, **TIGHT)
    e0 = zoo.start(D) - x
    for i, t in enumerate(TIMES):
        # s_j = E (X - X*)_j^2: s' = -2 g k s + g^2 k (noise + k.s) / d.
        matrix = -2 * g * np.diag(k) + g**2 * np.outer(k, k) / D
        values, vectors = np.linalg.eig(matrix)
        fixed = -np.linalg.solve(matrix, g**2 * noise * k / D)
        s = (vectors @ (np.exp(values * t) * np.linalg.solve(vectors, e0**2 - fixed)) + fixed).real
        assert float(found.distance_to_optimum[i]) == pytest.approx(math.sqrt(s.sum()), rel=1e-8)
        assert float(found.clean_risk[i]) == pytest.approx((noise + k @ s) / 2, rel=1e-8)
    np.testing.assert_array_equal(found.adversarial_risk, found.clean_risk)


def test_scaling_inputs_and_radius_together_changes_nothing():
    # x -> s x, X -> X / s, radius -> s radius, rate -> rate / s^2: the same scores at every step.
    s, law = 1.7, zoo.one_class(zoo.lin(D), 0.25)
    scaled = zoo.Law(law.weights, law.means, s**2 * law.covariances, None, law.teacher / s, 0.25)
    first = curve(law, radius=0.5, rate=0.6, **TIGHT)
    second = curve(scaled, radius=0.5 * s, rate=0.6 / s**2, start=zoo.start(D) / s, **TIGHT)
    for name in ("adversarial_risk", "clean_risk", "excess_risk", "alignment"):
        np.testing.assert_allclose(second[name], first[name], rtol=1e-9)
    np.testing.assert_allclose(s * second.norm, first.norm, rtol=1e-9)


@pytest.mark.parametrize("radius", [0.0, 0.5])
def test_compressed_and_uncompressed_spectra_agree_within_the_stated_error(radius):
    law = zoo.one_class(zoo.pow_(100), 0.25)
    short, full = (curve(law, radius=radius, compress=compress) for compress in (True, False))
    assert short.method == "24 Chebyshev nodes for 100 distinct eigenvalues"
    assert full.method == "100 groups of equal eigenvalues"
    allowed = 10 * (short.numerical_error + full.numerical_error)
    assert allowed < 1e-5
    for name in ("adversarial_risk", "clean_risk", "norm"):
        assert float(np.max(np.abs(short[name] / full[name] - 1))) < allowed


def test_the_times_asked_for_do_not_change_the_curve():
    law = zoo.one_class(zoo.two(D), 0.25)
    regular = curve(law, times=np.linspace(0.0, 10.0, 5))
    irregular = curve(law, times=np.array([0.013, 2.5, 7.1, 10.0]))
    shifted = curve(law, times=np.array([5.0, 7.5, 9.999, 10.0]))
    for name in regular.data_vars:
        np.testing.assert_allclose(irregular[name][[1, 3]], regular[name][[1, 4]], rtol=1e-7, err_msg=str(name))
        np.testing.assert_allclose(shifted[name][[0, 1, 3]], regular[name][[2, 3, 4]], rtol=1e-7, err_msg=str(name))


def test_a_horizon_reports_whole_steps_from_the_start_to_the_end():
    law = zoo.one_class(zoo.two(D), 0.25)
    long = jm.forecast(law.problem(jm.SquaredLoss(), 0.5), jm.Constant(0.6), time=10, start=zoo.start(D))
    assert long.time[0] == 0 and long.time[-1] == 10 and len(long.time) > 101
    assert np.isin(np.rint(np.linspace(0, 10, 101) * D), np.rint(long.time * D)).all()  # the even ones are among them
    np.testing.assert_allclose(long.time * D, np.rint(long.time * D), atol=1e-9)
    np.testing.assert_allclose(long.adversarial_risk[-1], curve(law).adversarial_risk[-1], rtol=1e-8)
    assert float(long.norm[0]) == pytest.approx(0.7, rel=1e-12)


def test_a_single_time_and_time_zero_alone():
    law = zoo.one_class(zoo.two(D), 0.25)
    expected = curve(law, times=np.linspace(0.0, 10.0, 5))
    for time, place in ((0.0, 0), (10.0, 4)):
        alone = curve(law, times=[time])
        assert alone.sizes["time"] == 1
        for name in expected.data_vars:
            np.testing.assert_allclose(alone[name][0], expected[name][place], rtol=1e-7, atol=1e-12, err_msg=str(name))


class TestStart:
    """The kinds of start, on one law of two groups."""

    law = zoo.one_class(zoo.two(D), 0.25)

    def test_a_number_is_a_norm_spread_evenly(self):
        assert_same(curve(self.law, start=np.full(D, 0.6 / math.sqrt(D))), curve(self.law, start=0.6))
        assert_same(curve(self.law, start=np.full(D, -0.6 / math.sqrt(D))), curve(self.law, start=-0.6))

    def test_no_start_is_zero(self):
        problem = self.law.problem(jm.SquaredLoss(), 0.5)
        none = jm.forecast(problem, jm.Constant(0.6), times=TIMES)
        assert_same(none, jm.forecast(problem, jm.Constant(0.6), times=TIMES, start=np.zeros(D)))
        assert_same(none, jm.forecast(problem, jm.Constant(0.6), times=TIMES, start=0.0))

    def test_a_random_start_has_its_variance_and_no_direction(self):
        one = Case(self.law, "squared", 0.5, jm.Constant(0.6), lambda t: 0.6, np.zeros(D))
        expected = oracle_ode.solve(one, TIMES, variance=0.36)
        problem = self.law.problem(jm.SquaredLoss(), 0.5)
        times = [0.0, *TIMES]
        found = jm.forecast(problem, jm.Constant(0.6), times=times, start=jm.RandomStart(0.6))
        for name, values in expected.items():
            np.testing.assert_allclose(found[name][1:], values, rtol=1e-7, err_msg=name)
        assert float(found.norm[0]) == pytest.approx(0.6, rel=1e-12)
        assert float(found.alignment[0]) == 0.0

    def test_a_random_start_of_the_dense_route(self):
        law = zoo.turned_classes(D)
        one = Case(law, "logistic", 0.5, jm.Constant(0.6), lambda t: 0.6, np.zeros(D))
        expected = oracle_ode.solve(one, TIMES, variance=0.36)
        found = curve(law, "logistic", start=jm.RandomStart(0.6))
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-7, err_msg=name)

    def test_a_start_along_the_teacher_is_no_special_case(self):
        for factor in (0.5, 1.0, -1.0):
            start = factor * zoo.teacher(D)
            one = Case(self.law, "squared", 0.5, jm.Constant(0.6), lambda t: 0.6, start)
            expected = oracle_ode.solve(one, TIMES)
            found = curve(self.law, start=start)
            for name, values in expected.items():
                np.testing.assert_allclose(found[name], values, rtol=1e-7, atol=1e-9, err_msg=name)


class TestOtherRadii:
    """`evaluate_at`: the same training, read at other radii."""

    law = zoo.two_grouped_classes(D)

    def test_risks_and_accuracies_at_other_radii(self):
        found = curve(self.law, "logistic", evaluate_at=[1.5, 0.0, 0.5])
        assert found.evaluation_radius.values.tolist() == [0.0, 0.5, 1.5]
        at = found.sel(evaluation_radius=0.0)
        np.testing.assert_allclose(at.risk_at_radius, found.clean_risk, rtol=1e-12)
        np.testing.assert_allclose(at.accuracy_at_radius, found.clean_accuracy, rtol=1e-12)
        at = found.sel(evaluation_radius=0.5)
        np.testing.assert_allclose(at.risk_at_radius, found.adversarial_risk, rtol=1e-12)
        np.testing.assert_allclose(at.accuracy_at_radius, found.adversarial_accuracy, rtol=1e-12)
        assert np.all(np.diff(found.risk_at_radius, axis=1) > 0) and np.all(
            np.diff(found.accuracy_at_radius, axis=1) < 0
        )

    def test_the_value_at_another_radius_is_the_oracles(self):
        one = Case(self.law, "logistic", 0.5, jm.Constant(0.6), lambda t: 0.6, zoo.start(D))
        found = curve(self.law, "logistic", evaluate_at=[0.9])
        system = oracle_ode.CoordinateODE(one, np.zeros(D))
        from scipy.integrate import solve_ivp

        solved = solve_ivp(system.velocity, (0, 10), system.initial(0.0), "DOP853", TIMES, rtol=1e-10, atol=1e-12)
        for i, state in enumerate(solved.y.T):
            o = system.parts(TIMES[i], state)[0]
            row = oracle_ode.student_variables(self.law, "logistic", 0.9, o, 0.0)
            assert float(found.risk_at_radius[i, 0]) == pytest.approx(row["adversarial_risk"], rel=1e-7)
            assert float(found.accuracy_at_radius[i, 0]) == pytest.approx(row["adversarial_accuracy"], rel=1e-7)
