"""Streaming adversarial SGD as one would write it from the definition: plain NumPy, a fresh sample per step."""

import math

import numpy as np
from scipy.special import expit

from oracle_labels import PROBABILITY
from oracle_ode import orders, student_variables
from zoo import Law


def run(law: Law, loss: str, radius: float, rate, steps, start, seeds: int, generator) -> np.ndarray:
    """Students (seeds, len(steps), d) after the numbers of steps; `rate(t, X)` gives one rate, or one per seed."""
    d = law.dimension
    roots = [np.linalg.cholesky(k) if k.ndim == 2 else np.sqrt(k) for k in law.covariances]
    x_star = np.zeros(d) if law.teacher is None else law.teacher
    offsets = np.zeros(len(law.weights)) if law.labels is None else law.labels
    students = np.tile(start, (seeds, 1)) if start.ndim == 1 else start.copy()
    kept = []
    for step in range(max(steps) + 1):
        if step in steps:
            kept.append(students.copy())
        normals = generator.standard_normal((seeds, d))
        component = generator.choice(len(law.weights), size=seeds, p=law.weights)
        inputs = np.empty((seeds, d))
        for i, root in enumerate(roots):
            chosen = component == i
            inputs[chosen] = law.means[i] + (normals[chosen] @ root.T if root.ndim == 2 else normals[chosen] * root)
        noise = math.sqrt(law.noise_variance) * generator.standard_normal(seeds)
        targets = offsets[component] + (inputs @ x_star + noise if loss == "squared" else 0.0)
        if law.label_law is not None:
            targets = np.where(generator.random(seeds) < PROBABILITY[law.label_law](inputs @ x_star), 1.0, -1.0)
        # The attacked input is x + delta, delta the worst point of the ball; the gradient is the loss's at that input.
        norms = np.linalg.norm(students, axis=1)
        unit = students / np.where(norms > 0, norms, 1.0)[:, None]
        scores = np.sum(students * inputs, axis=1)
        if loss == "squared":
            attacked = inputs + radius * np.where(scores >= targets, 1.0, -1.0)[:, None] * unit
            slope = np.sum(students * attacked, axis=1) - targets
        else:
            attacked = inputs - radius * targets[:, None] * unit
            slope = -targets * expit(-targets * np.sum(students * attacked, axis=1))
        step_size = np.broadcast_to(rate(step / d, students), (seeds,)) / d
        students = students - (step_size * slope)[:, None] * attacked
    return np.stack(kept, axis=1)


def variables(law: Law, loss: str, radius: float, students, optimum) -> dict:
    """The reported variables of students (..., d), as arrays (...); `optimum` is (vector, risk)."""
    flat = students.reshape(-1, law.dimension)
    rows = []
    for x in flat:
        row = student_variables(law, loss, radius, orders(law, x, (0.0, 0.0)), optimum[1])
        row["distance_to_optimum"] = np.linalg.norm(x - optimum[0])
        if law.teacher is not None:
            row["alignment"] = x @ law.teacher / (np.linalg.norm(x) * np.linalg.norm(law.teacher))
        rows.append(row)
    return {name: np.reshape([row[name] for row in rows], students.shape[:-1]) for name in rows[0]}
