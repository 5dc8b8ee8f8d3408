"""Figures and tables of results."""

from jominy.show.figures import plot as plot
