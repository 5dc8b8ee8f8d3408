"""Mini-batches: the finite map against NumPy, SGD on batches against it, small batches against single samples."""

import numpy as np
import pytest

import jominy as jm
import oracle_ode
import zoo
from agreement import deviations
from zoo import Case


def map_in_numpy(case, rate, batch, times):
    """Section 8.2 line by line, in coordinates: risks and norms at the times."""
    d = case.law.dimension
    system = oracle_ode.CoordinateODE(case, np.zeros(d))
    eta, m, w, seen = rate * batch / d, case.start, np.zeros(d), []
    for k in range(1, round(times[-1] * d / batch) + 1):
        _, gradient, alpha, power, _, _ = system.parts(0.0, np.concatenate([m, d * w]))
        m, w = m - eta * gradient, (1 - eta * alpha) ** 2 * w + eta**2 / batch * (power @ case.law.covariances)
        if np.any(np.isclose(k * batch / d, times)):
            o = system.parts(0.0, np.concatenate([m, d * w]))[0]
            row = oracle_ode.student_variables(case.law, case.loss, case.radius, o, 0.0)
            seen.append((row["adversarial_risk"], row["norm"]))
    return np.array(seen).T


@pytest.mark.parametrize("batch", [6, pytest.param(24, marks=pytest.mark.slow), 48])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_the_map_is_numpys(loss, batch):
    d, times = 48, np.array([1.0, 2.0, 5.0])
    law = zoo.one_class(zoo.lin(d), 0.25) if loss == "squared" else zoo.two_classes(d)
    case = Case(law, loss, 0.5, None, lambda t: 0.7, zoo.start(d))
    risk, norm = map_in_numpy(case, 0.7, batch, times)
    curve = jm.forecast(case.problem(), jm.Constant(0.7), times=times, start=zoo.start(d), batch_size=batch)
    np.testing.assert_allclose(curve.adversarial_risk, risk, rtol=1e-9)
    np.testing.assert_allclose(curve.norm, norm, rtol=1e-9)


@pytest.mark.parametrize("batch", [3, 6])
def test_the_map_is_numpys_where_covariances_do_not_commute(batch):
    """Section 8.2 with matrices: V <- (I - eta H) V (I - eta H) + (eta^2 / b) sum_i p_i E_i[Psi_r^2] K_i."""
    d, times, rate = 12, [1.0, 3.0], 0.7
    case = Case(zoo.turned_classes(d), "logistic", 0.5, None, lambda t: rate, zoo.start(d))
    system = oracle_ode.MatrixODE(case, np.zeros(d))
    eta, m, v, norms = rate * batch / d, case.start, np.zeros((d, d)), []
    for k in range(1, round(times[-1] * d / batch) + 1):
        _, gradient, hessian, noise, _, _ = system.parts(0.0, np.concatenate([m, d * v.ravel()]))
        keep = np.eye(d) - eta * hessian
        m, v = m - eta * gradient, keep @ v @ keep + eta**2 / batch * noise
        if np.any(np.isclose(k * batch / d, times)):
            norms.append(np.sqrt(m @ m + np.trace(v)))
    curve = jm.forecast(case.problem(), jm.Constant(rate), times=times, start=zoo.start(d), batch_size=batch)
    np.testing.assert_allclose(curve.norm, norms, rtol=1e-9)


def test_a_long_spectrum_is_compressed_there_too():
    law, times = zoo.one_class(zoo.pow_(400), 0.25), [1.0, 5.0]
    settings = {"times": times, "start": zoo.start(400), "batch_size": 100}
    problem = law.problem(jm.SquaredLoss(), 0.5)
    short = jm.forecast(problem, jm.Constant(0.7), **settings)
    long = jm.forecast(problem, jm.Constant(0.7), compress=False, **settings)
    assert "Chebyshev" in short.method and "Chebyshev" not in long.method
    np.testing.assert_allclose(short.adversarial_risk, long.adversarial_risk, rtol=1e-7)


ENGINES = {
    "groups": (lambda: zoo.one_class(zoo.two(400), 0.25), jm.SquaredLoss(), 200, jm.Constant(0.7)),
    "vectors": (lambda: zoo.one_class(zoo.lin(200), 0.25), jm.SquaredLoss(), 100, jm.Cosine(0.8, 4.0)),
    "two classes, AdaGrad-Norm": (
        lambda: zoo.two_grouped_classes(400), jm.LogisticLoss(), 200, jm.AdaGradNorm(1.0, 0.5)
    ),
    "dense": (lambda: zoo.turned_classes(60), jm.LogisticLoss(), 30, jm.Constant(1.0)),
}  # fmt: skip


QUICK = ("groups",)


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in ENGINES])
def test_batches_proportional_to_the_dimension_follow_the_map(name):
    # b = d/2, 200 seeds: standard errors of the risk 0.3 to 1 %. The flow of single samples is more than twice as far
    # off as is allowed. The bias constants are those of single samples: with batches they are smaller where the rate
    # is the same, but a finite step moves the least-squares problems to the edge of theirs; hence the factor of two.
    make, loss, batch, schedule = ENGINES[name]
    problem = make().problem(loss, 0.5)
    d = problem.data.dimension
    settings = {"times": [1.0, 2.0, 5.0], "start": zoo.start(d)}
    runs = jm.simulate(problem, schedule, seeds=200, progress=False, batch_size=batch, **settings)
    curve = jm.forecast(problem, schedule, batch_size=batch, **settings)
    found = deviations(curve, runs, d / 2)
    assert max(found.values()) < 1, found


def test_the_flow_of_single_samples_is_told_apart():
    problem = zoo.one_class(zoo.two(400), 0.25).problem(jm.SquaredLoss(), 0.5)
    settings = {"times": [1.0, 2.0, 5.0], "start": zoo.start(400)}
    runs = jm.simulate(problem, jm.Constant(0.7), seeds=200, progress=False, batch_size=200, **settings)
    flow = jm.forecast(problem, jm.Constant(0.7), **settings)
    assert deviations(flow, runs, 200)["adversarial_risk"] > 2


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 5])
def test_groups_and_full_vectors_have_one_law(batch):
    problem = zoo.one_class(zoo.two(40), 0.25).problem(jm.SquaredLoss(), 0.5)
    settings = {"times": [1.0, 3.0], "batch_size": batch, "start": zoo.start(40), "progress": False}
    groups = jm.simulate(problem, jm.Constant(0.7), seeds=1500, full_vectors=False, **settings)
    vectors = jm.simulate(problem, jm.Constant(0.7), seeds=range(2000, 3500), full_vectors=True, **settings)
    for name in ("adversarial_risk", "norm"):
        one, other = groups[name].values, vectors[name].values
        error = np.hypot(one.std(axis=0), other.std(axis=0)) / np.sqrt(1500)
        assert np.all(np.abs(one.mean(axis=0) - other.mean(axis=0)) < 4 * error)
        assert np.all(np.abs(one.std(axis=0) / other.std(axis=0) - 1) < 4 / np.sqrt(1500))


def test_small_batches_give_the_curve_of_single_samples():
    # The map differs from the flow by O(b/d): b = 4 of d = 4000 is off by 1e-3 at most, b = 8 by twice that.
    problem = zoo.one_class(zoo.two(4000), 0.25).problem(jm.SquaredLoss(), 0.5)
    settings = {"times": [1.0, 5.0], "start": zoo.start(4000)}
    flow = jm.forecast(problem, jm.Constant(0.7), **settings).adversarial_risk
    gaps = [
        jm.forecast(problem, jm.Constant(0.7), batch_size=b, **settings).adversarial_risk / flow - 1 for b in (4, 8)
    ]
    assert np.all(np.abs(gaps[0]) < 1e-3)
    np.testing.assert_allclose(gaps[1] / gaps[0], 2.0, rtol=0.02)


def test_tiny_batches_are_the_flow_and_say_so():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(10**7), noise_variance=0.25), jm.SquaredLoss(), 0.5)
    flow = jm.forecast(problem, jm.Constant(0.5), times=[1.0, 5.0])
    tiny = jm.forecast(problem, jm.Constant(0.5), times=[1.0, 5.0], batch_size=2)
    np.testing.assert_array_equal(tiny.adversarial_risk, flow.adversarial_risk)
    assert "single samples" in tiny.notes and tiny.batch_size == 2


def test_a_step_that_is_too_long_diverges_as_a_status():
    problem = zoo.one_class(zoo.two(40), 0.25).problem(jm.SquaredLoss(), 0.5)
    curve = jm.forecast(problem, jm.Constant(1.5), time=60, batch_size=40)  # eta alpha > 2
    assert curve.status == "diverged" and np.isinf(curve.adversarial_risk[-1])


@pytest.mark.parametrize("verb", [jm.forecast, jm.simulate])
def test_bad_input_is_refused(verb):
    problem = zoo.one_class(zoo.two(40), 0.25).problem(jm.SquaredLoss(), 0.5)
    for size in (0, 1.5, True):
        with pytest.raises(jm.InputError, match="whole number >= 1"):
            verb(problem, jm.Constant(0.5), time=1.0, batch_size=size)
    samples = jm.Problem(jm.Samples(np.eye(6), [1, -1] * 3), jm.LogisticLoss(), 0.1)
    with pytest.raises(jm.InputError, match="gradients are summed is for Gaussian mixtures"):
        verb(samples, jm.Constant(0.5), time=1.0, batch_size=2)
    endless = jm.Problem(jm.LinearTeacher(jm.two_level(np.inf)), jm.SquaredLoss(), 0.1)
    with pytest.raises(jm.InputError, match="dimension"):
        verb(endless, jm.Constant(0.5), time=1.0, batch_size=2)
