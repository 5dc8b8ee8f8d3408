"""From which radius on robust training of a head on a frozen network learns nothing that the input tells.

With shares p of the classes in the intercept, the loss of a row of class y falls along weights W by <W'v, x>, with
v = e_y - p, and rises under attack by radius |J'W'v|. Zero is optimal while mean <W'v, x> <= radius mean |J'W'v| for
all W: the collapse radius is the largest quotient. It is found by minimising the mean of norms at a given numerator,
by iteratively reweighted least squares; every iterate's quotient is a lower bound.

Source: theory `heads.md` section 3 and `attacks.md` section 2, the general rule.
"""

from __future__ import annotations

import numpy as np

from jominy.data import HeadSamples
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses import ClassLoss, SoftmaxLoss

STEPS = 300
EXACT = 1e-7
"""Relative change of the quotient at which the search ends."""
SMALLEST = 1e-8
"""Of the mean norm: no smaller norm is divided by."""
RIDGE = 1e-10
"""Of the mean eigenvalue, for directions that no attack can move and no class tells."""


def head_collapse_radius(problem: Problem) -> float:
    """The radius, in units of the network's input, from which on the best robust head answers the classes' shares."""
    samples = problem.samples
    assert isinstance(samples, HeadSamples)
    if not isinstance(problem.loss.plain, SoftmaxLoss):
        raise InputError(
            "Of a head the collapse radius is known for the softmax loss", type(problem.loss).__name__,
            "Use `SoftmaxLoss()`",
        )  # fmt: skip
    labels, features = samples.class_numbers, samples.features[:, :-1]
    counted = np.bincount(labels) * (1.0 if samples.class_weights is None else np.array(samples.class_weights))
    weight = (counted / np.bincount(labels))[labels] / counted.sum()
    pulls = np.eye(len(counted)) - counted / counted.sum()  # (K, K) v of each class in a row
    reach = samples.row_reach()
    factors = reach.factors[:, :-1].astype(float)
    if reach.directions is not None:
        factors = factors @ reach.directions.astype(float).swapaxes(1, 2)
    means = np.stack([weight[labels == y] @ features[labels == y] for y in range(len(counted))])
    told = pulls.T @ means  # (K, m): the numerator is its product with W
    size = told.size
    by_class = [np.flatnonzero(labels == y) for y in range(len(counted))]
    norms = np.ones((len(labels), factors.shape[2] if reach.directions is not None else 1))
    best = 0.0
    for _ in range(STEPS):
        form = np.zeros((size, size))
        for y, rows in enumerate(by_class):
            scaled = factors[rows] * np.sqrt(weight[rows, None] / norms[rows])[:, None]
            flat = scaled.transpose(1, 0, 2).reshape(scaled.shape[1], -1)
            form += np.kron(np.outer(pulls[y], pulls[y]), flat @ flat.T)
        form[np.diag_indices(size)] += RIDGE * np.trace(form) / size
        W = np.linalg.solve(form, told.ravel()).reshape(told.shape)
        moved = np.einsum("nm,nmr->nr", (pulls @ W)[labels], factors)
        norms = np.abs(moved) if reach.directions is not None else np.linalg.norm(moved, axis=1, keepdims=True)
        mean = float(weight @ norms.sum(axis=1))
        quotient = float(np.sum(told * W)) / mean
        done, best = abs(quotient - best) < EXACT * quotient, max(best, quotient)
        if done:
            break
        norms = np.maximum(norms, SMALLEST * mean)
    # What is clean of the loss pulls as the rest does, but no attack moves it.
    assert isinstance(problem.loss, ClassLoss)
    return best / problem.loss.attacked_share
