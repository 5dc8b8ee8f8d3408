"""Optimizers: what a step does with a gradient, in PyTorch's meaning and units."""

from jominy.optimizers.adam import Adam
from jominy.optimizers.base import LinearStep, Optimizer
from jominy.optimizers.pytorch import from_torch
from jominy.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "LinearStep", "Optimizer", "from_torch"]
