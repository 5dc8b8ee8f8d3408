"""A figure as the bytes of a picture: the same figure gives the same bytes."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# No dates, names or versions.
_METADATA: dict[str, Any] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "svgz": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def picture(figure: Figure, kind: str) -> bytes:
    """The figure in a format that matplotlib knows (png, pdf, svg).

    >>> from matplotlib.figure import Figure
    >>> picture(Figure(), "png")[1:4], picture(Figure(), "svg") == picture(Figure(), "svg")
    (b'PNG', True)
    """
    from matplotlib import rc_context

    target = io.BytesIO()
    with rc_context({"svg.hashsalt": "jominy"}), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box; there is nothing that the reader of a warning could do.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(target, format=kind, metadata=_METADATA.get(kind))
    return target.getvalue()
