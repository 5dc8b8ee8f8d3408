"""Whether a Dataset is a result as jominy makes them: asked once, where one is loaded or given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.errors import InputError
from jominy.results.schema import FORMAT, FORMAT_NAME
from jominy.results.status import Status
from jominy.results.variables import COORDINATES, is_variable

if TYPE_CHECKING:
    import xarray as xr

AGAIN = "the file was edited or is damaged: compute it again"
_WORDS = (
    "status",
    "reason",
    "verdict",
    "optimum_regime",
    "variable",
    "parameter",
    "bands",
    "method",
    "evaluation_attack",
    "class",
    "true_class",
    "predicted_class",
    "schedule",
    "alternative",
)
"""Variables and coordinates that are text."""
_PLACES = ("time", "evaluation_radius", "quantile", "variable", "p", "q", "radius", "width", "depth")
"""Dimensions that are looked up by what they say."""
_CURVES = {"time", "seed"}
_COMPARED = {
    "forecast": 2, "mean": 2, "standard_error": 2, "difference": 2, "z": 2, "largest_z": 1,
    "largest_relative_error": 1, "rms_relative_error": 1,
}  # fmt: skip
"""Of how many of the dimensions variable and time each part of a comparison with SGD is."""
_NUMBERS = ("width", "depth", "input_dim", "output_dim", "weight_variance", "bias_variance")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _json(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A test of what text in JSON holds."""

    def test(value: Any) -> bool:
        try:
            return isinstance(value, str) and holds(json.loads(value))
        except (ValueError, RecursionError):
            return False

    return test


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(holds, value))


def _is_seed(value: Any) -> bool:
    return isinstance(value, int) or _is_list(lambda one: isinstance(one, int))(value)


def _is_sweep(told: Any) -> bool:
    return _is_table(told) and _is_table(told.get("fields")) and _is_list(_is_text)(told.get("logarithmic", []))


_TEXT = ("a text", _is_text)
_NUMBER = ("a number", _is_number)
_TABLE = ("a table in JSON", _json(_is_table))
_SENTENCES = ("a list of sentences in JSON", _json(_is_list(_is_text)))
_ATTRIBUTES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "scenario": _TABLE,
    "versions": ("a table of names in JSON", _json(lambda told: _is_table(told) and all(map(_is_text, told.values())))),
    "notes": _SENTENCES,
    "outside": _SENTENCES,
    "sweep": ("a table of fields in JSON", _json(_is_sweep)),
    "here": ("a table of numbers in JSON", _json(lambda told: _is_table(told) and all(map(_is_number, told.values())))),
    "seed": ("a seed or a list of seeds in JSON", lambda value: _is_number(value) or _json(_is_seed)(value)),
    "status": (
        f"one of: {', '.join(status.label for status in Status)}",
        lambda value: _is_text(value) and value in {status.label for status in Status},
    ),
    **dict.fromkeys(
        (
            "engine", "advice", "cite", "title", "method", "verdict", "different", "rate_limits", "optimum_regime",
            "bands",
        ),
        _TEXT,
    ),
    **dict.fromkeys(
        (
            "numerical_error", "optimum_risk", "optimum_norm", "collapse_radius", "band_dimension", "seeds", "networks",
            "reliability", "bias_included",
        ),
        _NUMBER,
    ),
}  # fmt: skip


_OVER_TIME = ("forecast", "simulate", "homogenize")
_NOT_OVER_TIME = ("compare", "design", "gaussian picture", "pareto", "sensitivity", "train", "trainability")
_FOLLOWED = {"adversarial_risk", "clean_risk", "norm", "accuracy_at_radius"}
_OF_NETWORKS = ("network theory", "trainability")
_OF_TRAINING = {"seed", "time", "step", "evaluation_radius"}
"""Dimensions that no theory or measurement of random networks has."""


def _is_curve(result: xr.Dataset, swept: set[str]) -> bool:
    """Whether it is followed over time, as far as it says; what lost its engine is taken for what it looks like."""
    engine = result.attrs.get("engine", "")
    other = engine in _NOT_OVER_TIME or engine.startswith(("measure", "network", "sweep"))
    return not swept and not other and bool({str(name) for name in result.data_vars} & _FOLLOWED)


def require_format(result: xr.Dataset) -> None:
    """``InputError`` for a Dataset that this jominy did not write, with what to do about it."""
    found = result.attrs.get("format")
    if isinstance(found, str) and found == FORMAT:
        return
    if isinstance(found, str) and found.startswith(FORMAT_NAME):
        raise InputError(f"the result must be one that this jominy reads ({FORMAT!r})", found, "upgrade jominy")
    raise InputError(
        f"this file was not written by jominy.save (its format must be {FORMAT!r})",
        "no format" if found is None else found,
        "open it with xarray.open_dataset instead",
    )


def check_result(result: xr.Dataset) -> xr.Dataset:
    """The same result, if what it says of itself can be read and its variables are those of a result.

    What is not there is no fault here: a Dataset that was computed with may have lost its attributes.

    Raises ``InputError`` for an attribute, a variable, a dimension or a coordinate that jominy cannot have written.

    Examples
    --------
    >>> import xarray as xr
    >>> check_result(xr.Dataset(attrs={"status": "fine"}))
    Traceback (most recent call last):
    ...
    jominy.errors.InputError: a result's status must be one of: completed, ...
    """
    for name, value in result.attrs.items():
        if name in _ATTRIBUTES:
            words, holds = _ATTRIBUTES[name]
            _require(holds(value), f"a result's {name} must be {words}", value)
    swept = set(json.loads(result.attrs["sweep"])["fields"]) if "sweep" in result.attrs else set()
    engine = result.attrs.get("engine", "")
    if _is_curve(result, swept):
        rule = "a curve must have its times (choose one with isel(time=[-1]), which keeps them)"
        _require("time" in result.dims, rule, ", ".join(map(str, result.dims)) or "no dimension")
    if engine == "network theory":
        _require_names(result, ("adversarial_loss", "adversarial_loss_bound"), "theory of a network")
    _require(swept or not engine.startswith("sweep"), "a sweep must say which fields it varies (sweep)", "no fields")
    _check_dimensions(result, swept)
    _check_variables(result, swept)
    if swept:
        _check_sweep(result, swept)
    if (engine == "compare" and "seeds" in result.attrs) or {"largest_z", "largest_relative_error"} & set(result):
        _check_comparison(result)
    if "network" in result.dims:
        _check_measured(result)
    if not swept and ("adversarial_loss_bound" in result or result.attrs.get("engine") == "trainability"):
        _check_network(result)  # a sweep tells the scenario that it varies, which is another record
    return result


def _require(holds: Any, rule: str, received: object) -> None:
    if not holds:
        raise InputError(rule, received, AGAIN)


def _check_dimensions(result: xr.Dataset, swept: set[str]) -> None:
    for dim, size in result.sizes.items():
        name = str(dim)
        known = name in COORDINATES or name in swept or name in ("radius", "time_index") or name.endswith("_index")
        _require(known, "a result's dimensions must be those that jominy gives it", f"a dimension {name!r}")
        _require(size > 0, f"a result must have at least one {name}", "none")
    for name in (*_PLACES, *sorted(swept.difference(_PLACES))):
        if name in result.dims:
            _require(name in result.coords, f"a result must say at which {name} its values are", f"no {name}")
            real = name in swept or result[name].dtype.kind in "iufb" or name == "variable"
            _require(real, f"a result's {name} must be real numbers", kind_of(result[name].variable))
            values = result[name].values
            _require(values.ndim == 1, f"a result's {name} must be one row", ", ".join(map(str, result[name].dims)))
    for name in map(str, result.dims):
        # Of times more is asked below; runs may be drawn again, as a bootstrap does.
        if name in result.coords and result[name].ndim == 1 and name not in ("time", "seed", "network"):
            values = result[name].values
            _require(len(set(values.tolist())) == values.size, f"a result's {name} must have each value once", values)
    if "time" in result.dims:
        time = result["time"].values
        rising = time.dtype.kind in "iuf" and not np.isnan(time).any() and bool(np.all(time[1:] > time[:-1]))
        _require(rising, "a result's times must be increasing numbers", time)


def _check_variables(result: xr.Dataset, swept: set[str]) -> None:
    engine = result.attrs.get("engine")
    curves = "time" in result.dims and (_is_curve(result, swept) or (not swept and engine in _OVER_TIME))
    of_networks = engine in _OF_NETWORKS or (not swept and "network" in result.dims and "time" not in result.coords)
    foreign = (_OF_TRAINING if of_networks else set()) | ({"network"} if engine in _OF_NETWORKS else set())
    foreign |= {"step"} if swept else set()
    for key, variable in result.variables.items():
        name, kind = str(key), variable.dtype.kind
        dims = set(map(str, variable.dims))
        strange = ", ".join(sorted(dims & foreign))
        _require(not strange, f"a result's {name} must vary over what it is computed for", strange)
        if name in result.coords and name in (*result.dims, *swept):
            alone = dims in (set(), {name}, {"point"})
            _require(alone, f"a result's {name} must be one row", ", ".join(sorted(dims)))
        if "layer" in dims and name in result.data_vars and (of_networks or name in _OF_LINEAR_MODELS):
            _require(name in _BY_LAYER, f"a result's {name} must be one of the whole model", "one for each layer")
        for attribute in ("long_name", "units", "symbol"):
            told = variable.attrs.get(attribute, "")
            _require(_is_text(told), f"the {attribute} of a result's {name} must be a text", told)
        if name in _WORDS:
            _require(kind in "OUS" and _all_text(variable.values), f"a result's {name} must be text", kind_of(variable))
        elif is_variable(name) and name not in swept:
            _require(kind in "iufb", f"a result's {name} must be real numbers", kind_of(variable))
            if curves and ("point" not in dims or engine in ("simulate", "homogenize")):
                more = {"evaluation_radius"} if _AT_RADIUS in name else set()
                more |= _OF_CLASSES if "class_accuracy" in name or "confusion" in name else set()
                more |= {"quantile"} if name.endswith("_quantile") else set()
                more |= {"evaluation_attack"} if name.endswith("_at_attack") else set()
                allowed = name in result.coords or dims <= _CURVES | more
                _require(allowed, f"a result's {name} must vary over time (and runs) alone", ", ".join(sorted(dims)))
        else:
            _require(kind in "iufbOU", f"a result's {name} must be real numbers or text", kind_of(variable))


_AT_RADIUS = "_at_radius"
_OF_CLASSES = {"class", "true_class", "predicted_class"}


def kind_of(variable: xr.Variable) -> str:
    """What a variable holds, in words."""
    kinds = {"c": "complex numbers", "O": "objects", "U": "text", "S": "bytes", "M": "dates", "m": "durations"}
    return kinds.get(variable.dtype.kind, f"values of type {variable.dtype}")


def _all_text(values: np.ndarray) -> bool:
    return values.dtype.kind == "U" or all(isinstance(one, str) for one in values.ravel())


_BORDERS = ("radius_over_collapse", "rate_over_stable", "rate_over_divergent")
_OF_LINEAR_MODELS = (
    "adversarial_risk", "clean_risk", "adversarial_accuracy", "clean_accuracy", "norm", "distance_to_optimum",
    "excess_risk", "alignment", "learning_rate", "optimum_risk", "optimum_norm", "collapse_radius",
)  # fmt: skip
_BY_LAYER = ("weight_variance_rate", "weight_variance", "gradient_norm", "layer")


def _check_sweep(result: xr.Dataset, swept: set[str]) -> None:
    _require_names(result, ("status", "reason", *sorted(swept)), "sweep")
    dims = set(map(str, result["status"].dims))
    grid = "point" not in result.dims
    borders = [name for name in _BORDERS if name in result]
    odd = [name for name in borders if "here" in result.attrs and set(map(str, result[name].dims)) != dims]
    _require(not odd, "a phase diagram's borders must be told for each point", ", ".join(odd))
    known = swept if grid else {"point"}
    _require(dims <= known, "a sweep must have a status for each point", ", ".join(sorted(dims)))
    told = ", ".join(map(str, result["reason"].dims))
    _require(set(result["reason"].dims) == dims, "a sweep must have a reason for each status", told)
    # A field of which one value was chosen has no dimension any more.
    own = [name for name in swept if result[name].dims not in ((), (name,) if grid else ("point",))]
    _require(not own, "a sweep must have the values of its fields", ", ".join(own))
    missing = [name for name in swept if grid and result[name].dims and name not in dims]
    _require(not missing, "a sweep must have a status for each point", f"none over {', '.join(missing)}")
    if "here" in result.attrs:
        _require_names(result, _BORDERS, "phase diagram")
        _require(len(swept) == 2 and grid, "a phase diagram must have two fields", ", ".join(sorted(swept)))
        for name in (*_BORDERS, *swept):
            _require(result[name].dtype.kind in "iuf", f"a phase diagram's {name} must be real numbers", name)
        here = json.loads(result.attrs["here"])
        _require(set(here) in (set(), swept), "a phase diagram's own point must be told in its fields", here)


def _check_measured(result: xr.Dataset) -> None:
    for name in ("adversarial_loss", "operator_norm", "trainability_index"):
        layered = name in result and "layer" in result[name].dims
        _require(not layered, f"a network's {name} must be one of the whole network", "one for each layer")


def _check_comparison(result: xr.Dataset) -> None:
    _require_names(result, (*_COMPARED, "variable"), "comparison")
    for name, number in _COMPARED.items():
        dims = ("variable", "time")[:number]
        rule = f"a comparison's {name} must be over {' and '.join(dims)}"
        _require(result[name].dims == dims, rule, ", ".join(map(str, result[name].dims)))
    _require("seeds" in result.attrs, "a comparison must say of how many runs it is (seeds)", "no number")
    _require(result.attrs["seeds"] >= 2, "a comparison must be of two runs or more", result.attrs["seeds"])


def _check_network(result: xr.Dataset) -> None:
    told = json.loads(result.attrs.get("scenario", "{}"))
    network = told.get("architecture")
    rule = "the result of a network must say of which one it is (scenario: architecture, radius, p)"
    _require(_is_table(network), rule, network)
    slopes = network.get("activation")
    _require(_is_table(slopes) and _is_number(slopes.get("u")) and _is_number(slopes.get("v")), rule, slopes)
    for name in _NUMBERS:
        holds = _is_number(network.get(name)) or _is_table(network.get(name)) or isinstance(network.get(name), list)
        _require(holds or isinstance(network.get(name), str), rule, f"{name}: {network.get(name)!r}")
    _require("shortcut" in network and "radius" in told, rule, sorted(told))
    theory = "adversarial_loss_bound" in result
    if theory:
        _require_names(result, ("adversarial_loss",), "theory of a network")
    for name in ("p", "q") if theory else ():
        _require(_is_list(_is_number)(told.get(name)), rule, f"{name}: {told.get(name)!r}")
    if not theory:
        _require(_is_number(told.get("p")) and "adversarial_weight" in told, rule, sorted(told))
    if "verdict" in result.attrs:  # the words of the verdict name the slowdown
        _require_names(result, ("slowdown",), "verdict on a network")
        _require("advice" in result.attrs, "a verdict on a network must come with advice", "none")


def _require_names(result: xr.Dataset, names: Iterable[str], what: str) -> None:
    missing = [name for name in names if name not in result.variables]
    _require(not missing, f"a {what} must be complete", f"no {', '.join(missing)}")
