"""Operator norms of given matrices by brute force: the oracle of beta."""

import itertools
import math

import numpy as np


def operator_norm(matrix, p, q):
    """max_{||eta||_p <= 1} ||matrix eta||_q of a (K, d) matrix, exactly; K <= 12 for q = 1 and for (inf, 2)."""
    rows, _ = matrix.shape
    if p == 1:
        return np.linalg.norm(matrix, ord=q, axis=0).max()
    dual = {2: 2, math.inf: 1}[p]
    if q == math.inf:
        return np.linalg.norm(matrix, ord=dual, axis=1).max()
    if q == 2 and p == 2:
        return np.linalg.norm(matrix, ord=2)
    if q == 1:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=rows)))
        return np.linalg.norm(signs @ matrix, ord=dual, axis=1).max()
    return _inf_to_two(matrix)


def _inf_to_two(matrix, restarts=400, seed=0):
    """max over signs eta of ||M eta||_2 = max over ||y||_2 <= 1 of ||M' y||_1: alternation from many starts."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((restarts, matrix.shape[0]))
    for _ in range(200):
        image = np.sign(y @ matrix) @ matrix.T
        new = image / np.linalg.norm(image, axis=1, keepdims=True)
        if np.allclose(new, y, atol=1e-12):
            break
        y = new
    return np.abs(y @ matrix).sum(axis=1).max()


def draw_weights(architecture, rng):
    """P_in, [(W_l, b_l)], P_out of one random network, with NumPy."""
    n, d, k = architecture.width, architecture.input_dim, architecture.output_dim
    inner = rng.standard_normal((n, d)) / math.sqrt(d)
    outer = rng.standard_normal((k, n)) / math.sqrt(n)
    layers = [
        (
            rng.standard_normal((n, n)) * math.sqrt(architecture.variance_of(layer) / n),
            rng.standard_normal(n) * math.sqrt(architecture.bias_variance),
        )
        for layer in range(1, architecture.depth + 1)
    ]
    return inner, layers, outer


def affine_at(architecture, weights, x):
    """J(x) (K, d) and a(x) (K,) of the network with these weights."""
    inner, layers, outer = weights
    u, v = architecture.activation.u, architecture.activation.v
    matrix, offset = inner, np.zeros(len(inner))
    for weight, bias in layers:
        pattern = np.where(weight @ (matrix @ x + offset) + bias >= 0, u, v)
        new, moved = pattern[:, None] * (weight @ matrix), pattern * (weight @ offset + bias)
        matrix, offset = (matrix + new, offset + moved) if architecture.shortcut else (new, moved)
    return outer @ matrix, outer @ offset


def draw_affine(architecture, x, rng):
    """J(x) and a(x) of a fresh random network."""
    return affine_at(architecture, draw_weights(architecture, rng), x)


def weight_gradients(architecture, weights, x):
    """d f_k / d W_l at x for every layer: list of (K, N, N), by hand-written backpropagation."""
    inner, layers, outer = weights
    u, v = architecture.activation.u, architecture.activation.v
    state, states, patterns = inner @ x, [], []
    for weight, bias in layers:
        before = weight @ state + bias
        states.append(state)
        patterns.append(np.where(before >= 0, u, v))
        state = patterns[-1] * before + (state if architecture.shortcut else 0)
    back, gradients = outer, []
    for (weight, _), state, pattern in zip(layers[::-1], states[::-1], patterns[::-1], strict=True):
        local = back * pattern
        gradients.append(local[:, :, None] * state)
        back = local @ weight + (back if architecture.shortcut else 0)
    return gradients[::-1]
