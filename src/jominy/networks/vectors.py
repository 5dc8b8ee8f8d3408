"""Norms of batches of vectors: dual vectors, maximisers over balls, projections on balls.

Every function takes (..., n) tensors and works along the last dimension. Exponents are 1, 2 or infinity.
"""

import math

import torch
from torch import Tensor

TINY = 1e-30


def norm(vectors: Tensor, p: float) -> Tensor:
    """||v||_p along the last dimension.

    >>> norm(torch.tensor([3.0, -4.0]), math.inf).item()
    4.0
    """
    return torch.linalg.vector_norm(vectors, ord=p, dim=-1)


def maximiser(slopes: Tensor, p: float) -> Tensor:
    """The eta with ||eta||_p <= 1 that maximises <slopes, eta>: its value is the dual norm of `slopes`.

    p=1: one coordinate of largest |slope| (the first of equals); p=2: slopes / ||slopes||; p=inf: the signs, with
    +1 for a zero. A zero `slopes` gives zero for p=2.

    >>> maximiser(torch.tensor([3.0, -4.0]), 1).tolist(), maximiser(torch.tensor([3.0, -4.0]), math.inf).tolist()
    ([0.0, -1.0], [1.0, -1.0])
    """
    if p == 2:
        return slopes / norm(slopes, 2).unsqueeze(-1).clamp_min(TINY)
    signs = signs_of(slopes)
    if p == math.inf:
        return signs
    at = slopes.abs().argmax(-1, keepdim=True)
    return torch.zeros_like(slopes).scatter_(-1, at, signs.gather(-1, at))


def dual_vector(vectors: Tensor, q: float) -> Tensor:
    """The y of dual norm at most 1 with <y, v> = ||v||_q: the slope of the norm at v.

    >>> dual_vector(torch.tensor([3.0, -4.0]), 2).tolist()
    [0.6000000238418579, -0.800000011920929]
    """
    return maximiser(vectors, {1.0: math.inf, 2.0: 2.0, math.inf: 1.0}[float(q)])


def signs_of(values: Tensor) -> Tensor:
    """+1 or -1, never 0."""
    return torch.where(values >= 0, 1.0, -1.0).to(values.dtype)


def project(vectors: Tensor, p: float, radius: float) -> Tensor:
    """The nearest point, in the Euclidean sense, of the ball ||v||_p <= radius.

    p=1: Duchi, Shalev-Shwartz, Singer and Chandra (2008), Efficient projections onto the l1-ball: soft thresholding at
    the level that gives norm `radius`.

    >>> project(torch.tensor([3.0, -1.0]), 1, 2.5).tolist()
    [2.25, -0.25]
    """
    if p == math.inf:
        return vectors.clamp(-radius, radius)
    size = norm(vectors, p).unsqueeze(-1)
    if p == 2:
        return vectors * (radius / size.clamp_min(TINY)).clamp_max(1.0)
    ordered = vectors.abs().sort(dim=-1, descending=True).values
    counts = torch.arange(1, vectors.shape[-1] + 1, dtype=vectors.dtype, device=vectors.device)
    levels = (ordered.cumsum(-1) - radius) / counts
    kept = (ordered > levels).sum(-1, keepdim=True).clamp_min(1)
    level = levels.gather(-1, kept - 1).clamp_min(0.0)
    shrunk = vectors.sign() * (vectors.abs() - level).clamp_min(0.0)
    return torch.where(size > radius, shrunk, vectors)


def random_point(shape: tuple[int, ...], p: float, generator: torch.Generator | None, like: Tensor) -> Tensor:
    """A random point of the unit sphere ||eta||_p = 1: signs (p=inf), a direction (p=2), a signed axis (p=1)."""
    normal = torch.randn(shape, generator=generator, dtype=torch.float64, device=like.device).to(like)
    return maximiser(normal, p)
