"""Network scenarios of every kind and magnitude: answered in finite numbers or refused in one line, never a warning.

`main(count, seed)` counts what became of so many of them; a short part of it is a test. `python tests/fuzz_networks.py
COUNT SEED` runs it by hand.
"""

from __future__ import annotations

import collections
import math
import sys
import traceback
import warnings
from typing import Any

import numpy as np

import jominy as jm
from jominy.show.network_text import network_text

MAY_BE_INFINITE = {
    "longest_time", "sample_horizon", "population_horizon", "collapse_time", "signal_time", "slowdown", "learning_time",
    "trainability_index", "safe_width", "safe_radius", "safe_depth", "effective_dimension",
}  # fmt: skip
"""What has no end: times in which nothing is lost or learnt, and what any of is safe."""


REFUSED = "refused"


def magnitude(draw: np.random.Generator) -> float:
    """Mostly usual, sometimes anywhere in 1e-300 .. 1e300, sometimes zero or the edge of what floats hold."""
    kind = draw.integers(24)
    if kind < 12:
        return float(draw.uniform(0.1, 3))
    if kind < 18:
        return float(10 ** draw.uniform(-2, 2))
    if kind < 21:
        return float(10 ** draw.uniform(-30, 30))
    if kind < 23:
        return float(10 ** draw.uniform(-300, 300))
    return float(draw.choice([0.0, 5e-324, 2.2e-308, 1.7e308, 1e-30, 1e30]))


def size(draw: np.random.Generator, most: int = 3000) -> int:
    kind = draw.integers(20)
    if kind < 16:
        return int(draw.integers(1, most))
    if kind < 19:
        return int(10 ** draw.uniform(0, 18))
    return int(draw.choice([1, 2, 3, 10**12, 2**31, 2**53 + 1, 2**63, 10**30]))


def exponent(draw: np.random.Generator) -> Any:
    choices = [1, 2, "inf", [1, 2], [2, "inf"], [1, 2, "inf"]]
    return choices[int(draw.integers(len(choices)))]


def scenario(draw: np.random.Generator) -> dict[str, Any]:
    """A table of a network scenario, of sound kinds and any magnitude."""

    def some(share: float) -> bool:
        return bool(draw.random() < share)

    depth = size(draw, 30)
    network: dict[str, Any] = {"depth": depth, "width": size(draw), "weight_variance": magnitude(draw)}
    table: dict[str, Any] = {"network": network, "radius": magnitude(draw)}
    if some(0.6):
        network["shortcut"] = some(0.5)
    if some(0.2) and depth <= 40:
        network["weight_variance"] = [
            magnitude(draw) if some(0.2) else float(draw.uniform(0.5, 3)) for _ in range(depth)
        ]
    elif some(0.5):
        network["weight_variance"] = float(draw.uniform(0.05, 3))
    if some(0.4):
        network["bias_variance"] = magnitude(draw)
    if some(0.4):
        sign = -1 if some(0.5) else 1
        network["activation"] = {"u": magnitude(draw), "v": sign * magnitude(draw)}
    if some(0.6):
        table["data"] = {"kind": "gaussian-classes", "cosine": float(draw.choice([0.0, 1.0, 1e-12, draw.random()]))}
    network |= {"input_dim": size(draw), "output_dim": size(draw, 20)}
    if some(0.5):
        table["p"], table["q"] = exponent(draw), exponent(draw)
    if some(0.3):
        table["radius"] = [magnitude(draw) for _ in range(3)]
    if some(0.4):
        table["training"] = {"learning_rate": magnitude(draw), "steps": size(draw)}
    if some(0.3):
        table.setdefault("training", {})["adversarial_weight"] = magnitude(draw)
    if some(0.3):
        name = str(
            draw.choice(["depth", "width", "input_dim", "output_dim", "weight_variance", "bias_variance", "shortcut"])
        )
        values: list[Any] = [False, True] if name == "shortcut" else []
        for _ in range(0 if values else 3):
            values.append(size(draw, 30) if name in ("depth", "width", "input_dim", "output_dim") else magnitude(draw))
        if not (name == "depth" and isinstance(network["weight_variance"], list)):
            table["vary"] = {name: values}
    return table


def fault(table: dict[str, Any]) -> str:
    """What is wrong with the answer to a scenario: "" for finite numbers, REFUSED for a refusal in one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            study = jm.NetworkScenario.from_mapping(table)
            told, trained = study.theory(), study.trainability()
            network_text(told, trained, None)
        except jm.InputError as refused:
            return "a refusal of several lines" if "\n" in str(refused) else REFUSED
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in place if "jominy" in frame.filename]
            return f"{type(error).__name__} at {own[-1].filename.split('jominy/')[-1]}:{own[-1].lineno}: {error}"
    for result in (told, trained):
        for name, values in () if result is None else result.data_vars.items():
            found = np.asarray(values, dtype=float)
            if np.isnan(found).any():
                return f"NaN in {name}"
            if (name not in MAY_BE_INFINITE and not np.isfinite(found).all()) or found.min(initial=0.0) < least(name):
                return f"{name} {found.min()} to {found.max()}"
    return ""


def least(name: str) -> float:
    """The smallest value that a variable can have: rates fall, covariances have either sign, all else is positive."""
    return -math.inf if name in ("weight_variance_rate", "covariance", "radial_covariance") else 0.0


def main(count: int, seed: int) -> collections.Counter[str]:
    """How many of `count` scenarios from `seed` were answered (""), refused, and how many had which fault."""
    found: collections.Counter[str] = collections.Counter()
    for index in range(count):
        draw = np.random.default_rng([seed, index])
        table = scenario(draw)
        wrong = fault(table)
        if wrong not in ("", REFUSED):
            print(index, wrong, table, file=sys.stderr, flush=True)
        found[wrong.split(":")[0] if wrong else ""] += 1
    return found


if __name__ == "__main__":
    print(main(int(sys.argv[1]), int(sys.argv[2])))
