"""A forecast of robust head training, and how far its linearised attack is to be trusted: the diagnostic, the hybrid.

Source: theory `heads.md` sections 0, 4 and 6.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from jominy.data import FrozenFeatures
from jominy.dynamics import Problem, forecast
from jominy.dynamics.engines import row_engines_of
from jominy.dynamics.ensemble import FIRST_SEED
from jominy.dynamics.forecast import require_schedule
from jominy.dynamics.labelled import Training
from jominy.dynamics.real_runs import require_optimizer
from jominy.dynamics.simulation.sgd import RowRuns
from jominy.errors import InputError
from jominy.networks.head_training import HeadNetwork, read_heads, relative_change
from jominy.networks.threat import Box, check_box
from jominy.numerics.precision import double_precision
from jominy.optimizers import Optimizer
from jominy.schedules import Schedule

if TYPE_CHECKING:
    import xarray as xr

TRUSTED = 0.38
"""Relative change of the slope along the attack below which the linear forecast is within .015 in robust accuracy."""
SOUND = 0.45
"""Robust accuracy below which the hybrid too was off, by up to .04 (`heads.md` section 0)."""
LOOKED_AT = 200
"""Inputs on which that is measured."""
REAL_STEPS, REAL_READING, REAL_SEEDS = 10, 15, 8
"""What one real training is reckoned as: steps of its attack in training and in what is reported, and its seeds."""


@dataclass(frozen=True, repr=False)
class HeadForecast:
    """What training a head under attack will come to, and by which of two readings.

    Attributes
    ----------
    curve : the linear forecast over time, as `forecast` gives it
    rel : mean relative change of the slope of the loss along the attack, |J(x + delta)'w - J(x)'w| / |J(x)'w|
    energy : mean share of |J|^2 that the rank of the Jacobians keeps, or None
    adversarial_risk, adversarial_accuracy : at the end, on the held-out inputs if there are any, by real attacks: the
        hybrid. Linear training, whose final heads are attacked once through the network
    standard_errors : of those two
    heads : how many were read so
    linear_is_enough : whether rel is below .38 and the risk below log K, so that the linear forecast stands for itself
    noise : whether the forecast's risk is above log K, that of the zero head
    rise : mean rise of the cross-entropy under real attacks over that under linear ones, of these heads
    seconds : what the Jacobians, the forecast, the look through the network took here, and what 8 seeds of real
        training would take, reckoned from the passes that were timed
    """

    curve: xr.Dataset
    rel: float
    energy: float | None
    adversarial_risk: float
    adversarial_accuracy: float
    standard_errors: tuple[float, float]
    heads: int
    linear_is_enough: bool
    noise: bool
    rise: float
    seconds: dict[str, float]
    held_out: bool

    @property
    def linear(self) -> tuple[float, float]:
        """Adversarial risk and accuracy of the linear forecast at the end, on the same inputs as the hybrid."""
        prefix = "held_out_" if self.held_out else ""
        return tuple(float(self.curve[f"{prefix}adversarial_{name}"][-1]) for name in ("risk", "accuracy"))  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"HeadForecast(rel={self.rel:.3f}, {'linear' if self.linear_is_enough else 'hybrid'})"

    def __str__(self) -> str:
        risk, accuracy = self.linear
        where = "held out" if self.held_out else "trained on"
        chosen = "linear forecast" if self.linear_is_enough else "hybrid"
        lines = [
            f"robust accuracy at the end, on inputs {where}: "
            f"{accuracy if self.linear_is_enough else self.adversarial_accuracy:.4f} ({chosen})",
            f"  linear forecast: accuracy {accuracy:.4f}, risk {risk:.4f}",
            f"  hybrid ({self.heads} heads attacked through the network): accuracy {self.adversarial_accuracy:.4f} +- "
            f"{self.standard_errors[1]:.4f}, risk {self.adversarial_risk:.4f} +- {self.standard_errors[0]:.4f}",
            f"rel = {self.rel:.3f}: along the attack the slope of the loss changes by so much of itself. "
            + (
                "Below .38 the linear forecast is within .015 in robust accuracy."
                if self.rel < TRUSTED
                else "Above .38 attacks use the network's curvature, and the linear forecast is too hopeful."
            ),
        ]
        if self.energy is not None:
            lines.append(f"the Jacobians' rank keeps {100 * self.energy:.1f} % of them")
        if self.adversarial_accuracy < SOUND:
            lines.append(f"below an accuracy of {SOUND:g} the hybrid too may be off, by up to .04")
        if self.noise:
            lines.append(
                "the forecast's risk is above that of the zero head, log K: training only shakes around zero there. "
                "The best robust head is near zero; lower the rate, or the radius"
            )
        told = self.seconds
        spared = told["real_training"] / max(told["forecast"], 1e-9)
        lines.append(
            f"cost: Jacobians {told['jacobians']:.1f} s (once, for every radius, rate and label set), forecast "
            f"{told['forecast']:.1f} s, look through the network {told['readout']:.1f} s; {REAL_SEEDS} seeds of real "
            f"training about {told['real_training']:.0f} s, {spared:.0f} times as much as the forecast "
            "(more of further ones, whose programs are compiled)"
        )
        return "\n".join(lines)


@double_precision
def forecast_head(
    module: nn.Module,
    problem: Problem,
    schedule: Schedule,
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    start: Any = None,
    held_out: tuple[FrozenFeatures, Any] | None = None,
    optimizer: Optimizer | None = None,
    heads: int = 4,
    read_steps: int = REAL_READING,
    box: Box = None,
    **settings: Any,
) -> HeadForecast:
    """What adversarial training of a head on a frozen network will come to, and whether to trust it.

    The forecast trains on the network's linearisation. This looks once through the network: how much the slope of the
    loss changes along the attack (`rel`), and what a few of the forecast's final heads really withstand (the hybrid,
    within .015 of real training in robust accuracy and .01 in risk where that is above .45).

    Parameters
    ----------
    module : the network that the problem's rows come from
    problem, schedule, time, times, start, optimizer : as in `forecast`, the problem on `HeadSamples`
    held_out : (FrozenFeatures, labels or None), on which the hybrid is read; otherwise on the inputs trained on
    heads : final heads that are attacked through the network
    read_steps : of projected gradient ascent, steps of 2.5 radius / steps
    box : lowest and highest value of an entry of the input, of the attacks through the network
    settings : further arguments of `forecast`

    Returns
    -------
    HeadForecast
        `print` it.

    Raises
    ------
    InputError
        Another module than that of the features; features without their inputs; a problem on other data.

    Notes
    -----
    Source: theory `heads.md` sections 0, 3, 4 and 6. The hybrid is the ensemble's mean plus the mean difference, over
    the heads, between real and linear attacks on the same head: so its error is that of differences.

    Examples
    --------
    >>> import jominy as jm
    >>> torch.manual_seed(0) and None
    >>> net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> inputs = torch.randn(60, 6)
    >>> rows = jm.linearised(net, (inputs, (inputs[:, 0] > 0).long()))
    >>> problem = jm.Problem(jm.HeadSamples(rows), jm.SoftmaxLoss(), radius=0.1)
    >>> jm.forecast_head(net, problem, jm.Constant(1.0), time=5, runs=20).linear_is_enough
    True
    """
    require_schedule(schedule)
    if not isinstance(heads, int) or isinstance(heads, bool) or heads < 2:
        raise InputError("heads must be a whole number >= 2", heads, "4 are enough")
    network, box, began = HeadNetwork(module, problem), check_box(box), clock.perf_counter()
    samples = network.samples
    curve = forecast(
        problem, schedule, time, times=times, start=start, held_out=held_out, optimizer=optimizer, **settings
    )
    forecast_took = clock.perf_counter() - began
    engines = row_engines_of(problem)
    training = Training(problem, schedule, start, np.zeros(0), optimizer=require_optimizer(optimizer))
    grid = np.array([float(curve["time"][-1])])
    seeds = [FIRST_SEED + k for k in range(heads)]
    runs, weights = engines.runs(training, RowRuns(grid, seeds, held_out, keep=True))
    frozen, labels = samples.frozen, samples.class_numbers
    if held_out is not None:
        frozen, labels = held_out[0], samples.target_map.class_numbers(samples.transform_pair(held_out)[1])
    inputs = network.inputs(frozen)
    targets = torch.as_tensor(labels, device=network.device)
    models: Tensor = torch.as_tensor(weights, device=network.device).to(inputs.dtype)
    radius = problem.final_radius
    began = clock.perf_counter()
    read = read_heads(network, models, inputs, targets, radius, steps=read_steps, box=box)
    took = clock.perf_counter() - began
    rel = relative_change(network, models[0], inputs[:LOOKED_AT], targets[:LOOKED_AT], radius)
    prefix = "held_out_" if held_out is not None else ""
    hybrid, errors = [], []
    for name in ("adversarial_risk", "adversarial_accuracy"):
        away = getattr(read, name) - runs[f"{prefix}{name}"].values[:, -1]
        own = float(curve[f"{prefix}{name}_standard_error"][-1])
        hybrid.append(float(curve[f"{prefix}{name}"][-1]) + float(away.mean()))
        errors.append(math.hypot(own, float(away.std(ddof=1)) / math.sqrt(heads)))
    lifted = runs[f"{prefix}adversarial_risk"].values[:, -1] - runs[f"{prefix}clean_risk"].values[:, -1]
    classes = samples.classes
    assert classes is not None
    noise = float(curve["adversarial_risk"][-1]) > math.log(len(classes))
    # A pass is one forward and one backward of an input; the attack of s steps takes s + 1.
    a_pass = took / (heads * len(inputs) * (read_steps + 2))
    drawn = grid[0] * samples.dimension * (REAL_STEPS + 2)
    rows = samples.count + (0 if held_out is None else len(inputs))
    real = REAL_SEEDS * (drawn + rows * (REAL_READING + 2)) * a_pass
    return HeadForecast(
        curve=curve,
        rel=rel,
        energy=None if samples.frozen.energy is None else float(samples.frozen.energy[-1]),
        adversarial_risk=hybrid[0],
        adversarial_accuracy=hybrid[1],
        standard_errors=(errors[0], errors[1]),
        heads=heads,
        linear_is_enough=rel < TRUSTED and not noise,
        noise=noise,
        rise=float(read.rise.mean() / max(float(lifted.mean()), 1e-30)),
        seconds={
            "jacobians": float(samples.frozen.record.get("seconds", 0.0)),
            "forecast": forecast_took,
            "readout": took,
            "real_training": real,
        },
        held_out=held_out is not None,
    )
