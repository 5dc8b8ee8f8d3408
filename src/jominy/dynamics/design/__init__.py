"""Designing training by differentiating the theory: schedules and radii that end with the lowest risk."""

from jominy.dynamics.design.pareto import Front, pareto
from jominy.dynamics.design.record import Alternative, Band, Design
from jominy.dynamics.design.torch_rates import TorchRates
from jominy.dynamics.design.verb import design

__all__ = ["Alternative", "Band", "Design", "Front", "TorchRates", "design", "pareto"]
