"""What a measured claim consists of: findings with a verdict each, and panels for its figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

MANY_ERRORS = 3.5
"""Standard errors within which a measurement agrees; some hundred of them are looked at together."""


class Verdict(StrEnum):
    """How a finding ended."""

    HOLDS = "holds"
    FAILS = "fails"
    BOUNDARY = "boundary"
    """Outside what the claim covers; said, because readers would otherwise extend the claim to it."""


@dataclass(frozen=True)
class Finding:
    """One number of a claim.

    what:      what is looked at
    predicted: by the theory (a number, or a condition in words)
    measured:  by simulation, or by another computation that `how` names
    error:     one standard error of the measurement; 0 for a deterministic one
    verdict:   whether it holds
    how:       the rule behind the verdict
    """

    what: str
    predicted: float | str
    measured: float
    error: float
    verdict: Verdict
    how: str

    def describe(self) -> dict[str, Any]:
        """The finding as a JSON-able record."""
        return {**vars(self), "verdict": str(self.verdict)}


def agreement(what: str, predicted: float, measured: float, error: float, allowance: float, why: str) -> Finding:
    """Holds if the difference is within 3.5 standard errors plus an allowance, for which there is a reason."""
    holds = abs(measured - predicted) <= MANY_ERRORS * error + allowance
    how = f"within {MANY_ERRORS} standard errors + {allowance:.2g} ({why})"
    return Finding(what, float(predicted), float(measured), float(error), _verdict(holds), how)


def condition(what: str, predicted: str, measured: float, holds: bool, error: float = 0.0, how: str = "") -> Finding:
    """Holds if a condition, given in words, does."""
    return Finding(what, predicted, float(measured), float(error), _verdict(holds), how or "the condition itself")


def boundary(what: str, predicted: str, measured: float, how: str, error: float = 0.0) -> Finding:
    """Where the claim ends."""
    return Finding(what, predicted, float(measured), float(error), Verdict.BOUNDARY, how)


def _verdict(holds: bool) -> Verdict:
    return Verdict.HOLDS if holds else Verdict.FAILS


@dataclass(frozen=True)
class Curve:
    """One curve of a panel: a line (theory), or dots with one standard error (measurement) if `error` is given."""

    label: str
    x: np.ndarray
    y: np.ndarray
    error: np.ndarray | None = None


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    xlabel: str
    ylabel: str
    curves: tuple[Curve, ...]
    log: tuple[bool, bool] = (False, False)


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, measured.

    letter:    a to f
    statement: in our words
    setup:     the problems, in one line
    """

    letter: str
    statement: str
    setup: str
    findings: tuple[Finding, ...]
    panels: tuple[Panel, ...] = field(default=(), repr=False)

    @property
    def verdict(self) -> Verdict:
        """Fails if any finding does."""
        return Verdict.FAILS if any(f.verdict is Verdict.FAILS for f in self.findings) else Verdict.HOLDS

    def describe(self) -> dict[str, Any]:
        """The claim as a JSON-able record."""
        return {
            "claim": self.letter,
            "statement": self.statement,
            "setup": self.setup,
            "verdict": str(self.verdict),
            "findings": [finding.describe() for finding in self.findings],
        }


@dataclass(frozen=True)
class Effort:
    """How much is simulated: dimension and seeds of the simulations; both enter the errors that are reported."""

    dimension: int
    seeds: int


QUICK = Effort(dimension=400, seeds=60)
THOROUGH = Effort(dimension=2000, seeds=200)
