"""What a notebook shows of results, problems and answers: a small table and, where there is one, a figure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jominy.errors import InputError
from jominy.results.schema import FORMAT
from jominy.show.advice import plot_advice
from jominy.show.markup import figure_of, listed, pairs
from jominy.show.report_facts import scenario_rows
from jominy.show.reports import outcome

if TYPE_CHECKING:
    import xarray as xr

# Inside `.jominy` only: a notebook's page is not ours. A figure follows the light or dark of the system; where the
# notebook has the other one, its colours are turned over.
_STYLE = """<style>
.jominy { max-width: 56rem; } .jominy img { width: 100%; height: auto; } .jominy .wide { overflow-x: auto; }
.jominy figure { margin: .5rem 0; } .jominy caption { text-align: left; font-weight: 600; }
.jominy td.words { text-align: left; }
@media not (prefers-color-scheme: dark) {
  [data-jp-theme-light="false"] .jominy img, .vscode-dark .jominy img { filter: invert(.93) hue-rotate(180deg); }
}
@media (prefers-color-scheme: dark) {
  [data-jp-theme-light="true"] .jominy img, .vscode-light .jominy img { filter: invert(1) hue-rotate(180deg); }
}
</style>"""
# Of an array, what tells it from others but not a reader.
_DIGEST = re.compile(r", (sha256|eigenvalues, \w+)$")


@dataclass(frozen=True)
class View:
    """Something as a notebook shows it (`html`), and its plain text elsewhere."""

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def view(thing: Any) -> View:
    """A small table and figure of a result, a problem, a scenario, an architecture, an optimum or advice.

    In IPython and Jupyter the last value of a cell is shown so by itself; this is for all others, or to show several
    things in one cell.

    Raises ``InputError`` for anything else.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> "collapse radius" in view(jm.optimum(problem)).html
    True
    """
    html = as_html(thing)
    if html is None:
        raise InputError(
            "only results, problems, scenarios, architectures, optima and advice have a view", type(thing).__name__
        )
    return View(html, repr(thing))


def as_html(thing: Any) -> str | None:
    """What a notebook shows; None for what is not jominy's, which is then shown as it is anyway."""
    if type(thing).__name__ == "Dataset":
        body = _result(thing)
    elif not type(thing).__module__.startswith("jominy."):
        return None
    elif hasattr(thing, "sentences") and hasattr(thing, "best_rate"):
        body = _advice(thing)
    else:
        body = _record(thing)
    return body and f'<div class="jominy">{_STYLE}\n{body}\n</div>'


def _result(result: xr.Dataset) -> str | None:
    """The figure and tables of a result, above xarray's own view of it; None for other Datasets."""
    if result.attrs.get("format") != FORMAT:
        return None
    own = f"<details><summary>all of it</summary>{result._repr_html_()}</details>"
    try:
        return f"{outcome(result)}\n{own}"
    except InputError:  # a kind of result that has no figure or table of its own
        return None


def _advice(advice: Any) -> str:
    return listed(advice.sentences()) + figure_of(plot_advice(advice), "Forecast risk against a constant rate.")


def _record(thing: Any) -> str | None:
    """The description of an object as names and values."""
    if hasattr(thing, "model_dump"):
        told = thing.model_dump(mode="json", exclude_unset=True)
    elif hasattr(thing, "describe"):
        told = thing.describe()
    else:
        return None
    rows = [(name, value) for name, value in scenario_rows(told) if not _DIGEST.search(name)]
    return pairs(rows, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(thing).__name__).capitalize())
