"""The theory of a network, and what was measured beside it, as plain text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.meanfield.verdict import Verdict
from jominy.show.network_tables import NETWORK, TRAINABILITY, measured_table, quantities, sweep_table
from jominy.show.text import short, wrapped

if TYPE_CHECKING:
    import xarray as xr


# What the terminal shows, in this order, and what it is called there.
def network_text(theory: xr.Dataset, trained: xr.Dataset | None, measured: xr.Dataset | None = None) -> str:
    """Heading, table of the theory (with what was measured), trainability in numbers and words."""
    words = "\n".join(wrapped(f"- {sentence}") for sentence in sentences(theory, trained, measured))
    return "\n\n".join([*network_parts(theory, trained, measured), words])


def network_parts(theory: xr.Dataset, trained: xr.Dataset | None, measured: xr.Dataset | None = None) -> list[str]:
    """The parts of that text before its sentences; tables are :class:`~jominy.show.text.Table`."""
    sweep = [str(name) for name in theory.sizes if name not in ("p", "q", "layer")]
    parts = [_heading(theory), quantities(theory, measured, NETWORK, sweep)]
    if trained is not None:
        told = json.loads(trained.attrs["scenario"])
        weight = told["adversarial_weight"]
        factor = f"{weight:g} x " if isinstance(weight, (int, float)) else "weight x "
        loss = f"cross-entropy + {factor}adversarial loss"
        parts.append(f"trainability: {loss}, l{short(told['p'])} attack, plain SGD")
        parts.append(quantities(trained, measured, TRAINABILITY, sweep))
    if sweep:
        parts.append(sweep_table(theory, trained, sweep))
        if measured is not None:
            parts.append("measured ± standard error (measured / theory)")
            parts.append(measured_table(theory, trained, measured, sweep))
    return [part for part in parts if part]


def sentences(theory: xr.Dataset, trained: xr.Dataset | None, measured: xr.Dataset | None = None) -> list[str]:
    """What a reader should know, in words."""
    told = []
    if trained is None:
        told.append("No word on trainability: that needs a [data] table, two outputs or more, and p = 2 or infinity.")
    else:
        told += _verdict(trained)
        if outside := json.loads(trained.attrs.get("outside", "[]")):
            told.append(f"The fit behind tau has not seen: {', '.join(outside)}. Take the verdict as a direction only.")
    bound = theory.get("adversarial_loss_bound")
    if bound is not None and np.any(theory["adversarial_loss"].values > bound.values):
        told.append(
            "The bound is a theorem for infinite width; at this width the loss may lie above it, as the theory's own "
            "value, which has the correction for the width, does here."
        )
    if measured is not None:
        if np.any(np.isinf(measured.get("trainability_index", np.zeros(1)))):
            told.append("A measured tau is infinite where two batches show no common adversarial gradient.")
        told.append(
            f"Measured: mean and standard error over {measured.sizes['network']} random networks; an attack gives a "
            "lower bound. The theory's adversarial loss is that of a small radius."
        )
    return told


def _verdict(trained: xr.Dataset) -> list[str]:
    known = json.loads(trained.attrs["scenario"]).get("p", 2) == 2
    if "verdict" not in trained.attrs and not known:
        return [Verdict.NOT_KNOWN.sentence]
    if "verdict" not in trained.attrs:
        return [
            "tau < 0.25: expect a plateau; 0.25 to 0.4: borderline; above: no adversarial slowdown.",
            "Learning times are in rate x width x steps. `weights last`, in rate x steps: when the weight-variance law "
            "says that the signal is lost, which is no verdict.",
        ]
    advice = str(trained.attrs["advice"]).replace("`slowdown`", f"{float(trained['slowdown']):.2g}")
    told = [advice]
    if "reliability" in trained.attrs:
        share = 100 * float(trained.attrs["reliability"])
        told.append(
            f"Of 445 training runs (ReLU, no bias, l2, plain SGD), {share:.0f} % of those with this verdict went as it "
            "says. The weight-variance law is no verdict: it calls nearly every network trainable."
        )
    if "training_score" in trained and known:
        score = float(trained["training_score"])
        word = "too few (right in 95 %)" if score < 1 else "perhaps enough" if score < 2 else "enough (right in 92 %)"
        told.append(f"The planned steps are {short(score)} times the expected learning time: {word}.")
    return told


def _heading(theory: xr.Dataset) -> str:
    """The title, and the network and the attack in a line each."""
    told = json.loads(theory.attrs["scenario"])
    network = told["architecture"]

    def say(name: str, text: str) -> str:
        return "" if name in theory.dims else text

    slopes = network["activation"]
    relu = (slopes["u"], slopes["v"]) == (1, 0)
    variance = network["weight_variance"]
    words = (
        say("depth", f"L = {network['depth']} layers"),
        say("width", f"N = {network['width']:.0f} units") if isinstance(network["width"], (int, float)) else "",
        say("input_dim", f"d = {network['input_dim']} inputs"),
        say("output_dim", f"K = {network['output_dim']} outputs"),
        "ReLU" if relu else f"slopes {short(slopes['u'])} and {short(slopes['v'])}",
        say("shortcut", "shortcuts" if network["shortcut"] is True else "no shortcuts"),
        say(
            "weight_variance",
            "weight variance " + (short(variance) if isinstance(variance, (int, float)) else "by layer"),
        ),
        say("bias_variance", f"bias variance {_short(network['bias_variance'])}"),
    )
    attack = [say("radius", f"radius {_short(told['radius'])}")]
    attack += [f"l{'/'.join(map(short, told['p']))} attack, l{'/'.join(map(short, told['q']))} change of the output"]
    title = [theory.attrs["title"]] if "title" in theory.attrs else []
    return "\n".join([*title, wrapped(", ".join(filter(None, words))), ", ".join(filter(None, attack))])


def _short(value: Any) -> str:
    return short(value) if isinstance(value, (int, float)) else "varied"
