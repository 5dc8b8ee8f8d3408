"""Steps of a training: plain SGD or any optimizer of PyTorch, rates and radii that change, and their state in files."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any, TypeAlias

import jax
import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.schedules import UNKNOWN_DESCENT, RadiusSchedule, Schedule

Optimizers: TypeAlias = Optimizer | Sequence[Optimizer] | Callable[[Iterable[Tensor]], Optimizer] | None
"""A PyTorch optimizer (one for each network), or a function that makes one of parameters: ``torch.optim.Adam``."""
Schedulers: TypeAlias = LRScheduler | Sequence[LRScheduler] | Callable[[Optimizer], LRScheduler] | None
"""A PyTorch scheduler of the optimizer (one for each network), or a function that makes one of it."""
HOW_SCHEDULED = "for instance scheduler=lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 500)"
HOW = "for instance optimizer=torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9), or optimizer=torch.optim.Adam"


class Steps:
    """The steps of one network: `take(slopes, step)` changes its weights.

    optimizer : None for plain SGD; rates : (steps,) the rate of each step, or None for those of the optimizer
    scheduler : takes a step after each of the optimizer's
    """

    def __init__(
        self,
        parameters: list[Tensor],
        optimizer: Optimizer | None,
        rates: np.ndarray | None,
        scheduler: LRScheduler | None = None,
    ) -> None:
        self.parameters = parameters
        self.optimizer = optimizer
        self.rates = rates
        self.scheduler = scheduler

    @torch.no_grad()
    def take(self, slopes: Sequence[Tensor | None], step: int) -> None:
        """Step number `step` along minus the slopes; the gradients of the parameters are left as they were."""
        if self.optimizer is None:
            assert self.rates is not None
            for value, slope in zip(self.parameters, slopes, strict=True):
                if slope is not None:
                    value.sub_(slope, alpha=float(self.rates[step]))
            return
        if self.rates is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = float(self.rates[step])
        before = [value.grad for value in self.parameters]
        for value, slope in zip(self.parameters, slopes, strict=True):
            value.grad = slope
        self.optimizer.step()
        for value, slope in zip(self.parameters, before, strict=True):
            value.grad = slope
        if self.scheduler is not None:
            self.scheduler.step()

    def resumed(self, step: int) -> None:
        """Bring the scheduler to where it was after so many steps, which it counts again: its state may be no JSON."""
        if self.scheduler is not None:
            with warnings.catch_warnings():  # that the optimizer has taken no step: those were before
                warnings.simplefilter("ignore")
                for _ in range(step):
                    self.scheduler.step()

    def finite(self) -> bool:
        return all(bool(torch.isfinite(value).all()) for value in self.parameters)

    def describe(self) -> dict[str, Any]:
        """The optimizer and its settings, as a JSON-able record; the rate is left out where it is given apart."""
        if self.optimizer is None:
            return {"kind": "SGD"}
        hidden = {"params", "initial_lr"} | (set() if self.rates is None else {"lr"})
        groups = [{k: v for k, v in group.items() if k not in hidden} for group in self.optimizer.param_groups]
        told = {"kind": type(self.optimizer).__name__, "groups": json.loads(json.dumps(groups, default=float))}
        if self.scheduler is None:
            return told
        begun = {"kind": type(self.scheduler).__name__, "begun": int(self.scheduler.last_epoch)}
        return told | {"scheduler": begun}

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What the optimizer remembers: tensors by "place.name", and the rest, JSON-able."""
        tensors: dict[str, Tensor] = {}
        rest: dict[str, Any] = {}
        for place, held in ({} if self.optimizer is None else self.optimizer.state_dict()["state"]).items():
            for name, value in held.items():
                if isinstance(value, Tensor):
                    tensors[f"{place}.{name}"] = value
                else:
                    rest[f"{place}.{name}"] = value
        return tensors, rest

    def restore(self, tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        if self.optimizer is None:
            return
        held: dict[int, dict[str, Any]] = {}
        for key, value in {**rest, **tensors}.items():
            place, _, name = key.partition(".")
            held.setdefault(int(place), {})[name] = value
        self.optimizer.load_state_dict({"state": held, "param_groups": self.optimizer.state_dict()["param_groups"]})


def optimizer_of(given: Optimizers, index: int, parameters: list[Tensor], count: int) -> Optimizer | None:
    """The optimizer of network number `index` of `count`; InputError where there is none for its parameters."""
    if given is None:
        return None
    made: Any = given
    if isinstance(given, Sequence) and not isinstance(given, str):
        if len(given) != count:
            raise InputError("there must be one optimizer for each network", f"{len(given)} for {count}", HOW)
        made = given[index]
    elif isinstance(given, Optimizer):
        if count > 1:
            raise InputError("one optimizer steps one network", f"{count} networks", "give a list of them, or a class")
    elif callable(given):
        try:
            made = given(parameters)
        except (TypeError, ValueError) as error:
            raise InputError("the optimizer must be made from parameters alone", str(error), HOW) from error
    if not isinstance(made, Optimizer):
        raise InputError("an optimizer must be one of torch.optim, or a function that makes one", made, HOW)
    own = {id(value) for value in parameters}
    held = {id(value) for group in made.param_groups for value in group["params"] if value.requires_grad}
    if not held <= own or not held:
        raise InputError("the optimizer must step the parameters of the network that is trained", "others", HOW)
    return made


def scheduler_of(given: Schedulers, index: int, optimizer: Optimizer | None, count: int) -> LRScheduler | None:
    """The scheduler of network number `index` of `count`; InputError where there is none of its optimizer."""
    if given is None:
        return None
    if optimizer is None:
        raise InputError("a scheduler sets the rate of an optimizer", None, "give the optimizer too, or rate=...")
    made: Any = given
    if isinstance(given, Sequence) and not isinstance(given, str):
        if len(given) != count:
            raise InputError("there must be one scheduler for each network", f"{len(given)} for {count}", HOW_SCHEDULED)
        made = given[index]
    elif isinstance(given, LRScheduler):
        if count > 1:
            raise InputError("one scheduler is for one network", f"{count} networks", "give a list of them")
    elif callable(given):
        try:
            made = given(optimizer)
        except (TypeError, ValueError) as error:
            raise InputError(
                "the scheduler must be made from the optimizer alone", str(error), HOW_SCHEDULED
            ) from error
    if isinstance(made, ReduceLROnPlateau):
        raise InputError(
            "the rate must be given before training", "ReduceLROnPlateau, which follows a metric", HOW_SCHEDULED
        )
    if not isinstance(made, LRScheduler):
        raise InputError(
            "a scheduler must be one of torch.optim.lr_scheduler, or a function that makes one", made, HOW_SCHEDULED
        )
    if made.optimizer is not optimizer:
        raise InputError("the scheduler must be that of the optimizer of the training", "another's", HOW_SCHEDULED)
    return made


def rates_of(rate: Any, steps: int, optimizer: Optimizers, scheduler: Schedulers = None) -> np.ndarray | None:
    """(steps,) the learning rate of each step, from a number or a schedule with time counted in steps."""
    if rate is not None and scheduler is not None:
        raise InputError("the rate is that of the scheduler, or given", f"both, rate={rate!r}", "leave one out")
    if rate is None:
        if optimizer is None:
            raise InputError("plain SGD needs a learning rate", None, "give rate=0.01, or an optimizer of PyTorch")
        return None
    if isinstance(rate, Schedule):
        if rate.adaptive or rate.remembers:
            raise InputError("a network's rate must be given as a function of the step", type(rate).__name__)
        return _over_steps(lambda time: rate.rate(time, UNKNOWN_DESCENT), steps, "the learning rate")
    if isinstance(rate, bool) or not isinstance(rate, Real) or not (math.isfinite(rate) and float(rate) > 0):
        raise InputError("the learning rate must be positive and finite", rate)
    return np.full(steps, float(rate))


def radii_of(radius: Any, steps: int) -> np.ndarray | None:
    """(steps,) the radius of each step from a schedule with time counted in steps; None for the objective's."""
    if radius is None:
        return None
    if not isinstance(radius, RadiusSchedule):
        raise InputError(
            "radii that change are given as a schedule", radius, "for instance RadiusRamp(0, 8 / 255, time=500)"
        )
    return _over_steps(radius.at, steps, "the radius")


@double_precision
def _over_steps(function: Callable[[Any], Any], steps: int, what: str) -> np.ndarray:
    values = np.asarray(jax.vmap(function)(np.arange(steps, dtype=float)), dtype=float)
    if not np.all(np.isfinite(values)) or np.any(values < 0):
        raise InputError(f"{what} must be finite, zero or positive, at every step", float(values.min()))
    return values
