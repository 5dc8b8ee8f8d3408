"""Numbers and columns as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

WIDTH = 110
_NEGLIGIBLE = 1e-9  # a standard error this small beside the mean is rounding
_MANY = 1e4  # above this, digits after the point and most before it say nothing


def short(value: float) -> str:
    """A number as briefly as it can be told: for times and radii.

    >>> short(10.0), short(0.25)
    ('10', '0.25')
    """
    return f"{float(value):.4g}"


def number(value: float) -> str:
    """Four decimals where they show the value, else three significant digits.

    >>> number(0.56), number(12345.6), number(float("inf"))
    ('0.5600', '1.23e+04', 'inf')
    """
    value = float(value)
    if np.isnan(value):
        return "-"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"


def plus_minus(mean: float, error: float) -> str:
    """A mean and its standard error; the error is left out where it is rounding.

    >>> plus_minus(0.5586, 0.001), plus_minus(0.5, 1e-17)
    ('0.5586 ± 0.0010', '0.5000')
    """
    if not np.isfinite(mean) or not error > _NEGLIGIBLE * abs(mean):
        return number(mean)
    return f"{number(mean)} ± {f'{error:#.2g}'.rstrip('.')}"


def signed(value: float, decimals: int = 1) -> str:
    """A signed number without a sign on zero.

    >>> signed(-0.001), signed(2.0)
    ('0.0', '+2.0')
    """
    if abs(value) >= _MANY:
        return f"{value:+.2g}"
    rounded = round(float(value), decimals)
    return f"{rounded:+.{decimals}f}" if rounded else f"{0:.{decimals}f}"


def percent(value: float) -> str:
    """A share in percent.

    >>> percent(0.0012)
    '0.12 %'
    """
    value = 100 * float(value)
    return f"{value:.2f} %" if abs(value) < _MANY else f"{value:.2g} %"


class Table(str):
    """A table as text that still knows its cells, so that a page can lay them out its own way."""

    cells: tuple[tuple[str, ...], ...]
    """Rows without padding; the first is the heading."""
    note: str
    """A line beneath the table; empty if there is none."""


def table(lines: Sequence[Sequence[str]], note: str = "") -> Table:
    """Right-aligned columns, the first left-aligned where it holds words; the first line is the heading.

    >>> print(table([("radius", "0", "0.5"), ("accuracy", "0.9", "0.75")]))
    radius      0   0.5
    accuracy  0.9  0.75
    """
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))] if lines else []
    words = any(line[0][:1].isalpha() for line in lines[1:])
    text = "\n".join(
        "  ".join(
            cell.ljust(width) if k == 0 and words else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    made = Table(f"{text}\n{note}" if note else text)
    made.cells = tuple(tuple(cell.strip() for cell in line) for line in lines)
    made.note = note
    return made


def wrapped(text: str) -> str:
    """Text in lines that fit a terminal."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ")


def pick(times: np.ndarray, rows: int) -> list[int]:
    """Indices of about ``rows`` times, evenly spread over the span, with the first and the last.

    >>> pick(np.linspace(0, 10, 101), 3)
    [0, 50, 100]
    """
    if len(times) <= rows:
        return list(range(len(times)))
    targets = np.linspace(times[0], times[-1], rows)
    return sorted({int(np.argmin(np.abs(times - target))) for target in targets})
