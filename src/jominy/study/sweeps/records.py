"""One point's result as plain arrays: what travels between processes, and what a store keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import xarray as xr


class Labelled(NamedTuple):
    """An array with the names of its dimensions and its attributes."""

    dims: tuple[str, ...]
    values: np.ndarray
    attrs: dict[str, Any]


@dataclass(frozen=True)
class Record:
    """A labelled result without xarray, which would cost more than many a forecast."""

    variables: dict[str, Labelled]
    coords: dict[str, Labelled]
    attrs: dict[str, Any]

    @classmethod
    def of(cls, result: xr.Dataset) -> Record:
        """The record of a result."""

        def labelled(names: Any) -> dict[str, Labelled]:
            return {
                str(name): Labelled(
                    tuple(map(str, result[name].dims)), np.asarray(result[name].values), dict(result[name].attrs)
                )
                for name in names
            }

        return cls(labelled(result.data_vars), labelled(result.coords), dict(result.attrs))

    def dataset(self) -> xr.Dataset:
        """The result that `of` was given."""
        import xarray as xr

        return xr.Dataset(dict(self.variables), coords=dict(self.coords), attrs=self.attrs)


@dataclass(frozen=True)
class Failure:
    """A point that could not be computed, and why."""

    reason: str


Outcome = Record | Failure
