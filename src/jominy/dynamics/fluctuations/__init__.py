"""Finite-dimension bands: standard deviation of one run and bias of the mean, by the linear noise approximation."""

from jominy.dynamics.fluctuations.bands import Bands, Curve, band_dimension, population_bands

__all__ = ["Bands", "Curve", "band_dimension", "population_bands"]
