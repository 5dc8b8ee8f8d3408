"""beta against Gaussian matrices whose norms are found by brute force."""

import math

import numpy as np
import pytest

from jominy.errors import InputError
from jominy.meanfield import Architecture, Chevet, Leading, ReLULike, Sharp
from jominy.meanfield.operator_norm import adversarial_loss, adversarial_loss_bound, beta, single_step_loss
from meanfield_oracles import operator_norm

PAIRS = [(p, q) for p in (1, 2, math.inf) for q in (1, 2, math.inf)]
NETWORK = Architecture(5, 1000, 784, 10, weight_variance=2.0)


@pytest.mark.parametrize(("d", "k"), [(784, 10), (60, 8), (784, 1), (8, 8)])
@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_constants_against_gaussian_matrices(p, q, d, k):
    rng = np.random.default_rng([d, k])
    norms = np.array([operator_norm(rng.standard_normal((k, d)) / math.sqrt(d), p, q) for _ in range(24)])
    mean, error = norms.mean(), norms.std() / math.sqrt(norms.size)
    sharp, chevet = beta((d, k), p, q), beta((d, k), p, q, Chevet())
    exact = p == 1 or q == math.inf or k == 1
    tolerance = 0.0 if exact else 0.012 if d > 2 * k else 0.05
    assert abs(mean - sharp) < 3.5 * error + tolerance * mean
    assert mean - 3 * error < chevet < 2 * mean + 3 * error


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_leading_constants_are_the_limit(p, q):
    # Slowly for p = 1, where K >> ln d is needed too, and at (1, inf), where ln ln terms are left out.
    d, k = 10.0**15, 10**6
    tolerance = 0.05 if p == 1 else 1e-3
    assert beta((d, k), p, q, Sharp()) == pytest.approx(beta((d, k), p, q, Leading()), rel=tolerance)


def test_values_on_the_theory_page():
    assert beta((10**8, 10**4), 2, 1, Chevet()) == pytest.approx(100 * (1 + 0.798 * 1e-2), rel=1e-5)
    large = beta((10**10, 10**6), math.inf, 1) - math.sqrt(2 * 10**16 / math.pi)
    assert large / 10**6 == pytest.approx(0.658, abs=1e-3)
    small = beta((10**8, 10**6), math.inf, 2) - math.sqrt(2 * 10**8 / math.pi)
    assert small / 10**3 == pytest.approx(0.956, abs=1e-3)
    d = 10**6
    ratio = beta((d, 10), math.inf, 2, Leading()) / math.sqrt(d) / 1.0
    assert ratio == pytest.approx(math.sqrt(2 / math.pi))


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_finite_width_against_products_of_gaussian_matrices(p, q):
    # A linear network of one layer and no activation is P_out W P_in: rows of J share dN = N / 2 directions.
    d, k, width = 300, 8, 150
    network = Architecture(1, width, d, k, ReLULike(1.0, 1.0), weight_variance=1.0)
    rng = np.random.default_rng(5)
    norms = []
    for _ in range(60):
        outer, weight = rng.standard_normal((k, width)), rng.standard_normal((width, width))
        inner = rng.standard_normal((width, d))
        norms.append(operator_norm(outer @ weight @ inner / (width * math.sqrt(d)), p, q))
    mean, error = np.mean(norms), np.std(norms) / math.sqrt(len(norms))
    assert abs(mean - beta(network, p, q)) < 0.05 * mean + 3 * error
    assert mean < beta(network, p, q, Chevet()) + 3 * error
    if p != 1:
        assert mean > 1.04 * beta((d, k), p, q) or q == math.inf


def test_bound_scales_with_gain_and_radius():
    deep = Architecture(np.array([1, 4]), 1000, 784, 10, weight_variance=4.0)
    bound = adversarial_loss_bound(deep, np.array([[0.1], [0.2]]), 2, 2)
    assert bound.shape == (2, 2)
    np.testing.assert_allclose(bound[1], 2 * bound[0])
    assert bound[0, 1] / bound[0, 0] == pytest.approx(2.0**1.5)
    assert adversarial_loss(NETWORK, 0.0, 2, 2) == 0.0
    assert adversarial_loss_bound(NETWORK, 1.0, 2, 2, finite_width=True) > adversarial_loss_bound(NETWORK, 1.0, 2, 2)


@pytest.mark.parametrize(
    ("p", "q", "steps"), [(2, 2, 0), (2, 2, 1), (2, 2, 3), (math.inf, 1, 1), (math.inf, 2, 1), (math.inf, math.inf, 1)]
)
def test_single_steps_against_attacks_on_gaussian_matrices(p, q, steps):
    # The values at p = inf neglect K/2d, which the page's "d >> K" allows.
    d, k = (400, 40) if p == 2 else (2000, 10)
    network = Architecture(1, 10**6, d, k, weight_variance=2.0)
    rng = np.random.default_rng(8)
    reached = []
    for _ in range(60):
        matrix = rng.standard_normal((k, d)) / math.sqrt(d)
        eta = rng.standard_normal(d)
        eta /= np.linalg.norm(eta)
        for _ in range(steps):
            out = matrix @ eta
            dual = {1: np.sign(out), 2: out, math.inf: np.sign(out) * (np.abs(out) == np.abs(out).max())}[q]
            pull = matrix.T @ dual
            eta = np.sign(pull) if p == math.inf else pull / np.linalg.norm(pull)
        reached.append(np.linalg.norm(matrix @ eta, ord=q))
    mean, error = np.mean(reached), np.std(reached) / math.sqrt(len(reached))
    assert mean == pytest.approx(single_step_loss(network, 1.0, p, q, steps=steps), abs=3 * error, rel=0.01)
    assert mean < beta((d, k), p, q) + 3 * error


def test_one_output_needs_one_step():
    network = Architecture(3, 500, 100, 1, weight_variance=2.0)
    for p, q in PAIRS:
        assert single_step_loss(network, 0.3, p, q) == pytest.approx(adversarial_loss_bound(network, 0.3, p, q))


def test_bad_input():
    with pytest.raises(InputError, match="q must be 1, 2 or infinity .*3"):
        beta((10, 2), 2, 3)
    with pytest.raises(InputError, match="radius must be zero or positive .*-0.1"):
        adversarial_loss(NETWORK, -0.1, 2, 2)
    with pytest.raises(InputError, match="Leading\\(\\), Chevet\\(\\) or Sharp\\(\\).*'sharp'"):
        beta((10, 2), 2, 2, "sharp")
    with pytest.raises(InputError, match="sizes must be"):
        beta(784, 2, 2)
    with pytest.raises(InputError, match="known for p = q = 2"):
        single_step_loss(NETWORK, 1.0, 1, 2)
    with pytest.raises(InputError, match="steps"):
        single_step_loss(NETWORK, 1.0, math.inf, 2, steps=2)
