"""How jominy's figures look: one colour for each thing, everywhere."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's palette: told apart by readers with any of the common colour-vision deficiencies.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#6E6E6E",
)  # fmt: skip

# A colour is never the only mark: each variable has its own line style and point shape too.
COLOURS = {
    "adversarial_risk": (BLUE, "-", "o"),
    "clean_risk": (ORANGE, "-", "s"),
    "held_out_adversarial_risk": (VERMILION, "-.", "^"),
    "held_out_clean_risk": (PURPLE, "-.", "v"),
    "gaussian_adversarial_risk": (GREY, "--", ""),
    "adversarial_accuracy": (BLUE, "-", "o"),
    "clean_accuracy": (ORANGE, "-", "s"),
    "held_out_adversarial_accuracy": (VERMILION, "-.", "^"),
    "held_out_clean_accuracy": (PURPLE, "-.", "v"),
    "gaussian_adversarial_accuracy": (GREY, "--", ""),
    "accuracy_at_radius": (BLUE, "-", "o"),
    "held_out_accuracy_at_radius": (VERMILION, "-.", "^"),
    "risk_at_radius": (BLUE, "-", "o"),
    "held_out_risk_at_radius": (VERMILION, "-.", "^"),
    "norm": (GREEN, "-", "o"),
    "distance_to_optimum": (PURPLE, "-", "D"),
}
DEFAULT = (BLUE, "-", "o")

SETTINGS: Any = {
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": True,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.75,
    "lines.linewidth": 1.6,
    "figure.dpi": 150,
    "savefig.dpi": 200,
}
