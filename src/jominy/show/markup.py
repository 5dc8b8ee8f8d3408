"""HTML from text, tables and figures: every text is escaped, every table has headings, every figure a description."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What the styles of a figure become on a dark page; black, the default of text, is not written out in an SVG file.
_DARK = {"#ffffff": "#15191e", "#000000": "#dfe3e8", "#444444": "#b4bac2", "#6e6e6e": "#a0a6ae", "#b0b0b0": "#59616b",
         "#0072b2": "#4aa8e0", "#d9d9d9": "#3a4048", "#cccccc": "#59616b"}  # fmt: skip
_MEDIUM = "screen and (prefers-color-scheme: dark)"


def paragraphs(sentences: Iterable[str]) -> str:
    """A paragraph for each sentence.

    >>> paragraphs(["a < b"])
    '<p>a &lt; b</p>'
    """
    return "\n".join(f"<p>{escape(text)}</p>" for text in sentences)


def listed(items: Iterable[str]) -> str:
    """A bulleted list; empty without items."""
    lines = "\n".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>\n{lines}\n</ul>" if lines else ""


def table_of(cells: Sequence[Sequence[str]], caption: str, note: str = "") -> str:
    """A table whose first row and first column are headings, in a frame that scrolls where the page is narrow."""
    if not cells:
        return ""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in cells[0])
    rows = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{_unbroken(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in cells[1:]
    )
    beneath = f'\n<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}">\n'
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</div>{beneath}"
    )


def _unbroken(cell: str) -> str:
    """A cell whose lines do not end before a sign."""
    return escape(cell).replace(" ±", "\u00a0±")


def pairs(values: Iterable[tuple[str, str]], caption: str) -> str:
    """A table of names and values, without a row of headings."""
    rows = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="words">{escape(value)}</td></tr>' for name, value in values
    )
    label = escape(caption)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{label}">\n'
        f"<table><caption>{label}</caption>\n<tbody>\n{rows}\n</tbody></table>\n</div>"
    )


def figure_of(figure: Figure, caption: str) -> str:
    """A figure drawn for light and for dark pages, described for those who cannot see it."""
    light = _svg(figure)
    dark = re.sub("|".join(_DARK), lambda found: _DARK[found.group().lower()], light, flags=re.IGNORECASE)
    dark = dark.replace("<svg ", f'<svg fill="{_DARK["#000000"]}" ', 1)
    style = f"max-width: {8 * figure.get_figwidth():.0f}rem"  # a figure of two columns fills the page
    return (
        f'<figure>\n<picture><source media="{_MEDIUM}" srcset="{_as_address(dark)}">'
        f'<img src="{_as_address(light)}" alt="{escape(described(figure))}" style="{style}"></picture>\n'
        f"<figcaption>{escape(caption)}</figcaption>\n</figure>"
    )


def described(figure: Figure) -> str:
    """What a figure shows, in words: for each panel its axes and its curves.

    >>> from matplotlib.figure import Figure
    >>> figure = Figure()
    >>> _ = figure.subplots().set(xlabel="time", ylabel="risk")
    >>> described(figure)
    'Figure with 1 panel: risk against time.'
    """
    panels = []
    for ax in figure.axes:
        if not ax.get_visible() or not ax.get_ylabel():
            continue
        if not ax.get_xlabel():
            panels.append(f"colours: {ax.get_ylabel()}")
            continue
        names = ", ".join(text.get_text() for text in legend.get_texts()) if (legend := ax.get_legend()) else ""
        panels.append(f"{ax.get_ylabel()} against {ax.get_xlabel()}{f' ({names})' if names else ''}")
    return f"Figure with {len(panels)} panel{'' if len(panels) == 1 else 's'}: {'; '.join(panels)}."


def _svg(figure: Figure) -> str:
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": "jominy"}):  # the same result gives the same page, byte for byte
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _as_address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
