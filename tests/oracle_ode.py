"""An independent forecast: the ODE of `theory/dynamics.md` sections 0.2 and 1.2 in plain NumPy, solved by SciPy.

One implementation in coordinates (mean and variance of every coordinate), one in matrices (mean and covariance), with
moments of their own: closed forms for the squared loss, a dense trapezoid for the logistic one.
"""

import math

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import minimize, root
from scipy.special import erf, expit, log_expit, ndtr

import oracle_labels
import oracle_links
from zoo import Case, Law

GRID = np.linspace(-12.0, 12.0, 2401)
WEIGHTS = np.exp(-(GRID**2) / 2) / np.sum(np.exp(-(GRID**2) / 2))


def orders(law: Law, m, spread):
    """Scalars of a student with mean m: the extra variances `spread` (n,), and the extra square norm, are added."""
    matrix = law.covariances.ndim == 3
    t = np.zeros_like(m) if law.teacher is None else law.teacher
    h = np.zeros(len(law.weights)) if law.labels is None else law.labels
    by_class, extra = spread

    def form(v):
        return np.einsum("i,nij,j->n", v, law.covariances, v) if matrix else law.covariances @ v**2

    return {
        "a": law.means @ m,
        "q": form(m) + by_class,
        "b": law.means @ (m - t) - h,
        "s2": law.noise_variance + form(m - t) + by_class,
        "rho": math.sqrt(max(m @ m + extra, 0.0)),
        "ta": law.means @ t,
        "tq": form(t),
        "tc": np.einsum("i,nij,j->n", m, law.covariances, t) if matrix else law.covariances @ (m * t),
    }


def squared_moments(law: Law, o, radius):
    """Section 2.1."""
    b, s = o["b"], np.sqrt(np.maximum(o["s2"], 1e-300))
    er, u = radius * o["rho"], o["b"] / np.sqrt(np.maximum(o["s2"], 1e-300))
    density = np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
    mean_abs = 2 * s * density + b * erf(u / math.sqrt(2))
    value = (s**2 + b**2 + 2 * er * mean_abs + er**2) / 2
    curvature = 1 + 2 * er * density / s
    return {
        "P": value,
        "P1": b + er * erf(u / math.sqrt(2)),
        "P2": curvature,
        "P2s": -curvature,
        "Pr": radius * (mean_abs + er),
        "PP": 2 * value,
    }


def logistic_moments(law: Law, o, radius):
    """Section 2.2 with l(z) = log(1 + exp(-z)); section 2.3 where the labels are drawn."""
    if law.label_law is not None:
        return oracle_labels.moments(oracle_labels.LOGISTIC, law.label_law, o, radius)
    y = law.labels
    z = (y * o["a"] - radius * o["rho"])[:, None] + np.sqrt(np.maximum(o["q"], 0.0))[:, None] * GRID
    fall = expit(-z)
    slope = -fall @ WEIGHTS
    return {
        "P": -log_expit(z) @ WEIGHTS,
        "P1": y * slope,
        "P2": (fall * (1 - fall)) @ WEIGHTS,
        "P2s": np.zeros(len(y)),
        "Pr": -radius * slope,
        "PP": fall**2 @ WEIGHTS,
    }


MOMENTS = {"squared": squared_moments, "logistic": logistic_moments, "erf": oracle_links.moments}


def risk_and_gradient(law: Law, loss: str, radius: float, m):
    """Population risk of the vector m and its gradient, by Stein's lemma."""
    o = orders(law, m, (0.0, 0.0))
    f = MOMENTS[loss](law, o, radius)
    return law.weights @ f["P"], _gradient(law, m, o, f)


def _gradient(law, m, o, f):
    p = law.weights
    t = np.zeros_like(m) if law.teacher is None else law.teacher
    ridge = (p @ f["Pr"]) / o["rho"] if o["rho"] > 0 else 0.0
    if law.covariances.ndim == 3:
        pull = np.einsum("n,nij,j->i", p * f["P2"], law.covariances, m)
        pull = pull + np.einsum("n,nij,j->i", p * f["P2s"], law.covariances, t)
    else:
        pull = ((p * f["P2"]) @ law.covariances) * m + ((p * f["P2s"]) @ law.covariances) * t
    return pull + ridge * m + (p * f["P1"]) @ law.means


def minimum(law: Law, loss: str, radius: float, guess=None):
    """The adversarial optimum by SciPy's general minimiser, polished by its root finder: vector and risk."""
    guess = (
        0.5 * law.weights @ (law.means * (1 if law.labels is None else law.labels[:, None])) if guess is None else guess
    )
    guess = guess + 0.3 * (0 if law.teacher is None else law.teacher)
    found = minimize(
        lambda m: risk_and_gradient(law, loss, radius, m), guess, jac=True, method="BFGS", options={"gtol": 1e-9}
    )
    polished = root(lambda m: risk_and_gradient(law, loss, radius, m)[1], found.x, tol=1e-14)
    x = polished.x if np.linalg.norm(polished.x - found.x) < 1e-4 else found.x
    return x, risk_and_gradient(law, loss, radius, x)[0]


def _adaptive(kind, gradient_dot_error, gradient_squared, noise, curved_noise):
    if kind == "polyak":
        return max(gradient_dot_error, 0.0) / noise if noise > 0 else 0.0
    return gradient_squared / curved_noise if curved_noise > 0 else 0.0


class CoordinateODE:
    """(m, d w) per coordinate of commuting covariances; `noise` multiplies the noise term."""

    def __init__(self, case: Case, optimum, noise: float = 1.0):
        self.case, self.optimum, self.noise = case, optimum, noise
        self.d = case.law.dimension

    def initial(self, variance: float):
        return np.concatenate([self.case.start, np.full(self.d, variance)])

    def parts(self, t, state):
        law, case, d = self.case.law, self.case, self.d
        m, w = state[:d], state[d:] / d
        o = orders(law, m, (law.covariances @ w, w.sum()))
        f = MOMENTS[case.loss](law, o, case.radius)
        p = law.weights
        alpha = (p * f["P2"]) @ law.covariances + ((p @ f["Pr"]) / o["rho"] if o["rho"] > 0 else 0.0)
        gradient = _gradient(law, m, o, f)
        power = p * f["PP"]
        rate = case.rate
        if isinstance(rate, str):
            rate = _adaptive(
                rate,
                gradient @ (m - self.optimum) + alpha @ w,
                gradient @ gradient + alpha**2 @ w,
                power @ law.covariances.mean(axis=1),
                power @ (law.covariances @ alpha) / d,
            )
        else:
            rate = rate(t)
        distance = math.sqrt((m - self.optimum) @ (m - self.optimum) + w.sum())
        return o, gradient, alpha, power, rate, distance

    def velocity(self, t, state):
        _, gradient, alpha, power, rate, _ = self.parts(t, state)
        noise = self.noise * rate**2 * (power @ self.case.law.covariances)
        return np.concatenate([-rate * gradient, noise - 2 * rate * alpha * state[self.d :]])


class MatrixODE:
    """(m, d V) for any covariances."""

    def __init__(self, case: Case, optimum, noise: float = 1.0):
        self.case, self.optimum, self.noise = case, optimum, noise
        self.d = case.law.dimension

    def initial(self, variance: float):
        return np.concatenate([self.case.start, (variance * np.eye(self.d)).ravel()])

    def parts(self, t, state):
        law, case, d = self.case.law, self.case, self.d
        m, v = state[:d], state[d:].reshape(d, d) / d
        o = orders(law, m, (np.array([np.trace(k @ v) for k in law.covariances]), np.trace(v)))
        f = MOMENTS[case.loss](law, o, case.radius)
        p = law.weights
        hessian = sum(p[i] * f["P2"][i] * law.covariances[i] for i in range(len(p)))
        if o["rho"] > 0:
            hessian = hessian + (p @ f["Pr"]) / o["rho"] * np.eye(d)
        gradient = _gradient(law, m, o, f)
        noise = sum(p[i] * f["PP"][i] * law.covariances[i] for i in range(len(p)))
        rate = case.rate
        if isinstance(rate, str):
            rate = _adaptive(
                rate,
                gradient @ (m - self.optimum) + np.trace(hessian @ v),
                gradient @ gradient + np.trace(hessian @ v @ hessian),
                np.trace(noise) / d,
                np.trace(noise @ hessian) / d,
            )
        else:
            rate = rate(t)
        distance = math.sqrt((m - self.optimum) @ (m - self.optimum) + np.trace(v))
        return o, gradient, hessian, noise, rate, distance

    def velocity(self, t, state):
        _, gradient, hessian, noise, rate, _ = self.parts(t, state)
        v = state[self.d :].reshape(self.d, self.d)
        dv = self.noise * rate**2 * noise - rate * (hessian @ v + v @ hessian)
        return np.concatenate([-rate * gradient, dv.ravel()])


def solve(case: Case, times, *, variance=0.0, noise=1.0, optimum=None, method="DOP853", rtol=1e-11) -> dict:
    """Every reported variable at `times`, as arrays; `optimum` is (vector, risk), sought here if not given."""
    vector, risk = minimum(case.law, case.loss, case.radius) if optimum is None else optimum
    kind = MatrixODE if case.law.covariances.ndim == 3 else CoordinateODE
    system = kind(case, vector, noise)
    edges = [0.0, *(t for t in case.jumps if 0 < t < times[-1]), times[-1]]
    state, states = system.initial(variance), {0.0: system.initial(variance)}
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = np.unique([*(t for t in times if low < t <= high), high])
        # Inside an open interval, so that a rate with a jump is the one of this piece.
        shrunk = (low + 1e-12 * (high - low), high - 1e-12 * (high - low)) if case.jumps else (low, high)
        solved = solve_ivp(
            lambda t, y, span=shrunk: system.velocity(min(max(t, span[0]), span[1]), y),
            (low, high),
            state,
            method=method,
            t_eval=inside,
            rtol=rtol,
            atol=rtol / 10,
        )
        assert solved.success, solved.message
        states |= dict(zip(inside, solved.y.T, strict=True))
        state = solved.y[:, -1]
    return read(system, [states[t] for t in times], times, risk)


def read(system, states, times, optimum_risk) -> dict:
    """Reported variables of states."""
    case, law = system.case, system.case.law
    rows = []
    for t, state in zip(times, states, strict=True):
        o, _, _, _, rate, distance = system.parts(t, state)
        rows.append(
            student_variables(law, case.loss, case.radius, o, optimum_risk)
            | {"distance_to_optimum": distance, "learning_rate": rate}
            | _effective_rate(law, case, o, rate)
            | ({} if law.teacher is None else {"alignment": _cosine(state[: law.dimension] @ law.teacher, o, law)})
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def student_variables(law: Law, loss: str, radius: float, o, optimum_risk: float) -> dict:
    """Risks, accuracies and norm from the scalars of a student."""
    adversarial = law.weights @ MOMENTS[loss](law, o, radius)["P"]
    row = {
        "adversarial_risk": adversarial,
        "clean_risk": law.weights @ MOMENTS[loss](law, o, 0.0)["P"],
        "excess_risk": adversarial - optimum_risk,
        "norm": o["rho"],
        "radius": radius,
    }
    if law.label_law is not None:
        row["adversarial_accuracy"] = law.weights @ oracle_labels.accuracy(law.label_law, o, radius)
        row["clean_accuracy"] = law.weights @ oracle_labels.accuracy(law.label_law, o, 0.0)
    if loss == "squared" and len(law.weights) == 1 and not np.any(law.means) and law.teacher is not None:
        kappa = radius * o["rho"] / math.sqrt(o["s2"][0])
        c = math.sqrt(2 / math.pi)
        bend = squared_moments(law, o, radius)
        row["effective_ridge"] = bend["Pr"][0] / o["rho"] / bend["P2"][0] if o["rho"] > 0 else math.inf
        row["noise_inflation"] = bend["PP"][0] / (bend["P2"][0] ** 2 * o["s2"][0])
        assert abs(row["noise_inflation"] - 1 - (1 - 2 / math.pi) * (kappa / (1 + c * kappa)) ** 2) < 1e-12
    if law.labels is not None and law.teacher is None and np.all(np.abs(law.labels) == 1):
        for name, eps in (("adversarial_accuracy", radius), ("clean_accuracy", 0.0)):
            z = (law.labels * o["a"] - eps * o["rho"]) / np.sqrt(np.maximum(o["q"], 1e-300))
            row[name] = law.weights @ (ndtr(z) if o["rho"] > 0 else np.full(len(z), 0.5))
    return row


def _effective_rate(law, case, o, rate) -> dict:
    row = student_variables(law, case.loss, case.radius, o, 0.0)
    if "effective_ridge" not in row:
        return {}
    return {"effective_learning_rate": rate * squared_moments(law, o, case.radius)["P2"][0]}


def _cosine(overlap, o, law):
    return overlap / (o["rho"] * np.linalg.norm(law.teacher)) if o["rho"] > 0 else 0.0
