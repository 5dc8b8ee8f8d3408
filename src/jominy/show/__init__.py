"""Figures, tables and pages of results."""

from jominy.show.checks import plot_verdict as plot_verdict
from jominy.show.design import plot_design as plot_design
from jominy.show.design import plot_front as plot_front
from jominy.show.figures import plot as plot
from jominy.show.notebook import View as View
from jominy.show.notebook import view as view
from jominy.show.reports import Report as Report
from jominy.show.reports import report as report
