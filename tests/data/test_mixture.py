"""Mixtures: one law however it is written, its invariants under rotation, and what is refused."""

import dataclasses
import json
import math

import numpy as np
import pytest

from jominy.data import (
    DenseLaw,
    EigenLaw,
    GaussianMixture,
    LinearTeacher,
    identity,
    marchenko_pastur,
    power_law,
    two_level,
    uniform,
)
from jominy.errors import InputError


def rotation(dimension, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dimension, dimension)))[0]


@pytest.mark.parametrize(
    "covariance",
    [identity(6, 0.7), 0.7, np.full(6, 0.7), 0.7 * np.eye(6)],
    ids=["spectrum", "number", "list", "matrix"],
)
def test_every_way_of_writing_a_covariance_is_one_law(covariance):
    law = GaussianMixture([0.5, 0.5], [np.arange(6), -1.0], [covariance] * 2, labels=[1, -1]).law
    assert isinstance(law, EigenLaw) and law.basis is None and law.dimension == 6
    np.testing.assert_array_equal(law.eigenvalues, np.full((2, 6), 0.7))
    np.testing.assert_array_equal(law.shares, np.full(6, 1 / 6))
    np.testing.assert_allclose(law.means, [np.arange(6), np.full(6, -1 / math.sqrt(6))], rtol=1e-15)


def test_commuting_matrices_are_found_and_every_invariant_survives():
    d, q = 40, rotation(40)
    random = np.random.default_rng(1)
    first, second = (q * random.uniform(0.2, 2.0, d)) @ q.T, (q * two_level(d).eigenvalues) @ q.T
    mean, teacher, x = random.normal(size=(3, d))
    law = GaussianMixture([0.3, 0.7], [mean, 0.5], [first, second], labels=[1.0, -1.0], teacher=teacher).law
    assert isinstance(law, EigenLaw)
    x_eigen = law.to_eigenbasis(x)
    for i, matrix in enumerate((first, second)):
        assert x_eigen @ (law.eigenvalues[i] * x_eigen) == pytest.approx(x @ matrix @ x, rel=1e-11)
    assert x_eigen @ law.means[0] == pytest.approx(x @ mean, rel=1e-11)
    assert x_eigen @ law.means[1] == pytest.approx(0.5 * x.sum() / math.sqrt(d), rel=1e-11)
    assert x_eigen @ law.teacher == pytest.approx(x @ teacher, rel=1e-11)
    np.testing.assert_allclose(law.from_eigenbasis(x_eigen), x, rtol=1e-11)
    assert len(np.unique(law.eigenvalues[1])) == 2


def test_identity_beside_a_matrix_stays_exact():
    matrix = rotation(20) @ np.diag(np.arange(1.0, 21.0)) @ rotation(20).T
    law = GaussianMixture([0.5, 0.5], [0.0, 1.0], [(matrix + matrix.T) / 2, 1.0], labels=[-1, 1]).law
    assert len(set(law.eigenvalues[1].tolist())) == 1


def test_other_matrices_give_the_dense_law_in_the_users_coordinates():
    q = rotation(8)
    matrix = (q * np.arange(1.0, 9.0)) @ q.T
    mixture = GaussianMixture([0.5, 0.5], [1.0, np.ones(8)], [matrix, power_law(8, 1.0)], labels=[-1, 1], teacher=2.0)
    law = mixture.law
    assert isinstance(law, DenseLaw) and law.dimension == 8
    np.testing.assert_allclose(law.covariances[0], matrix, rtol=1e-14)
    np.testing.assert_array_equal(law.covariances[1], np.diag(power_law(8, 1.0).eigenvalues))
    np.testing.assert_allclose(law.means, [np.full(8, 1 / math.sqrt(8)), np.ones(8)], rtol=1e-15)
    np.testing.assert_allclose(law.teacher @ law.teacher, 4.0)


def test_singular_covariances_are_welcome():
    direction = np.array([[3.0], [4.0]])
    law = GaussianMixture([1.0], [0.0], [direction @ direction.T], teacher=[1.0, 0.0]).law
    np.testing.assert_allclose(np.sort(law.eigenvalues[0]), [0.0, 25.0], atol=1e-12)
    assert law.eigenvalues.min() >= 0


def test_infinite_dimension_spreads_vectors_over_the_nodes():
    covariances = [uniform(math.inf, 0.5, 1.5), power_law(math.inf, 1.0), identity(math.inf)]
    law = GaussianMixture([0.2, 0.3, 0.5], [0.0, 1.2, -0.8], covariances, labels=[1, -1, 1]).law
    assert law.dimension == math.inf and law.eigenvalues.shape == (3, law.shares.size)
    np.testing.assert_allclose((law.means**2).sum(axis=1), [0.0, 1.44, 0.64], rtol=1e-13)
    assert law.means[1] @ law.means[2] == pytest.approx(-0.96, rel=1e-13)
    # E s^2 = 1/3 for uniform s: the spectra share the variable s, as they do in finite dimension
    assert law.shares @ (law.eigenvalues[1] * (law.eigenvalues[0] - 0.5)) == pytest.approx(2 / 3, rel=1e-13)
    np.testing.assert_array_equal(law.eigenvalues[2], np.ones(law.shares.size))


def test_finite_dimension_approaches_infinite_dimension():
    def margin_variance(dimension):
        law = LinearTeacher(power_law(dimension, 1.5), teacher=1.3).law
        return law.eigenvalues[0] @ law.teacher**2

    assert margin_variance(2000) == pytest.approx(margin_variance(math.inf), rel=1e-5)


@pytest.mark.parametrize(
    ("labels", "teacher", "expected"),
    [([-1, 1], None, True), ([1, 1], None, True), ([0, 1], None, False), ([-1, 1], 1.0, False), (None, 1.0, False)],
)
def test_classification_means_two_class_labels_alone(labels, teacher, expected):
    mixture = GaussianMixture([0.5, 0.5], [0.0, 1.0], [identity(4)] * 2, labels=labels, teacher=teacher)
    assert mixture.classification is expected
    assert mixture.components == 2


def test_linear_teacher_is_the_centred_single_component():
    law = LinearTeacher(two_level(10), teacher=2.0, noise_variance=0.25).law
    assert law.weights.tolist() == [1.0] and law.labels is None and law.noise_variance == 0.25
    np.testing.assert_array_equal(law.means, np.zeros((1, 10)))
    np.testing.assert_allclose(law.teacher, 2.0 / math.sqrt(10))
    assert LinearTeacher(1.0, teacher=[1.0, 2.0]).dimension == 2


def test_a_mixture_never_changes():
    weights = np.array([1.0])
    mixture = GaussianMixture(weights, [[1.0, 2.0]], [1.0], labels=[1])
    weights[0] = 5.0
    assert mixture.weights.tolist() == [1.0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        mixture.noise_variance = 2.0
    for array in (mixture.weights, mixture.means[0], mixture.law.eigenvalues, mixture.law.means):
        assert not array.flags.writeable
    assert mixture.law is mixture.law


def test_description_is_json_and_tells_data_apart():
    def described(shift):
        mean = np.arange(20.0) + shift
        return GaussianMixture([1.0], [mean], [np.eye(20)], labels=[1]).describe()

    assert json.loads(json.dumps(described(0))) == described(0)
    assert described(0) != described(1)
    assert described(0)["kind"] == "GaussianMixture"
    text = json.dumps(LinearTeacher(identity(math.inf)).describe(), allow_nan=False)
    assert json.loads(text)["kind"] == "LinearTeacher" and json.loads(text)["dimension"] == "inf"
    assert repr(LinearTeacher(identity(5))) == "LinearTeacher(1 component(s), dimension 5)"


TWO = {"means": [0.0, 1.0], "covariances": [identity(3)] * 2, "labels": [-1, 1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [0.5, 0.6]}, "weights must sum to one (received: [0.5, 0.6], sum 1.1). Divide by their sum."),
        ({"weights": [1.5, -0.5]}, "weights must be > 0"),
        ({"weights": [1.0, 0.0]}, "weights must be > 0"),
        ({"weights": 1.0}, "weights must be a list"),
        ({"weights": [0.5, math.nan]}, "weights must be finite (received: 1 NaN or infinite of 2 values)"),
        ({"weights": ["a", "b"]}, "weights must be real numbers"),
        ({"means": [0.0]}, "means must have one entry per weight (received: 1 means, 2 weights)"),
        ({"means": 0.0}, "means must be a list with one entry per component"),
        ({"means": [[0.0, 1.0], 1.0]}, "means, covariances and teacher must have one dimension"),
        ({"means": [np.ones((3, 3)), 1.0]}, "means[0] must be an array (d,) or one number"),
        ({"means": [[0.0, math.inf, 0.0], 1.0]}, "means[0] must be finite"),
        ({"covariances": identity(3)}, "covariances must be a list with one entry per component"),
        ({"covariances": [identity(3), identity(4)]}, "means, covariances and teacher must have one dimension"),
        ({"covariances": [1.0, 2.0]}, "Use identity(d)."),
        ({"covariances": [identity(3), -1.0]}, "covariances[1] must be positive semidefinite"),
        ({"covariances": [identity(3), [1.0, -1.0, 1.0]]}, "covariances[1] must be positive semidefinite"),
        ({"covariances": [identity(3), np.ones((3, 2))]}, "covariances[1] must be a Spectrum, a number"),
        ({"covariances": [identity(3), np.triu(np.ones((3, 3)))]}, "covariances[1] must be symmetric"),
        ({"covariances": [identity(3), 2 * np.eye(3) - np.ones((3, 3))]}, "smallest eigenvalue -1"),
        ({"labels": [1]}, "labels must be one number per component"),
        ({"labels": ["cat", "dog"]}, "labels must be real numbers"),
        ({"labels": None}, "a mixture needs labels, a teacher or both. Give one label per component."),
        ({"teacher": [1.0, 2.0]}, "means, covariances and teacher must have one dimension"),
        ({"noise_variance": -0.1}, "noise_variance must be >= 0 (received: -0.1)"),
        ({"covariances": [identity(math.inf)] * 2, "teacher": [1.0]}, "In infinite dimension means and teacher are"),
    ],
)
def test_bad_input_is_refused_with_the_rule(change, message):
    with pytest.raises(InputError) as caught:
        GaussianMixture(**({"weights": [0.5, 0.5]} | TWO | change))
    assert message in str(caught.value)


def test_limiting_laws_of_different_variables_do_not_mix():
    covariances = [uniform(math.inf, 0.5, 1.5), marchenko_pastur(math.inf, 0.5)]
    with pytest.raises(InputError, match="functions of the same variable s"):
        GaussianMixture([0.5, 0.5], [0.0, 1.0], covariances, labels=[-1, 1])
