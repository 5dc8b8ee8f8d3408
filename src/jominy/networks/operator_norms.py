"""||J||_{p->q} = max ||J eta||_q over ||eta||_p <= 1 for batches of matrices, with an eta that reaches it."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from jominy.errors import InputError
from jominy.meanfield.norms import dual_exponent, norm_exponent
from jominy.networks.vectors import dual_vector, maximiser, norm, signs_of

ENUMERATED = 12  # outputs up to which all signs are tried: 2^11 of them, since s and -s count the same
STARTS = 24  # random starts of the searches beyond that
IMPROVED, SMALL = 6, 2**11  # the best of them go on to single flips; all do for matrices of up to so many entries
CHUNK = 2**24  # numbers held at once by an enumeration


class OperatorNorm(NamedTuple):
    """Values (n,), maximisers (n, d) with ||eta||_p = 1, and whether the values are exact or from a search."""

    value: Tensor
    maximiser: Tensor
    exact: bool


@torch.no_grad()
def operator_norm(matrices: Tensor, p: float, q: float, *, seed: int = 0) -> OperatorNorm:
    """max ||J eta||_q over ||eta||_p <= 1, for each of n matrices J (K, d).

    Exact: p=1 (the best column), q=inf (the best row), (2,2) (singular value), (2,1) and (inf,1) for K <= 12 (all
    signs y of max_y ||J^T y||_{p*}), (inf,2) for d <= 12. Otherwise the best of alternating maximisations from random
    starts, each improved by flipping single signs until none helps: a lower bound, usually attained (theory
    `meanfield.md` section 4.2, DERIVED).

    Parameters
    ----------
    matrices
        (n, K, d) or (K, d).
    p, q
        1, 2 or infinity.
    seed
        Of the random starts.

    Raises
    ------
    InputError
        Another p or q; a shape that is not a batch of matrices; an entry that is not finite.

    Examples
    --------
    >>> found = operator_norm(torch.tensor([[3.0, 4.0], [0.0, 1.0]]), math.inf, 1)
    >>> found.value.tolist(), found.maximiser.tolist(), found.exact
    ([8.0], [[1.0, 1.0]], True)
    """
    p, q = norm_exponent(p, "p"), norm_exponent(q, "q")
    matrices = matrices.unsqueeze(0) if matrices.ndim == 2 else matrices
    if matrices.ndim != 3 or 0 in matrices.shape:
        raise InputError("operator norms need a batch of matrices (n, K, d)", f"shape {tuple(matrices.shape)}")
    if not torch.isfinite(matrices).all():
        raise InputError("the matrices must be finite", "NaN or infinite entries")
    outputs, inputs = matrices.shape[1:]
    if p == 1:
        best = norm(matrices.mT, q).argmax(-1)
        eta, exact = torch.nn.functional.one_hot(best, inputs).to(matrices), True
    elif q == math.inf or outputs == 1:
        best = norm(matrices, dual_exponent(p)).argmax(-1)
        eta, exact = maximiser(_row(matrices, best), p), True
    elif (p, q) == (2, 2):
        eta, exact = _leading_input_direction(matrices), True
    elif (p, q) == (math.inf, 2):
        exact = inputs <= ENUMERATED
        eta = _all_signs(matrices.mT, 2) if exact else _alternate(matrices, p, q, seed)
        eta = eta if exact else _flip_for_l2(matrices.mT, eta)
        eta = _best(matrices, eta, q)
    else:
        exact = outputs <= ENUMERATED
        if exact:
            y = _all_signs(matrices, dual_exponent(p)).unsqueeze(1)
        else:
            y = signs_of(_through(matrices, _alternate(matrices, p, q, seed)))
            y = _flip_for_l2(matrices, y) if p == 2 else _flip_for_l1(matrices, y)
        eta = _best(matrices, maximiser(_back(matrices, y), p), q)
    return OperatorNorm(norm(_through(matrices, eta.unsqueeze(1))[:, 0], q), eta, exact)


def _through(matrices: Tensor, eta: Tensor) -> Tensor:
    """J eta: (n, K, d), (n, r, d) -> (n, r, K)."""
    return eta @ matrices.mT


def _back(matrices: Tensor, y: Tensor) -> Tensor:
    """J^T y: (n, K, d), (n, r, K) -> (n, r, d)."""
    return y @ matrices


def _row(matrices: Tensor, at: Tensor) -> Tensor:
    return matrices.gather(1, at.view(-1, 1, 1).expand(-1, 1, matrices.shape[2]))[:, 0]


def _best(matrices: Tensor, eta: Tensor, q: float) -> Tensor:
    """The best of the candidates (n, r, d), or (n, d) as it is."""
    if eta.ndim == 2:
        return eta
    return _row(eta, norm(_through(matrices, eta), q).argmax(-1))


def _leading_input_direction(matrices: Tensor) -> Tensor:
    """First right singular vector, from the smaller of the two Gram matrices, in double precision."""
    wide = matrices.double()
    if matrices.shape[1] > matrices.shape[2]:
        return torch.linalg.eigh(wide.mT @ wide).eigenvectors[..., -1].to(matrices)
    y = torch.linalg.eigh(wide @ wide.mT).eigenvectors[..., -1]
    return maximiser((y.unsqueeze(1) @ wide)[:, 0], 2).to(matrices)


def _all_signs(matrices: Tensor, dual: float) -> Tensor:
    """The signs s (n, K) with the largest ||J^T s||_dual, by trying all of them."""
    count, outputs, inputs = matrices.shape
    numbers = torch.arange(2 ** (outputs - 1), device=matrices.device)
    bits = (numbers.unsqueeze(1) >> torch.arange(outputs, device=matrices.device)) & 1
    signs = (1 - 2 * bits).to(matrices)  # (2^(K-1), K), the last sign always +1
    if dual == 2:  # through the Gram matrix: no dependence on d
        gram = matrices @ matrices.mT
        return signs[torch.stack([((signs @ g) * signs).sum(-1).argmax() for g in gram])]
    step = max(1, CHUNK // (len(signs) * inputs))
    chosen = [norm(signs @ matrices[i : i + step], dual).argmax(-1) for i in range(0, count, step)]
    return signs[torch.cat(chosen)]


def _alternate(matrices: Tensor, p: float, q: float, seed: int, rounds: int = 30) -> Tensor:
    """The best eta (n, r, d) after eta <- argmax <J^T y, eta>, y <- dual vector of J eta, from random y."""
    generator = torch.Generator(device=matrices.device).manual_seed(seed)
    shape = (len(matrices), STARTS, matrices.shape[1])
    y = torch.randn(shape, generator=generator, dtype=torch.float64, device=matrices.device).to(matrices)
    before = None
    for _ in range(rounds):
        eta = maximiser(_back(matrices, y), p)
        change = _through(matrices, eta)
        value = norm(change, q)
        if before is not None and bool((value <= before * (1 + 1e-6)).all()):
            break
        y, before = dual_vector(change, q), value
    kept = STARTS if matrices[0].numel() <= SMALL else IMPROVED
    best = value.topk(kept, dim=1).indices.unsqueeze(-1)
    return eta.gather(1, best.expand(-1, -1, eta.shape[2]))


def _flip_for_l2(matrices: Tensor, signs: Tensor) -> Tensor:
    """Raise ||J^T s||_2 by flipping one sign at a time: s (n, r, K) until no flip helps.

    ||J^T s - 2 s_k J_k||^2 - ||J^T s||^2 = 4 (||J_k||^2 - s_k J_k . J^T s).
    """
    squares = matrices.square().sum(-1).unsqueeze(1)
    sums = _back(matrices, signs)
    for _ in range(4 * signs.shape[-1]):
        gain = squares - signs * _through(matrices, sums)
        if not _flip_best(matrices, signs, sums, gain, squares):
            break
    return signs


def _flip_for_l1(matrices: Tensor, signs: Tensor) -> Tensor:
    """Raise ||J^T s||_1 by flipping one sign at a time: s (n, r, K) until no flip helps."""
    sums = _back(matrices, signs)
    scale = norm(matrices, 1).unsqueeze(1)
    for _ in range(4 * signs.shape[-1]):
        now = norm(sums, 1).unsqueeze(-1)
        gain = torch.stack(
            [norm(sums - 2 * signs[..., k : k + 1] * matrices[:, k].unsqueeze(1), 1) for k in range(signs.shape[-1])],
            dim=-1,
        )
        if not _flip_best(matrices, signs, sums, gain - now, scale):
            break
    return signs


def _flip_best(matrices: Tensor, signs: Tensor, sums: Tensor, gain: Tensor, scale: Tensor) -> bool:
    """Flip, in place, the sign of largest gain wherever that gain is above rounding; False when there is none."""
    best, at = (gain / scale.clamp_min(1e-30)).max(-1, keepdim=True)
    flips = best > 1e-5
    if not bool(flips.any()):
        return False
    change = torch.where(flips, -2 * signs.gather(-1, at), 0.0)
    rows = torch.stack([matrices[i][at[i, :, 0]] for i in range(len(matrices))])
    sums += change * rows
    signs.scatter_add_(-1, at, change)
    return True
