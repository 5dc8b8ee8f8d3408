"""The weight variance over the steps of a training on the adversarial loss, as a labelled result with its horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from jominy.errors import InputError
from jominy.meanfield.architecture import Architecture
from jominy.meanfield.geometry import InputGeometry
from jominy.meanfield.horizon import population_horizon, sample_horizon
from jominy.meanfield.numbers import finite
from jominy.meanfield.weight_variance import layer_variances_at, loss_per_gain, weight_variance_at
from jominy.results import CITE_NETWORKS, Status, make_result
from jominy.results.soundness import judged

if TYPE_CHECKING:
    import xarray as xr


def weight_variance_curve(
    architecture: Architecture,
    radius: float,
    steps: ArrayLike,
    learning_rate: float,
    p: float = 2,
    q: float = 2,
    *,
    input_power: float = 1.0,
    geometry: InputGeometry | None = None,
    constants: object = None,
) -> xr.Dataset:
    """The mean-field law of the weight variances under gradient descent on the adversarial loss, step by step.

    Equal layers by the closed form, layers with variances of their own by the ODE (`weight_variance_at`,
    `layer_variances_at`; DERIVED). It holds well below the horizon, where training has removed the loss by a low-rank
    change of the weights that no variance shows; the horizon comes with the curve.

    Parameters
    ----------
    architecture : one network
    radius : eps >= 0 of the attack, in the p-norm
    steps : step numbers, 1-D, not decreasing; time is learning_rate * step
    learning_rate : of plain gradient descent, > 0
    p, q : 1, 2 or infinity
    input_power : ||x||^2/d
    geometry : of a classification problem, for the horizon of training on many inputs
    constants : Sharp() (default), Chevet(), Leading(), or beta itself as a number, measured for example

    Returns
    -------
    xarray.Dataset with `weight_variance` (step, layer), `adversarial_loss` and `fisher_rao_norm` (step; that of the
    adversarial loss, sum_l f_l times the loss); attributes
    `sample_horizon_step` and, with a geometry, `population_horizon_step`.

    Raises InputError for an array of architectures, bad steps or rate, and as `beta` does.

    Examples
    --------
    >>> import jominy as jm
    >>> network = jm.Architecture(4, 1000, 784, 10, weight_variance=2.0)
    >>> curve = jm.weight_variance_curve(network, 1.0, [0, 5, 10], learning_rate=0.001)
    >>> curve["weight_variance"].isel(layer=0).values.round(6)
    array([2.      , 1.999987, 1.999975])
    >>> curve.attrs["status"], round(curve.attrs["sample_horizon_step"])
    ('completed', 11)
    """
    if architecture.shape or np.ndim(radius):
        raise InputError(
            "a curve is of one architecture at one radius", architecture.shape, "use network_theory(vary=...)"
        )
    number = np.asarray(finite(steps, "steps", minimum=0.0))
    if number.ndim != 1 or number.size == 0 or np.any(np.diff(number) < 0):
        raise InputError("steps must be a 1-D array that does not decrease", f"shape {number.shape}")
    rate = finite(learning_rate, "learning rate", minimum=0.0)
    if np.ndim(rate) or rate == 0:
        raise InputError("the learning rate must be one positive number", rate)
    times = rate * number
    if architecture.has_own_variances:
        variances = layer_variances_at(architecture, radius, times, p, q, constants)
    else:
        equal = weight_variance_at(architecture, radius, times, p, q, constants)
        variances = np.tile(equal, (architecture.layers, 1))
    gains = architecture.activation.gain * variances + architecture.shortcut
    loss = loss_per_gain(architecture, radius, p, q, constants) * np.sqrt(np.prod(gains, axis=0))
    shares = np.sum(1 - 1 / gains, axis=0) if architecture.shortcut else architecture.depth  # sum of f_l
    horizons = {"sample_horizon_step": sample_horizon(architecture, radius, p, q, input_power=input_power) / rate}
    if geometry is not None:
        horizons["population_horizon_step"] = population_horizon(architecture, radius, geometry, p=p) / rate
    horizons = {name: float(value) for name, value in horizons.items()}
    last = max(horizons.values())
    beyond = number[-1] > last
    advice = (
        f"The law holds well below step {last:.3g}, where training has removed the adversarial loss by other means; "
        "the curve goes beyond it."
        if beyond
        else f"The law holds well below step {last:.3g}, the horizon; the curve ends before it."
    )
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "weight_variance": (("step", "layer"), variances.T),
        "adversarial_loss": (("step",), loss),
        "fisher_rao_norm": (("step",), shares * loss),
    }
    notes = ["DERIVED: mean field, gradient flow on the adversarial loss, P_in and P_out fixed, biases at rest."]
    judgement = judged(variables, Status.COMPLETED, advice, notes)
    return make_result(
        variables,
        {"step": number, "layer": np.arange(1, architecture.layers + 1)},
        engine="network theory",
        scenario={"architecture": architecture.describe(), "radius": radius, "p": p, "q": q, "learning_rate": rate},
        status=judgement.status,
        advice=judgement.advice,
        notes=judgement.notes,
        extra={**horizons},
        cite=CITE_NETWORKS,
    )
