"""The claims of the papers, measured by theory and by simulation."""

from jominy.study.claims.base import QUICK, THOROUGH, Claim, Curve, Effort, Finding, Panel, Verdict
from jominy.study.claims.dynamics import DYNAMICS, measure

__all__ = [
    "DYNAMICS",
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
