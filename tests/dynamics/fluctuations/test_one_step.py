"""One step of SGD on full vectors, by Monte Carlo in plain NumPy, against F, F1 and Sigma.

F + F1/d is the exact conditional mean of d (y+ - y) for every d, so d = 8 tells F1 from nothing at all; Sigma is exact
up to O(1/d), so it is tested at d = 800.
"""

from dataclasses import dataclass

import jax
import numpy as np
import pytest

import jominy as jm
import user_losses
import zoo
from jominy.data.label_laws import LogisticLabels, SignLabels
from jominy.data.nodes import fixed_vectors, forecast_nodes
from jominy.dynamics.fluctuations.frame import as_vector, make_frame
from jominy.dynamics.fluctuations.increments import Increments
from jominy.dynamics.students import Student, order_parameters, zero_optimum
from jominy.numerics.gaussian import gaussian_rule

RATE, RADIUS = 0.7, 0.6


def logistic(z):
    return -1 / (1 + np.exp(z))


def hinge(z):
    return -np.where(z < 1, 1 - z, 0.0)  # the squared hinge


def step_function(z):
    return -1.0 * (z < 1)


def sigmoid(r):
    return 1 / (1 + np.exp(-r))


CASES = {
    "logistic": (jm.LogisticLoss(), logistic, False, 0.6),
    "logistic, no attack": (jm.LogisticLoss(), logistic, False, 0.0),
    "squared hinge": (user_losses.SquaredHinge(), hinge, False, 0.6),
    "squared, teacher and offsets": (jm.SquaredLoss(), None, True, 0.6),
    "hinge": (user_losses.Hinge(), step_function, False, 0.6),
    "huber": (user_losses.Huber(), "huber", True, 0.6),
    "logistic, random labels": (jm.LogisticLoss(), logistic, sigmoid, 0.6),
    "hinge, labels by sign": (user_losses.Hinge(), step_function, np.heaviside, 0.3),
    "squared, labels": (jm.SquaredLoss(), None, False, 0.3),
}


LABEL_LAWS = {sigmoid: LogisticLabels(), np.heaviside: SignLabels()}


@dataclass(frozen=True, eq=False)
class RandomLabelLaw(zoo.Law):
    """Labels drawn with the probability `chance` of the teacher's score."""

    chance: object = None

    def data(self) -> jm.GaussianMixture:
        return jm.GaussianMixture(
            self.weights,
            list(self.means),
            list(self.covariances),
            None,
            self.teacher,
            label_law=LABEL_LAWS[self.chance],
        )


def law(d: int, teacher) -> zoo.Law:
    """Two random classes on two groups of coordinates."""
    random = np.random.default_rng(5)
    means = np.array([zoo.unit(random.standard_normal(d)), -0.7 * zoo.unit(random.standard_normal(d))])
    half = np.arange(d) < d // 2
    covariances = np.array([np.where(half, 1.5, 0.5), np.where(half, 0.6, 1.3)])
    target = zoo.unit(random.standard_normal(d)) if teacher else None
    if callable(teacher):
        return RandomLabelLaw(np.array([0.4, 0.6]), means, covariances, None, 1.5 * target, chance=teacher)
    return zoo.Law(np.array([0.4, 0.6]), means, covariances, np.array([1.0, -1.0]), target, 0.3 if teacher else 0.0)


def slopes(law: zoo.Law, derivative, r, target, rho, radius):
    """Psi_r and Psi_rho / rho, written out once more."""
    if callable(derivative):
        slope = derivative(target * r - radius * rho)
        return target * slope, -radius * slope / rho
    e = r - target
    size = np.abs(e) + radius * rho
    if derivative == "huber":
        size = np.minimum(size, 1.0)
    return np.sign(e) * size, radius * size / rho


def theory(one: zoo.Law, loss, x, radius, attack=jm.L2()):  # noqa: B008
    mixture = attack.of(one.data().law)
    fixed = fixed_vectors(mixture, x)
    nodes = forecast_nodes(mixture, fixed)
    frame = make_frame(nodes, fixed, zero_optimum(nodes))
    size = nodes.shares.size
    coefficients = np.repeat(fixed.start[:, None], size, axis=1)
    student = Student(coefficients, coefficients - nodes.teacher, np.zeros(size))

    @jax.jit
    def one_step():
        step = Increments(frame, loss, loss.targets(mixture), np.asarray(radius), gaussian_rule(4.0))
        theta, state = as_vector(order_parameters(nodes, student)), frame.state(student)
        drift = step.drift(step.scalars(theta), RATE, state)
        covariance, correction = step.spread(theta, np.asarray(RATE), state, drift)
        return state, drift, correction, covariance

    with jax.enable_x64(True):
        found = [np.asarray(part) for part in one_step()]
    vectors = [v for v, used in zip(fixed.vectors, range(len(fixed.vectors)), strict=True) if used in frame.kept]
    return np.array(vectors), *found


def increments(one: zoo.Law, derivative, x, radius, vectors, count: int, seed: int, budget=1.0):
    """(count, n) of d (y+ - y) of fresh samples, under an attack whose size is sqrt(sum budget x^2)."""
    random = np.random.default_rng(seed)
    d = one.dimension
    component = (random.random(count) > one.weights[0]).astype(int)
    sample = one.means[component] + np.sqrt(one.covariances[component]) * random.standard_normal((count, d))
    if isinstance(one, RandomLabelLaw):
        score = sample @ one.teacher
        chance = np.heaviside(score, 0.5) if one.chance is np.heaviside else one.chance(score)
        target = np.where(random.random(count) < chance, 1.0, -1.0)
    else:
        target = one.labels[component].copy()
    if one.teacher is not None and one.labels is not None:
        target += sample @ one.teacher + np.sqrt(one.noise_variance) * random.standard_normal(count)
    rho = np.sqrt(np.sum(budget * x**2))
    slope, shrink = slopes(one, derivative, sample @ x, target, rho, radius)
    moved = x - RATE / d * (slope[:, None] * sample + shrink[:, None] * (budget * x))
    half = d // 2
    groups = (slice(half, None), slice(0, half))  # in increasing order of the first class's eigenvalue

    def state(vector):
        parts = [np.stack([np.sum(vector[..., g] ** 2, axis=-1) for g in groups], axis=-1)]
        parts += [np.stack([vector[..., g] @ v[g] for g in groups], axis=-1) for v in vectors]
        return np.concatenate(parts, axis=-1)

    return d * (state(moved) - state(x)), state(x)


AGAIN = ("hinge, labels by sign", "squared hinge")
"""Of kinds that the others cover: kinks, and labels that are drawn."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in AGAIN else ()) for n in CASES])
def test_the_mean_of_a_step_is_exact_at_dimension_eight(name):
    loss, derivative, teacher, radius = CASES[name]
    one = law(8, teacher)
    x = np.random.default_rng(1).standard_normal(8) * 0.3
    vectors, state, drift, correction, _ = theory(one, loss, x, radius)
    seen, start = increments(one, derivative, x, radius, vectors, 600_000, seed=2)
    np.testing.assert_allclose(state, start, atol=1e-12)
    error = seen.std(axis=0) / np.sqrt(len(seen))
    z = (seen.mean(axis=0) - drift - correction / 8) / error
    without = (seen.mean(axis=0) - drift) / error
    assert np.max(np.abs(z)) < 4, z
    assert np.max(np.abs(without)) > 20


BUDGETED = ["logistic", pytest.param("squared, teacher and offsets", marks=pytest.mark.slow),
            pytest.param("logistic, random labels", marks=pytest.mark.slow)]  # fmt: skip


def budgets(d: int) -> np.ndarray:
    """Of two groups of features."""
    return np.where(np.arange(d) < d // 2, 0.3, 2.2)


@pytest.mark.parametrize("name", BUDGETED)
def test_features_with_budgets_of_their_own(name):
    """Theory `attacks.md` section 2: in F, F1 and Sigma ridge and shrinkage of a node count by its budget."""
    loss, derivative, teacher, radius = CASES[name]
    one, budget = law(8, teacher), budgets(8)
    x = np.random.default_rng(1).standard_normal(8) * 0.3
    vectors, state, drift, correction, _ = theory(one, loss, x, radius, jm.Mahalanobis(budget))
    seen, start = increments(one, derivative, x, radius, vectors, 600_000, 2, budget)
    np.testing.assert_allclose(state, start, atol=1e-12)
    error = seen.std(axis=0) / np.sqrt(len(seen))
    assert np.max(np.abs((seen.mean(axis=0) - drift - correction / 8) / error)) < 4
    assert np.max(np.abs((seen.mean(axis=0) - drift) / error)) > 20

    one, budget = law(800, teacher), budgets(800)
    # Along a class mean, for the shrinkage to show in overlaps.
    x = 0.8 * zoo.unit(one.means[0] + zoo.unit(np.random.default_rng(1).standard_normal(800)))
    vectors, _, _, _, covariance = theory(one, loss, x, radius, jm.Mahalanobis(budget))
    seen = np.concatenate(
        [increments(one, derivative, x, radius, vectors, 4000, seed, budget)[0] for seed in range(10)]
    )
    pairs = (seen - seen.mean(axis=0))[:, :, None] * (seen - seen.mean(axis=0))[:, None]
    error = pairs.std(axis=0) / np.sqrt(len(seen))
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert np.all(np.abs(pairs.mean(axis=0) - covariance) < 4 * error + 0.01 * scale)


@pytest.mark.parametrize(
    "name", ["logistic", "hinge", "huber", "squared, labels", "logistic, random labels", "hinge, labels by sign"]
)
def test_the_covariance_of_a_step(name):
    loss, derivative, teacher, radius = CASES[name]
    one = law(800, teacher)
    x = 0.8 * zoo.unit(np.random.default_rng(1).standard_normal(800))
    vectors, _, _, _, covariance = theory(one, loss, x, radius)
    parts = [increments(one, derivative, x, radius, vectors, 4000, seed)[0] for seed in range(10)]
    seen = np.concatenate(parts)
    centred = seen - seen.mean(axis=0)
    pairs = centred[:, :, None] * centred[:, None]
    # Standard errors from the runs themselves; Sigma is right up to O(1/d), for which 1 % of the scale is allowed.
    error = pairs.std(axis=0) / np.sqrt(len(seen))
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert np.all(np.abs(pairs.mean(axis=0) - covariance) < 4 * error + 0.01 * scale)
    # The drift's own square is not negligible, and a factor of two would be seen.
    assert np.any(np.abs(pairs.mean(axis=0) - 2 * covariance) > 20 * error + 0.01 * scale)
