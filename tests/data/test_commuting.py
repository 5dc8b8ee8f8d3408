"""Detection of commuting covariances: constructed from a known basis, so the answer is known."""

import numpy as np
import pytest

from jominy.data.commuting import shared_eigenbasis


def rotation(dimension, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dimension, dimension)))[0]


def matrices(basis, eigenvalues):
    return np.stack([(basis * row) @ basis.T for row in np.asarray(eigenvalues, dtype=float)])


def sorted_columns(eigenvalues):
    return eigenvalues[:, np.lexsort(eigenvalues)]


@pytest.mark.parametrize("dimension", [2, 17, 300])
@pytest.mark.parametrize("scales", [(1.0, 1.0), (1e-8, 1e8)])
def test_known_eigenvalues_come_back_together(dimension, scales):
    random = np.random.default_rng(dimension)
    truth = random.uniform(0.2, 2.0, size=(2, dimension)) * np.array(scales)[:, None]
    covariances = matrices(rotation(dimension), truth)
    basis, eigenvalues = shared_eigenbasis(covariances)
    np.testing.assert_allclose(basis.T @ basis, np.eye(dimension), atol=1e-12)
    np.testing.assert_allclose(sorted_columns(eigenvalues), sorted_columns(truth), rtol=1e-9)
    for covariance, row in zip(covariances, eigenvalues, strict=True):
        np.testing.assert_allclose((basis * row) @ basis.T, covariance, atol=1e-9 * row.max())


def test_equal_eigenvalues_become_exactly_equal():
    truth = [[1.6] * 40 + [0.4] * 60, [1.0] * 70 + [0.0] * 30]
    _, eigenvalues = shared_eigenbasis(matrices(rotation(100), truth))
    groups, sizes = np.unique(eigenvalues, axis=1, return_counts=True)
    np.testing.assert_allclose(groups, [[0.4, 0.4, 1.6], [0.0, 1.0, 1.0]], atol=1e-12)
    assert sizes.tolist() == [30, 30, 40]
    assert eigenvalues.min() >= 0


def test_what_one_matrix_leaves_open_another_decides():
    # Each matrix alone has one two-dimensional eigenspace too many; only together do they fix the basis.
    truth = np.array([[1.0, 1.0, 2.0, 2.0], [1.0, 2.0, 1.0, 2.0], [3.0, 3.0, 3.0, 3.0]])
    _, eigenvalues = shared_eigenbasis(matrices(rotation(4), truth))
    np.testing.assert_allclose(sorted_columns(eigenvalues), sorted_columns(truth), rtol=1e-12)


@pytest.mark.parametrize("size", [1.0, 1e-4, 1e-8])
def test_other_matrices_are_not_called_commuting(size):
    covariances = matrices(rotation(12), np.random.default_rng(3).uniform(0.5, 1.5, size=(2, 12)))
    covariances[1] += size * matrices(rotation(12, seed=5), [np.linspace(0, 1, 12)])[0]
    assert shared_eigenbasis(covariances) is None


def test_rounding_does_not_hide_that_matrices_commute():
    covariances = matrices(rotation(12), np.random.default_rng(3).uniform(0.5, 1.5, size=(2, 12)))
    noise = np.random.default_rng(4).normal(size=(12, 12)) * 1e-14
    covariances[1] += noise + noise.T
    assert shared_eigenbasis(covariances) is not None


def test_zero_matrix_commutes_with_everything():
    covariances = np.stack([matrices(rotation(5), [[1, 2, 3, 4, 5]])[0], np.zeros((5, 5))])
    _, eigenvalues = shared_eigenbasis(covariances)
    assert np.all(eigenvalues[1] == 0.0)


def test_the_same_problem_gives_the_same_basis_bit_by_bit():
    covariances = matrices(rotation(30), np.random.default_rng(7).uniform(0.5, 1.5, size=(3, 30)))
    np.testing.assert_array_equal(shared_eigenbasis(covariances)[0], shared_eigenbasis(covariances)[0])
