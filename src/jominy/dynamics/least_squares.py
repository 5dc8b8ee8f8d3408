"""Adversarial least squares as standard least squares with an adaptive rate and an adaptive ridge.

Source: theory `dynamics.md` sections 4.1 and 4.2 (the equivalence is the paper's, these formulas are derived there).
"""

import numpy as np

from jominy.data.laws import EigenLaw
from jominy.data.nodes import forms_of
from jominy.dynamics.problem import Problem

MEAN_ABS = float(np.sqrt(2 / np.pi))
"""E|u| of a standard normal u."""


def is_centred_least_squares(problem: Problem) -> bool:
    """Whether the equivalence holds: squared loss, one class, no mean, no offset, an attack in l2."""
    return is_least_squares_on_one_class(problem) and problem.isotropic


def is_least_squares_on_one_class(problem: Problem) -> bool:
    """The same under any attack, where only some of the closed forms hold."""
    return problem.loss.least_squares and not problem.data.empirical and problem.law.one_centred_class is not None


def effective_values(
    residual_variance: np.ndarray, norm: np.ndarray, rate: np.ndarray, radius: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effective learning rate g A, effective ridge B / A and noise inflation chi of students (...).

    With sigma^2 = E (y - <X, x>)^2 the residual variance, rho the norm and kappa = eps rho / sigma: A = 1 + c kappa,
    B = eps^2 + c eps sigma / rho, chi = 1 + (1 - 2 / pi) (kappa / A)^2 in [1, pi / 2], c = sqrt(2 / pi). Under attack
    the ridge of a student of norm zero is infinite.

    >>> [round(float(value), 6) for value in effective_values(np.array(1.0), np.array(2.0), np.array(0.5), 0.5)]
    [0.898942, 0.25, 1.112418]
    """
    sigma, radius = np.sqrt(residual_variance), np.asarray(radius, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        kappa = np.where(radius * norm > 0, radius * norm / sigma, 0.0)
        slope = 1 + MEAN_ABS * kappa  # infinite where the residual vanishes
        share = np.where(np.isinf(kappa), 1 / MEAN_ABS, kappa / slope)  # kappa / A
        # At kappa -> infinity it vanishes. Not eps^2 (1 + c / kappa), whose square may be too small for a number.
        ridge = np.where(np.isinf(kappa), 0.0, (radius**2 + MEAN_ABS * (radius * sigma / norm)) / slope)
    ridge = np.where(radius > 0, ridge, 0.0)
    # A rate of zero, such as Polyak's where the residual vanishes, moves nothing however steep the loss is.
    with np.errstate(over="ignore"):  # beyond every number it is infinite, as the slope may be
        effective = np.where(rate == 0, 0.0, rate * np.where(rate == 0, 1.0, slope))
    return effective, ridge, 1 + (1 - 2 / np.pi) * share**2


def interpolation_threshold(law: EigenLaw) -> float:
    """c / sqrt(n' K^{-1} n), n the slope of the attack's size at X*: up to it X* is optimal; 0 with label noise.

    Near X* the adversarial risk is above that of X* by eps size (c ||X - X*||_K + eps <n, X - X*>). X* is the teacher
    as far as it is seen, on the range of K; n = M X* / size with the attack's form M, the identity for l2
    (of several forms the sum). Under l_inf
    with budgets s: c / sqrt(<s^2 / k>), the mean over the features that the teacher uses; under l_p with s^q f(u*) in
    place of s.
    """
    assert law.teacher is not None
    mass, k = law.teacher**2, law.eigenvalues[0]
    seen = (mass > 0) & (k > 0)
    if law.noise_variance > 0 or not np.any(seen):
        return 0.0
    if law.budgets is not None:
        shares, slope = law.shares[seen], law.budgets[seen]
        if law.power is not None:
            lengths, q = slope * np.sqrt(mass[seen] / shares), float(law.power)
            slope = slope * (lengths / np.sum(shares * lengths**q) ** (1 / q)) ** (q - 1)
        cost = np.sum(shares * slope**2 / k[seen])
        return float(MEAN_ABS / np.sqrt(cost)) if cost > 0 else np.inf
    forms = forms_of(law)[:, seen]
    sizes = np.sqrt(forms @ mass[seen])[:, None]
    slope = np.sum(np.where(sizes > 0, forms / np.where(sizes > 0, sizes, 1.0), 0.0), axis=0)
    cost = np.sum(slope**2 * mass[seen] / k[seen])
    return float(MEAN_ABS / np.sqrt(cost)) if cost > 0 else np.inf
