"""What is told of networks, as plain text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jominy.show.text import number, plus_minus, table, wrapped

if TYPE_CHECKING:
    from jominy.networks import Diagnosis


def diagnosis_text(found: Diagnosis) -> str:
    """A diagnosis for a terminal: its sentences, theory against measurement, the layers."""
    lines = [wrapped(f"- {sentence}") for sentence in found.sentences()]
    pair = f"{found.p:g} to {found.q:g}"
    rows = [["adversarial loss", _number(found.predicted_loss), plus_minus(*found.adversarial_loss)]]
    if found.operator_norm is not None:
        rows.append([f"norm of the Jacobian, {pair}", _number(found.predicted_norm), plus_minus(*found.operator_norm)])
    parts = ["\n".join(lines), table([["", "theory", "measured"], *rows])]
    if found.layers:
        changed = any(layer.initial_variance is not None for layer in found.layers)
        heads = ["layer", "fan-in", "fan-out", "weight variance", *(["at initialisation"] if changed else [])]
        body = [
            [
                layer.name or "?",
                str(layer.inputs),
                str(layer.outputs),
                number(layer.variance),
                *([_number(layer.initial_variance)] if changed else []),
                _number(layer.signal),
                _number(layer.gradient),
            ]
            for layer in found.layers
        ]
        parts.append(table([[*heads, "signal power", "gradient"], *body]))
    return "\n\n".join(parts)


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else number(value)
