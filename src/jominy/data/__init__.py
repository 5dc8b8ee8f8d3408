"""Data laws: Gaussian mixtures, teachers and spectra, and the empirical law of a user's own samples."""

from jominy.data.encoding import Encoder, FittedEncoder
from jominy.data.files import Table, from_scikit_learn, read_table, select_classes
from jominy.data.frozen import FrozenFeatures, HeadSamples, RowReach, load_features
from jominy.data.label_laws import LabelLaw, LogisticLabels, ProbitLabels, SignLabels
from jominy.data.laws import DenseLaw, EigenLaw
from jominy.data.links import Erf, Identity, Link, Logistic, Tanh
from jominy.data.mixture import GaussianMixture
from jominy.data.preprocessing import FittedPreprocessing, Preprocessing, Scaling
from jominy.data.samples import Samples
from jominy.data.spectra import (
    Spectrum,
    identity,
    limiting_spectrum,
    marchenko_pastur,
    power_law,
    spectrum,
    two_level,
    uniform,
)
from jominy.data.teacher import LinearTeacher

__all__ = [
    "DenseLaw",
    "EigenLaw",
    "Encoder",
    "Erf",
    "FittedEncoder",
    "FittedPreprocessing",
    "FrozenFeatures",
    "GaussianMixture",
    "HeadSamples",
    "Identity",
    "LabelLaw",
    "LinearTeacher",
    "Link",
    "Logistic",
    "LogisticLabels",
    "Preprocessing",
    "ProbitLabels",
    "RowReach",
    "Samples",
    "Scaling",
    "SignLabels",
    "Spectrum",
    "Table",
    "Tanh",
    "from_scikit_learn",
    "identity",
    "limiting_spectrum",
    "load_features",
    "marchenko_pastur",
    "power_law",
    "read_table",
    "select_classes",
    "spectrum",
    "two_level",
    "uniform",
]
