"""Two small systems of the theory as one would write them in NumPy and PyTorch, for SciPy and torchdiffeq to solve.

Both equations are in `theory/dynamics.md` sections 1.2 and 7; the coefficients of the fixed vectors and the variance of
the rest are the unknowns, as in jominy.
"""

from typing import NamedTuple

import numpy as np
import scipy.integrate
from scipy.special import expit

HORIZON, TOLERANCE = 10.0, 1e-6
TIMES = np.linspace(0.0, HORIZON, 101)
METHODS = ("RK45", "DOP853", "LSODA")
START, MEAN = 0.5, 1.5
"""Norm of the start, orthogonal to the class means, and of the means -m and m."""
GRID = np.linspace(-8.6, 8.6, 61)
WEIGHTS = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()


class Solved(NamedTuple):
    """Adversarial risk (T,), and the final state."""

    risk: np.ndarray
    state: np.ndarray


def logistic_margins(state: np.ndarray, radius: float) -> tuple[np.ndarray, float]:
    """Margins at the nodes (61,) and the norm; state: coefficients along the mean and the start, variance."""
    norm = np.sqrt(max(state[0] ** 2 + state[1] ** 2 + state[2], 1e-30))
    return MEAN * state[0] - radius * norm + norm * GRID, norm


def scipy_logistic(
    radius: float, rate: float, method: str = "DOP853", rtol: float = TOLERANCE, times: np.ndarray = TIMES
) -> Solved:
    """Two isotropic classes with means -m and m, logistic loss."""

    def velocity(_, state):
        margins, norm = logistic_margins(state, radius)
        wrong = expit(-margins)
        slope, curvature, square = -(WEIGHTS @ wrong), WEIGHTS @ (wrong * (1 - wrong)), WEIGHTS @ (wrong * wrong)
        alpha = curvature - radius * slope / norm
        return np.array([
            -rate * (alpha * state[0] + slope * MEAN),
            -rate * alpha * state[1],
            -2 * rate * alpha * state[2] + rate**2 * square,
        ])  # fmt: skip

    found = scipy.integrate.solve_ivp(
        velocity, (0, HORIZON), [0.0, START, 0.0], method=method, rtol=rtol, atol=rtol / 100, t_eval=times
    )
    risk = [WEIGHTS @ np.logaddexp(0.0, -logistic_margins(state, radius)[0]) for state in found.y.T]
    return Solved(np.array(risk), found.y[:, -1])


def torchdiffeq_logistic(radii: np.ndarray, rates: np.ndarray, rtol: float = TOLERANCE) -> np.ndarray:
    """Risks (T, B) of the same problem for B radii and rates as one batch, which shares the steps (dopri5)."""
    import torch
    from torchdiffeq import odeint

    radius, rate = torch.as_tensor(radii), torch.as_tensor(rates)
    grid, weights = torch.as_tensor(GRID), torch.as_tensor(WEIGHTS)

    def margins(state):
        norm = (state[..., 0] ** 2 + state[..., 1] ** 2 + state[..., 2]).clamp(min=1e-30).sqrt()
        return (MEAN * state[..., 0] - radius * norm)[..., None] + norm[..., None] * grid, norm

    def velocity(_, state):
        z, norm = margins(state)
        wrong = torch.sigmoid(-z)
        slope, curvature, square = -(wrong @ weights), (wrong * (1 - wrong)) @ weights, (wrong * wrong) @ weights
        alpha = curvature - radius * slope / norm
        along = -rate * (alpha * state[:, 0] + slope * MEAN)
        spread = -2 * rate * alpha * state[:, 2] + rate**2 * square
        return torch.stack([along, -rate * alpha * state[:, 1], spread], dim=1)

    with torch.no_grad():
        start = torch.tensor([[0.0, START, 0.0]], dtype=torch.float64).repeat(len(radii), 1)
        states = odeint(velocity, start, torch.as_tensor(TIMES), rtol=rtol, atol=rtol / 100)
        return (torch.nn.functional.softplus(-margins(states)[0]) @ weights).numpy()


class Compressed(NamedTuple):
    """Least squares on Q nodes: eigenvalues, shares of the trace, Gram entries of start and teacher."""

    eigenvalues: np.ndarray
    shares: np.ndarray
    start: np.ndarray
    overlap: np.ndarray
    teacher: np.ndarray
    noise_variance: float


def power_law_nodes(count: int = 24, exponent: float = 1.5, noise_variance: float = 0.25) -> Compressed:
    """Gauss nodes of the power law k(u) ~ u^exponent; start of norm 0.5 along a teacher of norm 1."""
    points, weights = np.polynomial.legendre.leggauss(count)
    position, shares = (points + 1) / 2, weights / 2
    eigenvalues = (exponent + 1) * position**exponent
    return Compressed(eigenvalues, shares, 0.25 * shares, 0.5 * shares, shares.copy(), noise_variance)


def scipy_nodes(
    nodes: Compressed,
    radius: float,
    rate: float,
    method: str = "DOP853",
    rtol: float = TOLERANCE,
    times: np.ndarray = TIMES,
) -> Solved:
    """Least squares on the nodes: 3 Q unknowns, the coefficients of start and teacher and the variance."""
    count, factor = len(nodes.eigenvalues), np.sqrt(2 / np.pi)

    def scalars(state):
        along, taught, rest = state[:count], state[count : 2 * count], state[2 * count :]
        missing = taught - 1
        fixed = along**2 * nodes.start
        size = fixed + 2 * along * taught * nodes.overlap + taught**2 * nodes.teacher + rest
        error = fixed + 2 * along * missing * nodes.overlap + missing**2 * nodes.teacher + rest
        sigma = np.sqrt(nodes.noise_variance + nodes.eigenvalues @ error)
        norm = np.sqrt(size.sum())
        return (
            along,
            taught,
            rest,
            sigma,
            norm,
            (sigma**2 + 2 * factor * radius * norm * sigma + (radius * norm) ** 2) / 2,
        )

    def velocity(_, state):
        along, taught, rest, sigma, norm, risk = scalars(state)
        curved = (1 + factor * radius * norm / sigma) * nodes.eigenvalues
        ridge = radius**2 + factor * radius * sigma / norm
        decay = curved + ridge
        return np.concatenate([
            -rate * decay * along,
            -rate * (curved * (taught - 1) + ridge * taught),
            -2 * rate * decay * rest + rate**2 * 2 * risk * nodes.eigenvalues * nodes.shares,
        ])  # fmt: skip

    begin = np.concatenate([np.ones(count), np.zeros(2 * count)])
    found = scipy.integrate.solve_ivp(
        velocity, (0, HORIZON), begin, method=method, rtol=rtol, atol=rtol / 100, t_eval=times
    )
    return Solved(np.array([scalars(state)[5] for state in found.y.T]), found.y[:, -1])
