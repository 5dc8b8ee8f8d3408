"""How runs end: divergence, collapse, a start that line search cannot leave, Ctrl-C. Results, never NaN or a trace."""

import math

import numpy as np
import pytest

import jominy as jm
import zoo
from jominy.dynamics.simulation import sgd
from jominy.dynamics.stability import rate_limits
from jominy.results import Status
from user_losses import PlainSquare

D, TIMES = 24, zoo.TIMES
LAW = zoo.one_class(zoo.two(D), 0.25)  # tr K / d = 1: the threshold is 2
SQUARED = LAW.problem(jm.SquaredLoss(), 0.5)


START = zoo.start(D)


def forecast(problem=SQUARED, schedule=None, times=TIMES, start=START, **more):
    return jm.forecast(problem, jm.Constant(0.5) if schedule is None else schedule, times=times, start=start, **more)


def assert_free_of_nan(result):
    for name, values in result.data_vars.items():
        assert not np.any(np.isnan(values)), name


SIZES = ["adversarial_risk", "clean_risk", "norm", "distance_to_optimum", "excess_risk"]


@pytest.mark.slow
def test_a_start_that_the_integrator_cannot_leave_is_a_result():
    """The hinge is straight near zero, and exact line search takes an endless step there."""
    problem = zoo.two_grouped_classes(D).problem(jm.HingeLoss(), 0.0)
    curve = forecast(problem, jm.ExactLineSearch(), start=1e-6)
    assert curve.status == Status.STEP_LIMIT.label and "start farther from zero" in curve.advice
    assert curve.time.values.tolist() == [0.0] and np.isfinite(curve.adversarial_risk).all()
    assert_free_of_nan(curve)
    assert forecast(problem, jm.ExactLineSearch(), start=0.5).status == Status.COMPLETED.label


class TestDivergence:
    @pytest.mark.parametrize("loss", [jm.SquaredHingeLoss(), pytest.param(jm.ProbitLoss(), marks=pytest.mark.slow)])
    def test_margin_losses_above_the_divergent_rate_diverge_before_numbers_end(self, loss):
        problem = zoo.two_grouped_classes(16).problem(loss, 0.2)
        limits = rate_limits(problem)
        above, below = (
            jm.forecast(problem, jm.Constant(rate), times=[0.0, 1.0, 10.0])
            for rate in (1.2 * limits.divergent, 0.9 * limits.critical)
        )
        assert np.all(np.isfinite(above.adversarial_risk)) and above.status == Status.DIVERGED.label
        assert f"those above {limits.divergent:.4g} diverge" in above.advice
        assert below.status == Status.COMPLETED.label

    @pytest.mark.parametrize("rate", [3.0, 20.0, 1e6])
    def test_sizes_become_infinite_and_nothing_nan(self, rate):
        curve = forecast(schedule=jm.Constant(rate), times=20 * TIMES)
        assert curve.status == Status.DIVERGED.label
        assert "2 d / tr K = 2" in curve.advice and "Use a rate below it" in curve.advice
        assert_free_of_nan(curve)
        for name in SIZES:
            assert curve[name][-1] == math.inf, name
            finite = np.isfinite(curve[name].values)
            assert np.all(np.diff(finite.astype(int)) <= 0)  # once infinite, always infinite
        assert np.all(np.isfinite(curve.learning_rate)) and np.all(np.abs(curve.alignment) <= 1)
        assert "infinite" in curve.notes
        assert np.isfinite(curve.numerical_error)

    @pytest.mark.parametrize("radius", [0.0, 0.5, 3.0])
    def test_the_threshold_is_two_for_every_radius(self, radius):
        problem = LAW.problem(jm.SquaredLoss(), radius)
        below, above = (forecast(problem, jm.Constant(rate), times=20 * TIMES) for rate in (1.95, 2.05))
        assert below.status == (Status.COLLAPSED if radius == 3.0 else Status.COMPLETED).label
        assert above.status == Status.DIVERGED.label
        assert np.all(np.isfinite(below.adversarial_risk))
        assert_free_of_nan(above)
        assert above.adversarial_risk[-1] > 100 * below.adversarial_risk[-1]

    @pytest.mark.slow
    def test_between_the_thresholds_of_two_classes_the_advice_stays_true(self):
        # 2 / max tr K = 4/3 suffices, 2 / min tr K = 4 is too much; at 2.5 this mixture diverges, below the second.
        covariances = np.array([np.full(D, 0.5), np.full(D, 1.5)])
        law = zoo.Law(np.array([0.5, 0.5]), np.zeros((2, D)), covariances, None, zoo.teacher(D), 0.25)
        curve = forecast(law.problem(jm.SquaredLoss(), 0.5), jm.Constant(2.5), times=20 * TIMES)
        assert curve.status == Status.DIVERGED.label
        assert "threshold 2 d / tr K = 4," not in curve.advice
        assert "1.33333, are stable at any radius" in curve.advice
        assert_free_of_nan(curve)

    def test_runs_diverge_too(self):
        runs = jm.simulate(SQUARED, jm.Constant(3.0), times=20 * TIMES, seeds=8, start=zoo.start(D), progress=False)
        assert runs.status == Status.DIVERGED.label
        assert_free_of_nan(runs)
        assert np.all(np.isinf(runs.norm[:, -1])) and np.all(np.isinf(runs.adversarial_risk[:, -1]))
        assert "8 of 8 runs diverged" in runs.notes

    def test_a_divergence_of_a_user_loss_stays_within_memory(self):
        # The logit grows without bound, and the quadrature must not follow it.
        curve = forecast(LAW.problem(PlainSquare(), 0.5), jm.Constant(5.0), times=4 * TIMES)
        assert curve.status == Status.DIVERGED.label
        assert curve.adversarial_risk[-1] == math.inf
        assert_free_of_nan(curve)

    @pytest.mark.slow
    def test_bounded_slopes_never_diverge(self):
        law = zoo.two_grouped_classes(D)
        curve = forecast(law.problem(jm.LogisticLoss(), 0.0), jm.Constant(300.0))
        assert curve.status == Status.COMPLETED.label
        assert_free_of_nan(curve)
        assert np.all(np.isfinite(curve.norm)) and curve.norm[-1] > 50


class TestCollapse:
    @pytest.mark.parametrize("factor", [0.999, 1.001])
    def test_one_step_on_either_side_of_the_collapse_radius(self, factor):
        radius = factor * jm.collapse_radius(SQUARED)
        curve = forecast(LAW.problem(jm.SquaredLoss(), radius))
        if factor < 1:
            assert curve.status == Status.COMPLETED.label and curve.optimum_regime == "shrink"
            return
        assert curve.status == Status.COLLAPSED.label and curve.optimum_regime == "collapse"
        assert f"{radius:.6g}" in curve.advice and f"{curve.collapse_radius:.6g}" in curve.advice
        assert "Lower the radius" in curve.advice
        np.testing.assert_allclose(curve.distance_to_optimum, curve.norm, rtol=1e-12)

    @pytest.mark.parametrize(
        "schedule", [jm.InverseTime(1.0, 1.0), jm.Polyak(), jm.ExactLineSearch()], ids=lambda s: type(s).__name__
    )
    @pytest.mark.parametrize("noise", [0.0, 0.25])
    def test_training_shrinks_the_weights_towards_zero(self, schedule, noise):
        problem = zoo.one_class(zoo.two(D), noise).problem(jm.SquaredLoss(), 1.6)
        curve = forecast(problem, schedule, times=np.array([1.0, 10.0, 100.0, 1000.0]))
        assert curve.status == Status.COLLAPSED.label
        assert_free_of_nan(curve)
        assert np.all(np.diff(curve.norm) < 0) and curve.norm[-1] < 0.02

    def test_the_simulation_says_so_too(self):
        runs = jm.simulate(LAW.problem(jm.SquaredLoss(), 1.6), jm.Constant(0.2), times=TIMES, seeds=8, progress=False)
        assert runs.status == Status.COLLAPSED.label
        assert runs.collapse_radius < 1.6

    def test_classes_without_means_cannot_be_told_apart(self):
        law = zoo.Law(
            np.array([0.5, 0.5]), np.zeros((2, D)), zoo.two_grouped_classes(D).covariances, np.array([1.0, -1.0])
        )
        problem = law.problem(jm.LogisticLoss(), 0.2)
        assert jm.collapse_radius(problem) == 0.0
        curve = forecast(problem, start=None)
        assert curve.status == Status.COLLAPSED.label
        assert_free_of_nan(curve)


class TestStuck:
    def test_line_search_from_zero_says_so(self):
        curve = forecast(schedule=jm.ExactLineSearch(), start=None)
        assert curve.status == Status.STUCK.label
        assert "Start elsewhere" in curve.advice
        np.testing.assert_array_equal(curve.norm, 0.0)
        np.testing.assert_array_equal(curve.learning_rate, 0.0)
        assert_free_of_nan(curve)

    @pytest.mark.slow
    def test_and_stays_there_however_long(self):
        # The fixed point is unstable: rounding must not grow into a curve of its own.
        curve = forecast(schedule=jm.ExactLineSearch(), start=None, times=100 * TIMES)
        assert curve.status == Status.STUCK.label
        np.testing.assert_array_equal(curve.norm, 0.0)
        runs = jm.simulate(SQUARED, jm.ExactLineSearch(), times=20 * TIMES, seeds=4, progress=False)
        assert runs.status == Status.STUCK.label
        np.testing.assert_array_equal(runs.norm, 0.0)
        assert_free_of_nan(runs)

    @pytest.mark.slow
    def test_the_logistic_loss_too(self):
        problem = zoo.two_grouped_classes(D).problem(jm.LogisticLoss(), 0.5)
        curve = forecast(problem, jm.ExactLineSearch(), start=None)
        assert curve.status == Status.STUCK.label
        np.testing.assert_allclose(curve.adversarial_risk, math.log(2), rtol=1e-12)
        np.testing.assert_array_equal(curve.adversarial_accuracy, 0.5)

    @pytest.mark.slow
    def test_a_start_elsewhere_or_another_schedule_leaves_zero(self):
        for schedule, start in ((jm.ExactLineSearch(), 0.01), (jm.Polyak(), None), (jm.Constant(0.5), None)):
            curve = forecast(schedule=schedule, start=start)
            assert curve.status == Status.COMPLETED.label
            assert curve.norm[-1] > 0.3

    def test_without_an_attack_line_search_leaves_zero(self):
        curve = forecast(LAW.problem(jm.SquaredLoss(), 0.0), jm.ExactLineSearch(), start=None)
        assert curve.status == Status.COMPLETED.label and curve.norm[-1] > 0.5


class TestInterruption:
    """Ctrl-C keeps what is done."""

    @pytest.fixture
    def interrupted_after(self, monkeypatch):
        real = sgd._advance

        def install(chunks):
            left = [chunks]

            def advance(*args):
                if left[0] == 0:
                    raise KeyboardInterrupt
                left[0] -= 1
                return real(*args)

            monkeypatch.setattr(sgd, "_advance", advance)

        return install

    def test_the_times_that_were_reached_are_kept(self, interrupted_after):
        def run():
            return jm.simulate(SQUARED, jm.Constant(0.5), times=TIMES, seeds=8, start=zoo.start(D), progress=False)

        whole = run()
        interrupted_after(2)
        part = run()
        assert part.status == Status.INTERRUPTED.label and "kept" in part.advice
        assert part.time.values.tolist() == [1.0, 2.0]
        for name in whole.data_vars:
            np.testing.assert_array_equal(part[name], whole[name].isel(time=slice(2)))

    def test_with_nothing_done_there_is_nothing_to_keep(self, interrupted_after):
        interrupted_after(0)
        with pytest.raises(KeyboardInterrupt):
            jm.simulate(SQUARED, jm.Constant(0.5), times=TIMES, seeds=8, start=zoo.start(D), progress=False)

    def test_the_start_counts_as_done(self, interrupted_after):
        interrupted_after(0)
        times = [0.0, *TIMES[:3]]
        part = jm.simulate(SQUARED, jm.Constant(0.5), times=times, seeds=8, start=zoo.start(D), progress=False)
        assert part.status == Status.INTERRUPTED.label
        assert part.time.values.tolist() == [0.0]
        np.testing.assert_allclose(part.norm, 0.7, rtol=1e-12)


def test_a_completed_forecast_says_what_it_is():
    curve = forecast()
    assert curve.status == Status.COMPLETED.label and curve.advice == Status.COMPLETED.advice
    assert curve.engine == "forecast" and curve.optimum_regime == "shrink"
    assert curve.optimum_risk == pytest.approx(jm.optimum(SQUARED).adversarial_risk, rel=1e-12)
    assert curve.collapse_radius == pytest.approx(jm.collapse_radius(SQUARED), rel=1e-12)
    assert 0 < curve.numerical_error < 1e-6
    np.testing.assert_allclose(curve.excess_risk, curve.adversarial_risk - curve.optimum_risk, rtol=1e-12)


def test_the_same_call_gives_the_same_numbers():
    assert forecast().identical(forecast())


def test_a_step_limit_beyond_the_collapse_says_why():
    # No input varies: the weights reach zero after .15 / (.85 2.84 E|target|) = .28, and stay there.
    data = jm.LinearTeacher(jm.identity(6, 0.0), noise_variance=0.08)
    problem = jm.Problem(data, jm.SquaredLoss(), radius=2.84)
    curve = jm.forecast(problem, jm.Constant(0.85), times=[0.0, 0.1, 3.0], start=0.15)
    assert curve.attrs["status"] == "step limit reached" and curve.sizes["time"] == 2
    assert "the collapse radius 0:" in curve.attrs["advice"] and "to zero" in curve.attrs["advice"]


def test_a_solve_takes_as_many_steps_as_its_state_is_small(monkeypatch):
    """A time of 1e12 on many eigenvalues would take minutes: what is reached within the work allowed is told."""
    from jominy.dynamics.population import solve

    monkeypatch.setattr(solve, "USUAL_STEPS", 5)
    monkeypatch.setattr(solve, "WORK", 100)
    short = forecast(times=[0.0, 1.0, 1e3])
    assert short.attrs["status"] == "step limit reached" and short.sizes["time"] < 3
    monkeypatch.setattr(solve, "WORK", 10**6)
    assert forecast(times=[0.0, 1.0, 1e3]).attrs["status"] == "completed"
