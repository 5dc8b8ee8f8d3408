"""Losses: one small file each; a new one is one scalar function (see `base` and `custom`)."""

from jominy.losses.base import Loss, MarginLoss, ResidualLoss
from jominy.losses.custom import CustomMarginLoss, CustomResidualLoss
from jominy.losses.expectations import Moments, OrderParameters
from jominy.losses.exponential import ExponentialLoss
from jominy.losses.hinges import HingeLoss, SmoothedHingeLoss, SquaredHingeLoss
from jominy.losses.link_squared import LinkSquaredLoss
from jominy.losses.logistic import LogisticLoss
from jominy.losses.probit import ProbitLoss
from jominy.losses.ridge import RidgeSquaredLoss
from jominy.losses.squared import SquaredLoss
from jominy.losses.targets import FixedTargets, Targets

__all__ = [
    "CustomMarginLoss",
    "CustomResidualLoss",
    "ExponentialLoss",
    "FixedTargets",
    "HingeLoss",
    "LinkSquaredLoss",
    "LogisticLoss",
    "Loss",
    "MarginLoss",
    "Moments",
    "OrderParameters",
    "ProbitLoss",
    "ResidualLoss",
    "RidgeSquaredLoss",
    "SmoothedHingeLoss",
    "SquaredHingeLoss",
    "SquaredLoss",
    "Targets",
]
