"""HTML from text, tables and figures: every text is escaped, every table has headings, every figure a description."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jominy.errors import printable
from jominy.show.picture import picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What the styles of a figure become on a dark page; black, the default of text, is not written out in an SVG file.
_DARK = {"#ffffff": "#15191e", "#000000": "#dfe3e8", "#444444": "#b4bac2", "#6e6e6e": "#a0a6ae", "#b0b0b0": "#59616b",
         "#0072b2": "#4aa8e0", "#d9d9d9": "#3a4048", "#cccccc": "#59616b"}  # fmt: skip
_MEDIUM = "screen and (prefers-color-scheme: dark)"


def escaped(text: str) -> str:
    """Text as the page shows it: no markup, no control characters, in the order in which it was written."""
    return html.escape(printable(text))


def paragraphs(sentences: Iterable[str]) -> str:
    """A paragraph for each sentence.

    >>> paragraphs(["a < b"])
    '<p>a &lt; b</p>'
    """
    return "\n".join(f"<p>{escaped(text)}</p>" for text in sentences)


def listed(items: Iterable[str]) -> str:
    """A bulleted list; empty without items."""
    lines = "\n".join(f"<li>{escaped(item)}</li>" for item in items)
    return f"<ul>\n{lines}\n</ul>" if lines else ""


def table_of(cells: Sequence[Sequence[str]], caption: str, note: str = "") -> str:
    """A table whose first row and first column are headings, in a frame that scrolls where the page is narrow."""
    if not cells:
        return ""
    head = "".join(f'<th scope="col">{escaped(cell)}</th>' for cell in cells[0])
    rows = "\n".join(
        f'<tr><th scope="row">{escaped(first)}</th>{"".join(f"<td>{_unbroken(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in cells[1:]
    )
    beneath = f'\n<p class="note">{escaped(note)}</p>' if note else ""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escaped(caption)}">\n'
        f"<table>\n<caption>{escaped(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</div>{beneath}"
    )


def _unbroken(cell: str) -> str:
    """A cell whose lines do not end before a sign."""
    return escaped(cell).replace(" ±", "\u00a0±")


def pairs(values: Iterable[tuple[str, str]], caption: str) -> str:
    """A table of names and values, without a row of headings."""
    rows = "\n".join(
        f'<tr><th scope="row">{escaped(name)}</th><td class="words">{escaped(value)}</td></tr>'
        for name, value in values
    )
    label = escaped(caption)
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
        f'<img src="{_as_address(light)}" alt="{escaped(described(figure))}" style="{style}"></picture>\n'
        f"<figcaption>{escaped(caption)}</figcaption>\n</figure>"
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
    words = "; ".join(panels).replace(r"\$", "$")
    return f"Figure with {len(panels)} panel{'' if len(panels) == 1 else 's'}: {words}."


def _svg(figure: Figure) -> str:
    text = picture(figure, "svg").decode()
    return text[text.index("<svg") :]


def _as_address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
