"""Training of several classes under l2 attack in plain NumPy, row by row, and brute-force maxima: shares no code."""

import numpy as np


def cross_entropy(z, y):
    """Of one row's scores (K,)."""
    top = z.max()
    return top + np.log(np.exp(z - top).sum()) - z[y]


def softmax(z):
    p = np.exp(z - z.max())
    return p / p.sum()


def attack_direction(W, x, y, radius, steps):
    """(d,) the perturbation of `steps` steps of infinitely long projected gradient ascent from the clean row."""
    delta = np.zeros(len(x))
    for _ in range(steps):
        u = softmax(W @ (x + delta))
        u[y] -= 1
        gradient = W.T @ u
        size = np.linalg.norm(gradient)
        delta = radius * gradient / size if size > 0 else np.zeros(len(x))
    return delta


def plain_run(X, y, rows, W, rate, radius, steps, *, batch=1, decay=0.0, momentum=0.0):
    """Weights after SGD on the row numbers given, at step rate / d; heavy ball."""
    W, d = W.copy(), X.shape[1]
    velocity = np.zeros_like(W)
    for batch_rows in np.reshape(rows, (-1, batch)):
        gradient = np.zeros_like(W)
        for i in batch_rows:
            x = X[i] + attack_direction(W, X[i], y[i], radius, steps)
            u = softmax(W @ x)
            u[y[i]] -= 1
            gradient += np.outer(u, x) / batch
        velocity = momentum * velocity + gradient + decay * W
        W = W - rate / d * velocity
    return W


def ascended(W, X, y, radius, *, starts=5, steps=100, seed=0):
    """(n,) the largest cross-entropy that projected gradient ascent in d dimensions finds, from several starts."""
    g = np.random.default_rng(seed)
    rows = np.arange(len(X))
    best = np.full(len(X), -np.inf)

    def unit(vectors):
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)

    for start in range(starts):
        delta = radius * unit(g.standard_normal(X.shape)) if start else np.zeros(X.shape)
        for _ in range(steps):
            z = (X + delta) @ W.T
            u = np.exp(z - z.max(axis=1, keepdims=True))
            best = np.maximum(best, np.log(u.sum(axis=1)) + z.max(axis=1) - z[rows, y])
            u /= u.sum(axis=1, keepdims=True)
            u[rows, y] -= 1
            delta = delta + 0.5 * radius * unit(u @ W)
            delta *= np.minimum(1.0, radius / np.maximum(np.linalg.norm(delta, axis=1, keepdims=True), 1e-300))
    return best


def attacked_slopes(W, X, y, radius, steps=40):
    """(n,) the largest cross-entropy under attack, of starts from the clean row and from each class, and its slopes.

    Slopes in the weights are (n, K, d), of the attack held fixed.
    """
    rows, classes = np.arange(len(X)), len(W)

    def slope_at(delta):
        z = (X + delta) @ W.T
        u = np.exp(z - z.max(axis=1, keepdims=True))
        value = np.log(u.sum(axis=1)) + z.max(axis=1) - z[rows, y]
        u /= u.sum(axis=1, keepdims=True)
        u[rows, y] -= 1
        return value, u

    best, where = np.full(len(X), -np.inf), np.zeros(X.shape)
    for start in range(-1, classes):
        u = slope_at(np.zeros(X.shape))[1] if start < 0 else np.eye(classes)[start] - np.eye(classes)[y]
        for _ in range(steps if radius else 1):
            along = u @ W
            delta = radius * along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-300)
            value, u = slope_at(delta)
        better = value > best
        best, where = np.where(better, value, best), np.where(better[:, None], delta, where)
    return best, slope_at(where)[1][:, :, None] * (X + where)[:, None]
