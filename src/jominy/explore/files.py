"""Results and figures as files to download: bytes that never touch a path of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def netcdf(result: xr.Dataset) -> bytes:
    """A result as `jominy.save` writes it."""
    from jominy.results.store import as_netcdf

    return as_netcdf(result)


def png(figure: Figure) -> bytes:
    """A figure, without dates or versions: the same result gives the same bytes."""
    from jominy.show.picture import picture

    return picture(figure, "png")
