"""The reference values of theory `dynamics.md` sections 4, 5 and 10, on which two other integrators agreed."""

import math

import numpy as np
import pytest

import jominy as jm
import zoo

D = 400
START = zoo.start(D)


def columns(text):
    return np.array([[float(entry) for entry in line.split()] for line in text.strip().splitlines()]).T


def squared(eigenvalues, noise_variance, radius):
    return zoo.one_class(eigenvalues, noise_variance).problem(jm.SquaredLoss(), radius)


def test_table_a1_isotropic_least_squares():
    # t, R, clean, sigma2, rho2, D2, lam_eff
    times, risk, clean, sigma2, rho2, distance2, ridge = columns("""
         1 0.70425699 0.43261921 0.86523842 0.36921713 0.35125636 0.68277747
         2 0.57454919 0.30872469 0.61744938 0.44800866 0.19185534 0.53615056
         5 0.52686148 0.23713087 0.47426175 0.60635783 0.13027771 0.41542575
        10 0.52524037 0.22987934 0.45975869 0.63645652 0.12784598 0.40089623""")
    problem = squared(zoo.iso(D), 0.25, 0.5)
    curve = jm.forecast(problem, jm.Constant(0.5), times=times, start=START)
    np.testing.assert_allclose(curve.adversarial_risk, risk, rtol=1e-7)
    np.testing.assert_allclose(curve.clean_risk, clean, rtol=1e-7)
    np.testing.assert_allclose(2 * curve.clean_risk, sigma2, rtol=1e-7)
    np.testing.assert_allclose(curve.norm**2, rho2, rtol=1e-7)
    np.testing.assert_allclose(curve.distance_to_optimum**2, distance2, rtol=1e-7)
    np.testing.assert_array_equal(curve.learning_rate, 0.5)
    kappa, c = 0.5 * np.sqrt(rho2 / sigma2), math.sqrt(2 / math.pi)
    np.testing.assert_allclose(
        0.25 * (kappa + c) / (kappa * (1 + c * kappa)), ridge, rtol=1e-6
    )  # the table's own sense
    optimum = jm.optimum(problem)
    assert optimum.regime == "shrink"
    assert optimum.ridge == pytest.approx(0.3710780148, rel=1e-9)
    assert optimum.adversarial_risk == pytest.approx(0.3935504031, rel=1e-9)


def test_table_b_two_class_logistic():
    times, risk, clean, rho2, accuracy, adversarial_accuracy = columns("""
         1 0.73079037 0.57758973 0.45480068 0.70810258 0.52004832
         2 0.67701075 0.51700481 0.58218600 0.76649546 0.59138926
         5 0.65001881 0.46069906 0.98263089 0.79692878 0.63097469
        10 0.65050590 0.43787286 1.36882496 0.80395911 0.64015221""")
    problem = zoo.two_classes(D).problem(jm.LogisticLoss(), 0.5)
    curve = jm.forecast(problem, jm.Constant(1.0), times=times, start=START)
    np.testing.assert_allclose(curve.adversarial_risk, risk, rtol=1e-7)
    np.testing.assert_allclose(curve.clean_risk, clean, rtol=1e-7)
    np.testing.assert_allclose(curve.norm**2, rho2, rtol=1e-7)
    np.testing.assert_allclose(curve.clean_accuracy, accuracy, rtol=1e-7)
    np.testing.assert_allclose(curve.adversarial_accuracy, adversarial_accuracy, rtol=1e-7)
    optimum = jm.optimum(problem)
    assert optimum.adversarial_risk == pytest.approx(0.5928441783, rel=1e-9)
    assert optimum.norm == pytest.approx(0.93603895, rel=1e-7)
    np.testing.assert_allclose(curve.excess_risk, risk - 0.5928441783, rtol=1e-6)


OPTIMA = """0.1  0.04499764 0.16882344 0.95693996
            0.5  0.37107801 0.39355040 0.72935310
            0.9  2.12720938 0.59162409 0.31977392
            1.1 33.54059869 0.62472785 0.02895144"""
ENDS = """0.1 0.1 0.17771778 0.04591690 0.96380211 0.26671670
          0.1 0.5 0.22542028 0.05015695 1.00063564 0.34679445
          0.1 1.5 0.68848813 0.06739355 1.32582491 1.13408854
          0.5 0.1 0.41428171 0.37725974 0.73973836 0.34505394
          0.5 0.5 0.52521416 0.40045187 0.79839815 0.45932913
          0.5 1.5 1.58246716 0.44659363 1.27928225 1.50400480
          0.9 0.1 0.62389201 1.72785183 0.38914269 0.66825438
          0.9 0.5 0.80034246 1.24550742 0.56371126 0.67710310
          0.9 1.5 2.45730063 0.95026368 1.18194305 1.62148702
          1.1 0.1 0.66837295 4.22960991 0.21730251 0.91478268
          1.1 0.5 0.88846400 1.99904515 0.46157812 0.79617544
          1.1 1.5 2.85426072 1.24070027 1.12926353 1.63265800"""


@pytest.mark.parametrize("row", columns(OPTIMA).T.tolist(), ids=lambda row: f"radius {row[0]}")
def test_table_k_optima(row):
    radius, ridge, risk, norm = row
    found = jm.optimum(squared(zoo.iso(D), 0.25, radius))
    assert found.regime == "shrink"
    assert found.ridge == pytest.approx(ridge, rel=1e-6)
    assert found.adversarial_risk == pytest.approx(risk, rel=1e-7)
    assert found.norm == pytest.approx(norm, rel=1e-6)
    assert found.collapse_radius == pytest.approx(1.12099824, rel=1e-8)
    assert found.vector == pytest.approx(norm * zoo.teacher(D), rel=1e-6)


@pytest.mark.parametrize("row", columns(ENDS).T.tolist(), ids=lambda row: f"radius {row[0]} rate {row[1]}")
def test_table_k_ends_of_training(row):
    # The stationary state, and a forecast that runs into it; 1e-7 of the table's digits is half of the last one.
    radius, rate, risk, ridge, norm, variance = row
    problem = squared(zoo.iso(D), 0.25, radius)
    curve = jm.forecast(problem, jm.Constant(rate), times=np.array([1.0, 2.0, 300.0, 400.0]), start=START)
    for time in (2, 3):
        assert float(curve.adversarial_risk[time]) == pytest.approx(risk, rel=1e-6)
        assert float(curve.norm[time]) == pytest.approx(norm, rel=1e-6)
        assert float(2 * curve.clean_risk[time]) == pytest.approx(variance, rel=1e-6)
    end = jm.stationary(problem, rate)
    found = (end.adversarial_risk, end.norm, end.residual_variance, end.ridge)
    np.testing.assert_allclose(found, (risk, norm, variance, ridge), rtol=1e-6)


def test_l_limiting_law_in_infinite_dimension():
    data = jm.LinearTeacher(jm.uniform(math.inf, 0.2, 1.8), teacher=1.0, noise_variance=0.25)
    curve = jm.forecast(jm.Problem(data, jm.SquaredLoss(), 0.5), jm.Constant(0.5), times=zoo.TIMES)
    expected = [0.582601040968, 0.536506692416, 0.511741541654, 0.510257604155]
    np.testing.assert_allclose(curve.adversarial_risk, expected, rtol=3e-9)


def test_section_4_4_no_constant_step_is_monotone():
    # Started at the optimum, the square distance grows at the rate g^2 (trK/d) 2 R.
    problem = squared(zoo.iso(D), 0.25, 0.5)
    at_optimum = jm.optimum(problem).vector
    for rate, growth, end in ((0.01, 0.00007871, 0.001909), (0.5, 0.19677520, 0.127799), (1.0, 0.78710081, 0.385559)):
        # Two forecasts, because a difference over 1e-6 is finer than the interpolation inside a long step.
        early, late = (
            jm.forecast(problem, jm.Constant(rate), times=times, start=at_optimum).distance_to_optimum.values ** 2
            for times in ([1e-6, 2e-6], [1000.0, 2000.0])
        )
        np.testing.assert_allclose((early[1] - early[0]) / 1e-6, growth, rtol=1e-4)
        np.testing.assert_allclose(late, end, rtol=5e-4)  # four printed digits


@pytest.mark.parametrize(
    ("radius", "expected"), [(0.0, (0.2503,)), (0.3, (0.2260, 0.2107, 0.2079)), (0.5, (0.2282, 0.2019, 0.1925))]
)
def test_section_5_polyak_decays_like_one_over_time(radius, expected):
    times = np.array([1.0, 1e2, 1e3, 1e4])
    curve = jm.forecast(squared(zoo.iso(D), 0.25, radius), jm.Polyak(), times=times, start=1e-9)
    scaled = (curve.time * curve.distance_to_optimum**2).values[-len(expected) :]
    np.testing.assert_allclose(scaled, expected, atol=6e-5)


@pytest.mark.parametrize(
    ("low", "limit", "time"), [(0.5, 1.1677500610, 30), (0.25, 0.8698342171, 40), (0.125, 0.4836767527, 60)]
)
def test_section_5_line_search_limit_of_the_high_line(low, limit, time):
    # Noiseless clean line search on two eigenvalues: the closed form of Collins-Woodfin et al. (2024). The risk falls
    # exponentially, and with it what the rate is a ratio of: hence the tolerance.
    eigenvalues = np.where(np.arange(D) % 2 == 0, 1.0, low)
    times = np.array([1.0, 2.0, 5.0, time])
    curve = jm.forecast(squared(eigenvalues, 0.0, 0.0), jm.ExactLineSearch(), times=times, start=1e-9, rtol=1e-12)
    assert float(curve.learning_rate[-1]) == pytest.approx(limit, rel=1e-6)


HIGH_LOW = np.where(np.arange(D) < D / 2, 32 / 17, 2 / 17)  # 1 : 16, of mean one
RACES = [
    (0.25, 0.0, "iso", 2.28, 2.28, 8.00e-3, 8.00e-3),
    (0.25, 0.0, "two-level", 13.68, None, 2.54e-2, 2.83e-2),
    (0.25, 0.3, "iso", 1.94, 1.98, 1.051e-2, 1.064e-2),
    (0.25, 0.3, "two-level", 2.12, 2.28, 1.39e-2, 1.64e-2),
    (0.25, 0.6, "power law", 1.34, 1.40, 1.00e-2, 1.09e-2),
    (0.0, 0.0, "two-level", 4.67, 13.42, 1.11e-3, 1.52e-2),
    (0.0, 0.3, "two-level", 4.28, 11.72, 1.57e-2, 2.83e-2),
    (0.0, 0.6, "iso", 1.58, 1.89, 1.63e-2, 2.41e-2),
    (0.0, 0.6, "power law", 1.59, 1.96, 1.25e-2, 1.88e-2),
]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "race",
    [pytest.param(race, marks=SLOW if race[2] == "power law" else ()) for race in RACES],
    ids=lambda race: f"{race[2]} radius {race[1]} noise {race[0]}",
)
def test_section_5_polyak_against_line_search(race):
    # The time at which the square distance has fallen to a fifth, to the 0.01 of the table, and the risk gap at 20.
    noise, radius, name, *rest = race
    eigenvalues = {"iso": zoo.iso(D), "two-level": HIGH_LOW, "power law": zoo.pow_(D)}[name]
    problem = squared(eigenvalues, noise, radius)
    optimum = jm.optimum(problem).vector
    fifth = 0.2 * np.sum((START - optimum) ** 2)
    for schedule, reached, gap in zip((jm.Polyak(), jm.ExactLineSearch()), rest[:2], rest[2:], strict=True):
        times = sorted([1.0, 20.0, *((30.0, 60.0) if reached is None else (reached - 0.0101, reached))])
        curve = jm.forecast(problem, schedule, times=times, start=START)
        square = dict(zip(times, curve.distance_to_optimum.values**2, strict=True))
        if reached is None:
            assert square[60.0] > fifth
        else:
            assert square[reached - 0.0101] > fifth >= square[reached]
        digits = 4 if radius == 0.3 and name == "iso" else 3
        assert float(curve.excess_risk.sel(time=20.0)) == pytest.approx(gap, rel=0.6 * 10 ** (1 - digits))
