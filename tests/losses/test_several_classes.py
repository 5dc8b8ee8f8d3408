"""Losses of several classes under attack, against brute force over attacks of the inputs themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from jominy.attacks import Reach
from jominy.dynamics.classes.moves import GramMoves, WeightMoves, moves_of_rows, perturbations
from jominy.errors import InputError
from jominy.losses import (
    CrammerSingerLoss,
    OneVersusRestLoss,
    SoftmaxBoundLoss,
    SoftmaxLoss,
    SquaredHingeLoss,
    SquaredLoss,
)
from softmax_oracle import ascended, attack_direction, cross_entropy

RADIUS = 0.7


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def _rows(classes, dimension, count=60, size=1.0, seed=0):
    """Weights, rows, class numbers, scores (K, n) and own classes (K, n)."""
    g = np.random.default_rng(seed)
    W = size * g.standard_normal((classes, dimension))
    X, y = g.standard_normal((count, dimension)), g.integers(classes, size=count)
    own = (y == np.arange(classes)[:, None]).astype(float)
    return W, X, y, jnp.array(W @ X.T), jnp.array(own)


@pytest.mark.parametrize(("classes", "dimension", "size"), [
    pytest.param(3, 2, 1.0, marks=pytest.mark.slow), (3, 4, 2.0), pytest.param(5, 3, 1.5, marks=pytest.mark.slow),
    (10, 20, 0.3),
])  # fmt: skip
def test_the_exact_maximum_is_never_below_projected_gradient_ascent(classes, dimension, size):
    W, X, y, scores, own = _rows(classes, dimension, size=size)
    found = np.asarray(SoftmaxLoss().adversarial_value(scores, own, moves_of_rows(jnp.array(W), None), RADIUS))
    ascents = ascended(W, X, y, RADIUS)
    assert np.all(found >= ascents * (1 - 1e-6) - 1e-12)
    assert np.all(found <= ascents * 1.1 + 1e-3)  # and it is a value that an attack can have


def test_the_exact_maximum_is_that_over_all_directions_in_the_plane():
    W, X, y, scores, own = _rows(3, 2, size=3.0)
    angles = np.linspace(0, 2 * np.pi, 20001)
    circle = RADIUS * np.stack([np.cos(angles), np.sin(angles)])
    attacked = (W @ X.T)[:, :, None] + (W @ circle)[:, None]
    best = np.max(logsumexp(attacked, axis=0) - np.take_along_axis(attacked, y[None, :, None], axis=0)[0], axis=1)
    found = np.asarray(SoftmaxLoss().adversarial_value(scores, own, moves_of_rows(jnp.array(W), None), RADIUS))
    np.testing.assert_allclose(found, best, rtol=1e-6)


def test_steps_of_the_attack_are_those_of_ascent_in_the_input():
    W, X, y, scores, own = _rows(4, 6)
    for steps in (1, 2, 3, 7):
        pull = SoftmaxLoss(attack_steps=steps).pull(scores, own, WeightMoves(jnp.array(W), None), RADIUS)
        delta = RADIUS * np.asarray(perturbations(None, pull.directions[0].T @ W))
        expected = [attack_direction(W, x, c, RADIUS, steps) for x, c in zip(X, y, strict=True)]
        np.testing.assert_allclose(delta, expected, atol=1e-12)


@pytest.mark.parametrize("radius", [0.05, 0.5, 2.0])
def test_clean_fgm_steps_exact_and_bound_are_in_this_order(radius):
    W, _, _, scores, own = _rows(5, 4)
    moves = moves_of_rows(jnp.array(W), None)

    def after(steps):
        direction = SoftmaxLoss(attack_steps=steps).pull(scores, own, moves, radius).directions[0]
        return SoftmaxLoss().value(scores + radius * moves.shift(direction), own)

    ladder = [SoftmaxLoss().value(scores, own), after(1), after(2), after(3), after(30)]
    ladder += [
        SoftmaxLoss().adversarial_value(scores, own, moves, radius),
        SoftmaxLoss().bound(scores, own, moves, radius),
    ]
    for lower, upper in zip(ladder[:-1], ladder[1:], strict=True):
        assert np.all(np.asarray(upper) >= np.asarray(lower) * (1 - 1e-10))


def test_all_of_them_are_the_logistic_loss_for_two_classes():
    W, _, y, scores, own = _rows(2, 5)
    moves = moves_of_rows(jnp.array(W), None)
    margin = np.where(y == 1, 1, -1) * np.asarray(scores[1] - scores[0]) - RADIUS * np.linalg.norm(W[1] - W[0])
    expected = np.logaddexp(0, -margin)
    for value in (SoftmaxLoss().adversarial_value, SoftmaxLoss().bound):
        np.testing.assert_allclose(np.asarray(value(scores, own, moves, RADIUS)), expected, rtol=1e-12)


FORMS = [
    None,
    np.array([1.0, 0.0, 2.0, 0.5]),
    np.diag([1.0, 2.0, 0.5, 1.0]) + 0.2,
    Reach(np.array([0.5, 0.0, 1.0, 0.3])),
]


@pytest.mark.parametrize(
    "form",
    [
        FORMS[0],
        pytest.param(FORMS[1], marks=pytest.mark.slow),
        pytest.param(FORMS[2], marks=pytest.mark.slow),
        FORMS[3],
    ],
    ids=["l2", "diagonal", "matrix", "linf"],
)
@pytest.mark.parametrize(
    "loss",
    [
        SoftmaxLoss(),
        SoftmaxBoundLoss(),
        CrammerSingerLoss(),
        OneVersusRestLoss(),
        OneVersusRestLoss(SquaredHingeLoss()),
    ],
    ids=["softmax", "bound", "crammer-singer", "one-versus-rest", "one-versus-rest, squared hinge"],
)
def test_the_pull_is_the_gradient_of_the_loss_under_attack(loss, form):
    W, X, _, _, own = _rows(4, 4, count=12, seed=3)
    value = loss.bound if isinstance(loss, SoftmaxBoundLoss) else loss.adversarial_value

    @jax.jit
    def mean(W):
        return jnp.mean(value(W @ X.T, own, moves_of_rows(W, form), 0.3))

    pull = loss.pull(jnp.array(W @ X.T), own, WeightMoves(jnp.array(W), form), 0.3)
    gradient = np.asarray(pull.scores) @ X
    for one, direction in zip(np.asarray(pull.attack), np.asarray(pull.directions), strict=True):
        gradient += 0.3 * one @ np.asarray(perturbations(form, direction.T @ W))
    gradient /= len(X)
    step = 1e-6
    numeric = np.zeros_like(W)
    for index in np.ndindex(*W.shape):
        moved = np.zeros_like(W)
        moved[index] = step
        numeric[index] = float(mean(W + moved) - mean(W - moved)) / (2 * step)
    np.testing.assert_allclose(gradient, numeric, atol=2e-7)


@pytest.mark.parametrize("form", FORMS, ids=["l2", "diagonal", "matrix", "linf"])
def test_both_ways_of_moving_scores_agree_and_reach_what_attacks_reach(form):
    W, _, _, scores, own = _rows(4, 4)
    by_weights, direct = WeightMoves(jnp.array(W), form), moves_of_rows(jnp.array(W), form)
    directions = SoftmaxLoss(attack_steps=1).pull(scores, own, by_weights, RADIUS).directions[0]
    one, other = np.asarray(direct.shift(directions)), np.asarray(by_weights.shift(directions))
    np.testing.assert_allclose(one - one[0], other - other[0], atol=1e-12)  # what all scores share, no loss feels
    for moves in (by_weights, direct):
        np.testing.assert_allclose(np.asarray(moves.pairs(own)), np.asarray(direct.pairs(own)), atol=1e-12)
        np.testing.assert_allclose(np.asarray(moves.singles()), np.asarray(direct.singles()), atol=1e-12)
    assert isinstance(direct, WeightMoves if isinstance(form, Reach) else GramMoves)
    # No perturbation of radius one moves a difference of scores further than `pairs` says; one of them does so far.
    g = np.random.default_rng(1)
    raw = g.standard_normal((5000, 4))
    if isinstance(form, Reach):
        tried = np.sign(raw) * form.weights
    else:
        root = (
            np.eye(4)
            if form is None
            else np.linalg.cholesky(np.diag(form) + 1e-30 * np.eye(4) if form.ndim == 1 else form)
        )
        tried = raw / np.linalg.norm(raw, axis=1, keepdims=True) @ root.T
    gain = np.max(tried @ (W[1] - W[0]))
    told = float(direct.pairs(jnp.eye(4)[:, :1])[1, 0])
    assert gain <= told * (1 + 1e-12) and gain > 0.9 * told


@pytest.mark.parametrize(
    ("loss", "off"),
    [  # ten steps stand for the exact attack
        (SoftmaxLoss(), 1e-5), (SoftmaxLoss(attack_steps=1), 1e-6), (SoftmaxLoss(attack_steps=0), 1e-6),
        (SoftmaxBoundLoss(), 1e-6),
    ],
    ids=["exact", "FGM", "clean", "bound"],
)  # fmt: skip
def test_the_response_is_the_pull_and_its_derivative(loss, off):
    """What the theory takes for a row's gradient is SGD's own, and its slope is the difference quotient."""
    W, X, _, scores, own = _rows(4, 6, count=25, size=0.5)
    gram, radius = jnp.array(W @ W.T), 0.3
    moves = GramMoves.of_gram(gram)

    def at(scores):
        return loss.response(scores, own, moves, gram, radius)

    told, pull, by_weights = at(scores), loss.pull(scores, own, moves, radius), WeightMoves(jnp.array(W), None)
    exact = pull.scores @ X + radius * by_weights.pull(pull.attack, pull.directions)
    np.testing.assert_allclose(told.scores @ X + jnp.sum(told.attack, axis=2) @ W, exact, rtol=off, atol=off)
    way = jnp.array(np.random.default_rng(5).standard_normal(scores.shape))
    quotient = (at(scores + 1e-5 * way).scores - at(scores - 1e-5 * way).scores) / 2e-5
    np.testing.assert_allclose(jnp.einsum("kln,ln->kn", told.slope, way), quotient, rtol=1e-4, atol=1e-6)


def test_far_margins_keep_their_attack():
    W = np.array([[200.0, 0.0], [-200.0, 1.0], [0.0, 3.0]])
    x = np.array([0.9, 0.5 / 3])
    scores, own = jnp.array(W @ x[:, None]), jnp.array([[1.0], [0.0], [0.0]])
    found = float(SoftmaxLoss().adversarial_value(scores, own, moves_of_rows(jnp.array(W), None), 1.2)[0])
    assert found == pytest.approx(
        max(cross_entropy(W @ (x + 1.2 * d / np.linalg.norm(d)), 0) for d in W[1:] - W[0]), rel=1e-3
    )


def test_what_is_no_number_of_steps_is_refused():
    for steps in (-1, 1.5, True, "exact"):
        with pytest.raises(InputError, match="attack_steps must be a whole number"):
            SoftmaxLoss(attack_steps=steps)
    with pytest.raises(InputError, match="margin loss"):
        OneVersusRestLoss(SquaredLoss())
