"""How SGD itself is run, in a scenario file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jominy.dynamics import OnePass, ReshuffledEpochs, WithReplacement
from jominy.study.scenario.base import Table


class SimulationTable(Table):
    """How SGD itself is run."""

    seeds: int | list[int] = Field(20, description="how many runs, or the seeds themselves")
    sampling: Literal["with-replacement", "one-pass", "reshuffled-epochs"] = Field(
        "with-replacement", description="how samples of your own are drawn"
    )
    full_vectors: bool | None = Field(
        None,
        description="run on full vectors (true) or exactly in law over groups of eigenvalues (false); unset chooses",
    )

    def build_sampling(self) -> Any:
        """The sampling object."""
        return {
            "with-replacement": WithReplacement,
            "one-pass": OnePass,
            "reshuffled-epochs": ReshuffledEpochs,
        }[self.sampling]()
