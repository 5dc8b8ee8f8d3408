"""The finite-step recursion of `theory/realdata.md` section 1 and SGD on rows, once more, in plain NumPy.

One term is more complete than there: the attack's own noise has E X X' = m m' + V in the place of m m', without which a
student in few dimensions under an attack beyond collapse loses its variance (forecasts 30 % off instead of 4 %).

Nothing here is shared with jominy: the labels are not folded in, the features are not rotated, the covariance is always
dense, every step is taken, and all expectations are by quadrature (for least squares too).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

GRID = np.linspace(-9.0, 9.0, 601)
WEIGHTS = np.exp(-(GRID**2) / 2) / np.sum(np.exp(-(GRID**2) / 2))
PANEL, PANEL_WEIGHTS = np.polynomial.legendre.leggauss(60)
REACH = 9.0


@dataclass
class Moments:
    """Expectations (n,) of the adversarial loss P and its derivatives by the score (r) and by the norm (p)."""

    P: np.ndarray
    r: np.ndarray
    rr: np.ndarray
    p: np.ndarray
    r_squared: np.ndarray
    r_p: np.ndarray
    p_squared: np.ndarray


def logistic_moments(y, a, q, rho, radius) -> Moments:
    z = (y * a - radius * rho)[:, None] + np.sqrt(np.maximum(q, 0))[:, None] * GRID
    wrong = expit(-z)
    slope, squared, curvature = -wrong @ WEIGHTS, wrong**2 @ WEIGHTS, (wrong * (1 - wrong)) @ WEIGHTS
    return Moments(
        np.logaddexp(0, -z) @ WEIGHTS,
        y * slope,
        curvature,
        -radius * slope,
        squared,
        -radius * y * squared,
        radius**2 * squared,
    )


def squared_moments(y, a, q, rho, radius) -> Moments:
    """Gauss-Legendre on both sides of the kink at zero residual; the curvature by Stein's lemma."""
    b, s = a - y, np.sqrt(np.maximum(q, 1e-14))  # Stein's lemma divides by s
    kink = np.clip(-b / s, -REACH, REACH)
    total = np.zeros((7, len(b)))
    for low, high, sign in ((np.full_like(kink, -REACH), kink, -1.0), (kink, np.full_like(kink, REACH), 1.0)):
        u = ((low + high) / 2)[:, None] + ((high - low) / 2)[:, None] * PANEL
        w = ((high - low) / 2)[:, None] * PANEL_WEIGHTS * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
        grown = np.abs(b[:, None] + s[:, None] * u) + radius * rho
        parts = [grown**2 / 2, sign * grown, sign * grown * u, radius * grown]
        parts += [grown**2, radius * sign * grown**2, radius**2 * grown**2]
        total += np.array([np.sum(w * part, axis=1) for part in parts])
    total[2] /= s
    return Moments(*total)


MOMENTS = {"logistic": logistic_moments, "squared": squared_moments}


def attacked_loss(loss: str, y, score, norm, radius):
    """max over |s| <= radius of loss(score + s norm, y), elementwise."""
    if loss == "logistic":
        return np.logaddexp(0, -(y * score - radius * norm))
    return (np.abs(score - y) + radius * norm) ** 2 / 2


def row_gradients(loss: str, x, y, X, radius):
    """(n, d) gradients of every row's adversarial loss at the student X (not zero), the attack held fixed (Danskin)."""
    norm, score = np.linalg.norm(X), x @ X
    if loss == "logistic":
        slope = -y * expit(-(y * score - radius * norm))
        pull = -y * slope * radius
    else:
        sign = np.where(score >= y, 1.0, -1.0)
        slope = (score - y) + sign * radius * norm
        pull = radius * np.abs(slope)
    return slope[:, None] * x + pull[:, None] * X / max(norm, 1e-300)


@dataclass
class State:
    """Mean (d,) and covariance (d, d) of X."""

    m: np.ndarray
    V: np.ndarray

    @property
    def norm(self) -> float:
        return float(np.sqrt(max(self.m @ self.m + np.trace(self.V), 0.0)))

    def scores(self, x):
        return x @ self.m, np.einsum("ni,ij,nj->n", x, self.V, x)

    def moments(self, loss, x, y, radius) -> Moments:
        a, q = self.scores(x)
        return MOMENTS[loss](y, a, q, self.norm, radius)

    def risk(self, loss, x, y, radius) -> float:
        return float(np.mean(self.moments(loss, x, y, radius).P))

    def accuracy(self, x, y, radius) -> float:
        a, q = self.scores(x)
        return float(np.mean(ndtr((y * a - radius * self.norm) / np.sqrt(np.maximum(q, 1e-30)))))


@dataclass
class Coefficients:
    """Mean gradient g (d,), mean Hessian H (d, d), covariance N (d, d) of one row's gradient."""

    g: np.ndarray
    H: np.ndarray
    N: np.ndarray


def coefficients(state: State, loss: str, x, y, radius: float) -> Coefficients:
    n, d = x.shape
    mo, rho, m = state.moments(loss, x, y, radius), state.norm, state.m
    ridge = np.mean(mo.p) / rho
    g = x.T @ mo.r / n + ridge * m
    c = x.T @ mo.r_p / n
    N = (x.T * mo.r_squared) @ x / n + (np.outer(c, m) + np.outer(m, c)) / rho
    N += np.mean(mo.p_squared) * (np.outer(m, m) + state.V) / rho**2 - np.outer(g, g)
    return Coefficients(g, (x.T * mo.rr) @ x / n + ridge * np.eye(d), N)


def after_first_step(loss: str, x, y, eta: float) -> State:
    """The law after one step from zero: one row chosen at random, the attack without direction."""
    slope = -y / 2 if loss == "logistic" else -y
    rows = -eta * slope[:, None] * x
    return State(rows.mean(axis=0), np.cov(rows, rowvar=False, bias=True).reshape(x.shape[1], x.shape[1]))


def recursion(loss: str, x, y, radius: float, rate, report_steps, m=None, V=None) -> list[State]:
    """States after each of `report_steps` (increasing); `rate` maps a time to a rate."""
    d = x.shape[1]
    state = State(np.zeros(d) if m is None else m, np.zeros((d, d)) if V is None else V)
    reports = []
    for k in range(report_steps[-1] + 1):
        if k in report_steps:
            reports.append(state)
        eta = rate(k / d) / d
        if state.norm == 0:
            state = after_first_step(loss, x, y, eta)
        else:
            co = coefficients(state, loss, x, y, radius)
            drift = co.H @ state.V
            state = State(state.m - eta * co.g, state.V - eta * (drift + drift.T) + eta**2 * co.N)
    return reports


def sgd(loss: str, x, y, radius: float, rate, rows, start) -> np.ndarray:
    """(steps + 1, d) students of one run over the given rows."""
    X = np.array(start, dtype=float)
    path = [X]
    for k, row in enumerate(rows):
        eta = rate(k / len(X)) / len(X)
        X = X - eta * row_gradients(loss, x[row : row + 1], y[row : row + 1], X, radius)[0]
        path.append(X)
    return np.array(path)
