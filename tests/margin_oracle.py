"""Margin losses in plain NumPy, with averages by split Gauss-Legendre quadrature: an oracle for `oracle_ode`."""

import math

import numpy as np
from scipy.special import log_ndtr

POINTS, POINT_WEIGHTS = np.polynomial.legendre.leggauss(60)
REACH = 12.0
"""Standard deviations on each side; exponential slopes tilt the integrand by another 2 sd^2."""


def _probit_slope(z):
    return -np.exp(-(z**2) / 2 - math.log(math.sqrt(2 * math.pi)) - log_ndtr(z))


# name: (value, slope, kinks or, where the profile bends on a scale of one, the ends of that)
PROFILES = {
    "logistic": (lambda z: np.logaddexp(0, -z), lambda z: -np.exp(-np.logaddexp(0, z)), (-6.0, 0.0, 6.0)),
    "probit": (lambda z: -log_ndtr(z), _probit_slope, (-6.0, 0.0, 6.0)),
    "hinge": (lambda z: np.maximum(1 - z, 0), lambda z: -1.0 * (z < 1), (1.0,)),
    "squared hinge": (lambda z: np.maximum(1 - z, 0) ** 2 / 2, lambda z: -np.maximum(1 - z, 0), (1.0,)),
    "smoothed hinge": (
        lambda z: np.where(z < 0, 0.5 - z, np.maximum(1 - z, 0) ** 2 / 2),
        lambda z: -np.clip(1 - z, 0, 1),
        (0.0, 1.0),
    ),
    "exponential": (lambda z: np.exp(-z), lambda z: -np.exp(-z), ()),
}


def averages(name: str, a: float, q: float):
    """(E l, E l', E l'', E l'^2) over z ~ N(a, q)."""
    value, slope, kinks = PROFILES[name]
    s = math.sqrt(max(q, 1e-30))
    reach = REACH + (2 * s if name == "exponential" else 0.0)
    edges = np.clip([-reach, *((k - a) / s for k in kinks), reach], -reach, reach)
    edges = np.unique(np.concatenate([np.linspace(x, y, 5) for x, y in zip(edges[:-1], edges[1:], strict=True)]))
    low, high = edges[:-1, None], edges[1:, None]
    u = ((low + high) / 2 + (high - low) / 2 * POINTS).ravel()
    w = ((high - low) / 2 * POINT_WEIGHTS).ravel() * np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
    z = a + s * u
    f, d = value(z), slope(z)
    return w @ f, w @ d, (w * u) @ d / s, w @ d**2


def moments(name: str):
    """The loss's entry in `oracle_ode.MOMENTS`."""

    def of(law, o, radius):
        y = law.labels
        rows = [averages(name, y[i] * o["a"][i] - radius * o["rho"], o["q"][i]) for i in range(len(y))]
        value, slope, curvature, squared = np.array(rows).T
        return {"P": value, "P1": y * slope, "P2": curvature, "P2s": 0 * y, "Pr": -radius * slope, "PP": squared}

    return of
