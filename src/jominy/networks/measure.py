"""What random networks do at initialisation, in the variables of the theory: law, norms and losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from jominy.errors import InputError
from jominy.meanfield import Architecture
from jominy.meanfield.norms import NORMS, norm_exponent
from jominy.networks.ensembles import check_inputs, measure_ensemble, usual_precision
from jominy.networks.operator_norms import operator_norm
from jominy.networks.perturbations import strongest_perturbation
from jominy.networks.random_network import RandomNetwork
from jominy.networks.threat import check_radius
from jominy.networks.vectors import dual_vector, norm

if TYPE_CHECKING:
    import xarray as xr

SMALL, LARGE = 0.01, 1e12  # radii over ||x||_p between which losses are measured in float32
LOST = 1e-10  # and from which they can be told from rounding in float64
_LAW = ("jacobian_variance", "offset_variance", "signal_variance", "covariance", "output_variance")


def measure_affine_law(
    architecture: Architecture, inputs: Tensor, *, networks: int = 10, seed: int = 0, progress: bool = True
) -> xr.Dataset:
    """Second moments of J(x) and a(x) in f(x) = J(x) x + a(x), over entries and inputs, for each of several networks.

    ``jacobian_variance`` E J_ij^2, ``offset_variance`` E a_i^2, ``signal_variance`` E (Jx)_i^2, ``covariance``
    E (Jx)_i a_i and ``output_variance`` E f_i^2: the names of :func:`jominy.meanfield.affine_law`, which predicts them
    (Theorem 4.1 of arXiv 2505.14021, SOURCED, and its correction for shortcuts, DERIVED; theory `meanfield.md` 3).
    Means are zero by symmetry, so second moments are variances. All but J's are averaged over the law of P_out as well:
    the K outputs of one network would leave a(x) an error of sqrt(2/K).

    >>> import torch
    >>> from jominy.meanfield import Architecture, affine_law
    >>> architecture = Architecture(2, 200, 50, 10, weight_variance=1.5)
    >>> seen = measure_affine_law(architecture, torch.ones(1, 50), networks=10, progress=False)
    >>> bool(abs(float(seen["jacobian_variance"].mean()) / affine_law(architecture).jacobian_variance - 1) < 0.1)
    True
    """

    return measure_ensemble(
        architecture,
        inputs,
        affine_moments,
        dict.fromkeys(_LAW, ()),
        {},
        engine="measure affine law",
        networks=networks,
        seed=seed,
        scenario={},
        progress=progress,
    )


def affine_moments(network: RandomNetwork, inputs: Tensor) -> dict[str, float]:
    """The second moments of one network, as :func:`measure_affine_law` has them of several."""
    jacobian, _ = network.affine_parts(inputs)
    signal, offset = network.hidden_parts(inputs)
    products = (jacobian**2, offset**2, signal**2, signal * offset, (signal + offset) ** 2)
    return {name: float(value.double().mean()) for name, value in zip(_LAW, products, strict=True)}


def measure_operator_norms(
    architecture: Architecture, inputs: Tensor, *, networks: int = 10, seed: int = 0, progress: bool = True
) -> xr.Dataset:
    """``operator_norm`` = ||J(x)||_{p->q}, mean over the inputs, dimensions (network, p, q) for all nine pairs.

    Theory: sqrt(omega^L) beta_{p,q} with Sharp() constants and the finite width (:func:`jominy.beta`, DERIVED).
    """

    def norms(network: RandomNetwork, x: Tensor) -> dict[str, np.ndarray]:
        jacobian, _ = network.affine_parts(x)
        values = [[float(operator_norm(jacobian, p, q).value.mean()) for q in NORMS] for p in NORMS]
        return {"operator_norm": np.array(values)}

    return measure_ensemble(
        architecture,
        inputs,
        norms,
        {"operator_norm": ("p", "q")},
        {"p": [float(p) for p in NORMS], "q": [float(q) for q in NORMS]},
        engine="measure operator norms",
        networks=networks,
        seed=seed,
        scenario={},
        progress=progress,
    )


def measure_adversarial_loss(
    architecture: Architecture,
    inputs: Tensor,
    radii: float | Sequence[float],
    p: float = 2,
    q: float = 2,
    *,
    networks: int = 10,
    seed: int = 0,
    progress: bool = True,
) -> xr.Dataset:
    """``adversarial_loss`` = mean over inputs of max ||f(x+eta) - f(x)||_q, dimensions (network, radius).

    The maximum is that of :func:`jominy.strongest_perturbation`, to 1e-5. Theory: eps sqrt(omega^L) beta_{p,q}
    (:func:`jominy.adversarial_loss` and its bound, DERIVED); without shortcuts it falls below as the radius grows.
    """
    several = np.atleast_1d(radii)
    checked = [check_radius(float(radius)) for radius in several]
    p, q = norm_exponent(p, "p"), norm_exponent(q, "q")

    def losses(network: RandomNetwork, x: Tensor) -> dict[str, np.ndarray]:
        found = [strongest_perturbation(network, x, radius, p, q).loss for radius in checked]
        return {"adversarial_loss": np.array([float(loss.mean()) for loss in found])}

    return measure_ensemble(
        architecture,
        inputs,
        losses,
        {"adversarial_loss": ("radius",)},
        {"radius": checked},
        engine="measure adversarial loss",
        networks=networks,
        seed=seed,
        scenario={"p": p, "q": q},
        progress=progress,
        dtype=_precision(architecture, inputs, checked, p),
    )


def measure_weight_rate(
    architecture: Architecture,
    inputs: Tensor,
    radius: float,
    p: float = 2,
    q: float = 2,
    *,
    networks: int = 10,
    seed: int = 0,
    progress: bool = True,
) -> xr.Dataset:
    """``weight_variance_rate`` = d sw_l^2/dt = -(2/N) <W_l, grad_l L> of the adversarial loss L, per (network, layer).

    L is the mean of max ||f(x+eta) - f(x)||_q over the inputs, its value ``adversarial_loss`` (network). Also
    ``weight_variance`` = ||W_l||_F^2 / N and ``gradient_norm``. Theory `meanfield.md` 5.1 (DERIVED): -(2/N) L exactly
    without shortcuts and biases, -(2/N) L alpha s_l/(1 + alpha s_l) with them.
    """
    p, q, radius = norm_exponent(p, "p"), norm_exponent(q, "q"), check_radius(radius)

    def rates(network: RandomNetwork, x: Tensor) -> dict[str, np.ndarray]:
        eta = strongest_perturbation(network, x, radius, p, q).eta.double()
        network, x = network.double(), x.double()  # the search may round, what is measured at its end does not
        change = network(x + eta) - network(x)
        loss = (dual_vector(change.detach(), q) * change).sum(1).mean()
        slopes = torch.autograd.grad(loss, list(network.weights))
        with torch.no_grad():
            inner = [float((w * g).sum()) for w, g in zip(network.weights, slopes, strict=True)]
        return {
            "weight_variance_rate": -2 / architecture.width * np.array(inner),
            "weight_variance": network.weight_variances().numpy(),
            "gradient_norm": np.array([float(g.norm()) for g in slopes]),
            "adversarial_loss": np.array(float(loss.detach())),
        }

    layered = dict.fromkeys(("weight_variance_rate", "weight_variance", "gradient_norm"), ("layer",))
    return measure_ensemble(
        architecture,
        inputs,
        rates,
        {**layered, "adversarial_loss": ()},
        {"layer": np.arange(1, architecture.layers + 1)},
        engine="measure weight rate",
        networks=networks,
        seed=seed,
        scenario={"radius": radius, "p": p, "q": q},
        progress=progress,
        dtype=_precision(architecture, inputs, [radius], p),
    )


def _precision(architecture: Architecture, inputs: Tensor, radii: Sequence[float], p: float) -> torch.dtype:
    """float32, which takes half the time, where f(x + eta) - f(x) stays far above its rounding, and below its end."""
    check_inputs(architecture, inputs)
    size, some = float(norm(inputs, p).max()), [radius for radius in radii if radius > 0]
    lost = [radius for radius in some if radius < LOST * size]
    if lost:
        raise InputError(
            f"a radius to be measured must be at least {LOST:g} of the inputs' norm",
            lost[0],
            "its effect is lost in rounding",
        )
    sound = all(SMALL * size <= radius <= LARGE * size for radius in some)
    return usual_precision(architecture) if sound else torch.float64


def measure_radial_moments(
    architecture: Architecture,
    inputs: Tensor,
    *,
    train_bias: bool = False,
    networks: int = 10,
    seed: int = 0,
    progress: bool = True,
) -> xr.Dataset:
    """E f_k^2, E f_k fdot_k and E fdot_k^2 over outputs and inputs; fdot = d f / d ln s as all W_l grow by a factor s.

    ``output_variance``, ``radial_covariance`` and ``radial_variance``, dimension ``network``; `train_bias` lets the
    biases grow too. The last is what the Fisher-Rao norm is made of: ||theta||_fr^2 = E <dl/df, fdot>^2, and
    (1 - 1/K) E fdot_k^2 for cross-entropy with small logits. Predicted by :func:`jominy.meanfield.radial_moments`
    (theory `meanfield.md` section 7, DERIVED). Averaged over the law of P_out as well: the K outputs of one network
    would leave an error of sqrt(2/K).
    """

    def moments(network: RandomNetwork, x: Tensor) -> dict[str, float]:
        theta = {name: value.detach() for name, value in network.named_parameters()}
        grown = {name: value for name, value in theta.items() if train_bias or name.startswith("weights")}
        fixed = {name: value for name, value in theta.items() if name not in grown}
        every = {
            "outward": torch.eye(len(network.inward), dtype=x.dtype, device=x.device)
        }  # the mean square of x_L is that over P_out

        def outputs_of(weights: dict[str, Tensor]) -> Tensor:
            return torch.func.functional_call(network, {**weights, **fixed, **every}, (x,))

        found: Any = torch.func.jvp(outputs_of, (grown,), (grown,))
        outputs, along = (value.double() for value in found)
        return {
            "output_variance": float(outputs.square().mean()),
            "radial_covariance": float((outputs * along).mean()),
            "radial_variance": float(along.square().mean()),
        }

    return measure_ensemble(
        architecture,
        inputs,
        moments,
        dict.fromkeys(("output_variance", "radial_covariance", "radial_variance"), ()),
        {},
        engine="measure radial moments",
        networks=networks,
        seed=seed,
        scenario={"train_bias": train_bias},
        progress=progress,
    )
