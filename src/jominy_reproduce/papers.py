"""The papers whose claims are measured, by the name that the command line gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from jominy.errors import InputError
from jominy_reproduce import attacks, dynamics, networks
from jominy_reproduce.base import QUICK, THOROUGH, Claim
from jominy_reproduce.networks import effort, together


@dataclass(frozen=True)
class Paper:
    """Claims by letter, and how much is measured for each, quickly or thoroughly."""

    claims: dict[str, Callable[[Any], Claim]]
    quick: Any
    thorough: Any
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held open from the first claim to the last."""


def papers() -> dict[str, Paper]:
    """All papers."""
    return {
        "dynamics": Paper(dynamics.DYNAMICS, QUICK, THOROUGH),
        "attacks": Paper(attacks.ATTACKS, QUICK, THOROUGH),
        "networks": Paper(networks.NETWORKS, effort.QUICK, effort.THOROUGH, together.processes),
    }


def measure(paper: str, letters: Sequence[str] = (), *, quick: bool = False) -> Iterator[Claim]:
    """Measure the claims of a paper ("dynamics", "networks") or of our page on "attacks", one after the other.

    All of them without letters.

    Raises InputError for a paper or a letter that is none.
    """
    known = papers()
    if paper not in known:
        raise InputError("there is no such paper", paper, f"choose from {', '.join(known)}")
    chosen = known[paper]
    unknown = [letter for letter in letters if letter not in chosen.claims]
    if unknown:
        raise InputError("there is no such claim", ", ".join(unknown), f"choose from {', '.join(chosen.claims)}")
    return _one_by_one(chosen, letters or list(chosen.claims), chosen.quick if quick else chosen.thorough)


def _one_by_one(paper: Paper, letters: Sequence[str], much: Any) -> Iterator[Claim]:
    with paper.around():
        for letter in letters:
            yield paper.claims[letter](much)
