"""Finite-dimension bands: standard deviation of one run and bias of the mean, by the linear noise approximation."""

from jominy.dynamics.fluctuations.bands import Bands, Curve, band_dimension, population_bands
from jominy.dynamics.fluctuations.two_times import PathLaw, path_law

__all__ = ["Bands", "Curve", "PathLaw", "band_dimension", "path_law", "population_bands"]
