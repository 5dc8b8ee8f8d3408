"""Trained models, to be deployed: NumPy alone, without the engines that trained them."""

from jominy.models.fitted import FittedModel, load_model

__all__ = ["FittedModel", "load_model"]
