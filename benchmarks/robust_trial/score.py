"""Areas, rates and intervals of the trial, as the tables of its page."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.robust_trial.design import OBJECTIVES

LEARNT = 0.6
"""Clean accuracy of the twin from which a training counts."""
OUTCOMES: dict[str, Callable[[dict], bool]] = {
    "ROB": lambda row: row["robust"] >= 0.5 * row["twin_clean"],
    "LEFT": lambda row: row["clean"] >= 0.5 * row["twin_clean"],
    "ACC": lambda row: row["clean"] >= 0.9 * row["twin_clean"],
}
INDICES: dict[str, Callable[[dict], float]] = {
    "chi": lambda row: row["chi"],
    "radius (l2 equivalent) / spread of the inputs": lambda row: -row["radius_l2"] / row["spread"],
    "radius / nearest-class distance": lambda row: -row["radius_over_distance"],
    "depth": lambda row: -row["depth"],
    "tau, measured": lambda row: row["tau"],
    "20 steps: accuracy / twin's": lambda row: row["probe_clean"] / max(row["probe_twin_clean"], 0.05),
    "20 steps: robust signal / variation": lambda row: row["probe_robust_signal"],
}
EDGES = (0.0, 1.0, 1.8, np.inf)


def area(scores: np.ndarray, success: np.ndarray) -> float:
    """Probability that a success has the larger score, ties counted half; NaN where one kind is missing."""
    good, bad = scores[success], scores[~success]
    if not (len(good) and len(bad)):
        return float("nan")
    return float(np.mean((good[:, None] > bad) + 0.5 * (good[:, None] == bad)))


def score(file: Path) -> str:
    """All tables, in Markdown."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    counted = [row for row in rows if row["twin_clean"] >= LEARNT]
    told = [f"{len(rows)} trainings, {len(counted)} with a twin that has learnt."]
    success = {name: np.array([rule(row) for row in counted]) for name, rule in OUTCOMES.items()}
    told.append("Base rates: " + ", ".join(f"{name} {hit.mean():.2f}" for name, hit in success.items()))
    values = {name: np.array([rule(row) for row in counted], dtype=float) for name, rule in INDICES.items()}
    groups = _resamples(np.array([row["number"] for row in counted]))
    head = "| index | " + " | ".join(OUTCOMES) + " |"
    told += ["", head, "|---" * (1 + len(OUTCOMES)) + "|"]
    for name, scores in values.items():
        cells = [_with_interval(scores, hit, groups) for hit in success.values()]
        told.append(f"| {name} | " + " | ".join(cells) + " |")
    told += ["", "chi minus the others, [5, 95] %:", "", head, "|---" * (1 + len(OUTCOMES)) + "|"]
    for name, scores in list(values.items())[1:]:
        cells = [_difference(values["chi"], scores, hit, groups) for hit in success.values()]
        told.append(f"| {name} | " + " | ".join(cells) + " |")
    told += ["", "chi by objective:", "", "| objective | n | " + " | ".join(OUTCOMES) + " |", "|---" * 5 + "|"]
    for objective in OBJECTIVES:
        own = np.array([row["objective"] == objective for row in counted])
        part = _resamples(np.array([row["number"] for row in counted])[own])
        cells = [_with_interval(values["chi"][own], hit[own], part) for hit in success.values()]
        told.append(f"| {objective} | {own.sum()} | " + " | ".join(cells) + " |")
    told += ["", "| chi | n | " + " | ".join(OUTCOMES) + " |", "|---" * 5 + "|"]
    for low, high in zip(EDGES, EDGES[1:], strict=False):
        own = (values["chi"] >= low) & (values["chi"] < high)
        cells = [_rate(own, hit, groups) for hit in success.values()]
        told.append(f"| {low:g} to {high:g} | {own.sum()} | " + " | ".join(cells) + " |")
    return "\n".join(told)


def _rate(own: np.ndarray, hit: np.ndarray, groups: list[np.ndarray]) -> str:
    rates = [hit[pick][own[pick]].mean() for pick in groups if own[pick].any()]
    low, high = np.quantile(rates, [0.05, 0.95])
    return f"{hit[own].sum()}: {hit[own].mean():.2f} [{low:.2f}, {high:.2f}]"


def _resamples(numbers: np.ndarray, count: int = 2000) -> list[np.ndarray]:
    """Places of trainings drawn by whole designs, with replacement: the two seeds of a design are not independent."""
    draw = np.random.default_rng(0)
    places = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
    return [np.concatenate([places[k] for k in draw.integers(0, len(places), len(places))]) for _ in range(count)]


def _with_interval(scores: np.ndarray, hit: np.ndarray, groups: list[np.ndarray]) -> str:
    if hit.all() or not hit.any():
        return "all alike"
    low, high = np.nanquantile([area(scores[pick], hit[pick]) for pick in groups], [0.05, 0.95])
    return f"{area(scores, hit):.2f} [{low:.2f}, {high:.2f}]"


def _difference(one: np.ndarray, other: np.ndarray, hit: np.ndarray, groups: list[np.ndarray]) -> str:
    found = [area(one[pick], hit[pick]) - area(other[pick], hit[pick]) for pick in groups]
    low, high = np.nanquantile(found, [0.05, 0.95])
    return f"{area(one, hit) - area(other, hit):+.2f} [{low:+.2f}, {high:+.2f}]"
