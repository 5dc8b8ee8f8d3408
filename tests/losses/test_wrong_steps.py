"""Losses whose steps are clipped or pulled: their averages against draws, their forecasts against plain SGD."""

from dataclasses import replace

import numpy as np
import pytest

import jominy as jm
from jominy.losses import OrderParameters
from jominy.losses.wrong_steps import ClippedMarginLoss, ClippedResidualLoss, DecayedLoss, clipping_of
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import double_precision

ORDER = OrderParameters(
    margin_mean=np.array([0.4]), margin_variance=np.array([1.3]), residual_mean=np.array([0.2]),
    residual_variance=np.array([0.9]), norm=np.array(0.8), sizes=np.array([0.8]), teacher_mean=np.zeros(1),
    teacher_variance=np.ones(1), teacher_covariance=np.zeros(1),
)  # fmt: skip


@pytest.mark.parametrize(
    "loss",
    [
        ClippedMarginLoss(jm.LogisticLoss(), 0.3),
        ClippedResidualLoss(jm.SquaredLoss(), 0.8),
        DecayedLoss(jm.LogisticLoss(), 0.7),
        DecayedLoss(jm.SquaredLoss(), 0.7),
    ],
)
@double_precision
def test_averages_are_those_of_draws(loss):
    """A million draws of the score; five standard errors."""
    draws, label, shift = np.random.default_rng(1).standard_normal(1_000_000), np.ones(1), np.array(0.24)
    found = loss.moments(ORDER, label, shift, gaussian_rule(2.0))
    margin = loss.needs_classes
    mean, variance = (ORDER[0][0], ORDER[1][0]) if margin else (ORDER[2][0], ORDER[3][0])
    score, target = mean + np.sqrt(variance) * draws, 1.0 if margin else 0.0
    slope, along = (np.asarray(one) for one in loss.adversarial_slopes(score, shift, np.full(len(draws), target)))
    for name, values in (
        ("slope", slope), ("shift_slope", along), ("slope_squared", slope**2), ("slope_shift_slope", slope * along),
        ("curvature", slope * draws / np.sqrt(variance)),
    ):  # fmt: skip
        error = max(values.std() / 1000, 1e-12)
        assert abs(values.mean() - float(getattr(found, name)[0])) < 5 * error, name


@double_precision
def test_the_moments_of_a_decaying_step():
    """E phi phi' of (Psi_r, Psi_r u, h + decay, Psi_r^2) by draws; five standard errors."""
    radius, decay = np.array(0.3), 0.2
    loss = DecayedLoss(jm.LogisticLoss(), decay / 0.09)
    told = loss.step_moments(np.ones(1), ORDER, radius, gaussian_rule(2.0)).second[0]
    u = np.random.default_rng(2).standard_normal(1_000_000)
    score = ORDER.margin_mean[0] + np.sqrt(ORDER.margin_variance[0]) * u
    slope = -1 / (1 + np.exp(score - 0.3 * 0.8))
    features = np.stack([slope, slope * u, -0.3 / 0.8 * slope + decay, slope**2])
    for row in range(4):
        for column in range(4):
            values = features[row] * features[column] - (slope**2 if row == column == 1 else 0)
            assert abs(values.mean() - told[row, column]) < 5 * values.std() / 1000 + 1e-9, (row, column)


def test_risks_are_those_of_the_loss_inside():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(100), noise_variance=0.25), jm.SquaredLoss(), 0.5)
    begun = jm.forecast(problem, jm.Constant(0.5), times=[0.0, 4.0], start=0.7)
    clipped = replace(problem, loss=clipping_of(problem.loss, 1.0).at(0.5))
    told = jm.forecast(clipped, jm.Constant(0.5), times=[0.0, 4.0], start=0.7)
    assert np.isclose(told.adversarial_risk[0], begun.adversarial_risk[0], rtol=1e-9)
    assert told.norm[1] < begun.norm[1] - 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("clip", "decay"), [(16.0, 0.0), (np.inf, 0.2)])
def test_forecasts_are_those_of_plain_sgd(clip, decay):
    """60 runs of NumPy at d = 400; three standard errors and 1 % for what is of order 1/d. Seed 0."""
    d, count = 400, 60
    draw, teacher, weights = np.random.default_rng(0), np.ones(400) / 20, np.zeros((60, 400))
    problem = jm.Problem(jm.LinearTeacher(jm.identity(d), noise_variance=0.25), jm.SquaredLoss(), 0.5)
    wrong = ClippedResidualLoss(problem.loss, clip / 20) if decay == 0 else DecayedLoss(problem.loss, decay / 0.25)
    told = jm.forecast(replace(problem, loss=wrong), jm.Constant(0.5), times=[1.0, 4.0])
    for step in range(1, 1601):
        x = draw.standard_normal((count, d))
        size = np.linalg.norm(weights, axis=1)
        residual = np.sum((weights - teacher) * x, axis=1) - 0.5 * draw.standard_normal(count)
        attacked = np.abs(residual) + 0.5 * size
        gradient = (np.sign(residual) * attacked)[:, None] * x
        gradient += (0.5 * attacked / np.maximum(size, 1e-12))[:, None] * weights
        gradient *= np.minimum(1, clip / np.linalg.norm(gradient, axis=1))[:, None]
        weights = weights - 0.5 / d * (gradient + decay * weights)
        if step in (400, 1600):
            norms = np.linalg.norm(weights, axis=1)
            norm = float(told.norm.sel(time=step / d))
            assert abs(norms.mean() - norm) < 3 * norms.std() / np.sqrt(count) + 0.01 * norm
