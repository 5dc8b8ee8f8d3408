"""Links in a scenario file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jominy.data import Erf, Identity, Link, Logistic, Tanh
from jominy.study.scenario.base import Table


class LinkTable(Table):
    """An increasing function of gain times the score."""

    kind: Literal["erf", "logistic", "tanh", "identity"]
    gain: float = Field(1.0, gt=0, description="factor of the score")

    def build(self) -> Link:
        """The link."""
        links: dict[str, type] = {"erf": Erf, "logistic": Logistic, "tanh": Tanh, "identity": Identity}
        return links[self.kind](self.gain)
