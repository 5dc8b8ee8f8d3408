"""Losses: one small file each; a new one is one scalar function (see `base`)."""

from jominy.losses.base import Loss, MarginLoss, Moments, OrderParameters, ResidualLoss
from jominy.losses.logistic import LogisticLoss
from jominy.losses.squared import SquaredLoss

__all__ = ["LogisticLoss", "Loss", "MarginLoss", "Moments", "OrderParameters", "ResidualLoss", "SquaredLoss"]
