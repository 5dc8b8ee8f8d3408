"""Claims as text and as a figure."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from jominy.show.style import BLUE, GREEN, ORANGE, PURPLE, SETTINGS, VERMILION, set_logarithmic
from jominy.show.text import number, table, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from jominy_reproduce import Claim

LONG = 22
"""Letters in a label, from which a legend has one column."""
_MARKS = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"), (VERMILION, "-", "v"))


def claim_text(claim: Claim) -> str:
    """The claim, then a table: what, predicted, measured, error, verdict."""
    rows = [("finding", "predicted", "measured", "error", "verdict")]
    for finding in claim.findings:
        predicted = finding.predicted if isinstance(finding.predicted, str) else number(finding.predicted)
        error = f"{finding.error:.1g}" if finding.error > 0 else "-"
        rows.append((finding.what, predicted, number(finding.measured), error, str(finding.verdict)))
    notes = [wrapped(f"  {f.what}: {f.how}") for f in claim.findings if f.verdict != "holds"]
    head = [wrapped(f"({claim.letter}) {claim.statement}"), wrapped(f"    {claim.setup}"), ""]
    return "\n".join([*head, table(rows), *notes])


def summary_text(claims: Sequence[Claim]) -> str:
    """One line per claim."""
    lines = []
    for claim in claims:
        held = sum(f.verdict == "holds" for f in claim.findings)
        failed = sum(f.verdict == "fails" for f in claim.findings)
        edges = len(claim.findings) - held - failed
        counts = f"{held} findings hold" + (f", {failed} fail" if failed else "")
        counts += f", {edges} on a boundary" if edges else ""
        lines.append(f"({claim.letter}) {claim.verdict}: {counts}")
    return "\n".join(lines)


def plot_claim(claim: Claim) -> Figure:
    """Lines for theory, dots with one standard error for measurements; one pair of axes per panel."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(SETTINGS):
        count = len(claim.panels)
        columns = count if count <= 3 else 2
        rows = -(-count // columns)
        figure = Figure(figsize=(3.6 * max(columns, 1.4), 3.3 * rows + 0.4), layout="constrained")
        for index, panel in enumerate(claim.panels):
            ax = figure.add_subplot(rows, columns, index + 1)
            seen: dict[str, int] = {}
            for curve in panel.curves:
                colour, line, point = _MARKS[seen.setdefault(curve.label, len(seen)) % len(_MARKS)]
                if curve.error is None:
                    ax.plot(curve.x, curve.y, linestyle=line, color=colour, label=curve.label)
                else:
                    alone = all(other.label != curve.label or other.error is not None for other in panel.curves)
                    label = curve.label if alone else "_"  # the line has the name already; "_": none in the legend
                    ax.errorbar(
                        curve.x, curve.y, curve.error, fmt=point, color=colour, markersize=4, capsize=2, label=label
                    )
            ax.set_title(panel.title)
            ax.set_xlabel(panel.xlabel)
            ax.set_ylabel(panel.ylabel)
            for name, logarithmic in zip("xy", panel.log, strict=True):
                if logarithmic:
                    set_logarithmic(ax, name)
            wide = 2 if max(map(len, seen)) <= LONG else 1
            # Below the axes: within them it hides points, or is taken for some.
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=wide, frameon=False)
        head = fill(f"({claim.letter}) {claim.setup}", int(14 * figure.get_figwidth()))  # letters that fit its width
        measured = any(curve.error is not None for panel in claim.panels for curve in panel.curves)
        dots = ", dots: simulation with one standard error" if measured else ""
        figure.suptitle(f"{head}\nlines: theory{dots}", fontsize=8)
    return figure
