"""Forecasts at several training radii side by side, for somebody who has not chosen one yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jominy.results import Status
from jominy.show.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SETTINGS, SKY, VERMILION, set_heading
from jominy.show.text import Table, number, short, table, wrapped

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_LINES = [(BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (VERMILION, ":", "D"), (PURPLE, "-", "v"),
          (SKY, "--", "P"), (GREY, "-.", "X")]  # fmt: skip


def several_radii_text(result: xr.Dataset, collapse: float, attacks: Sequence[float], data: str) -> str:
    """Header, data, and a table of accuracy (regression: risk) with a row for each training radius.

    result : a sweep of forecasts over `radius` alone, evaluated at the radii `attacks`
    collapse : the collapse radius; data : what was done to the data, as text
    """
    radii, attacks = result["radius"].values, sorted(set(attacks))
    shares = ", ".join(f"{5 * round(20 * radius / collapse)}" for radius in radii if radius)
    told = ", ".join(short(radius) for radius in radii)
    why = f"0 and about {shares} % of the collapse radius {collapse:.3g}, from which on nothing is learnt"
    head = [
        str(result.attrs["title"]),
        wrapped(f"forecast at the training radii {told}: {why} (one alone: --radius R)"),
        *(wrapped(f"note: {note}") for note in json.loads(result.attrs["notes"])),
    ]
    parts = ["\n".join(head), data]
    for prefix, rows in _groups(result):
        what = "accuracy" if "accuracy_at_radius" in result else "adversarial risk"
        heading = (
            f"{what} on {rows} at time {short(result['time'].values[-1])}: each row a training radius, each column an "
            "attack"
        )
        parts.append(f"{wrapped(heading)}\n{_matrix(result, prefix, attacks)}")
    parts.append(wrapped(_best(result, attacks)))
    parts += [wrapped(line) for line in _endings(result)]
    return "\n\n".join(parts)


def plot_several_radii(result: xr.Dataset, attacks: Sequence[float]) -> Figure:
    """Accuracy (regression: risk) against the radius of the attack, and over time without one; a line a radius."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    attacks = sorted(set(attacks))
    prefix, rows = _groups(result)[0]
    what = "accuracy" if "accuracy_at_radius" in result else "risk"
    with rc_context(SETTINGS):
        figure = Figure(figsize=(7.4, 3.3), layout="constrained")
        left, right = figure.subplots(1, 2)
        at_end = result[f"{prefix}{what}_at_radius"].isel(time=-1).values
        over_time = result[f"{prefix}clean_{what}"].values
        for k, radius in enumerate(result["radius"].values):
            colour, line, marker = _LINES[k % len(_LINES)]
            label = f"trained at radius {short(radius)}"
            seen = np.isfinite(at_end[k])
            left.plot(np.array(attacks)[seen], at_end[k][seen], line, color=colour, marker=marker, ms=4, label=label)
            seen = np.isfinite(over_time[k])
            right.plot(result["time"].values[seen], over_time[k][seen], line, color=colour)
        left.set_xlabel("radius of the attack (l2 norm)")
        left.set_ylabel(f"{what} at the end")
        right.set_xlabel("time (samples / dimension)")
        right.set_ylabel(f"{what} without an attack")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, handlelength=2.6)
        set_heading(figure, f"{result.attrs.get('title', '')}: {what} on {rows}")
    return figure


def _groups(result: xr.Dataset) -> list[tuple[str, str]]:
    """Prefixes of variables and the rows that they are about, held-out ones first."""
    held_out = [("held_out_", "rows held out of training")] if "held_out_clean_risk" in result else []
    return [*held_out, ("", "the rows trained on")]


def _matrix(result: xr.Dataset, prefix: str, attacks: Sequence[float]) -> Table:
    name = f"{prefix}{'accuracy' if 'accuracy_at_radius' in result else 'risk'}_at_radius"
    values, norm = result[name].isel(time=-1).values, result["norm"].isel(time=-1).values
    head = ["trained at", *(f"attack {short(radius)}" if radius else "no attack" for radius in attacks), "norm"]
    rows = [
        [short(radius), *(number(value) for value in values[k]), number(norm[k])]
        for k, radius in enumerate(result["radius"].values)
    ]
    return table([head, *rows])


def _best(result: xr.Dataset, attacks: Sequence[float]) -> str:
    """Which training radius withstands each attack best."""
    prefix, _ = _groups(result)[0]
    accuracy = "accuracy_at_radius" in result
    values = result[f"{prefix}{'accuracy' if accuracy else 'risk'}_at_radius"].isel(time=-1).values
    values = np.where(np.isfinite(values), values, -np.inf if accuracy else np.inf)
    best = np.argmax(values, axis=0) if accuracy else np.argmin(values, axis=0)
    radii = result["radius"].values
    told = [
        f"{f'an attack of {short(radius)}' if radius else 'no attack'}: trained at {short(radii[best[j]])} "
        f"({number(values[best[j], j])})"
        for j, radius in enumerate(attacks)
    ]
    return f"{'Most accurate' if accuracy else 'Lowest risk'} under {'; '.join(told)}."


def _endings(result: xr.Dataset) -> list[str]:
    """How those ended that did not complete."""
    return [
        f"trained at {short(radius)}: {status}. {reason}"
        for radius, status, reason in zip(
            result["radius"].values, result["status"].values, result["reason"].values, strict=True
        )
        if status != Status.COMPLETED.label
    ]
