"""The simulators have one law: exact in law over groups, full vectors, dense vectors, and SGD in plain NumPy.

Means and standard deviations of every variable, at every time, are compared in units of their standard errors. Among
some 50 numbers per comparison the largest |z| is below 4 with probability 0.997 per comparison; the seeds are fixed.
"""

import math

import numpy as np
import pytest

import jominy as jm
import oracle_ode
import plain_sgd
import zoo

D, SEEDS, RATE = 48, 2000, 0.8
TIMES = np.array([0.5, 1.0, 2.0, 3.0])
LIMIT = 4.0


def largest_z(first, second) -> dict:
    """Largest |z| over times of the difference of means and of standard deviations, per variable."""
    found = {}
    for name in first:
        a, b = np.asarray(first[name]), np.asarray(second[name])
        if np.ptp(a) == 0 and np.ptp(b) == 0:  # a given learning rate
            np.testing.assert_allclose(a[0], b[0])
            continue
        mean = (a.mean(0) - b.mean(0)) / np.sqrt(a.var(0) / len(a) + b.var(0) / len(b))
        spread = (a.std(0) - b.std(0)) / np.hypot(error_of_sd(a), error_of_sd(b))
        found[str(name)] = float(max(np.max(np.abs(mean)), np.max(np.abs(spread))))
    return found


def error_of_sd(sample):
    """Standard error of a sample's standard deviation, from its fourth moment."""
    centred = sample - sample.mean(0)
    variance = np.mean(centred**2, axis=0)
    return np.sqrt((np.mean(centred**4, axis=0) - variance**2) / (4 * variance * len(sample)))


def polyak(law, radius, optimum):
    """The Polyak rate of theory section 5 for one centred class and the squared loss, for many students at once."""
    (eigenvalues,), c = law.covariances, math.sqrt(2 / math.pi)

    def rate(time, students):
        error = students - law.teacher
        sigma = np.sqrt(law.noise_variance + error**2 @ eigenvalues)
        rho = np.linalg.norm(students, axis=1)
        a, b = 1 + c * radius * rho / sigma, radius**2 + c * radius * sigma / rho
        gradient = a[:, None] * eigenvalues * error + b[:, None] * students
        risk = (sigma**2 + 2 * c * radius * rho * sigma + radius**2 * rho**2) / 2
        return np.maximum(np.sum(gradient * (students - optimum), axis=1), 0) / (eigenvalues.mean() * 2 * risk)

    return rate


LAWS = {
    "classes and teacher": (lambda: zoo.two_grouped_classes(D, with_teacher=True, noise_variance=0.1), "squared", 0.5),
    "logistic": (lambda: zoo.two_grouped_classes(D), "logistic", 0.4),
    "Polyak": (lambda: zoo.one_class(zoo.two(D), 0.25), "squared", 0.3),
    "non-commuting": (lambda: zoo.turned_classes(D, 0.7, (1, -1), True, 0.1), "squared", 0.5),
}
METHODS = {False: "exact in law", True: "full vectors"}


# The first is the law of the random starts below, where all three ways to simulate it are compared as well.
AGAIN = ("classes and teacher", "logistic")


@pytest.fixture(scope="module", params=[pytest.param(n, marks=pytest.mark.slow if n in AGAIN else ()) for n in LAWS])
def problem(request):
    """Law, loss, radius, schedule, and the runs in plain NumPy."""
    make, loss, radius = LAWS[request.param]
    law = make()
    optimum = oracle_ode.minimum(law, loss, radius)
    adaptive = request.param == "Polyak"
    rate = polyak(law, radius, optimum[0]) if adaptive else lambda time, students: RATE
    steps = np.rint(TIMES * D).astype(int).tolist()
    students = plain_sgd.run(law, loss, radius, rate, steps, zoo.start(D), SEEDS, np.random.default_rng(7))
    plain = plain_sgd.variables(law, loss, radius, students, optimum)
    return law, loss, radius, jm.Polyak() if adaptive else jm.Constant(RATE), plain


def simulated(problem, full_vectors, first_seed=0):
    law, loss, radius, schedule, _ = problem
    runs = jm.simulate(
        law.problem(zoo.LOSSES[loss], radius),
        schedule,
        times=TIMES,
        start=zoo.start(D),
        seeds=range(first_seed, first_seed + SEEDS),
        full_vectors=full_vectors,
        progress=False,
    )
    np.testing.assert_allclose(runs.time, TIMES)
    return runs


def test_all_engines_have_one_law(problem):
    law, *_, plain = problem
    full = simulated(problem, True)
    assert full.method.startswith("full vectors")
    found = largest_z(plain, full)
    assert max(found.values()) < LIMIT, found
    if law.covariances.ndim == 2:
        groups = simulated(problem, False, first_seed=5000)  # seeds of their own: the engines share random streams
        assert groups.method.startswith("exact in law")
        for other in (plain, full):
            found = largest_z(other, groups)
            assert max(found.values()) < LIMIT, found


@pytest.fixture(scope="module")
def random_starts():
    """Runs of both engines and in plain NumPy from a random start."""
    law = zoo.two_grouped_classes(D, with_teacher=True, noise_variance=0.1)
    problem = law.problem(jm.SquaredLoss(), 0.5)
    settings = {"times": [0.0, *TIMES[:3]], "start": jm.RandomStart(0.6), "progress": False}
    engines = [
        jm.simulate(problem, jm.Constant(RATE), full_vectors=full, seeds=range(k, k + SEEDS), **settings)
        for k, full in ((0, True), (5000, False))
    ]
    generator = np.random.default_rng(8)
    starts = 0.6 / math.sqrt(D) * generator.standard_normal((SEEDS, D))
    steps = [0, *np.rint(TIMES[:3] * D).astype(int)]
    students = plain_sgd.run(law, "squared", 0.5, lambda t, x: RATE, steps, starts, SEEDS, generator)
    return [plain_sgd.variables(law, "squared", 0.5, students, oracle_ode.minimum(law, "squared", 0.5)), *engines]


def test_random_starts_have_one_law_too(random_starts):
    plain, full, groups = random_starts
    for one, other in ((plain, full), (plain, groups), (full, groups)):
        found = largest_z(one, other)
        assert max(found.values()) < LIMIT, found


def test_a_random_start_is_normal_with_the_norm_asked_for(random_starts):
    # ||X_0||^2 = 0.36 chi^2_48 / 48: mean 0.36, standard deviation 0.36 sqrt(2/48) = 0.0735; 2000 seeds.
    for runs in random_starts[1:]:
        square = runs.norm[:, 0].values ** 2
        assert square.mean() == pytest.approx(0.36, abs=4 * 0.0735 / math.sqrt(SEEDS))
        assert square.std() == pytest.approx(0.0735, rel=4 / math.sqrt(2 * SEEDS) * 1.1)
        # The cosine with the teacher: mean 0, standard deviation 1/sqrt(48).
        cosine = runs.alignment[:, 0].values
        assert abs(cosine.mean()) < 4 / math.sqrt(D * SEEDS)
        assert cosine.std() == pytest.approx(1 / math.sqrt(D), rel=4 / math.sqrt(2 * SEEDS))


def test_runs_are_reproducible_and_do_not_depend_on_their_company():
    law = zoo.two_grouped_classes(D, with_teacher=True, noise_variance=0.1)
    problem = law.problem(jm.SquaredLoss(), 0.5)
    for full_vectors in (True, False):

        def runs(seeds, times=TIMES, full=full_vectors):
            return jm.simulate(
                problem,
                jm.Constant(RATE),
                times=times,
                start=zoo.start(D),
                seeds=seeds,
                full_vectors=full,
                progress=False,
            )

        together = runs([3, 1, 4])
        assert together.seed.values.tolist() == [3, 1, 4]
        np.testing.assert_array_equal(together.norm, runs([3, 1, 4]).norm)
        # In other company, and observed at other times, the run is the same (up to how sums are ordered).
        np.testing.assert_allclose(runs([4, 9, 2]).norm[0], together.norm[2], rtol=1e-10)
        observed = runs([3, 1, 4], times=np.array([0.25, 0.5, 1.5, 3.0]))
        np.testing.assert_allclose(observed.norm[:, [1, 3]], together.norm[:, [0, 3]], rtol=1e-10)


def test_groups_of_one_and_two_coordinates():
    # Every group size is exact, also where the fixed vectors fill the group: d = 6 with sizes 1, 2 and 3.
    eigenvalues = np.array([1.7, 0.8, 0.8, 0.4, 0.4, 0.4])
    law = zoo.one_class(eigenvalues, 0.25)
    students = plain_sgd.run(
        law, "squared", 0.3, lambda t, x: 0.5, [6, 12, 18, 30], zoo.start(6), SEEDS, np.random.default_rng(9)
    )
    plain = plain_sgd.variables(law, "squared", 0.3, students, oracle_ode.minimum(law, "squared", 0.3))
    runs = jm.simulate(
        law.problem(jm.SquaredLoss(), 0.3),
        jm.Constant(0.5),
        times=[1, 2, 3, 5],
        start=zoo.start(6),
        seeds=SEEDS,
        full_vectors=False,
        progress=False,
    )
    found = largest_z(plain, runs)
    assert max(found.values()) < LIMIT, found


def test_the_engine_is_chosen_by_what_the_groups_allow():
    def method(law, **settings):
        return jm.simulate(
            law.problem(jm.SquaredLoss(), 0.5), jm.Constant(0.5), times=[0.0], seeds=2, **settings
        ).method

    assert method(zoo.one_class(zoo.two(D), 0.25)) == "exact in law, 2 groups of equal eigenvalues"
    assert method(zoo.one_class(zoo.lin(D), 0.25)) == f"full vectors, dimension {D}"
    assert method(zoo.turned_classes(D)) == f"full vectors, dimension {D}"


@pytest.mark.parametrize("samples", [False, True], ids=["mixture", "samples"])
def test_runs_can_be_watched_as_they_go_and_ended_by_the_watcher(samples):
    if samples:
        rows = np.random.default_rng(0).standard_normal((60, 20))
        problem = jm.Problem(jm.Samples(rows, np.sign(rows[:, 0])), jm.LogisticLoss(), radius=0.2)
    else:
        problem = jm.Problem(jm.LinearTeacher(jm.identity(50), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    seen = []
    runs = jm.simulate(problem, jm.Constant(0.5), times=[0.0, 1.0, 2.0], seeds=3, progress=False, watch=seen.append)
    assert [moment.time.values.tolist() for moment in seen] == [[0.0], [1.0], [2.0]]
    for k, moment in enumerate(seen):
        for name in ("adversarial_risk", "norm", "learning_rate"):
            np.testing.assert_allclose(moment[name].values[:, 0], runs[name].values[:, k], rtol=1e-12)

    def enough(moment):
        if moment.time.values[0] >= 1.0:
            raise KeyboardInterrupt

    ended = jm.simulate(problem, jm.Constant(0.5), times=[0.0, 1.0, 2.0], seeds=3, progress=False, watch=enough)
    assert ended.attrs["status"] == "interrupted" and ended.time.values.tolist() == [0.0, 1.0]
    np.testing.assert_array_equal(ended.norm.values, runs.norm.values[:, :2])
