"""Classes that a hyperplane separates with certainty: where the risk has its infimum at infinity, or is zero.

Source: ours; the widest margin is Lawson and Hanson's least distance programming, one non-negative least-squares
problem.
"""

import numpy as np

from jominy.losses import Loss


def widest_margin(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients c (n,) of X = sum_i c_i u_i of least norm with <X, u_i> >= 1 for all i, and the margin 1 / ||X||.

    The u_i are the rows (n, d); the margin is zero where no X separates.

    >>> weights, margin = widest_margin(np.array([[1.0, 0.0], [0.0, 2.0]]))
    >>> weights.round(6).tolist(), round(margin**2, 6)
    ([1.0, 0.25], 0.8)
    """
    import scipy.optimize  # here, because it takes a third of a second that other commands need not pay

    count = len(rows)
    lengths = np.linalg.norm(rows, axis=1)
    scale = np.max(lengths)
    if not np.isfinite(scale) or np.min(lengths) <= 1e-13 * scale:
        return np.zeros(count), 0.0
    rows = rows / scale
    stacked = np.vstack([rows.T, np.ones(count)])
    wanted = np.append(np.zeros(rows.shape[1]), 1.0)
    weights, _ = scipy.optimize.nnls(stacked, wanted)
    short = 1 - np.sum(weights)
    if short <= 1e-12:
        return np.zeros(count), 0.0
    weights = weights / short
    x = weights @ rows
    if np.min(rows @ x) < 1 - 1e-6:
        return np.zeros(count), 0.0
    return weights / scale**2, float(scale / np.linalg.norm(x))


def rows_of(gram: np.ndarray) -> np.ndarray:
    """(n, n) rows with these inner products (n, n)."""
    values, vectors = np.linalg.eigh(gram)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def separable_part(gram: np.ndarray) -> np.ndarray:
    """(n,) which u_i have <X, u_i> > 0 for an X with <X, u_j> >= 0 for all j.

    >>> separable_part(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0], [0.0, -1.0, 1.0]])).tolist()
    [True, False, False]
    """
    import scipy.optimize  # as above

    count = len(gram)
    if not np.any(gram):
        return np.zeros(count, bool)
    unit = gram / np.max(np.abs(gram))
    # Lengths do not matter: the largest sum of parts 0 <= t_i <= 1 of X = sum_j c_j u_j with <X, u_i> >= t_i.
    cost = np.append(np.zeros(count), -np.ones(count))
    bounds = [(None, None)] * count + [(0.0, 1.0)] * count
    above = np.hstack([-unit, np.eye(count)])
    found = scipy.optimize.linprog(cost, A_ub=above, b_ub=np.zeros(count), bounds=bounds, method="highs")
    return found.x[count:] > 0.5 if found.status == 0 else np.zeros(count, bool)


def last_kink(loss: Loss) -> float | None:
    """The margin from which on the profile of a margin loss is zero, if there is one."""
    loss = loss.plain
    if not (loss.needs_classes and loss.kinks):
        return None
    last = max(loss.kinks)
    return None if np.any(loss(last + np.array([0.0, 1.0, 1e3]), np.ones(3))) else last
