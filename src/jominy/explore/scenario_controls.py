"""Every number of a user's scenario that a sweep could vary, as a control of the page, by the name a sweep uses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from jominy.errors import InputError
from jominy.study.scenario import Scenario
from jominy.study.sweeps.fields import with_field

PREFIX = "own."
"""What the page calls such a control: this, and the dotted path of the field."""
_PARTS = ("data", "loss", "start", "schedule", "radius", "batch_size")
_FAR = 1e4
_ROTATED_UP_TO = 300  # coordinates of a covariance that is a full matrix: its forecast takes the cube of them
_DIMENSIONS = (100.0, 20_000.0)
_USUAL: dict[str, tuple[float, float]] = {
    "noise_variance": (0, 2), "exponent": (0, 3), "ratio": (0.02, 0.98), "share": (0.02, 0.98), "weight": (0.02, 1),
    "low": (0, 2), "high": (0, 2), "scale": (0, 2), "mean": (0, 3), "norm": (-3, 3), "teacher": (0, 2), "start": (0, 2),
    "clip": (1, 10), "seed": (0, 20), "split_seed": (0, 20), "batch_size": (1, 64),
    "rate": (0.02, 4), "decay": (0, 2), "offset": (0.1, 10), "final": (0, 1),
}  # fmt: skip
_ALLOWED: dict[str, tuple[float, float]] = {  # where the table itself names no bounds
    "exponent": (0, 8), "rate": (1e-6, 1e3), "rates": (1e-6, 1e3), "offset": (1e-6, _FAR), "decay": (0, _FAR),
    "final": (0, 1e3), "batch_size": (1, _FAR), "times": (1e-6, _FAR), "clip": (0.01, _FAR),
}  # fmt: skip
_LOG = ("rate", "rates", "dimension", "offset", "horizon")


@dataclass(frozen=True)
class OwnNumber:
    """One field: `path` as a sweep names it, its value in the file, and what is usual and allowed."""

    path: tuple[str, ...]
    value: float
    whole: bool
    slider: tuple[float, float]
    bounds: tuple[float, float]
    group: str
    hint: str

    @property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(self.path)

    def control(self) -> dict[str, Any]:
        """As the page is told of it."""
        return {
            "name": PREFIX + self.name, "label": _label(self.path), "kind": "number", "value": self.value,
            "min": self.bounds[0], "max": self.bounds[1], "whole": self.whole, "unit": "", "slider": list(self.slider),
            "log": self.path[-1] in _LOG and self.slider[0] > 0, "hint": self.hint, "path": self.name,
            "group": self.group,
        }  # fmt: skip


def own_numbers(scenario: Scenario) -> list[OwnNumber]:
    """The numbers of a scenario that can move. Lists of numbers stay as they are, except a schedule's.

    >>> scenario = Scenario.from_mapping({
    ...     "data": {"kind": "linear-teacher", "dimension": 200, "covariance": {"kind": "power-law", "exponent": 1.5}},
    ...     "loss": {"kind": "squared"}, "radius": 0.5, "schedule": {"kind": "polyak"}, "time": 2,
    ... })
    >>> [one.name for one in own_numbers(scenario)][:3]
    ['data.dimension', 'data.covariance.exponent', 'data.covariance.mean']
    """
    on_samples = scenario.data.kind in ("file", "scikit-learn")
    turned = any(value == "rotated" for _, name, value, _ in _leaves(scenario) if name == "kind")
    found = []
    for path, name, value, field in _leaves(scenario):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            continue
        if path[0] not in _PARTS or path == ("radius",) or (name == "label" and scenario.loss.kind != "squared"):
            continue
        if on_samples and name in ("batch_size", "held_out"):
            continue  # batches are for mixtures; another number of samples would be compiled at each step
        if name == "noise_variance" and getattr(scenario.data, "teacher", None) is None:
            continue  # a label has no noise
        if name == "dimension":
            if not _patterns_alone(scenario):
                continue
            low, high = _DIMENSIONS if not turned else (20.0, float(_ROTATED_UP_TO))
            bounds = slider = (min(low, value), max(high, value))
            found.append(OwnNumber(path, value, True, slider, bounds, _group(path), ""))
            continue
        whole = isinstance(value, int)
        bounds = _bounds(name, field, whole)
        slider = _slider(name, value, bounds)
        found.append(
            OwnNumber(path, value, whole, slider, bounds, _group(path), field.description or "" if field else "")
        )
    return found


def with_numbers(given: Mapping[str, Any], known: list[OwnNumber], numbers: Mapping[str, float]) -> dict[str, Any]:
    """A scenario as a file says it, with some of its numbers set anew. Weights of components are made to sum to one.

    Raises InputError for a number that is not among the known ones or out of its bounds.
    """
    by_name = {one.name: one for one in known}
    changed: Any = dict(given)
    for name, value in numbers.items():
        one = by_name.get(name)
        if one is None:
            raise InputError("the scenario has no such number to move", name[:80], "reload the page")
        if not one.bounds[0] <= value <= one.bounds[1] or (one.whole and value != int(value)):
            kind = "a whole number" if one.whole else "a number"
            raise InputError(f"{name} must be {kind} from {one.bounds[0]:g} to {one.bounds[1]:g}", value)
        changed = with_field(changed, one.path, int(value) if one.whole else float(value))
    if any(name.endswith(".weight") for name in numbers):
        components = changed["data"]["components"]
        total = sum(component["weight"] for component in components)
        shares = [{**component, "weight": component["weight"] / total} for component in components]
        changed = changed | {"data": {**changed["data"], "components": shares}}
    return changed


Leaf = tuple[tuple[str, ...], str, Any, FieldInfo | None]


def _leaves(table: Any, above: tuple[str, ...] = (), name: str = "", field: FieldInfo | None = None) -> Iterator[Leaf]:
    """Path, last word that is a name, value and field of everything in a table that is no table itself."""
    if isinstance(table, BaseModel):
        for key, inner in type(table).model_fields.items():
            yield from _leaves(getattr(table, key), (*above, key), key, inner)
        return
    if isinstance(table, (list, tuple)):
        if all(isinstance(value, (int, float)) for value in table) and above[0] not in ("schedule", "radius"):
            yield above, name, list(table), field
            return
        for k, value in enumerate(table):
            yield from _leaves(value, (*above, str(k)), name, None)
        return
    yield above, name, table, field


def _patterns_alone(scenario: Scenario) -> bool:
    """Whether every list of numbers is a pattern, which repeats over as many coordinates as there are."""
    given = scenario.model_dump()

    def fits(value: Any) -> bool:
        if isinstance(value, dict):
            if value.get("kind") == "pattern":
                return True
            return value.get("kind") not in ("eigenvalues", "matrix") and all(fits(inner) for inner in value.values())
        if isinstance(value, list):
            return not (value and all(isinstance(inner, (int, float)) for inner in value)) and all(map(fits, value))
        return True

    return fits(given["data"]) and fits(given["start"])


def _bounds(name: str, field: FieldInfo | None, whole: bool) -> tuple[float, float]:
    """What the scenario's own table allows, as closed bounds."""
    low, high = _ALLOWED.get(name, (-_FAR, _FAR))
    for rule in field.metadata if field is not None else ():
        kinds = {word: getattr(rule, word, None) for word in ("ge", "gt", "le", "lt")}
        if kinds["ge"] is not None:
            low = max(low, kinds["ge"])
        if kinds["gt"] is not None:
            low = max(low, kinds["gt"] + (1 if whole else 1e-6))
        if kinds["le"] is not None:
            high = min(high, kinds["le"])
        if kinds["lt"] is not None:
            high = min(high, kinds["lt"] - (1 if whole else 1e-6))
    return low, high


def _slider(name: str, value: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """What is usual, wide enough for the value that is there, within the bounds."""
    low, high = _USUAL.get(name, (0.0, 1.0))
    if value < low:
        low = 2 * value if value < 0 else value / 2
    if value > high:
        high = 2 * value
    return float(np.clip(low, *bounds)), float(np.clip(high, *bounds))


_ABOVE = ("data", "components", "schedule", "preprocessing")
_WORDS = {"split_seed": "seed of the split", "clip": "cap on long rows"}


def _label(path: tuple[str, ...]) -> str:
    """The last words of a path: `covariance exponent`."""
    words = [_WORDS.get(word, word.replace("_", " ")) for word in path if not word.isdigit() and word not in _ABOVE]
    if path[-1].isdigit():
        words.append(str(int(path[-1]) + 1))
    return " ".join(words[-2:])


def _group(path: tuple[str, ...]) -> str:
    """Under which heading a control stands."""
    if path[:2] == ("data", "components"):
        return f"Component {int(path[2]) + 1}"
    return {"data": "Data", "loss": "Loss", "schedule": "Learning rate", "radius": "Radius over time"}.get(
        path[0], "Training"
    )
