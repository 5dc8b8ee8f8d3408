"""The perturbation that changes a network's output most: max ||f(x + eta) - f(x)||_q over ||eta||_p <= radius."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from jominy.meanfield.norms import norm_exponent
from jominy.networks.modules import Function, applied, check_finite, evaluating, flat_function, gradient, jacobians
from jominy.networks.operator_norms import operator_norm
from jominy.networks.threat import Threat, check_radius, chunks, seeded
from jominy.networks.vectors import maximiser, norm, project, random_point

OUTPUTS = 64  # networks with more outputs are attacked without their whole Jacobian
POINTS, FOLLOWED = 600, 60  # random candidates, and those followed, times the input dimension
TRIAL = 4  # steps after which two thirds of the starts are given up
BATCH = 256  # inputs that go through the network together where candidates are compared
VERTICES = 4  # candidates taken from the best columns (p=1) or rows (q=inf) of the Jacobian


class Perturbation(NamedTuple):
    """`eta` with the shape of the inputs and ||eta||_p <= radius, and `loss` (n,) = ||f(x + eta) - f(x)||_q."""

    eta: Tensor
    loss: Tensor


def strongest_perturbation(
    network: nn.Module,
    inputs: Tensor,
    radius: float,
    p: float,
    q: float,
    *,
    steps: int = 8,
    starts: int = 3,
    seed: int = 0,
) -> Perturbation:
    """Maximise ||f(x + eta) - f(x)||_q over ||eta||_p <= radius, for every input x at once.

    Starts from the maximiser of the Jacobian at x (:func:`operator_norm`), its negative and random points; the best
    `starts` of them are followed. Steps go to the point of the ball that is best for the gradient, and along the
    gradient back into the ball, in turn; a step that does not help is not taken, and the next one is shorter. On a
    linear network the first start is the answer wherever `operator_norm` is exact. A lower bound of the
    maximum, exact or nearly so where an exhaustive search can tell (theory `meanfield.md` 4.2 and 4.4, DERIVED).

    Parameters
    ----------
    network
        Any module from (n, ...) to (n, ...), used in evaluation mode; norms are of the flattened arrays.
    inputs
        (n, d) or (n, ...), of the network's dtype. In float32 a radius below about 1e-4 ||x|| drowns in rounding.
    radius
        Largest ||eta||_p, zero or positive.
    p, q
        1, 2 or infinity.
    steps, starts, seed
        Steps of each kind from each start, how many starts are followed (more in fewer than 20 dimensions), and the
        seed of the random ones.

    Raises
    ------
    InputError
        A negative radius; another p or q; a module that does not accept the inputs, or has weights that are not finite.

    Examples
    --------
    >>> import torch
    >>> linear = torch.nn.Linear(2, 2, bias=False)
    >>> _ = linear.weight.data.copy_(torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    >>> found = strongest_perturbation(linear, torch.zeros(1, 2), 0.5, math.inf, 1)
    >>> found.loss.tolist(), found.eta.abs().tolist()
    ([4.0], [[0.5, 0.5]])
    """
    p, q, radius = norm_exponent(p, "p"), norm_exponent(q, "q"), check_radius(radius)
    if len(parts := chunks(inputs)) > 1:
        more: Any = {"steps": steps, "starts": starts, "seed": seed}
        return _in_parts(parts, lambda part: strongest_perturbation(network, part, radius, p, q, **more))
    with evaluating(network):
        function, rows = flat_function(network, inputs)
        with torch.no_grad():
            centre = function(rows)
        if radius == 0:
            return Perturbation(torch.zeros_like(inputs), torch.zeros_like(rows[:, 0]))
        generator = seeded(rows, seed)
        # In few dimensions the landscape has many hills of one height; in many, the hills around the best directions
        # of the Jacobian tower over the rest.
        crowd, followed = max(2, POINTS // rows.shape[1]), max(starts, FOLLOWED // rows.shape[1])
        candidates = [radius * random_point(tuple(rows.shape), p, generator, rows) for _ in range(crowd)]
        for _ in range(crowd if rows.shape[1] < POINTS else 0):
            spread = torch.randn(rows.shape, generator=generator, dtype=torch.float64, device=rows.device).to(rows)
            candidates.append(radius * spread / norm(spread, p).unsqueeze(-1))
        if centre.shape[1] <= OUTPUTS:
            jacobian = jacobians(network, function, rows)
            for eta in _linear_candidates(jacobian, p, q, seed):
                candidates += [radius * eta, -radius * eta]
        eta, loss = _follow(function, rows, centre, torch.stack(candidates), Threat(radius, p), q, steps, followed)
    return Perturbation(eta.view_as(inputs), check_finite(loss, radius))


def _in_parts(parts: tuple[Tensor, ...], attack: Callable[[Tensor], Perturbation]) -> Perturbation:
    found = [attack(part) for part in parts]
    return Perturbation(torch.cat([one.eta for one in found]), torch.cat([one.loss for one in found]))


def quick_perturbation(
    network: nn.Module,
    inputs: Tensor,
    threat: Threat,
    q: float,
    *,
    steps: int = 2,
    generator: torch.Generator,
) -> Tensor:
    """The perturbation of a few full steps from one random point, for use in training.

    eta <- radius argmax_{||e||_p <= 1} <J(x + eta)^T y, e> with y the dual vector of f(x + eta) - f(x). One step
    reaches sqrt(K/d) of the (2,2) maximum from behind, two and more come close (theory section 4.4). No checks.
    """
    shape, rows, forward = inputs.shape, inputs.flatten(1), applied(network)

    def function(at: Tensor) -> Tensor:
        return forward(at.reshape(shape)).flatten(1)

    with torch.no_grad():
        centre = function(rows)
    eta = threat.radius * random_point(tuple(rows.shape), threat.p, generator, rows)
    for _ in range(steps):
        _, slopes = gradient(lambda e: norm(function(rows + e) - centre, q), eta)
        eta = threat.farthest(slopes, rows)
    return eta.view(shape)


def _linear_candidates(jacobian: Tensor, p: float, q: float, seed: int) -> list[Tensor]:
    """Maximisers of ||J eta||_q, best first: those of several columns (p=1) or rows (q=inf), which are close rivals."""
    if p == 1:
        best = norm(jacobian.mT, q).topk(min(VERTICES, jacobian.shape[2]), dim=-1).indices
        return [torch.nn.functional.one_hot(at, jacobian.shape[2]).to(jacobian) for at in best.unbind(1)]
    if q == math.inf:
        sizes = norm(jacobian, {2.0: 2.0, math.inf: 1.0}[p])
        best = sizes.topk(min(VERTICES, jacobian.shape[1]), dim=-1).indices
        each = torch.arange(len(jacobian), device=jacobian.device)
        return [maximiser(jacobian[each, at], p) for at in best.unbind(1)]
    return [operator_norm(jacobian, p, q, seed=seed).maximiser]


def _follow(
    function: Function,
    rows: Tensor,
    centre: Tensor,
    candidates: Tensor,
    threat: Threat,
    q: float,
    steps: int,
    starts: int,
) -> tuple[Tensor, Tensor]:
    """Ascend from the best `starts` of the candidates (c, n, d); the best point (n, d) and its loss (n,)."""
    together = max(1, BATCH // len(rows))  # a wide network reads its weights once for all of these
    with torch.no_grad():
        outputs = [function((rows + part).flatten(0, 1)) for part in candidates.split(together)]
        losses = norm(torch.cat(outputs).view(len(candidates), len(rows), -1) - centre, q)
    order = losses.topk(min(starts, len(candidates)), dim=0).indices  # (s, n)
    each = torch.arange(len(rows), device=rows.device).expand_as(order)
    eta = candidates[order, each].flatten(0, 1)
    origin = each.flatten()

    def loss(at: Tensor, of: Tensor) -> Tensor:
        return norm(function(rows[of] + at) - centre[of], q)

    best, slopes = gradient(partial(loss, of=origin), eta)
    strides = torch.ones(len(eta), 2, dtype=rows.dtype, device=rows.device)
    for step in range(2 * steps):
        if step == TRIAL:  # the rest of the way is for the best third
            leaders = best.view(len(order), -1).topk(-(-len(order) // 3), dim=0).indices
            kept = torch.zeros_like(best).index_fill_(0, (leaders * len(rows) + each[: len(leaders)]).flatten(), 1.0)
            strides *= kept.unsqueeze(1)
        kind = step % 2  # towards the best vertex, then along the gradient, each with its own stride
        active = (strides[:, kind] > 0.1).nonzero()[:, 0]
        if not len(active):
            if not bool((strides > 0.1).any()):
                break
            continue
        here, stride = eta[active], strides[active, kind].unsqueeze(1)
        if kind == 0:
            proposal = here + stride * (threat.radius * maximiser(slopes[active], threat.p) - here)
            proposal = threat.radius * maximiser(proposal, 2) if threat.p == 2 else proposal
        else:
            proposal = here + stride * (norm(here, 2).unsqueeze(1) * maximiser(slopes[active], 2))
        proposal = project(proposal, threat.p, threat.radius)
        value, ahead = gradient(partial(loss, of=origin[active]), proposal)
        better = value > best[active]
        gained = value > best[active] * (1 + 1e-4)
        moved = active[better]
        eta[moved], slopes[moved], best[moved] = proposal[better], ahead[better], value[better]
        strides[active, kind] = torch.where(gained, (2 * stride[:, 0]).clamp_max(1.0), stride[:, 0] / 2.5)
    best = best.view(len(order), -1)
    winner = best.argmax(0)
    return eta.view(len(order), len(rows), -1)[winner, torch.arange(len(rows), device=rows.device)], best.amax(0)
