"""Optimizers: what a step of SGD does with a gradient, in PyTorch's meaning and units."""

from jominy.optimizers.sgd import SGD, from_torch

__all__ = ["SGD", "from_torch"]
