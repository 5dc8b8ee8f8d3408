"""Moments of a margin loss under labels drawn from a teacher's score, in plain NumPy, by a double integral.

Independent of the code under test also in its order: the teacher's score r* is outside (split where the probability
jumps), the student's score given it inside, each on a dense grid. Theory `dynamics.md` section 2.3.
"""

import numpy as np
from scipy.special import expit, log_expit, ndtr

LOGISTIC = (lambda z: -log_expit(z), lambda z: -expit(-z), lambda z: expit(z) * expit(-z))
PROBABILITY = {"logistic": expit, "probit": ndtr, "sign": lambda s: 1.0 * (s > 0)}
INNER = np.linspace(-9.0, 9.0, 73)
REACH = 9.0


def density(u):
    return np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)


def outer_nodes(*corners):
    """Nodes and weights of a standard normal: Gauss-Legendre on 18 panels, cut at the corners."""
    points, weights = np.polynomial.legendre.leggauss(12)
    edges = np.unique(np.concatenate([np.linspace(-REACH, REACH, 19), np.clip(corners, -REACH, REACH)]))
    half = np.diff(edges)[:, None] / 2
    nodes = ((edges[:-1] + edges[1:])[:, None] / 2 + half * points).ravel()
    return nodes, (half * weights).ravel() * density(nodes)


def scores(o, i, s):
    """r given s = (r* - mean)/sd of the teacher, on the inner grid, (len(s), 121), and the inner weights."""
    slope = o["tc"][i] / np.sqrt(o["tq"][i])
    sd = np.sqrt(max(o["q"][i] - slope**2, 0.0))
    weights = density(INNER)
    return o["a"][i] + slope * s[:, None] + sd * INNER, weights / weights.sum()


def moments(loss, kind, o, radius):
    """P, P1, P2, P2s, Pr, PP of every component; `loss` is (l, l', l'')."""
    profile, slope, curvature = loss
    er, rows = radius * o["rho"], []
    for i in range(len(o["a"])):
        mean, sd = o["ta"][i], np.sqrt(o["tq"][i])
        s, w = outer_nodes(-mean / sd)
        r, inner = scores(o, i, s)
        chance = PROBABILITY[kind](mean + sd * s)

        def average(f, g, weights=(w * chance, w * (1 - chance)), inner=inner):
            return weights[0] @ (f @ inner) + weights[1] @ (g @ inner)

        up, down = slope(r - er), slope(-r - er)
        if kind == "sign":
            at_jump = np.array([-mean / sd])
            r0 = scores(o, i, at_jump)[0]
            teacher = density(at_jump[0]) / sd * ((slope(r0 - er) + slope(-r0 - er)) @ inner)[0]
        else:
            rise = chance * (1 - chance) if kind == "logistic" else density(mean + sd * s)
            teacher = (w * rise) @ ((up + down) @ inner)
        rows.append(
            {
                "P": average(profile(r - er), profile(-r - er)),
                "P1": average(up, -down),
                "P2": average(curvature(r - er), curvature(-r - er)),
                "P2s": teacher,
                "Pr": -radius * average(up, down),
                "PP": average(up**2, down**2),
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def accuracy(kind, o, radius):
    """P(y r > eps rho) of every component; the inner probability is a closed form, and where steep it gets panels."""
    er, found = radius * o["rho"], []
    for i in range(len(o["a"])):
        mean, sd = o["ta"][i], np.sqrt(o["tq"][i])
        slope = o["tc"][i] / sd
        width = np.sqrt(max(o["q"][i] - slope**2, 1e-300))
        steps = [(side * er - o["a"][i] + k * width) / (slope or 1e-300) for side in (-1, 1) for k in range(-8, 9, 2)]
        s, w = outer_nodes(-mean / sd, *steps)
        centre, chance = o["a"][i] + slope * s, PROBABILITY[kind](mean + sd * s)
        right = chance * ndtr((centre - er) / width) + (1 - chance) * ndtr((-centre - er) / width)
        found.append(w @ right if o["rho"] > 0 else 0.5)
    return np.array(found)
