"""Any nn.Module as a function from flat inputs (n, d) to flat outputs (n, K), with its errors said plainly."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from jominy.errors import InputError
from jominy.networks.random_network import RandomNetwork

Function = Callable[[Tensor], Tensor]


def flat_function(module: nn.Module, inputs: Tensor) -> tuple[Function, Tensor]:
    """The module on rows: a function (m, d) -> (m, K), and the inputs as rows (n, d).

    Raises InputError where the module does not accept the inputs, does not give one output for each of them, or gives
    outputs that are not finite (NaN weights).
    """
    if not isinstance(inputs, Tensor) or inputs.ndim < 2 or not inputs.dtype.is_floating_point or not len(inputs):
        raise InputError(
            "inputs must be a floating-point tensor with one row per input, (n, d) or (n, ...)",
            f"shape {tuple(inputs.shape)}, {inputs.dtype}" if isinstance(inputs, Tensor) else type(inputs).__name__,
        )
    if not torch.isfinite(inputs).all():
        raise InputError("the inputs must be finite", "NaN or infinite entries")
    shape = inputs.shape[1:]

    def function(rows: Tensor) -> Tensor:
        return module(rows.reshape(-1, *shape)).flatten(1)

    with torch.no_grad():
        try:
            outputs = module(inputs)
        except (RuntimeError, ValueError, TypeError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise InputError(
                "the module must accept the inputs",
                f"inputs of shape {tuple(inputs.shape)} and {inputs.dtype}: {first}",
            ) from error
    if not isinstance(outputs, Tensor) or outputs.ndim < 2 or len(outputs) != len(inputs):
        raise InputError(
            "the module must return one row of outputs for each input",
            f"shape {tuple(outputs.shape)} for {len(inputs)} inputs"
            if isinstance(outputs, Tensor)
            else type(outputs).__name__,
        )
    if not torch.isfinite(outputs).all():
        bad = [name for name, value in module.state_dict().items() if not torch.isfinite(value).all()]
        raise InputError(
            f"the {'weights' if bad else 'outputs'} of the module must be finite",
            f"NaN or infinite entries in {', '.join(bad)}" if bad else "NaN or infinite outputs",
            "load sound weights" if bad else "scale the inputs or the weights",
        )
    return function, inputs.flatten(1)


@torch.enable_grad()
def gradient(value: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    """Per-row values (n,) and their gradients (n, d) at `at` (n, d), for rows that do not see each other."""
    at = at.detach().requires_grad_(True)
    values = value(at)
    (slopes,) = torch.autograd.grad(values.sum(), at)
    return values.detach(), slopes


def jacobians(module: nn.Module, function: Function, rows: Tensor) -> Tensor:
    """J (n, K, d) at each row: exactly by the layers of a RandomNetwork, otherwise one reverse pass per output."""
    if isinstance(module, RandomNetwork):
        return module.affine_parts(rows)[0]
    with torch.enable_grad():
        at = rows.detach().requires_grad_(True)
        outputs = function(at)
        slopes = [torch.autograd.grad(outputs[:, k].sum(), at, retain_graph=True)[0] for k in range(outputs.shape[1])]
    return torch.stack(slopes, dim=1)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """The module in evaluation mode (no dropout, fixed normalisation), and then as it was."""
    if not isinstance(module, nn.Module):
        raise InputError("a network must be a torch.nn.Module", type(module).__name__)
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
