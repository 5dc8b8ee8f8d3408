"""Moments of the squared loss of a student with a link, in plain NumPy, by a double integral (noise in closed form).

Independent of the code under test in its order and in its derivatives: the student's score r is outside, the teacher's
r* given it inside, split where the worse end of the attack changes; curvatures come from E[Psi_r (r - a)] and
E[Psi_r (r* - ta)] (Stein's lemma read backwards), never from a derivative. Theory `dynamics.md` section 2.4.
"""

import numpy as np
from scipy.special import erf, ndtr

from oracle_labels import density

REACH = 8.5
LEGENDRE = np.polynomial.legendre.leggauss(64)
OUTER = np.linspace(-REACH, REACH, 205)


def link(r):
    return erf(r)


def link_slope(r):
    return 2 / np.sqrt(np.pi) * np.exp(-(r**2))


def inverse(y):
    """The teacher's score with g = y, by bisection; at the reach where there is none."""
    low, high = np.full_like(y, -REACH), np.full_like(y, REACH)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = np.where(link(middle) < y, middle, low), np.where(link(middle) < y, high, middle)
    return (low + high) / 2


def without_noise(ends, slopes):
    """E of e^2, of e times the link's slope, of that with the sign of the end, and of its square; shape of the ends."""
    upper = np.abs(ends[0]) > np.abs(ends[1])
    error, slope = np.where(upper, *ends), np.where(upper, *slopes)
    return error**2, error * slope, np.where(upper, 1.0, -1.0) * error * slope, (error * slope) ** 2


def with_noise(ends, slopes, sd):
    """The same averaged over noise in closed form: the upper end is the worse one where the noise is below a point."""
    point = (ends[0] + ends[1]) / (2 * sd)
    found = []
    for end, slope, sign in zip(ends, slopes, (1, -1), strict=True):
        mass, first = ndtr(sign * point), -sign * density(point)
        square = end**2 * mass - 2 * end * sd * first + sd**2 * (mass - sign * point * density(point))
        linear = slope * (end * mass - sd * first)
        found.append((square, linear, sign * linear, slope**2 * square))
    return tuple(one + other for one, other in zip(*found, strict=True))


def moments(law, o, radius):
    """P, P1, P2, P2s, Pr, PP of every component."""
    rows = []
    for i in range(len(law.weights)):
        a, q, ta, tq, tc = (o[name][i] for name in ("a", "q", "ta", "tq", "tc"))
        r = (a + np.sqrt(q) * OUTER)[:, None]
        mean, sd = ta + tc / q * (r - a), np.sqrt(max(tq - tc**2 / q, 1e-16))
        offset, shift = 0.0 if law.labels is None else law.labels[i], radius * o["rho"]
        kink = (inverse((link(r + shift) + link(r - shift)) / 2 - offset) - mean) / sd
        edges = np.concatenate([np.full_like(kink, -REACH), np.clip(kink, -REACH, REACH), np.full_like(kink, REACH)], 1)
        half = np.diff(edges, axis=1)[..., None] / 2
        u = (edges[:, :-1, None] + half + half * LEGENDRE[0]).reshape(len(r), -1)
        weight = (half * LEGENDRE[1]).reshape(u.shape) * density(u) * (density(OUTER) / density(OUTER).sum())[:, None]
        teacher = mean + sd * u
        ends = [link(r + sign * shift) - link(teacher) - offset for sign in (1, -1)]
        slopes = [link_slope(r + sign * shift) + 0 * u for sign in (1, -1)]
        noise = np.sqrt(law.noise_variance)
        square, slope, signed, slope_squared = with_noise(ends, slopes, noise) if noise else without_noise(ends, slopes)
        pulls = [np.sum(weight * slope * (r - a)), np.sum(weight * slope * (teacher - ta))]
        bends = np.linalg.solve([[q, tc], [tc, tq]], pulls)
        along, power = (np.sum(weight * values) for values in (signed, slope_squared))
        rows.append([np.sum(weight * square) / 2, np.sum(weight * slope), *bends, radius * along, power])
    return dict(zip(("P", "P1", "P2", "P2s", "Pr", "PP"), np.array(rows).T, strict=True))
