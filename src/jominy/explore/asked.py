"""What may be asked besides the states of the two tabs. Nothing heavy is imported here: the server only checks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jominy.explore.curves_state import Curves
from jominy.explore.fields import Request
from jominy.explore.networks_state import Networks

LONGEST_RUN = 120.0
"""Seconds after which runs of SGD end early and keep what is done."""


class Map(Request):
    """A phase diagram around a state of the first tab."""

    state: Curves
    points: int = Field(15, ge=3, le=21)


class Run(Request):
    """So many seeds of SGD on a state of the first tab."""

    state: Curves
    seeds: int = Field(10, ge=2, le=100)


class Stop(Request):
    """End the runs that an id names."""

    run: int = Field(ge=0)


Rate = Annotated[float, Field(ge=1e-9, le=1e6)]


class Drawn(Request):
    """A learning rate that is drawn: its values at the page's knots; none for those of the state's own schedule."""

    state: Curves
    rates: list[Rate] = Field([], max_length=33)


class Text(Request):
    """A state as text to copy; the one of a network where `networks` is given, with rates that are drawn."""

    form: Literal["toml", "python"]
    curves: Curves = Field(default_factory=Curves)
    networks: Networks | None = None
    rates: list[Rate] = Field([], max_length=33)


class File(Request):
    """What is shown, as a file."""

    what: Literal["curves", "runs", "networks", "map"]
    form: Literal["nc", "png"]
    curves: Curves = Field(default_factory=Curves)
    networks: Networks = Field(default_factory=Networks)
    rates: list[Rate] = Field([], max_length=33)
