"""What a control of the page is: its label, unit, slider and the bounds within which the server computes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Request(BaseModel):
    """A request's body: unknown keys, wrong types, numbers out of bounds or not finite are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def number(
    default: float,
    label: str,
    unit: str,
    slider: tuple[float, float],
    bounds: tuple[float, float],
    *,
    log: bool = False,
    hint: str = "",
) -> Any:
    """A number: the slider covers what is usual, the field beside it everything within the bounds."""
    told: dict[str, Any] = {"unit": unit, "slider": list(slider), "log": log, "hint": hint}
    return Field(default, ge=bounds[0], le=bounds[1], title=label, json_schema_extra=told)


def choice(default: str, label: str, words: dict[str, str], shows: dict[str, list[str]] | None = None) -> Any:
    """One of several, with what each is called, and the controls that each one `shows`."""
    told: dict[str, Any] = {"words": [list(pair) for pair in words.items()]}
    return Field(default, title=label, json_schema_extra=told if shows is None else told | {"shows": shows})


def switch(default: bool, label: str, hint: str) -> Any:
    """On or off."""
    return Field(default, title=label, json_schema_extra={"hint": hint})


def controls(model: type[Request]) -> list[dict[str, Any]]:
    """The controls of a model for the page, in order: one description of names, bounds and defaults for both sides.

    >>> class Knobs(Request):
    ...     radius: float = number(0.5, "radius", "l2", (0.0, 2.0), (0.0, 100.0))
    >>> controls(Knobs)[0]["label"], controls(Knobs)[0]["max"]
    ('radius', 100.0)
    """
    told = []
    for name, shape in model.model_json_schema()["properties"].items():
        if shape.get("type") not in ("number", "integer", "boolean", "string"):  # has controls of its own
            continue
        kind = "choice" if "words" in shape else "switch" if shape["type"] == "boolean" else "number"
        one = {"name": name, "label": shape["title"], "kind": kind, "value": shape["default"]}
        if kind == "number":
            one |= {"min": shape["minimum"], "max": shape["maximum"], "whole": shape["type"] == "integer"}
        keys = ("unit", "slider", "log", "hint", "words", "shows")
        told.append(one | {key: shape[key] for key in keys if key in shape})
    return told
