"""Results and figures as files to download: bytes that never touch a path of the user's."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def netcdf(result: xr.Dataset) -> bytes:
    """A result as `jominy.save` writes it."""
    from jominy.results import save

    with tempfile.TemporaryDirectory() as folder:
        return save(result, Path(folder) / "result.nc").read_bytes()


def png(figure: Figure) -> bytes:
    """A figure, without dates or versions: the same result gives the same bytes."""
    target = io.BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()
