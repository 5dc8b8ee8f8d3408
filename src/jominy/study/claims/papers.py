"""The papers whose claims are measured, by the name that the command line gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jominy.errors import InputError
from jominy.study.claims import dynamics, networks
from jominy.study.claims.base import QUICK, THOROUGH, Claim
from jominy.study.claims.networks import effort


@dataclass(frozen=True)
class Paper:
    """Claims by letter, and how much is measured for each, quickly or thoroughly."""

    claims: dict[str, Callable[[Any], Claim]]
    quick: Any
    thorough: Any


def papers() -> dict[str, Paper]:
    """All papers."""
    return {
        "dynamics": Paper(dynamics.DYNAMICS, QUICK, THOROUGH),
        "networks": Paper(networks.NETWORKS, effort.QUICK, effort.THOROUGH),
    }


def measure(paper: str, letters: Sequence[str] = (), *, quick: bool = False) -> Iterator[Claim]:
    """Measure the claims of a paper, "dynamics" or "networks", one after the other; all of them without letters.

    Raises InputError for a paper or a letter that is none.
    """
    known = papers()
    if paper not in known:
        raise InputError("there is no such paper", paper, f"choose from {', '.join(known)}")
    claims = known[paper].claims
    unknown = [letter for letter in letters if letter not in claims]
    if unknown:
        raise InputError("there is no such claim", ", ".join(unknown), f"choose from {', '.join(claims)}")
    effort = known[paper].quick if quick else known[paper].thorough
    return (claims[letter](effort) for letter in letters or claims)
