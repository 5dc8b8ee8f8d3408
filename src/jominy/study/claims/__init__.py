"""The claims of the papers, and of our page on attacks, measured by theory and by simulation."""

from jominy.study.claims.attacks import ATTACKS
from jominy.study.claims.base import QUICK, THOROUGH, Claim, Curve, Effort, Finding, Panel, Verdict
from jominy.study.claims.dynamics import DYNAMICS
from jominy.study.claims.networks import NETWORKS
from jominy.study.claims.papers import measure

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
