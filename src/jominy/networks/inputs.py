"""Inputs for networks, on the scale of the theory: ||x||^2 = d."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from jominy.errors import InputError
from jominy.networks.intake import batches_of
from jominy.networks.random_network import INPUTS, check_memory, check_seed
from jominy.numerics.foreign import as_numpy, in_step
from jominy.numerics.streams import stream
from jominy.wording import install


@dataclass(frozen=True, eq=False)
class LabelledInputs:
    """Inputs (n, d) or (n, ...) with labels (n,) from 0 to classes - 1.

    Arrays become float32 tensors; floating-point tensors keep their dtype, which must be the network's. `name` is what
    a result calls them.

    Raises InputError for entries that are not finite, or labels that are not whole numbers, one for each input.

    >>> data = LabelledInputs([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    >>> data.inputs.shape, data.classes
    (torch.Size([2, 2]), 2)
    """

    inputs: Tensor
    labels: Tensor
    name: str = "arrays"

    def __init__(self, inputs: ArrayLike | Tensor, labels: ArrayLike | Tensor, name: str = "arrays") -> None:
        x, y = _tensor(inputs), _whole(in_step(inputs, labels, ("inputs", "labels")))
        if x.ndim < 2 or not len(x) or not torch.isfinite(x).all():
            raise InputError(
                "inputs must be finite numbers (n, d)",
                f"shape {tuple(x.shape)}" if x.ndim < 2 or not len(x) else "NaN or infinite entries",
            )
        whole = not y.is_floating_point() and y.dtype != torch.bool
        if y.shape != (len(x),) or not whole or int(y.min()) < 0:
            raise InputError(
                "labels must be whole numbers from 0, one for each input",
                f"shape {tuple(y.shape)} of {y.dtype} for {len(x)} inputs",
            )
        for name_, value in (("inputs", x), ("labels", y.long().to(x.device)), ("name", name)):
            object.__setattr__(self, name_, value)

    @classmethod
    def of(cls, source: Any, *, limit: int | None = None, name: str = "arrays") -> LabelledInputs:
        """From what people have: a DataLoader, a data set of PyTorch or Hugging Face, a pair of arrays, a dictionary.

        All inputs, or the first `limit`. Examples may be pairs or dictionaries (``pixel_values`` or ``image`` with
        ``label`` or ``labels``, and the like); images of PIL become (channels, height, width) in [0, 1].

        Raises InputError for examples without labels, and for a source that is empty, fails, or ends before `limit`.

        >>> loader = torch.utils.data.DataLoader([(torch.ones(2), 0), (torch.zeros(2), 1)] * 5, batch_size=4)
        >>> LabelledInputs.of(loader, limit=7).inputs.shape
        torch.Size([7, 2])
        """
        if isinstance(source, LabelledInputs):
            return source if limit is None else cls(source.inputs[:limit], source.labels[:limit], source.name)
        return cls(*batches_of(source, limit), name)

    def on(self, device: torch.device) -> LabelledInputs:
        """The same inputs on a device."""
        return self if self.inputs.device == device else LabelledInputs(self.inputs.to(device), self.labels, self.name)

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1

    def split(self, share: float, *, seed: int) -> tuple[LabelledInputs, LabelledInputs]:
        """Two parts at random, the first with `share` of the inputs."""
        if not 0 < share < 1:
            raise InputError("the share of a split must lie strictly between 0 and 1", share)
        order = torch.from_numpy(stream(check_seed(seed), INPUTS + 100).permutation(len(self.labels)))
        first = round(share * len(order))
        one, other = (part.to(self.labels.device) for part in (order[:first], order[first:]))
        return (
            LabelledInputs(self.inputs[one], self.labels[one], self.name),
            LabelledInputs(self.inputs[other], self.labels[other], self.name),
        )


def gaussian_classes(count: int, dim: int, classes: int, *, cosine: float = 0.5, seed: int) -> LabelledInputs:
    """x = sqrt(d) z / ||z||, z = sqrt(c) m_y + sqrt(1-c) g: classes around random means m_y, on the sphere ||x||^2 = d.

    Two inputs of one class have cosine c on average, of different classes 0, each +- 1/sqrt(d). Balanced labels in
    random order; means and noise are standard normal from `seed`, which shares no stream with a network's.

    >>> data = gaussian_classes(6, 20, 3, seed=0)
    >>> data.inputs.square().sum(1).round().tolist(), sorted(data.labels.tolist())
    ([20.0, 20.0, 20.0, 20.0, 20.0, 20.0], [0, 0, 1, 1, 2, 2])
    """
    if not 0 <= cosine <= 1:
        raise InputError("the cosine within a class must lie between 0 and 1", cosine)
    if min(count, dim, classes) < 1:
        raise InputError("count, dim and classes must be at least 1", (count, dim, classes))
    check_memory(dim * (2 * count + classes), "the inputs")
    draw = stream(check_seed(seed), INPUTS)
    means = draw.standard_normal((classes, dim))
    labels = draw.permutation(np.arange(count) % classes)
    points = math.sqrt(cosine) * means[labels] + math.sqrt(1 - cosine) * draw.standard_normal((count, dim))
    return LabelledInputs(_on_sphere(points), labels, "Gaussian classes")


def digits(*, seed: int = 0, count: int | None = None) -> LabelledInputs:
    """The 1797 images of 8 x 8 pixels that ship with scikit-learn, each scaled to ||x||^2 = d = 64, in random order.

    Needs the extra ``examples``. `count` keeps that many of them.

    >>> digits(count=100).inputs.shape
    torch.Size([100, 64])
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise InputError("the digits need scikit-learn, which is not installed", None, install("examples")) from None
    images, labels = load_digits(return_X_y=True)
    kept = stream(check_seed(seed), INPUTS).permutation(len(labels))[:count]
    return LabelledInputs(_on_sphere(images[kept]), labels[kept], "digits")


def noise(count: int, dim: int, *, seed: int) -> Tensor:
    """(count, dim) standard normal directions on the sphere ||x||^2 = d."""
    check_memory(2 * count * dim, "the inputs")
    return _tensor(_on_sphere(stream(check_seed(seed), INPUTS).standard_normal((count, dim))))


def one_hot(dim: int, count: int | None = None) -> Tensor:
    """sqrt(d) e_i for the first `count` axes (all by default): inputs as unlike noise as can be."""
    check_memory(dim**2, "the inputs")
    return math.sqrt(dim) * torch.eye(dim)[:count]


def _on_sphere(points: np.ndarray) -> np.ndarray:
    """Rows scaled to ||x||^2 = d; InputError for a row of zeros."""
    sizes = np.linalg.norm(points, axis=1, keepdims=True)
    if not np.all(sizes > 0):
        raise InputError("an input of zeros cannot be scaled to ||x||^2 = d", f"row {int(np.argmin(sizes))}")
    return points * (math.sqrt(points.shape[1]) / sizes)


def _whole(labels: ArrayLike | Tensor) -> Tensor:
    given = as_numpy(labels, "labels")
    try:
        return torch.from_numpy(given.copy())  # JAX's cannot be written to, of which PyTorch warns
    except (TypeError, ValueError):
        raise InputError("labels must be an array of whole numbers", given.ravel()[:3].tolist()) from None


def _tensor(values: ArrayLike | Tensor) -> Tensor:
    if isinstance(values, Tensor):
        dense = values.detach().to_dense() if values.layout != torch.strided else values.detach()
        return dense.clone() if dense.is_floating_point() else dense.float()
    try:
        return torch.from_numpy(np.array(as_numpy(values, "inputs"), dtype=np.float32))
    except (TypeError, ValueError):
        raise InputError("inputs must be an array of numbers", type(values).__name__) from None
