"""The theory of a network as one labelled result: Jacobian, loss, weight variance, capacity, trainability."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jominy.errors import InputError
from jominy.meanfield.affine import affine_law, effective_dimension
from jominy.meanfield.architecture import Architecture
from jominy.meanfield.capacity import fisher_rao, radial_moments
from jominy.meanfield.constants import Constants
from jominy.meanfield.geometry import InputGeometry
from jominy.meanfield.horizon import sample_horizon
from jominy.meanfield.index import trainability_index
from jominy.meanfield.norms import norm_exponent
from jominy.meanfield.numbers import magnitude, positive_integer
from jominy.meanfield.operator_norm import adversarial_loss, adversarial_loss_bound
from jominy.meanfield.safe import safe_depth, safe_radius, safe_width
from jominy.meanfield.sweeps import make_sweep
from jominy.meanfield.variance_law import longest_time
from jominy.meanfield.verdict import ADVICE, Verdict
from jominy.meanfield.weight_variance import variance_slopes
from jominy.results import CITE_NETWORKS, Status, make_result
from jominy.results.soundness import judged

if TYPE_CHECKING:
    import xarray as xr

_ASSUMPTIONS = (
    "Wide random networks, P_in and P_out fixed. The affine law is SOURCED (Theorem 4.1), everything else DERIVED or "
    "FITTED: see the documentation page on networks."
)
_BEYOND = "The laws of the weight variance hold for times well below sample_horizon (one input) or population_horizon."


def network_theory(
    architecture: Architecture,
    radius: float,
    p: float | Sequence[float] = 2,
    q: float | Sequence[float] = 2,
    *,
    vary: Mapping[str, ArrayLike] | None = None,
    input_power: float = 1.0,
    constants: Constants | None = None,
) -> xr.Dataset:
    """What the mean-field theory says of a network at initialisation and early in adversarial training.

    Parameters
    ----------
    architecture : one network
    radius : eps >= 0 of the attack, in the p-norm of the input
    p, q : 1, 2 or infinity, or sequences of those, which become dimensions `p` and `q`
    vary : values of fields (`depth`, `width`, `input_dim`, `output_dim`, `weight_variance`, `bias_variance`,
        `shortcut`) or of the `radius`; each becomes a dimension, all combinations are computed at once
    input_power : ||x||^2/d, for the variance of outputs, the horizon and the Fisher-Rao norm
    constants : Sharp() (default), Chevet() or Leading(), for all but the bound, which is Chevet's

    Returns
    -------
    xarray.Dataset with `total_gain`, `jacobian_variance`, the variances at one input `signal_variance`,
    `offset_variance`, `covariance`, `output_variance` (`affine_law`), `effective_dimension`, `operator_norm`,
    `adversarial_loss`, `adversarial_loss_bound`, `weight_variance_rate` (per layer, zero beyond the depth),
    `longest_time` (m = 0.1; one variance for all layers), `sample_horizon`, `radial_covariance`, `radial_variance` and
    `fisher_rao_norm` (cross-entropy, small logits).

    Raises InputError for anything the theory does not cover, with the value received.

    Examples
    --------
    >>> import jominy as jm
    >>> network = jm.Architecture(5, 1000, 784, 10, weight_variance=2.0)
    >>> result = jm.network_theory(network, 0.1, p=[2, float("inf")], vary={"width": [300, 1000, 3000]})
    >>> result["adversarial_loss"].sel(p=2).values.round(4)
    array([0.1493, 0.1287, 0.1184])
    """
    sweep = make_sweep(architecture, radius, vary)
    network, eps = sweep.architecture, sweep.radius
    pairs = {name: np.atleast_1d(np.asarray(norm, dtype=float)) for name, norm in (("p", p), ("q", q))}
    axes = tuple(name for name, norm in (("p", p), ("q", q)) if np.ndim(norm))
    norms = [[(norm_exponent(a, "p"), norm_exponent(b, "q")) for b in pairs["q"]] for a in pairs["p"]]

    def over_norms(function: Callable[[float, float], Any]) -> tuple[tuple[str, ...], np.ndarray]:
        table = np.array([[sweep.full(function(a, b)) for a, b in row] for row in norms])
        kept = tuple(slice(None) if name in axes else 0 for name in ("p", "q"))
        return (*axes, *sweep.dims), table[kept]

    law, radial = affine_law(network, input_power), radial_moments(network, input_power)
    per_network = {
        "total_gain": network.total_gain,
        "jacobian_variance": law.jacobian_variance,
        "signal_variance": law.signal_variance,
        "offset_variance": law.exact_offset_variance,
        "covariance": law.covariance,
        "output_variance": law.output_variance,
        "effective_dimension": effective_dimension(network),
        "radial_covariance": radial.cross,
        "radial_variance": radial.radial,
        "fisher_rao_norm": np.sqrt(fisher_rao(network, input_power)),
    }
    variables: dict[str, tuple[tuple[str, ...], ArrayLike]] = {
        name: (sweep.dims, sweep.full(value)) for name, value in per_network.items()
    }

    variables["operator_norm"] = over_norms(lambda a, b: adversarial_loss(network, 1.0, a, b, constants))
    variables["adversarial_loss"] = over_norms(lambda a, b: adversarial_loss(network, eps, a, b, constants))
    variables["adversarial_loss_bound"] = over_norms(lambda a, b: adversarial_loss_bound(network, eps, a, b))
    dims, losses = variables["adversarial_loss"]
    slopes = variance_slopes(network, losses)  # (layer, *axes, *sweep): the sweep's axes are the last ones
    variables["weight_variance_rate"] = ((*dims, "layer"), np.moveaxis(slopes, 0, -1))
    variables["sample_horizon"] = over_norms(lambda a, b: sample_horizon(network, eps, a, b, input_power=input_power))
    if not network.has_own_variances:
        variables["longest_time"] = over_norms(lambda a, b: longest_time(network, eps, a, b, constants=constants))
    judgement = judged(variables, Status.COMPLETED, "The theory was evaluated.", [_ASSUMPTIONS, _BEYOND])
    return make_result(
        variables,
        {name: pairs[name] for name in axes} | sweep.coords | {"layer": np.arange(1, network.layers + 1)},
        engine="network theory",
        scenario=sweep.describe() | {"p": pairs["p"].tolist(), "q": pairs["q"].tolist(), "input_power": input_power},
        status=judgement.status,
        advice=judgement.advice,
        notes=judgement.notes,
        cite=CITE_NETWORKS,
    )


def trainability(
    architecture: Architecture,
    radius: float,
    geometry: InputGeometry,
    *,
    p: float = 2,
    adversarial_weight: float = 1.0,
    vary: Mapping[str, ArrayLike] | None = None,
    learning_rate: float | None = None,
    steps: int | None = None,
) -> xr.Dataset:
    """Whether a network can be trained against attacks of this radius, by two yardsticks side by side.

    The index tau (`trainability_index`; DERIVED, FITTED and MEASURED: our own theory) with slowdown, learning time,
    safe width and radius; and the weight-variance law's `longest_time` from this start to m = 0.1 (PLAUSIBLE
    definition), which is no verdict: it calls nearly every network trainable.

    Parameters
    ----------
    architecture, radius, p, adversarial_weight : as in `trainability_index`, single numbers
    geometry : `InputGeometry.of(inputs, labels)`, of numbers
    vary : as in `network_theory`, and `adversarial_weight`
    learning_rate, steps : with both, `training_score` says whether the steps are enough

    Returns
    -------
    xarray.Dataset; a single network also has `safe_radius` and `safe_depth` (a search each), and the attributes
    `verdict`, its label, and `reliability`, the measured share of right verdicts; `advice` says it in words. The
    attribute `outside` lists what the fit did not cover.

    Raises InputError as `trainability_index` does.

    Examples
    --------
    >>> import jominy as jm
    >>> network = jm.Architecture(12, 128, 64, 10, weight_variance=2.0)
    >>> data = jm.InputGeometry(power=1.0, within=0.5, between=0.0)
    >>> result = jm.trainability(network, 1.3, data, vary={"shortcut": [False, True]})
    >>> result["trainability_index"].values.round(3)
    array([ 0.088, 37.283])
    >>> jm.trainability(network, 1.3, data).attrs["verdict"]
    'collapse'
    """
    if any(np.ndim(value) for value in vars(geometry).values()):
        raise InputError("a labelled result needs one geometry", geometry.describe(), "call it for each geometry")
    if (learning_rate is None) != (steps is None):
        raise InputError("the score needs both learning_rate and steps", f"{learning_rate} and {steps}")
    if learning_rate is not None and steps is not None:
        learning_rate = magnitude(learning_rate, "learning rate", minimum=0.0)
        steps = positive_integer(steps, "number of steps")
    sweep = make_sweep(architecture, radius, vary, adversarial_weight)
    network, eps, lam = sweep.architecture, sweep.radius, sweep.adversarial_weight
    index = trainability_index(network, eps, geometry, adversarial_weight=lam, p=p)
    found = {
        "trainability_index": index.tau,
        "collapse_time": index.collapse_time,
        "signal_time": index.signal_time,
        "signal_rate": index.signal_rate,
        "gradient_power": index.gradient_power,
        "slowdown": index.slowdown,
        "learning_time": index.learning_time,
        "population_horizon": index.collapse_time / network.width,
        "safe_width": safe_width(network, eps, geometry, adversarial_weight=lam, p=p),
    }
    if not network.has_own_variances:
        found["longest_time"] = longest_time(network, eps, p, 2)
    if learning_rate is not None and steps is not None:
        found["training_score"] = index.score(learning_rate, network.width, steps)
    extra: dict[str, float | int | str | list] = {"outside": outside_the_fit(network, p, geometry)}
    advice = ADVICE
    if not sweep.dims:
        found["safe_radius"] = safe_radius(network, geometry, adversarial_weight=lam, p=p)
        if not network.has_own_variances:
            found["safe_depth"] = safe_depth(network, eps, geometry, adversarial_weight=lam, p=p)
        verdict: Verdict = index.verdict
        extra |= {"verdict": verdict.label}
        if verdict.reliability is not None:
            extra |= {"reliability": verdict.reliability}
        helped = verdict in (Verdict.COLLAPSE, Verdict.BORDERLINE)
        advice = f"{verdict.sentence} {ADVICE}" if helped else verdict.sentence
    variables = {name: (sweep.dims, sweep.full(value)) for name, value in found.items()}
    notes = ["Our own theory, not arXiv 2505.14021's: DERIVED, with FITTED constants.", _BEYOND]
    judgement = judged(variables, Status.COMPLETED, advice, notes)
    return make_result(
        variables,
        sweep.coords,
        engine="trainability",
        scenario=sweep.describe() | {"p": p, "geometry": geometry.describe()},
        status=judgement.status,
        advice=judgement.advice,
        notes=judgement.notes,
        extra=extra,
        cite="the jominy documentation, page on networks; set-up of " + CITE_NETWORKS,
    )


def outside_the_fit(architecture: Architecture, p: float, geometry: InputGeometry) -> list[str]:
    """What the fit of the index has not seen in these networks, in words; empty where it has seen all.

    >>> outside_the_fit(Architecture(40, 128, 64, 10, weight_variance=2.0), 2, InputGeometry(1.0, 0.5, 0.0))
    ['depth above 24']
    """
    u, v = architecture.activation.u, architecture.activation.v
    checks = (
        (np.any(np.asarray(v) != 0) or np.any(np.asarray(u) <= 0), "an activation other than ReLU"),
        (np.any(np.asarray(architecture.bias_variance) > 0), "biases"),
        (p != 2, "an attack norm other than l2"),
        (np.any(np.asarray(architecture.depth) > 24), "depth above 24"),
        (
            np.any((np.asarray(architecture.width) < 48) | (np.asarray(architecture.width) > 512)),
            "width outside 48-512",
        ),
        (np.any(np.asarray(architecture.output_dim) > 20), "more than 20 classes"),
        (np.any(np.asarray(architecture.input_dim) > 128), "input dimension above 128"),
        (architecture.has_own_variances, "layers with variances of their own"),
    )
    return [words for outside, words in checks if outside]
