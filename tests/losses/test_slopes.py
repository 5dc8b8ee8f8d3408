"""The adversarial loss of one sample and its slopes, which SGD steps along."""

import jax
import numpy as np
import pytest

from jominy.losses import LogisticLoss, SquaredLoss
from jominy.numerics.precision import double_precision
from user_losses import PLAIN, Exponential, Hinge, Huber, LogCosh, SmoothedHinge

KINDS = [SquaredLoss, LogisticLoss, Hinge, SmoothedHinge, Exponential, Huber, LogCosh]
NORMS, RADIUS = np.array([0.3, 1.2]), 0.7
SCORES = np.linspace(-3.1, 3.3, 27)[:, None] + 0 * NORMS  # no score on a kink


@double_precision
def adversarial(loss, score, norm, target):
    return np.asarray(jax.jit(loss.adversarial)(score, RADIUS * norm, target))


@double_precision
def slopes(loss, score, norm, target):
    slope, shift_slope = jax.jit(loss.adversarial_slopes)(score, RADIUS * norm, target)
    return np.asarray(slope), RADIUS * np.asarray(shift_slope)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_slopes_are_finite_differences_of_the_adversarial_loss(kind):
    loss, h = kind(), 1e-6
    for target in (1.0, -1.0):
        slope, norm_slope = slopes(loss, SCORES, NORMS, target)
        by_score = (adversarial(loss, SCORES + h, NORMS, target) - adversarial(loss, SCORES - h, NORMS, target)) / (
            2 * h
        )
        by_norm = (adversarial(loss, SCORES, NORMS + h, target) - adversarial(loss, SCORES, NORMS - h, target)) / (
            2 * h
        )
        np.testing.assert_allclose(slope, by_score, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(norm_slope, by_norm, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_adversary_finds_the_worst_point_of_the_whole_ball(kind):
    # Brute force over 401 attacks; a quasi-convex loss is worst at an end.
    loss = kind()
    shifts = np.linspace(-1.0, 1.0, 401) * RADIUS
    all_scores = SCORES[..., None] + shifts * NORMS[:, None]
    brute = np.asarray(double_precision(jax.jit(loss.__call__))(all_scores, 1.0)).max(axis=-1)
    np.testing.assert_allclose(adversarial(loss, SCORES, NORMS, 1.0), brute, rtol=1e-14)


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_a_user_states_one_function(kind):
    from jominy.losses import MarginLoss

    value = PLAIN[kind][0]
    z = np.array([-1.7, 0.3, 2.2])
    target = -1.0 if issubclass(kind, MarginLoss) else 0.4
    seen = target * z if issubclass(kind, MarginLoss) else z - target
    np.testing.assert_allclose(double_precision(kind())(z, target), value(seen), rtol=1e-12)
    assert kind().describe() == {"kind": kind.__name__}
    assert kind().needs_classes == issubclass(kind, MarginLoss)


def test_only_closed_forms_say_that_they_need_no_quadrature():
    assert SquaredLoss().closed_form and not LogisticLoss().closed_form and not Huber().closed_form
