"""The claims of the papers, and of our page on attacks, measured by theory and by simulation: `jominy claims`.

A package of its own beside `jominy`, which nothing in that needs but the command.
"""

from jominy_reproduce.attacks import ATTACKS
from jominy_reproduce.base import QUICK, THOROUGH, Claim, Curve, Effort, Finding, Panel, Verdict
from jominy_reproduce.dynamics import DYNAMICS
from jominy_reproduce.networks import NETWORKS
from jominy_reproduce.papers import measure

__all__ = [
    "ATTACKS",
    "DYNAMICS",
    "NETWORKS",
    "QUICK",
    "THOROUGH",
    "Claim",
    "Curve",
    "Effort",
    "Finding",
    "Panel",
    "Verdict",
    "measure",
]
