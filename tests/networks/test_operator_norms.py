"""Operator norms against exhaustive search, closed forms, and what searches must find."""

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jominy.errors import InputError  # noqa: E402
from jominy.networks.operator_norms import operator_norm  # noqa: E402
from jominy.networks.vectors import norm, project  # noqa: E402

PAIRS = list(itertools.product((1, 2, math.inf), repeat=2))


def brute_force(matrix: np.ndarray, p: float, q: float) -> float:
    """Over the vertices of the input ball (p=1, inf) or of the dual output ball (q=1, inf); (2,2) by NumPy's SVD."""
    outputs, inputs = matrix.shape
    if (p, q) == (2, 2):
        return float(np.linalg.norm(matrix, 2))
    if p == 1:
        vertices = np.eye(inputs)
        return max(np.linalg.norm(matrix @ v, q) for v in vertices)
    if p == math.inf:
        return max(np.linalg.norm(matrix @ np.array(v), q) for v in itertools.product((1, -1), repeat=inputs))
    duals = np.eye(outputs) if q == math.inf else itertools.product((1, -1), repeat=outputs)
    return max(np.linalg.norm(matrix.T @ np.array(v), 2) for v in duals)


@pytest.mark.parametrize(("p", "q"), PAIRS)
@pytest.mark.parametrize(("outputs", "inputs"), [(1, 5), (4, 7), (7, 4), (10, 9)])
def test_exact_against_all_vertices(p, q, outputs, inputs):
    matrices = np.random.default_rng(3).standard_normal((6, outputs, inputs))
    found = operator_norm(torch.from_numpy(matrices), p, q)
    expected = [brute_force(m, p, q) for m in matrices]
    assert found.exact
    np.testing.assert_allclose(found.value, expected, rtol=1e-10)
    np.testing.assert_allclose(norm(found.maximiser, p), 1, rtol=1e-10)
    reached = [np.linalg.norm(m @ e, q) for m, e in zip(matrices, found.maximiser.numpy(), strict=True)]
    np.testing.assert_allclose(reached, expected, rtol=1e-10)


@pytest.mark.parametrize(("p", "q", "outputs", "inputs"), [(math.inf, 2, 10, 15), (math.inf, 1, 14, 14), (2, 1, 15, 9)])
def test_searches_reach_the_exhaustive_maximum(p, q, outputs, inputs):
    """Beyond twelve signs the answer is a search; on fifteen it still finds the maximum of 2^15 vertices."""
    matrices = torch.from_numpy(np.random.default_rng(5).standard_normal((12, outputs, inputs)))
    found = operator_norm(matrices, p, q)
    free, m = (inputs, matrices.mT) if p == math.inf else (outputs, matrices)
    signs = 1.0 - 2 * ((torch.arange(2 ** (free - 1)).unsqueeze(1) >> torch.arange(free)) & 1).double()
    expected = norm(signs @ m, q if p == math.inf else 2).amax(-1)
    assert not found.exact
    np.testing.assert_allclose(found.value, expected, rtol=5e-3)
    assert (found.value >= expected * (1 - 1e-9)).double().mean() > 0.9


def test_large_outputs_reach_the_ground_state():
    """(2,1) at K=100, d=200 against the ground state of theory 4.2, which alternation alone misses by 6 %."""
    outputs, inputs = 100, 200
    generator = torch.Generator().manual_seed(11)
    matrices = torch.randn(6, outputs, inputs, generator=generator) / math.sqrt(inputs)
    ratio = outputs / inputs
    energy = 0.7632 - 0.70 * outputs ** (-2 / 3)
    predicted = math.sqrt(outputs) * (1 + energy * math.sqrt(ratio))
    values = operator_norm(matrices, 2, 1).value
    assert abs(float(values.mean()) / predicted - 1) < 0.02
    assert float(values.std() / math.sqrt(6) / predicted) < 0.01


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_batches_and_scale(p, q):
    matrices = torch.from_numpy(np.random.default_rng(8).standard_normal((3, 5, 20)))
    together = operator_norm(matrices, p, q).value
    alone = torch.cat([operator_norm(2.5 * m, p, q).value for m in matrices])
    np.testing.assert_allclose(alone, 2.5 * together, rtol=1e-10)


@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_projection_is_the_nearest_point(p):
    """No point of the ball is nearer: <v - P v, z - P v> <= 0 for every vertex-like z of it."""
    rng = np.random.default_rng(2)
    v, z = torch.from_numpy(rng.standard_normal((40, 6)) * 2), torch.from_numpy(rng.standard_normal((500, 6)))
    z = 1.3 * z / norm(z, p).unsqueeze(-1)
    nearest = project(v, p, 1.3)
    assert (norm(nearest, p) <= 1.3 * (1 + 1e-12)).all()
    inside = norm(v, p) <= 1.3
    assert torch.equal(nearest[inside], v[inside])
    for one, at in zip(v, nearest, strict=True):
        assert float(((z - at) @ (one - at)).max()) < 1e-9


def test_refusals():
    with pytest.raises(InputError, match="p must be 1, 2 or infinity .received: 3"):
        operator_norm(torch.eye(2), 3, 2)
    with pytest.raises(InputError, match="batch of matrices"):
        operator_norm(torch.ones(3), 2, 2)
    with pytest.raises(InputError, match="must be finite"):
        operator_norm(torch.tensor([[math.nan]]), 2, 2)
