"""Losses: one small file each; a new one is one scalar function (see `base`)."""

from jominy.losses.base import Loss, MarginLoss, ResidualLoss
from jominy.losses.expectations import Moments, OrderParameters
from jominy.losses.logistic import LogisticLoss
from jominy.losses.squared import SquaredLoss
from jominy.losses.targets import FixedTargets, Targets

__all__ = [
    "FixedTargets",
    "LogisticLoss",
    "Loss",
    "MarginLoss",
    "Moments",
    "OrderParameters",
    "ResidualLoss",
    "SquaredLoss",
    "Targets",
]
