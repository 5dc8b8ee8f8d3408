"""Homogenized SGD: what is exact, what agrees with an integrator of our own, what the step does, what the spread is."""

import numpy as np
import pytest

import jominy as jm
import zoo
from jominy.errors import InputError
from jominy.results import Status

TIMES = np.array([0.5, 1.0, 2.0])


def moments(runs, name="adversarial_risk"):
    """Mean and standard deviation over paths, each with its standard error; arrays (T,)."""
    values = runs[name].values
    spread, count = values.std(axis=0, ddof=1), len(values)
    # The risk is skewed, so the error of its spread is not that of a normal variable: it needs the fourth moment.
    fourth = np.mean((values - values.mean(axis=0)) ** 4, axis=0)
    error = np.sqrt((fourth - spread**4) / (4 * spread**2 * count))
    return (values.mean(axis=0), spread / np.sqrt(count)), (spread, error)


def agree(one, other, sigmas=4.0):
    """Two estimates with standard errors: a difference of `sigmas` of them at most."""
    return np.all(np.abs(one[0] - other[0]) < sigmas * np.hypot(one[1], other[1]))


# Groups with a rest, and every coordinate its own node.
@pytest.mark.parametrize("spectrum", [zoo.two, pytest.param(zoo.lin, marks=pytest.mark.slow)])
def test_the_mean_of_a_clean_linear_problem_is_the_forecast_in_any_dimension(spectrum):
    # Drift linear in X, noise power linear in the risk: the mean risk of the equation obeys the forecast's own
    # equation exactly, at d = 40 as well. 4000 paths, seeds 0..3999: standard errors are 0.3 to 0.5 %.
    problem = zoo.one_class(spectrum(40), 0.25).problem(jm.SquaredLoss(), 0.0)
    settings = {"times": TIMES, "start": zoo.start(40)}
    paths = jm.homogenize(problem, jm.Constant(0.8), paths=4000, step=0.05, progress=False, **settings)
    curve = jm.forecast(problem, jm.Constant(0.8), **settings)
    (mean, error), _ = moments(paths)
    assert np.all(error < 6e-3 * mean)
    assert np.all(np.abs(mean - curve.adversarial_risk.values) < 3.5 * error + 3e-4 * mean)
    noiseless = jm.forecast(problem, jm.Constant(0.8 / 2), times=2 * TIMES, start=zoo.start(40))  # half the noise
    assert np.all(np.abs(mean - noiseless.adversarial_risk.values)[1:] > 8 * error[1:])


def euler_maruyama(eigenvalues, radius, noise_variance, rate, start, times, paths, step, seed):
    """Risks (paths, T) of least squares by the crudest scheme there is, on full vectors, straight from the equation."""
    d, rng = len(eigenvalues), np.random.default_rng(seed)
    c, target = np.sqrt(2 / np.pi), zoo.teacher(d)
    x = np.tile(start, (paths, 1))
    seen = []

    def scalars():
        sigma = np.sqrt(noise_variance + (x - target) ** 2 @ eigenvalues)[:, None]
        rho = np.linalg.norm(x, axis=1)[:, None]
        return sigma, rho, (sigma**2 + 2 * c * radius * rho * sigma + (radius * rho) ** 2) / 2

    for k in range(round(times[-1] / step)):
        sigma, rho, risk = scalars()
        gradient = (1 + c * radius * rho / sigma) * eigenvalues * (x - target)
        gradient += (radius**2 + c * radius * sigma / rho) * x
        kick = np.sqrt(2 * risk * eigenvalues * step / d) * rng.standard_normal((paths, d))
        x = x - rate * gradient * step + rate * kick
        if np.any(np.isclose((k + 1) * step, times)):
            seen.append(scalars()[2][:, 0])
    return np.stack(seen, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("spectrum", [zoo.two, zoo.lin])
def test_mean_and_spread_agree_with_a_plain_integrator(spectrum):
    # d = 30, 3000 paths on either side: standard errors of the spread 2 %; the plain scheme's own error (first order,
    # step 0.005) is within that. A noise power wrong by a factor of two would change the spread by 40 %.
    d, paths = 30, 3000
    problem = zoo.one_class(spectrum(d), 0.25).problem(jm.SquaredLoss(), 0.5)
    runs = jm.homogenize(problem, jm.Constant(0.5), times=TIMES, paths=paths, start=zoo.start(d), progress=False)
    assert runs.method.startswith("homogenized SGD, " + ("2 groups" if spectrum is zoo.two else "full vectors"))
    plain = euler_maruyama(spectrum(d), 0.5, 0.25, 0.5, zoo.start(d), TIMES, paths, 0.005, seed=1)
    other = runs.assign(adversarial_risk=(("seed", "time"), plain))
    for ours, theirs in zip(moments(runs), moments(other), strict=True):
        assert agree(ours, theirs)


@pytest.mark.slow
def test_dense_matrices_follow_the_same_law():
    # Covariances that fail to commute by a hair go to the dense engine; the law differs from the commuting one by 1e-4.
    d, settings = 24, {"times": TIMES, "paths": 1500, "progress": False, "step": 0.05}
    nodes = jm.homogenize(zoo.turned_classes(d, 0.0).problem(jm.LogisticLoss(), 0.5), jm.Constant(0.7), **settings)
    settings = settings | {"paths": range(5000, 6500)}
    dense = jm.homogenize(zoo.turned_classes(d, 1e-4).problem(jm.LogisticLoss(), 0.5), jm.Constant(0.7), **settings)
    for name in ("adversarial_risk", "norm"):
        for ours, theirs in zip(moments(nodes, name), moments(dense, name), strict=True):
            assert agree(ours, theirs), (name, ours, theirs)


@pytest.mark.slow
def test_means_follow_the_forecast_where_covariances_do_not_commute():
    problem = zoo.turned_classes(60).problem(jm.LogisticLoss(), 0.5)
    curve = jm.forecast(problem, jm.Polyak(), times=TIMES)
    paths = jm.homogenize(problem, jm.Polyak(), times=TIMES, paths=200, progress=False)
    (mean, error), _ = moments(paths)
    assert np.all(np.abs(mean - curve.adversarial_risk.values) < 3.5 * error + 0.3 / 60)
    assert paths.numerical_error < 1e-4


@pytest.mark.slow
def test_the_error_in_the_mean_falls_with_the_square_of_the_step():
    # d = 10^7 in one group: paths stray by 1e-4, their mean by 3e-5, a tenth of the smallest error seen here.
    data = jm.LinearTeacher(jm.identity(10**7), noise_variance=0.25)
    problem = jm.Problem(data, jm.SquaredLoss(), 0.5)
    settings = {"times": TIMES, "start": 0.7}
    curve = jm.forecast(problem, jm.Constant(0.8), **settings)
    steps, errors = np.array([0.25, 0.125, 0.0625]), []
    for step in steps:
        paths = jm.homogenize(problem, jm.Constant(0.8), paths=20, step=step, progress=False, **settings)
        found = np.abs(paths.adversarial_risk.mean("seed") / curve.adversarial_risk - 1).values
        errors.append(found.max())
        assert paths.numerical_error == pytest.approx(found.max(), rel=0.1, abs=1.5e-4)
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert 1.8 < order < 2.6


@pytest.mark.slow
def test_the_mean_is_that_of_sgd_and_the_spread_is_not():
    # Theory section 8.4: at d = 100, sd * sqrt(d) is .224 on this equation's paths and .189 in SGD, without errors;
    # 10,000 runs of each gave .2144 +- .0015 and .1834 +- .0013, and linear noise .1818 for SGD, so theirs are taken as
    # 2 % each. 2000 runs have a standard error of 1.6 %, .0035; the two are nine of them apart.
    d, runs = 100, 2000
    problem = zoo.one_class(zoo.iso(d), 0.25).problem(jm.SquaredLoss(), 0.5)
    settings = {"times": [8.0], "start": zoo.start(d), "progress": False}
    paths = jm.homogenize(problem, jm.Constant(0.5), paths=runs, **settings)
    sgd = jm.simulate(problem, jm.Constant(0.5), seeds=runs, **settings)
    curve = jm.forecast(problem, jm.Constant(0.5), times=[8.0], start=zoo.start(d))
    spreads = []
    for found, bias, theirs in ((paths, 0.1, 0.224), (sgd, 0.25, 0.189)):
        (mean, error), (sd, sd_error) = moments(found)
        assert abs(mean[0] - float(curve.adversarial_risk[0])) < 3.5 * error[0] + bias / d
        spread, of_it = sd[0] * np.sqrt(d), sd_error[0] * np.sqrt(d)
        assert spread == pytest.approx(theirs, abs=3.5 * np.hypot(of_it, 0.02 * theirs))
        spreads.append((spread, of_it))
    (wide, of_wide), (narrow, of_narrow) = spreads
    assert wide - narrow > 3.5 * np.hypot(of_wide, of_narrow)
    noise = jm.forecast(problem, jm.Constant(0.5), times=[8.0], start=zoo.start(d), bands=True)
    assert narrow == pytest.approx(np.sqrt(d) * float(noise.adversarial_risk_sd[0]), abs=3.5 * of_narrow)


@pytest.mark.slow
def test_a_start_at_zero_under_attack_and_jumps_of_the_rate():
    problem = zoo.two_grouped_classes(400).problem(jm.LogisticLoss(), 0.8)
    schedule = jm.Piecewise([0.7], [2.0, 0.3])
    curve = jm.forecast(problem, schedule, times=TIMES)
    paths = jm.homogenize(problem, schedule, times=TIMES, paths=300, progress=False)
    (mean, error), _ = moments(paths)
    assert np.all(np.abs(mean - curve.adversarial_risk.values) < 3.5 * error + 0.6 / 400)
    report = jm.compare(curve, paths)
    assert report.sizes["variable"] >= 8 and np.all(np.isfinite(report.z))
    assert len(jm.plot(curve, paths).axes) > 1


def test_a_path_does_not_depend_on_its_company():
    problem = zoo.one_class(zoo.two(40), 0.25).problem(jm.SquaredLoss(), 0.5)
    settings = {"times": TIMES, "step": 0.1, "progress": False, "start": jm.RandomStart(0.5)}
    both = jm.homogenize(problem, jm.Constant(0.5), paths=2, **settings)
    alone = jm.homogenize(problem, jm.Constant(0.5), paths=[1], **settings)
    np.testing.assert_allclose(both.norm[1], alone.norm[0], rtol=1e-12)


def test_an_interrupted_run_keeps_what_is_done_and_divergence_is_a_status(monkeypatch):
    from jominy.dynamics.simulation import sgd

    problem = zoo.one_class(zoo.two(40), 0.25).problem(jm.SquaredLoss(), 0.5)
    settings = {"times": TIMES, "step": 0.1, "progress": False, "paths": 3}
    real, left = sgd._advance, [len(TIMES) + 2]  # the scheme's own limit comes first

    def advance(*args):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(sgd, "_advance", advance)
    part = jm.homogenize(problem, jm.Constant(0.5), **settings)
    assert part.status == Status.INTERRUPTED.label and part.time.values.tolist() == TIMES[:2].tolist()
    monkeypatch.setattr(sgd, "_advance", real)
    wild = jm.homogenize(problem, jm.Constant(6.0), **settings | {"times": [10.0, 30.0]})
    assert wild.status == Status.DIVERGED.label and np.all(np.isinf(wild.adversarial_risk[:, -1]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: jm.homogenize(p, jm.Constant(1.0), time=1, step=0), ("time step", "0", "Leave it out")),
        (lambda p: jm.homogenize(p, jm.Constant(1.0), time=1, paths=0), ("count >= 1", "0")),
        (
            lambda p: jm.homogenize(
                jm.Problem(jm.LinearTeacher(jm.two_level(np.inf)), jm.SquaredLoss(), 0.1), jm.Constant(1.0), time=1
            ),
            ("finite dimension", "inf", "forecast"),
        ),
        (
            lambda p: jm.homogenize(
                jm.Problem(jm.Samples(np.eye(6), [1, -1] * 3), jm.LogisticLoss(), 0.1), jm.Constant(1.0), time=1
            ),
            ("Gaussian mixtures", "Samples", "simulate"),
        ),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(InputError) as error:
        call(zoo.one_class(zoo.two(40), 0.25).problem(jm.SquaredLoss(), 0.5))
    assert all(word in str(error.value) for word in words)
