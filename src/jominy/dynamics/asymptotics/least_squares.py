"""Where constant-rate training of least squares on one centred class ends, and its laws at small rates.

Source: theory `dynamics.md` sections 4.2 and 4.3 (derived there).
"""

from typing import NamedTuple

import numpy as np

from jominy.data.laws import EigenLaw
from jominy.dynamics.least_squares import MEAN_ABS


class RidgeSums(NamedTuple):
    """The ridge solution with ridge lam, X = (K + lam)^{-1} K X*, in sums over coordinates (k eigenvalue, x teacher).

    Attributes:
        square_norm: sum x^2 (k/(k + lam))^2.
        residual: nu^2 + sum k x^2 (lam/(k + lam))^2.
        shrink, curved: mean of k/(k + lam) and of k^2/(k + lam).
    """

    square_norm: float
    residual: float
    shrink: float
    curved: float


def ridge_sums(law: EigenLaw, ridge: float) -> RidgeSums:
    """The sums at a ridge >= 0; coordinates without variance drop out."""
    assert law.teacher is not None
    k, mass, shares = law.eigenvalues[0], law.teacher**2, law.shares
    seen = k > 0
    kept = np.where(seen, k / np.where(seen, k + ridge, 1.0), 0.0)
    lost = np.where(seen, ridge / np.where(seen, k + ridge, 1.0), 1.0)  # 1 - kept, also where it is tiny
    return RidgeSums(
        float(mass @ kept**2),
        float(law.noise_variance + (k * mass) @ lost**2),
        float(shares @ kept),
        float(shares @ (k * kept)),
    )


def effective_ridge(kappa: float, radius: float) -> float:
    """lam_eff = eps^2 (kappa + c) / (kappa (1 + c kappa)); 0 without attack."""
    return radius**2 * (kappa + MEAN_ABS) / (kappa * (1 + MEAN_ABS * kappa)) if radius > 0 else 0.0


class LeastSquaresRest(NamedTuple):
    """The state at rest: risk, norm, residual variance, effective ridge, and the variance of X per share of trace."""

    risk: float
    norm: float
    residual_variance: float
    ridge: float
    noise_strength: float


LOGARITHMS = ((-30.0, 12.0), (12.0, 60.0), (-60.0, -30.0))
"""Of kappa, where it is looked for in turn: it is as small as the radius, and as large as 1 / rate without noise."""


def least_squares_rest(law: EigenLaw, radius: float, rate: float) -> LeastSquaresRest | None:
    """The stationary state below the critical rate: one scalar equation in kappa = eps rho / sigma.

    kappa^2 b0 = eps^2 [a0 (1 - g q b1) + g q b0 a1], q = (1 + 2 c kappa + kappa^2) / (2 (1 + c kappa)), g q b1 < 1.

    None where no state is found, so near the critical rate that its size is beyond rounding.
    """
    assert law.teacher is not None
    if not law.noise_variance and not np.any(law.eigenvalues[0] * law.teacher**2):
        return LeastSquaresRest(0.0, 0.0, 0.0, 0.0, 0.0)  # no noise at all: only the zero vector is at rest
    if radius == 0:
        return _rest_at(law, 0.0, 0.0, rate)
    import scipy.optimize  # here, because it takes a third of a second that other commands need not pay

    def balance(log_kappa: float) -> float:
        kappa = np.exp(log_kappa)
        sums = ridge_sums(law, effective_ridge(kappa, radius))
        noise_strength = _kick(kappa, rate)
        noise = sums.square_norm * (1 - noise_strength * sums.curved) + noise_strength * sums.residual * sums.shrink
        return kappa**2 * sums.residual - radius**2 * noise

    # The admissible states have g q b1 < 1, which holds up to some kappa; the balance is negative for small kappa.
    for low, high in LOGARITHMS:
        # Offset: exact zeros on round numbers are lost by sign tests.
        grid = np.linspace(low, high, round(2000 * (high - low) / 42) + 1) + 1e-5 * np.pi
        values = np.array([balance(point) for point in grid])
        for i in np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0)):
            kappa = float(np.exp(scipy.optimize.brentq(balance, grid[i], grid[i + 1], xtol=1e-14)))
            rest = _rest_at(law, radius, kappa, rate)
            if rest is not None:
                return rest
    return None


def _kick(kappa: float, rate: float) -> float:
    return rate * (1 + 2 * MEAN_ABS * kappa + kappa**2) / (2 * (1 + MEAN_ABS * kappa))


def _rest_at(law: EigenLaw, radius: float, kappa: float, rate: float) -> LeastSquaresRest | None:
    """The state at a solution kappa; None where its variance would be negative."""
    ridge = effective_ridge(kappa, radius)
    sums, noise_strength = ridge_sums(law, ridge), _kick(kappa, rate)
    # sigma^2 = b0 / of_residual = (eps / kappa)^2 a0 / of_norm, of one sign: by the one that cancels less. The first is
    # rounding where the teacher is all but met, the second where the noise is all there is.
    of_residual = 1 - noise_strength * sums.curved
    of_norm = 1 - noise_strength * sums.shrink * (radius / kappa) ** 2 if radius > 0 else -np.inf
    if max(of_residual, of_norm) <= 0:
        return None
    if of_residual >= of_norm:
        variance = sums.residual / of_residual
    else:
        variance = (radius / kappa) ** 2 * sums.square_norm / of_norm
    norm = float(np.sqrt(sums.square_norm + noise_strength * variance * sums.shrink))
    sigma = np.sqrt(variance)
    risk = (variance + 2 * MEAN_ABS * radius * norm * sigma + (radius * norm) ** 2) / 2
    return LeastSquaresRest(float(risk), norm, float(variance), float(ridge), noise_strength)
