"""Any nn.Module as a function from flat inputs (n, d) to flat outputs (n, K), with its errors said plainly."""

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from jominy.errors import InputError
from jominy.networks.intake import scores_of
from jominy.networks.random_network import RandomNetwork

Function = Callable[[Tensor], Tensor]


def applied(module: nn.Module, parameters: Mapping[str, Tensor] | None = None) -> Function:
    """The module as a function that never changes what it is given, and whose errors are InputErrors.

    `parameters` stand in for those of these names.
    A first layer that works in place (``nn.ReLU(inplace=True)``) would overwrite the caller's inputs. Whatever a
    user's forward raises, SystemExit included, is that module's answer to these inputs; Ctrl-C passes through.
    """

    def function(inputs: Tensor) -> Tensor:
        try:
            if parameters is not None:
                return scores_of(torch.func.functional_call(module, dict(parameters), (inputs.clone(),)))
            return scores_of(module(inputs.clone()))
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            raise InputError(
                "the module must accept the inputs",
                f"inputs of shape {tuple(inputs.shape)} and {inputs.dtype}: {summary(error)}",
                "build() must return a module that maps a batch of these inputs, of any size, to a row of scores each",
            ) from error

    return function


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside what spreads it over devices or compiles it: the same function of the same weights."""
    spread = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while (inner := module.module if isinstance(module, spread) else getattr(module, "_orig_mod", None)) is not None:
        module = inner
    return module


def in_single_precision(module: nn.Module) -> nn.Module:
    """The module, or a copy in single precision of one with weights of half: changes of an output drown in those."""
    halves = any(weight.is_floating_point() and weight.itemsize < 4 for weight in module.parameters())
    return copy.deepcopy(unwrapped(module)).float() if halves else module


def flat_function(module: nn.Module, inputs: Tensor) -> tuple[Function, Tensor]:
    """The module on rows: a function (m, d) -> (m, K), and the inputs as rows (n, d).

    Raises InputError where the module has no weights yet, does not accept the inputs, does not give one row of finite
    outputs for each of them, or cannot be differentiated with respect to them.
    """
    check_weights(module)
    if not isinstance(inputs, Tensor) or inputs.ndim < 2 or not inputs.dtype.is_floating_point or not inputs.numel():
        raise InputError(
            "inputs must be a floating-point tensor with one row per input, (n, d) or (n, ...)",
            f"shape {tuple(inputs.shape)}, {inputs.dtype}" if isinstance(inputs, Tensor) else type(inputs).__name__,
            "an attack moves inputs by small amounts: whole numbers, such as tokens, must be embedded first",
        )
    if not torch.isfinite(inputs).all():
        raise InputError("the inputs must be finite", "NaN or infinite entries")
    shape, forward = inputs.shape[1:], applied(module)

    def function(rows: Tensor) -> Tensor:
        return forward(rows.reshape(-1, *shape)).flatten(1)

    with torch.enable_grad():
        at = inputs.detach().clone().requires_grad_(True)
        outputs = forward(at)
        _check_outputs(module, outputs, len(inputs))
        (slope,) = slopes_of(outputs.sum(), [at])
    if slope is None:
        raise InputError(
            "the outputs of the module must depend on its inputs by steps that autograd can follow",
            "outputs that are constant or detached from the inputs",
            "look for detach(), no_grad(), numpy() or argmax() in its forward",
        )
    return function, inputs.flatten(1)


def check_weights(module: nn.Module) -> None:
    """InputError for what is no module, and for weights without values: lazy ones, or those on the meta device."""
    if not isinstance(module, nn.Module):
        raise InputError("a network must be a torch.nn.Module", type(module).__name__)
    kinds = {type(part).__module__ for part in module.modules()}
    if any(".quantized" in kind for kind in kinds):
        raise InputError(
            "the module must have derivatives",
            "quantised layers, which have none",
            "measure and train the module before it is quantised",
        )
    for name, value in without_values(module):
        lazy = not value.is_meta
        raise InputError(
            "the weights of the module must have values",
            f"{name}, which {'is lazy and has no shape yet' if lazy else 'is on the meta device'}",
            "run the module on one batch first" if lazy else "build it on the CPU, or load its weights",
        )


def without_values(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Parameters and buffers that are lazy or on the meta device, by their names."""
    named = itertools.chain(module.named_parameters(), module.named_buffers())
    lazy = (UninitializedParameter, UninitializedBuffer)
    return [(name, value) for name, value in named if isinstance(value, lazy) or value.is_meta]


def _check_outputs(module: nn.Module, outputs: Any, count: int) -> None:
    """InputError for outputs that are not a finite floating-point row for each of `count` inputs."""
    whole = isinstance(outputs, Tensor)
    if not whole or outputs.ndim < 2 or len(outputs) != count or not outputs.numel() or not outputs.is_floating_point():
        raise InputError(
            "the module must return one row of outputs for each input, as one floating-point tensor",
            f"shape {tuple(outputs.shape)} of {outputs.dtype} for {count} inputs"
            if whole
            else f"{'nothing (None)' if outputs is None else type(outputs).__name__}",
            "return the scores (n, K) before any argmax; wrap a module that returns more than them",
        )
    if not torch.isfinite(outputs).all():
        bad = [name for name, value in module.state_dict().items() if _not_finite(value)]
        raise InputError(
            f"the {'weights' if bad else 'outputs'} of the module must be finite",
            f"NaN or infinite entries in {', '.join(bad)}" if bad else "NaN or infinite outputs",
            "load sound weights" if bad else "scale the inputs or the weights",
        )


def _not_finite(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and not bool(torch.isfinite(value).all())


def check_finite(values: Tensor, radius: float) -> Tensor:
    """The values (of a loss under attack) as they are; InputError where the attack has left what floats can hold."""
    if not torch.isfinite(values).all():
        raise InputError(
            "the outputs of the module must be finite at every point within the radius",
            f"NaN or infinite outputs within a radius of {radius:g}, in {values.dtype}",
            "take a smaller radius, or look for logarithms, roots and quotients in the module",
        )
    return values


def slopes_of(value: Tensor, of: Sequence[Tensor], *, again: bool = False) -> tuple[Tensor | None, ...]:
    """Gradients of a scalar; None for what it does not depend on. InputError where the module has no derivative."""
    if not value.requires_grad or not of:
        return (None,) * len(of)
    try:
        return torch.autograd.grad(value, of, retain_graph=again, allow_unused=True)
    except (Exception, SystemExit) as error:
        raise InputError(
            "the module must have derivatives",
            summary(error),
            "look for layers that work in place on what another one needs, and for backward passes of your own",
        ) from error


def summary(error: BaseException) -> str:
    """An error of somebody else's code in one line: its kind and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__


@torch.enable_grad()
def gradient(value: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    """Per-row values (n,) and their gradients (n, d) at `at` (n, d), for rows that do not see each other."""
    at = at.detach().requires_grad_(True)
    values = value(at)
    (slopes,) = slopes_of(values.sum(), [at])
    return values.detach(), torch.zeros_like(at) if slopes is None else slopes


def jacobians(module: nn.Module, function: Function, rows: Tensor) -> Tensor:
    """J (n, K, d) at each row: exactly by the layers of a RandomNetwork, otherwise one reverse pass per output."""
    if isinstance(module, RandomNetwork):
        return module.affine_parts(rows)[0]
    with torch.enable_grad():
        at = rows.detach().requires_grad_(True)
        outputs = function(at)
        slopes = [slopes_of(outputs[:, k].sum(), [at], again=True)[0] for k in range(outputs.shape[1])]
    return torch.stack([torch.zeros_like(at) if slope is None else slope for slope in slopes], dim=1)


@contextmanager
def preserved(module: nn.Module) -> Iterator[None]:
    """Whatever runs inside, the module and PyTorch's random numbers are afterwards as they were before.

    That is: the mode of every part, running statistics and all other buffers (values and identity), gradients, and
    which weights are trained. Weights themselves are changed by nothing that measures.
    """
    check_weights(module)
    parts = list(module.modules())
    modes = [(part, part.training) for part in parts]
    settings = [
        (part, part.momentum, part.track_running_stats)
        for part in parts
        if isinstance(part, _BatchNorm | _InstanceNorm)
    ]
    # By the dictionaries of the parts: the same buffer may have two names, and a forward may put another in its place.
    buffers = [(part._buffers, name, value) for part in parts for name, value in part._buffers.items()]
    before = {id(value): value.detach().clone() for _, _, value in buffers if value is not None}
    leaves = [value for value in itertools.chain(module.parameters(), module.buffers()) if value.is_leaf]
    flags = [(value, value.requires_grad, value.grad) for value in leaves]
    devices = sorted({value.device.index or 0 for value in leaves if value.is_cuda})
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        for part, mode in modes:
            part.training = mode
        for layer, momentum, tracks in settings:
            layer.momentum, layer.track_running_stats = momentum, tracks
        for value, trained, slope in flags:
            value.requires_grad_(trained)
            value.grad = slope
        with torch.no_grad():
            for owner, name, buffer in buffers:
                owner[name] = buffer
                if buffer is not None and not torch.equal(buffer, before[id(buffer)]):
                    buffer.copy_(before[id(buffer)])


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """The module in evaluation mode (no dropout, fixed normalisation), and then as it was."""
    with preserved(module):
        _evaluation_mode(module)
        yield


def _evaluation_mode(module: nn.Module) -> None:
    """By the flags alone: train() and eval() may be a user's own and do more, which could not be undone here."""
    for part in module.modules():
        part.training = False


@contextmanager
def as_trained(module: nn.Module) -> Iterator[None]:
    """The module as a training step sees it, but for dropout: normalised by the statistics of the batch.

    Before training running statistics are 0 and 1, and evaluation mode would make normalisation the identity. Layers
    that are in evaluation mode within a module that is not were frozen on purpose, and stay so. Dropout is left out:
    the loss under attack is a difference of two passes, which its noise would swamp.
    Source: theory `trainability_minmax.md` sections 2 and 4 (MEASURED).
    """
    with preserved(module):
        normalised = [part for part in module.modules() if _by_running_statistics(part) and not _frozen(module, part)]
        _evaluation_mode(module)
        for part in normalised:
            part.training = True
        yield


@contextmanager
def with_statistics_of(module: nn.Module, inputs: Tensor) -> Iterator[None]:
    """The module with batch normalisation that knows its statistics, and then as it was.

    Layers whose running statistics are still 0 and 1, or that keep none, take those of `inputs` (in one pass), so that
    evaluation mode normalises as training does and rows do not see each other.
    """
    with preserved(module):
        parts = [part for part in module.modules() if not _frozen(module, part)]
        for part in parts:
            if isinstance(part, _InstanceNorm) and part.track_running_stats and _untouched(part):
                part.track_running_stats = False  # by the instance itself, as in training
        fresh = [part for part in parts if isinstance(part, _BatchNorm) and _untouched(part)]
        if fresh:
            modes = [(part, part.training) for part in module.modules()]
            _evaluation_mode(module)
            for part in fresh:
                if part.running_mean is None:
                    like = part.weight if part.weight is not None else inputs
                    part.running_mean = torch.zeros(part.num_features, dtype=like.dtype, device=like.device)
                    part.running_var = torch.ones(part.num_features, dtype=like.dtype, device=like.device)
                part.momentum, part.track_running_stats, part.training = 1.0, True, True
            with torch.no_grad():
                applied(module)(inputs)
            for part, mode in modes:
                part.training = mode
        yield


def normalised_by_untrained_statistics(module: nn.Module) -> bool:
    """Whether some batch normalisation of the module has not seen any data yet, or keeps no statistics."""
    return any(isinstance(part, _BatchNorm) and _untouched(part) for part in module.modules())


def normalised(module: nn.Module) -> bool:
    """Whether some part of the module normalises by the statistics of a batch in training."""
    return any(_by_running_statistics(part) for part in module.modules())


def random_parts(module: nn.Module) -> bool:
    """Whether the module has layers that are random in training (dropout, dropped paths)."""
    named = (type(part).__name__.lower() for part in module.modules() if getattr(part, "p", 1.0) != 0)
    return any("drop" in name for name in named)


def _by_running_statistics(part: nn.Module) -> bool:
    """Batch normalisation, and layers of a user's own that normalise by statistics they keep in the same way."""
    return isinstance(part, _BatchNorm | _InstanceNorm) or "running_mean" in part._buffers


def _frozen(module: nn.Module, part: nn.Module) -> bool:
    return module.training and not part.training


def _untouched(part: nn.Module) -> bool:
    mean, variance = part.running_mean, part.running_var
    if not isinstance(mean, Tensor) or not isinstance(variance, Tensor):
        return True  # it keeps none
    return not bool(mean.any()) and bool(variance.eq(1).all())
