"""Moments of the squared loss of a student with a link, in plain NumPy, by a double (with noise, triple) integral.

Independent of the code under test in its order and in its derivatives: the student's score r is outside, the teacher's
r* given it inside, split where the worse end of the attack changes; curvatures come from E[Psi_r (r - a)] and
E[Psi_r (r* - ta)] (Stein's lemma read backwards), never from a derivative. Theory `dynamics.md` section 2.4.
"""

import numpy as np
from scipy.special import erf

from oracle_labels import density

REACH = 8.5
LEGENDRE = np.polynomial.legendre.leggauss(36)
NOISE = np.polynomial.hermite_e.hermegauss(20)
OUTER = np.linspace(-REACH, REACH, 103)


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


def moments(law, o, radius):
    """P, P1, P2, P2s, Pr, PP of every component."""
    noise, noise_weights = NOISE if law.noise_variance > 0 else (np.zeros(1), np.ones(1))
    noise_weights = noise_weights / noise_weights.sum()
    rows = []
    for i in range(len(law.weights)):
        a, q, ta, tq, tc = (o[name][i] for name in ("a", "q", "ta", "tq", "tc"))
        r = (a + np.sqrt(q) * OUTER)[:, None, None]
        mean, sd = ta + tc / q * (r - a), np.sqrt(max(tq - tc**2 / q, 1e-16))
        offset = (0.0 if law.labels is None else law.labels[i]) + np.sqrt(law.noise_variance) * noise[None, :, None]
        shift = radius * o["rho"]
        kink = (inverse((link(r + shift) + link(r - shift)) / 2 - offset) - mean) / sd
        edges = np.concatenate([np.full_like(kink, -REACH), np.clip(kink, -REACH, REACH), np.full_like(kink, REACH)], 2)
        half = np.diff(edges, axis=2)[..., None] / 2
        u = (edges[..., :-1, None] + half + half * LEGENDRE[0]).reshape(*kink.shape[:2], -1)
        weight = (half * LEGENDRE[1]).reshape(u.shape) * density(u) * noise_weights[None, :, None]
        weight = weight * (density(OUTER) / density(OUTER).sum())[:, None, None]
        teacher = mean + sd * u
        ends = [link(r + sign * shift) - link(teacher) - offset for sign in (1, -1)]
        upper = np.abs(ends[0]) > np.abs(ends[1])
        sign = np.where(upper, 1.0, -1.0)
        error = np.where(upper, *ends)
        slope = error * link_slope(r + sign * shift)

        def mean_of(values, weight=weight):
            return float(np.sum(weight * values))

        pulls = [mean_of(slope * (r - a)), mean_of(slope * (teacher - ta))]
        bends = np.linalg.solve([[q, tc], [tc, tq]], pulls)
        value, along = mean_of(error**2 / 2), mean_of(slope)
        rows.append([value, along, *bends, radius * mean_of(sign * slope), mean_of(slope**2)])
    return dict(zip(("P", "P1", "P2", "P2s", "Pr", "PP"), np.array(rows).T, strict=True))
