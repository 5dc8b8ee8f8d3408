"""A report: one HTML file that holds everything there is to say about some results, and asks nothing of a network."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jominy.errors import InputError
from jominy.results.replaced import is_stream, require_place, write_whole
from jominy.show import report_facts as facts
from jominy.show.agreement import agreement, in_short, in_words
from jominy.show.design import design_rows, front_rows, plot_design, plot_front
from jominy.show.figures import plot
from jominy.show.headline import headline
from jominy.show.markup import escaped, figure_of, listed, pairs, paragraphs, table_of
from jominy.show.network_text import network_parts, sentences
from jominy.show.phase import plot_phase
from jominy.show.phase_text import phase_text
from jominy.show.report_page import page
from jominy.show.studies import Study, studies
from jominy.show.sweep_text import fields_of, sweep_parts
from jominy.show.sweeps import plot_sweep
from jominy.show.tables import ATTACKS, curves, other_attacks, radii
from jominy.show.text import Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Report:
    """A page about results: `html` is the whole of it, and a notebook shows it in a frame."""

    title: str
    html: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page; `InputError` where the folder is missing or the file cannot be written."""
        check_report_name(path)
        return write_whole(path, self.html.encode(), "the report")

    def __repr__(self) -> str:
        return f"Report({self.title!r}, {len(self.html) // 1000} kB; .save('report.html') writes it)"

    def _repr_html_(self) -> str:
        frame = f'title="{escaped(self.title)}" srcdoc="{escaped(self.html)}"'
        return f'<iframe {frame} style="width: 100%; height: 40rem; border: 1px solid #8888"></iframe>'


def check_report_name(path: str | os.PathLike[str], what: str = "the report") -> None:
    """`InputError` where a report cannot be written there: another ending, a missing folder, a folder."""
    if Path(path).suffix.lower() not in (".html", ".htm") and not is_stream(path):
        raise InputError("a report's file name must end in .html", str(path), "write report.html")
    require_place(path, what)


def report(*results: xr.Dataset, title: str = "") -> Report:
    """Everything about some results on one page: figures, agreement, advice, scenario, assumptions, sources.

    Results of the same scenario stand together. Where a forecast and a simulation are both given, their agreement is
    told in standard errors: as the comparison says if it is given too, else it is computed. The page loads nothing
    from anywhere, follows the reader's choice of light or dark, and says in words what its figures show. It holds no
    date or machine name: the same results give the same page.

    Parameters
    ----------
    results
        Forecasts, simulations, comparisons, sweeps, designs, fronts; the theory of networks, with trainability and
        measurements.
    title
        Heading of the page; that of the first result if empty.

    Returns
    -------
    Report
        ``.save("report.html")`` writes it, ``.html`` is the text; a notebook shows it.

    Raises
    ------
    InputError
        No results, something that jominy did not make, or a kind of result that has no report.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> made = jm.report(jm.forecast(problem, jm.Constant(0.5), time=2), title="Teacher, radius 0.5")
    >>> made.html.count("<figure>"), made.html.count("http:")
    (1, 0)
    """
    found = studies(results)
    heading = title or found[0].title
    sections = [_section(study, study.title if len(found) > 1 or title else "") for study in found]
    everything = [result for study in found for result in study.results]
    sections.append(
        "<section>\n<h2>Sources</h2>\n"
        + paragraphs(["Please cite:"])
        + listed(facts.citations(everything))
        + table_of(facts.provenance(everything), "How each result was computed")
        + paragraphs(facts.versions(everything))
        + "\n</section>"
    )
    return Report(heading, page(heading, "\n".join(sections)))


def outcome(result: xr.Dataset) -> str:
    """The part of a report that shows one result: how it ended, figure, tables."""
    (study,) = studies([result])
    remarks = [note for note in facts.notes(study.results) if note not in facts.preprocessing(study.results)]
    parts = [_endings(study), listed(remarks), *_training(study), *_networks(study), *_sweeps(study), *_designs(study)]
    return "\n".join(part for part in parts if part)


def _endings(study: Study) -> str:
    return f'<div class="status">{paragraphs(facts.endings(study))}</div>'


def _headline(study: Study) -> str:
    """The numbers that a reader came for, and whether SGD agrees with the forecast."""
    rows, caption = headline(study)
    parts = [table_of(rows, caption)] if rows else []
    if study.simulations:
        told = study.forecasts[0] if study.forecasts else None
        report, _ = _comparison(study, told, study.simulations[0], 0)
        if report is not None and report.sizes["variable"]:
            parts.append(paragraphs([in_short(report)]))
    return "\n".join(parts)


def _section(study: Study, title: str) -> str:
    heading = f"<h2>{escaped(title)}</h2>" if title else "<h2>Outcome</h2>"
    first = next((r for r in (*study.forecasts, *study.simulations, *study.theories, *study.sweeps)), study.results[0])
    rows = list(facts.scenario_rows(facts.scenario_of(first)))
    parts = [
        heading,
        _endings(study),
        _headline(study),
        *_training(study),
        *_networks(study),
        *_sweeps(study),
        *_designs(study),
        _known(study),
        "<h3>Scenario</h3>" if rows else "",
        pairs(rows, "What was computed") if rows else "",
        "<h3>What was assumed</h3>" if (assumed := facts.assumptions(study)) else "",
        listed(assumed),
        "<h3>Notes</h3>" if (noted := facts.notes(study.results)) else "",
        listed(noted),
    ]
    return "<section>\n" + "\n".join(part for part in parts if part) + "\n</section>"


def _training(study: Study) -> list[str]:
    """Forecast and simulations: figures, agreement, curves, accuracy against the radius."""
    told = study.forecasts[0] if study.forecasts else None
    parts = []
    for number, seen in enumerate(study.simulations):
        parts.append(_drawn(plot(told, seen), told, seen))
        report, reason = _comparison(study, told, seen, number)
        if report is not None:
            parts += [paragraphs(in_words(report).split("\n")), _as_table(agreement(report), "Agreement with SGD")]
        elif reason:
            parts.append(paragraphs([f"Not compared: {reason}"]))
    if not study.simulations:
        parts += [
            part
            for report in study.comparisons
            if "seeds" in report.attrs  # those of networks are told beside their theory
            for part in (paragraphs(in_words(report).split("\n")), _as_table(agreement(report), "Agreement with SGD"))
        ]
    parts += [_drawn(plot(other), other, None) for other in study.forecasts[bool(study.simulations) :]]
    for result in (*study.forecasts, *study.simulations):
        name = "Forecast" if "seed" not in result.dims else f"Mean over {result.sizes['seed']} runs ± standard error"
        parts.append(_as_table(curves(result), name))
        if "verdict" in result.attrs:
            parts.append(paragraphs([f"Gaussian picture: {result.attrs['verdict']}"]))
    if told is not None and "evaluation_radius" in told.dims:
        runs = study.simulations[0] if study.simulations else None
        time = f"{float(told['time'][-1]):g}"
        parts.append(_as_table(radii(told, runs), f"Against the radius of the attack, at time {time}"))
    if told is not None and ATTACKS in told.dims and told.sizes["time"]:
        parts.append(_as_table(other_attacks(told), f"Under other attacks, at time {float(told['time'][-1]):g}"))
    return parts


def _comparison(study: Study, told: xr.Dataset | None, runs: xr.Dataset, number: int) -> tuple[xr.Dataset | None, str]:
    """The agreement of a simulation with its forecast, or the reason why there is none."""
    if number < len(study.comparisons):
        return study.comparisons[number], ""
    if told is None:
        return None, ""
    from jominy.study.compare import compare

    try:
        return compare(told, runs), ""
    except InputError as error:
        return None, str(error)


def _networks(study: Study) -> list[str]:
    from jominy.show.network_figures import plot_network

    parts = []
    for theory in study.theories:
        trained = study.trainabilities[0] if study.trainabilities else None
        measured = study.measurements[0] if study.measurements else None
        caption = "Adversarial loss. Line: theory. Dashed: its bound for infinite width."
        if measured is not None:
            caption += f" Dots and bars: mean and standard error of {measured.sizes['network']} random networks."
        parts.append(figure_of(plot_network(theory, trained, measured), caption))
        parts += _laid_out(network_parts(theory, trained, measured), study.title, "Theory of the network")
        parts.append(listed(sentences(theory, trained, measured)))
    return parts


def _designs(study: Study) -> list[str]:
    parts = []
    for result in study.designs:
        parts.append(figure_of(plot_design(result), "Learning rates over time, and the excess that each ends with."))
        parts.append(table_of(design_rows(result), "Ways to train"))
    for result in study.fronts:
        parts.append(figure_of(plot_front(result), "Adversarial against clean over the training radius."))
        parts.append(table_of(front_rows(result), "Clean and adversarial over the training radius"))
    return parts


def _sweeps(study: Study) -> list[str]:
    parts = []
    for result in study.sweeps:
        phases = "here" in result.attrs  # of a phase diagram, which has its borders too
        fields = " and ".join(fields_of(result))
        try:
            figure = plot_phase(result) if phases else plot_sweep(result)
            figure.suptitle("")
            parts.append(figure_of(figure, f"{'Phases' if phases else 'The sweep'} over {fields}."))
        except InputError as error:  # more fields than a figure can show: the table stands for it
            parts.append(paragraphs([f"No figure: {error}"]))
        told = phase_text(result).split("\n\n") if phases else sweep_parts(result)
        parts += _laid_out(told, study.title, "Points of the sweep")
    return parts


def _laid_out(parts: list[str], title: str, caption: str) -> list[str]:
    """Tables as tables, under the line before them if that is one line; everything else as paragraphs."""
    made: list[str] = []
    before = ""
    for part in [text.removeprefix(f"{title}\n") if not isinstance(text, Table) else text for text in parts]:
        if isinstance(part, Table):
            made.append(_as_table(part, before or caption))
            before = ""
            continue
        if before:
            made.append(paragraphs([before]))
        lines = [line.strip() for line in re.sub(r"\n  (?=\S)", " ", part).split("\n")]  # undo the terminal's wrapping
        before = lines[0] if len(lines) == 1 else ""
        made += [] if before else [paragraphs(lines)]
    return [*made, paragraphs([before])] if before else made


def _as_table(text: Table, caption: str) -> str:
    return table_of(text.cells, caption, text.note)


def _known(study: Study) -> str:
    rows = facts.numbers_known(study)
    return pairs(rows, "Where training would end with a vanishing rate") if rows else ""


def _drawn(figure: Figure, told: xr.Dataset | None, runs: xr.Dataset | None) -> str:
    """A figure whose caption replaces its own title and key."""
    words = [] if told is None else ["Line: forecast."]
    if runs is not None:
        words.append(f"Dots: mean of {runs.sizes['seed']} runs, ± standard error. Band: ± standard deviation of a run.")
    elif told is not None and any(str(name).endswith("_sd") for name in told.data_vars):
        words.append("Band: ± standard deviation of one run.")
    figure.suptitle("")
    figure.supxlabel("")
    return figure_of(figure, " ".join(words))
