"""jominy: forecast adversarial training before it is run, and check the forecast against the real thing.

>>> import jominy as jm
>>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
>>> curve = jm.forecast(problem, jm.Constant(0.5), time=10)
>>> round(float(curve["adversarial_risk"][-1]), 2)
0.53

Every public name is listed in ``__all__`` and is imported on first use, so that ``import jominy`` itself is instant.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # For type checkers and editors; at run time __getattr__ below does the same, one name at a time.
    from jominy.attacks import L2 as L2
    from jominy.attacks import BlockL2 as BlockL2
    from jominy.attacks import LInf as LInf
    from jominy.attacks import Lp as Lp
    from jominy.attacks import Mahalanobis as Mahalanobis
    from jominy.audits import Audit as Audit
    from jominy.audits import audit as audit
    from jominy.audits import from_art as from_art
    from jominy.audits import from_autoattack as from_autoattack
    from jominy.audits import from_foolbox as from_foolbox
    from jominy.audits import from_torchattacks as from_torchattacks
    from jominy.data import Encoder as Encoder
    from jominy.data import Erf as Erf
    from jominy.data import FrozenFeatures as FrozenFeatures
    from jominy.data import GaussianMixture as GaussianMixture
    from jominy.data import HeadSamples as HeadSamples
    from jominy.data import Identity as Identity
    from jominy.data import LinearTeacher as LinearTeacher
    from jominy.data import Link as Link
    from jominy.data import Logistic as Logistic
    from jominy.data import LogisticLabels as LogisticLabels
    from jominy.data import Preprocessing as Preprocessing
    from jominy.data import ProbitLabels as ProbitLabels
    from jominy.data import Samples as Samples
    from jominy.data import Scaling as Scaling
    from jominy.data import SignLabels as SignLabels
    from jominy.data import Spectrum as Spectrum
    from jominy.data import Tanh as Tanh
    from jominy.data import identity as identity
    from jominy.data import limiting_spectrum as limiting_spectrum
    from jominy.data import load_features as load_features
    from jominy.data import marchenko_pastur as marchenko_pastur
    from jominy.data import power_law as power_law
    from jominy.data import spectrum as spectrum
    from jominy.data import two_level as two_level
    from jominy.data import uniform as uniform
    from jominy.dynamics import Design as Design
    from jominy.dynamics import Front as Front
    from jominy.dynamics import OnePass as OnePass
    from jominy.dynamics import Problem as Problem
    from jominy.dynamics import RandomStart as RandomStart
    from jominy.dynamics import ReshuffledEpochs as ReshuffledEpochs
    from jominy.dynamics import WithReplacement as WithReplacement
    from jominy.dynamics import asymptotic_rate as asymptotic_rate
    from jominy.dynamics import collapse_radius as collapse_radius
    from jominy.dynamics import critical_rate as critical_rate
    from jominy.dynamics import design as design
    from jominy.dynamics import fit as fit
    from jominy.dynamics import forecast as forecast
    from jominy.dynamics import forecast_many as forecast_many
    from jominy.dynamics import gaussian_picture as gaussian_picture
    from jominy.dynamics import homogenize as homogenize
    from jominy.dynamics import interpolation_radius as interpolation_radius
    from jominy.dynamics import least_squares_equivalent as least_squares_equivalent
    from jominy.dynamics import optimum as optimum
    from jominy.dynamics import pareto as pareto
    from jominy.dynamics import sensitivity as sensitivity
    from jominy.dynamics import simulate as simulate
    from jominy.dynamics import small_rate_end as small_rate_end
    from jominy.dynamics import stationary as stationary
    from jominy.errors import InputError as InputError
    from jominy.losses import TRADES as TRADES
    from jominy.losses import Adversarial as Adversarial
    from jominy.losses import CoinFlip as CoinFlip
    from jominy.losses import CrammerSingerLoss as CrammerSingerLoss
    from jominy.losses import CustomMarginLoss as CustomMarginLoss
    from jominy.losses import CustomResidualLoss as CustomResidualLoss
    from jominy.losses import ExponentialLoss as ExponentialLoss
    from jominy.losses import GaussianNoise as GaussianNoise
    from jominy.losses import HingeLoss as HingeLoss
    from jominy.losses import LinkSquaredLoss as LinkSquaredLoss
    from jominy.losses import LogisticLoss as LogisticLoss
    from jominy.losses import MarginLoss as MarginLoss
    from jominy.losses import Mixed as Mixed
    from jominy.losses import OneVersusRestLoss as OneVersusRestLoss
    from jominy.losses import ProbitLoss as ProbitLoss
    from jominy.losses import ResidualLoss as ResidualLoss
    from jominy.losses import RidgeSquaredLoss as RidgeSquaredLoss
    from jominy.losses import SmoothedHingeLoss as SmoothedHingeLoss
    from jominy.losses import SoftmaxBoundLoss as SoftmaxBoundLoss
    from jominy.losses import SoftmaxLoss as SoftmaxLoss
    from jominy.losses import SquaredHingeLoss as SquaredHingeLoss
    from jominy.losses import SquaredLoss as SquaredLoss
    from jominy.losses import TruncatedNormalRadius as TruncatedNormalRadius
    from jominy.losses import UniformRadius as UniformRadius
    from jominy.meanfield import Architecture as Architecture
    from jominy.meanfield import Chevet as Chevet
    from jominy.meanfield import InputGeometry as InputGeometry
    from jominy.meanfield import LayerVariances as LayerVariances
    from jominy.meanfield import Leading as Leading
    from jominy.meanfield import ReLULike as ReLULike
    from jominy.meanfield import Sharp as Sharp
    from jominy.meanfield import Verdict as Verdict
    from jominy.meanfield import adversarial_loss as adversarial_loss
    from jominy.meanfield import adversarial_loss_bound as adversarial_loss_bound
    from jominy.meanfield import affine_law as affine_law
    from jominy.meanfield import beta as beta
    from jominy.meanfield import network_theory as network_theory
    from jominy.meanfield import trainability as trainability
    from jominy.meanfield import weight_variance_curve as weight_variance_curve
    from jominy.models import FittedModel as FittedModel
    from jominy.models import load_model as load_model
    from jominy.networks import FGSM as FGSM
    from jominy.networks import MART as MART
    from jominy.networks import AdversarialLoss as AdversarialLoss
    from jominy.networks import CrossEntropyPlus as CrossEntropyPlus
    from jominy.networks import Head as Head
    from jominy.networks import HeadForecast as HeadForecast
    from jominy.networks import LabelledInputs as LabelledInputs
    from jominy.networks import MinMax as MinMax
    from jominy.networks import NetworkTRADES as NetworkTRADES
    from jominy.networks import RandomNetwork as RandomNetwork
    from jominy.networks import diagnose as diagnose
    from jominy.networks import digits as digits
    from jominy.networks import features as features
    from jominy.networks import fgsm as fgsm
    from jominy.networks import forecast_head as forecast_head
    from jominy.networks import gaussian_classes as gaussian_classes
    from jominy.networks import head as head
    from jominy.networks import linearised as linearised
    from jominy.networks import measure_adversarial_loss as measure_adversarial_loss
    from jominy.networks import measure_affine_law as measure_affine_law
    from jominy.networks import measure_chi as measure_chi
    from jominy.networks import measure_operator_norms as measure_operator_norms
    from jominy.networks import measure_radial_moments as measure_radial_moments
    from jominy.networks import measure_trainability as measure_trainability
    from jominy.networks import measure_weight_rate as measure_weight_rate
    from jominy.networks import noise as noise
    from jominy.networks import one_hot as one_hot
    from jominy.networks import operator_norm as operator_norm
    from jominy.networks import pgd as pgd
    from jominy.networks import strongest_perturbation as strongest_perturbation
    from jominy.networks import train as train
    from jominy.networks import train_head as train_head
    from jominy.networks import watch as watch
    from jominy.networks import with_head as with_head
    from jominy.optimizers import SGD as SGD
    from jominy.optimizers import Adam as Adam
    from jominy.optimizers import from_torch as from_torch
    from jominy.results import Status as Status
    from jominy.results import load as load
    from jominy.results import save as save
    from jominy.schedules import AdaGradNorm as AdaGradNorm
    from jominy.schedules import Constant as Constant
    from jominy.schedules import Cosine as Cosine
    from jominy.schedules import ExactLineSearch as ExactLineSearch
    from jominy.schedules import FromFunction as FromFunction
    from jominy.schedules import Hill as Hill
    from jominy.schedules import InverseTime as InverseTime
    from jominy.schedules import Knots as Knots
    from jominy.schedules import Piecewise as Piecewise
    from jominy.schedules import Polyak as Polyak
    from jominy.schedules import RadiusFunction as RadiusFunction
    from jominy.schedules import RadiusKnots as RadiusKnots
    from jominy.schedules import RadiusPiecewise as RadiusPiecewise
    from jominy.schedules import RadiusRamp as RadiusRamp
    from jominy.show import Report as Report
    from jominy.show import plot as plot
    from jominy.show import plot_design as plot_design
    from jominy.show import plot_front as plot_front
    from jominy.show import plot_verdict as plot_verdict
    from jominy.show import report as report
    from jominy.show import view as view
    from jominy.study import Companion as Companion
    from jominy.study import Engine as Engine
    from jominy.study import Grid as Grid
    from jominy.study import Linear as Linear
    from jominy.study import Logarithmic as Logarithmic
    from jominy.study import LowDiscrepancy as LowDiscrepancy
    from jominy.study import NetworkScenario as NetworkScenario
    from jominy.study import RandomPoints as RandomPoints
    from jominy.study import Scenario as Scenario
    from jominy.study import Zipped as Zipped
    from jominy.study import advise as advise
    from jominy.study import check as check
    from jominy.study import compare as compare
    from jominy.study import phase as phase
    from jominy.study import sweep as sweep

__version__ = "0.1.0"

_ROOMS = {
    "attacks": ("BlockL2", "L2", "LInf", "Lp", "Mahalanobis"),
    "audits": ("Audit", "audit", "from_art", "from_autoattack", "from_foolbox", "from_torchattacks"),
    "data": (
        "Encoder", "Erf", "FrozenFeatures", "GaussianMixture", "HeadSamples", "Identity", "LinearTeacher", "Link",
        "Logistic", "LogisticLabels",
        "Preprocessing", "ProbitLabels", "Samples", "Scaling", "SignLabels", "Spectrum", "Tanh", "identity",
        "limiting_spectrum", "load_features", "marchenko_pastur", "power_law", "spectrum", "two_level", "uniform",
    ),
    "dynamics": (
        "Design", "Front", "OnePass", "Problem", "RandomStart", "ReshuffledEpochs", "WithReplacement",
        "asymptotic_rate", "collapse_radius", "critical_rate", "design", "fit", "forecast", "forecast_many",
        "gaussian_picture", "homogenize", "interpolation_radius", "least_squares_equivalent", "optimum", "pareto",
        "sensitivity", "simulate", "small_rate_end", "stationary",
    ),
    "errors": ("InputError",),
    "losses": (
        "Adversarial", "CoinFlip", "CrammerSingerLoss", "CustomMarginLoss", "CustomResidualLoss", "ExponentialLoss",
        "GaussianNoise", "HingeLoss", "LinkSquaredLoss", "LogisticLoss", "MarginLoss", "Mixed", "OneVersusRestLoss",
        "ProbitLoss", "ResidualLoss", "RidgeSquaredLoss", "SmoothedHingeLoss", "SoftmaxBoundLoss", "SoftmaxLoss",
        "SquaredHingeLoss", "SquaredLoss", "TRADES", "TruncatedNormalRadius", "UniformRadius",
    ),
    "meanfield": (
        "Architecture", "Chevet", "InputGeometry", "LayerVariances", "Leading", "ReLULike", "Sharp", "Verdict",
        "adversarial_loss", "adversarial_loss_bound", "affine_law", "beta", "network_theory", "trainability",
        "weight_variance_curve",
    ),
    "models": ("FittedModel", "load_model"),
    "networks": (
        "AdversarialLoss", "CrossEntropyPlus", "FGSM", "Head", "HeadForecast", "LabelledInputs", "MART", "MinMax",
        "NetworkTRADES",
        "RandomNetwork",
        "diagnose", "digits", "features", "fgsm", "forecast_head", "gaussian_classes", "head", "linearised",
        "measure_adversarial_loss", "measure_affine_law",
        "measure_chi", "measure_operator_norms", "measure_radial_moments", "measure_trainability",
        "measure_weight_rate", "noise", "one_hot", "operator_norm", "pgd", "strongest_perturbation", "train",
        "train_head", "watch", "with_head",
    ),
    "optimizers": ("SGD", "Adam", "from_torch"),
    "results": ("Status", "load", "save"),
    "schedules": (
        "AdaGradNorm", "Constant", "Cosine", "ExactLineSearch", "FromFunction", "Hill", "InverseTime", "Knots",
        "Piecewise", "Polyak", "RadiusFunction", "RadiusKnots", "RadiusPiecewise", "RadiusRamp",
    ),
    "show": ("Report", "plot", "plot_design", "plot_front", "plot_verdict", "report", "view"),
    "study": (
        "Companion", "Engine", "Grid", "Linear", "Logarithmic", "LowDiscrepancy", "NetworkScenario", "RandomPoints",
        "Scenario", "Zipped", "advise", "check", "compare", "phase", "sweep",
    ),
}  # fmt: skip
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        from jominy.wording import did_you_mean

        step = did_you_mean(name, __all__).strip() or f"its public names are: {', '.join(__all__)}"
        raise AttributeError(f"module 'jominy' has no attribute {name!r}; {step}")
    value = getattr(importlib.import_module(f"jominy.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


if "IPython" in sys.modules:
    from jominy.notebooks import load_into_running_shell

    load_into_running_shell()
