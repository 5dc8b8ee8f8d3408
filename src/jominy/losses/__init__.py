"""Losses: one small file each; a new one is one scalar function (see `base` and `custom`)."""

from jominy.losses.base import Loss, MarginLoss, ResidualLoss
from jominy.losses.classes import ClassLoss, WeightedClassLoss
from jominy.losses.custom import CustomMarginLoss, CustomResidualLoss
from jominy.losses.expectations import Moments, OrderParameters
from jominy.losses.exponential import ExponentialLoss
from jominy.losses.hinges import HingeLoss, SmoothedHingeLoss, SquaredHingeLoss
from jominy.losses.link_squared import LinkSquaredLoss
from jominy.losses.logistic import LogisticLoss
from jominy.losses.objectives import (
    TRADES,
    Adversarial,
    CoinFlip,
    GaussianNoise,
    Mixed,
    Objective,
    TruncatedNormalRadius,
    UniformRadius,
)
from jominy.losses.probit import ProbitLoss
from jominy.losses.ridge import RidgeSquaredLoss
from jominy.losses.several_margins import CrammerSingerLoss, OneVersusRestLoss
from jominy.losses.softmax import SoftmaxBoundLoss, SoftmaxLoss
from jominy.losses.squared import SquaredLoss
from jominy.losses.targets import FixedTargets, Targets
from jominy.losses.wrapped import ClassWeightedLoss

__all__ = [
    "TRADES",
    "Adversarial",
    "ClassLoss",
    "ClassWeightedLoss",
    "CoinFlip",
    "GaussianNoise",
    "TruncatedNormalRadius",
    "UniformRadius",
    "CrammerSingerLoss",
    "CustomMarginLoss",
    "CustomResidualLoss",
    "ExponentialLoss",
    "FixedTargets",
    "HingeLoss",
    "LinkSquaredLoss",
    "LogisticLoss",
    "Loss",
    "MarginLoss",
    "Mixed",
    "Moments",
    "Objective",
    "OrderParameters",
    "OneVersusRestLoss",
    "ProbitLoss",
    "ResidualLoss",
    "RidgeSquaredLoss",
    "SmoothedHingeLoss",
    "SoftmaxBoundLoss",
    "SoftmaxLoss",
    "SquaredHingeLoss",
    "SquaredLoss",
    "Targets",
    "WeightedClassLoss",
]
