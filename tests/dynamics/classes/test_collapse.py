"""From which radius on several classes learn nothing: against the binary theory and a search over all weights."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize
from sklearn.datasets import load_breast_cancer

import jominy as jm

ATTACKS = {
    "l2": jm.L2(),
    "linf": jm.LInf(),
    "budgets": jm.LInf(budget=[1.0, 2.0, 0.5, 1.0, 1.0]),
    "weights": jm.Mahalanobis([1.0, 0.3, 2.0, 1.0, 0.5]),
    "matrix": jm.Mahalanobis(np.diag([1.0, 0.3, 2.0, 1.0, 0.5]) + 0.1),
}


def _samples(classes=4, d=5, seed=0, **more):
    g = np.random.default_rng(seed)
    y = g.choice(classes, size=300, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    return jm.Samples(g.standard_normal((classes, d))[y] + g.standard_normal((300, d)), [f"c{k}" for k in y], **more)


def _size(attack, W):
    d = W.shape[1]
    if isinstance(attack, jm.LInf):
        budgets = attack.budgets(d)
        return np.abs(W) @ (np.ones(d) if budgets is None else budgets) / np.sqrt(d)
    form = np.eye(d) if attack.isotropic else attack.form(d)
    form = np.diag(form) if form.ndim == 1 else form
    return np.sqrt(np.einsum("ki,ij,kj->k", W, form, W))


@pytest.mark.parametrize("name", ATTACKS)
def test_the_collapse_radius_is_the_steepest_descent_from_zero_over_all_weights(name):
    attack, samples = ATTACKS[name], _samples()
    y = samples.class_numbers
    shares = np.bincount(y) / len(y)
    means = np.stack([samples.features[y == c].mean(axis=0) for c in range(4)])

    found = jm.collapse_radius(jm.Problem(samples, jm.SoftmaxLoss(), 0.1, attack))
    if isinstance(attack, jm.LInf):  # of absolute values: a linear programme in positive and negative parts
        gain = (shares[:, None] * means).ravel()
        cost = (shares[:, None] * _size(attack, np.eye(5))).ravel()
        balance = np.tile(np.eye(5), 4)
        best = -linprog(
            -np.concatenate([gain, -gain]), np.concatenate([cost, cost])[None], [1.0],
            np.concatenate([balance, -balance], axis=1), np.zeros(5),
        ).fun  # fmt: skip
        assert found == pytest.approx(best, rel=1e-8)
        return

    def ratio(flat):
        W = flat.reshape(4, -1)
        W = W - W.mean(axis=0)
        return -(shares @ np.sum(W * means, axis=1)) / (shares @ _size(attack, W))

    g = np.random.default_rng(1)
    best = -min(
        minimize(ratio, minimize(ratio, g.standard_normal(20), method="Powell").x, method="Nelder-Mead",
                 options={"maxiter": 8000, "fatol": 1e-10, "xatol": 1e-8}).fun
        for _ in range(2)
    )  # fmt: skip
    assert best <= found * (1 + 1e-9)
    assert found == pytest.approx(best, rel=0.02)


@pytest.mark.parametrize("intercept", [False, True])
def test_two_classes_are_the_binary_theory(intercept):
    samples = jm.Samples(*load_breast_cancer(return_X_y=True), intercept=intercept)
    for attack in (jm.L2(), jm.LInf()):
        two = jm.collapse_radius(jm.Problem(samples, jm.SoftmaxLoss(), 0.1, attack))
        one = jm.collapse_radius(jm.Problem(samples, jm.LogisticLoss(), 0.1, attack))
        assert two == pytest.approx(one, rel=1e-6)


def test_an_intercept_leaves_the_ball_around_the_means_of_any_shares():
    samples = _samples(3, intercept=True)
    means = np.stack([samples.features[samples.class_numbers == c, :-1].mean(axis=0) for c in range(3)])
    centre = minimize(lambda z: np.max(np.linalg.norm(means - z, axis=1)), means.mean(axis=0), method="Nelder-Mead",
                      options={"maxiter": 20000, "fatol": 1e-12, "xatol": 1e-10})  # fmt: skip
    found = jm.collapse_radius(jm.Problem(samples, jm.SoftmaxLoss(), 0.1))
    assert found == pytest.approx(centre.fun, rel=1e-4)
    with pytest.raises(jm.InputError, match="known where all features can be attacked"):
        jm.collapse_radius(jm.Problem(_samples(3, immutable=[0]), jm.SoftmaxLoss(), 0.1))


def test_classes_of_equal_size_have_the_radius_of_the_ball_around_their_means():
    means = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.4]])
    X = np.repeat(means, 10, axis=0) + 1e-9 * np.random.default_rng(0).standard_normal((30, 2))
    samples = jm.Samples(X, np.repeat(["a", "b", "c"], 10), None)
    assert jm.collapse_radius(jm.Problem(samples, jm.SoftmaxLoss(), 0.1)) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_training_learns_below_it_and_forgets_above(factor):
    samples = _samples(3)
    radius = factor * jm.collapse_radius(jm.Problem(samples, jm.SoftmaxLoss(), 0.1))
    problem = jm.Problem(samples, jm.SoftmaxLoss(), radius)
    start = 0.5 * np.random.default_rng(0).standard_normal((3, samples.dimension))
    runs = jm.simulate(problem, jm.InverseTime(1.0, 0.3), times=[400.0], seeds=4, start=start)
    risk = float(runs["adversarial_risk"].mean())
    assert risk < np.log(3) - 0.01 if factor < 1 else abs(risk - np.log(3)) < 0.005


def test_other_losses_of_several_classes_say_what_is_known():
    with pytest.raises(jm.InputError, match="known for the softmax loss"):
        jm.collapse_radius(jm.Problem(_samples(), jm.CrammerSingerLoss(), 0.1))
