"""Several random networks of one architecture, each measured, as one labelled result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from tqdm import tqdm

from jominy.errors import InputError
from jominy.meanfield import Architecture
from jominy.networks.random_network import RandomNetwork
from jominy.results import CITE_NETWORKS, Status, make_result

if TYPE_CHECKING:
    import xarray as xr

Measurement = Callable[[RandomNetwork, Tensor], Mapping[str, ArrayLike]]


def measure_ensemble(
    architecture: Architecture,
    inputs: Tensor,
    measurement: Measurement,
    dimensions: Mapping[str, tuple[str, ...]],
    coords: Mapping[str, ArrayLike],
    *,
    engine: str,
    networks: int,
    seed: int,
    scenario: Mapping[str, Any],
    progress: bool,
    dtype: torch.dtype | None = None,
    notes: Sequence[str] = (),
) -> xr.Dataset:
    """`measurement` of the networks with seeds seed, seed + 1, ...; dimension ``network``, then those in `dimensions`.

    Networks differ by a relative 1/sqrt(2 d_eff) in their norms (theory `meanfield.md` section 3): five to ten of them
    are needed for a mean. On Ctrl-C those measured so far are returned.

    Raises InputError for fewer than one network, or inputs that are not (n, d) of the architecture's dimension.
    """
    if not isinstance(networks, int) or isinstance(networks, bool) or networks < 1:
        raise InputError("the number of networks must be a whole number, at least 1", networks, "take 5 to 10 of them")
    check_inputs(architecture, inputs)
    dtype = usual_precision(architecture) if dtype is None else dtype
    found: list[Mapping[str, ArrayLike]] = []
    seeds = range(seed, seed + networks)
    status = Status.COMPLETED
    try:
        for one in tqdm(seeds, desc=engine, unit="network", delay=2, disable=not progress):
            found.append(measurement(RandomNetwork(architecture, seed=one, dtype=dtype), inputs.to(dtype)))
    except KeyboardInterrupt:
        if not found:
            raise
        status = Status.INTERRUPTED
    measured = {
        name: (("network", *dims), np.stack([np.asarray(one[name], dtype=float) for one in found]))
        for name, dims in dimensions.items()
    }
    lost = [name for name, (_, values) in measured.items() if not np.all(np.isfinite(values))]
    if lost:
        raise InputError(
            "what is measured must stay within what floating point holds",
            f"NaN or infinite {', '.join(lost)}",
            "take a weight variance, a bias variance and a radius of ordinary size",
        )
    return make_result(
        measured,
        {"network": list(seeds)[: len(found)], **coords},
        engine=engine,
        scenario={"architecture": architecture.describe(), "inputs": len(inputs), **scenario},
        status=status,
        advice="All networks were measured." if status is Status.COMPLETED else None,
        seed=seed,
        notes=notes,
        cite=CITE_NETWORKS,
    )


def usual_precision(architecture: Architecture) -> torch.dtype:
    """float32, or float64 where squares of what passes the layers may leave its range."""
    slopes = (architecture.activation.u, architecture.activation.v)
    sizes = np.abs([architecture.total_gain, architecture.bias_variance, *slopes, architecture.layer_gain()])
    return torch.float64 if np.any((sizes > 1e9) | ((sizes > 0) & (sizes < 1e-9))) else torch.float32


def check_inputs(architecture: Architecture, inputs: Tensor) -> None:
    """InputError for inputs that are not finite (n, d) of the architecture's dimension."""
    dim = architecture.input_dim
    if not isinstance(inputs, Tensor) or inputs.ndim != 2 or inputs.shape[1] != dim or not len(inputs):
        shape = tuple(inputs.shape) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise InputError(f"inputs must be a tensor of shape (n, {dim})", f"shape {shape}", "noise(n, d, seed=0) is one")
    if not torch.isfinite(inputs).all():
        raise InputError("the inputs must be finite", "NaN or infinite entries")
