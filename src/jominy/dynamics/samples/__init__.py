"""The dynamics on a user's own samples: forecast, simulation, optimum, stability, and the Gaussian picture."""

from jominy.dynamics.samples.gaussian_picture import gaussian_picture
from jominy.dynamics.samples.sampling import OnePass, ReshuffledEpochs, WithReplacement

__all__ = ["OnePass", "ReshuffledEpochs", "WithReplacement", "gaussian_picture"]
