"""What is wrong with a scenario, in one sentence that names the key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from jominy.errors import InputError
from jominy.parts import REGISTRIES
from jominy.wording import did_you_mean

# Said first when several things are wrong: a misspelt key explains the missing one, a missing kind everything below it.
_ORDER = ("extra_forbidden", "union_tag_not_found", "union_tag_invalid", "missing")
_LONGEST = 120  # characters of a key that are shown
_WORDS = {
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": 'must be text, in "quotes"',
    "list_type": "must be a list, in [brackets]",
    "finite_number": "must be finite",
}


def explain(error: ValidationError, given: Any, source: str, model: type[BaseModel]) -> InputError:
    """Turn pydantic's report into one :class:`InputError` about the most telling of its findings."""
    findings = error.errors(include_url=False)
    ranked = sorted(findings, key=lambda f: _ORDER.index(f["type"]) if f["type"] in _ORDER else len(_ORDER))
    first = ranked[0]
    keys = _keys_in(given, first["loc"])
    if first["type"] == "missing":
        keys.append(first["loc"][-1])
    where = _dotted(keys)
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = _allowed_keys(model, given, keys[:-1])
        step = f"{did_you_mean(keys[-1], allowed)}Keys allowed there: {', '.join(sorted(allowed))}"
        return InputError(f"{source}: there is no key {where!r}", first["input"], step)
    if kind == "missing":
        return InputError(f"{source}: the key {where!r} is missing", next_step=_how_to_add(keys))
    if kind == "union_tag_not_found":
        return InputError(
            f"{source}: {where!r} must be a table with a kind", first["input"], f"kinds: {_tags(model, given, keys)}"
        )
    if kind == "union_tag_invalid":
        refused = next((one.refused[context["tag"]] for one in REGISTRIES if context["tag"] in one.refused), None)
        step = refused or did_you_mean(context["tag"], _kinds_at(model, given, keys))
        return InputError(f"{source}: '{where}.kind' must be one of {context['expected_tags']}", context["tag"], step)
    several = [f for f in findings if _keys_in(given, f["loc"]) == keys]
    table = _example(_models(model, given, keys))
    words = " or ".join(dict.fromkeys(_sentence(finding, table).removeprefix("must be ") for finding in several))
    return InputError(f"{source}: {where!r} must be {words}", first["input"])


def _example(tables: Sequence[type[BaseModel]]) -> str:
    """How a table at this place starts: with its kind if it has one, else with its keys."""
    fields = list(tables[0].model_fields) if tables else []
    return "{ kind = ... }" if "kind" in fields else "{ " + ", ".join(f"{name} = ..." for name in fields[:3]) + " }"


def _sentence(finding: Any, table: str) -> str:
    if finding["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be a table, such as {table}"
    if finding["type"] in _WORDS:
        return _WORDS[finding["type"]]
    if finding["type"] == "literal_error":
        return finding["ctx"]["expected"]
    text = finding["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return text.replace("greater than or equal to", ">=").replace("less than or equal to", "<=").replace(
        "greater than", ">"
    ).replace("less than", "<")  # fmt: skip


def _keys_in(given: Any, location: Sequence[int | str]) -> list[int | str]:
    """Pydantic's location without the names of union members, which are not in the file."""
    keys: list[int | str] = []
    for part in location:
        if isinstance(given, dict) and part in given:
            keys.append(part)
            given = given[part]
        elif isinstance(given, list) and isinstance(part, int) and part < len(given):
            keys.append(part)
            given = given[part]
    return keys


def _dotted(keys: Sequence[int | str]) -> str:
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else (f".{key}" if text else key)
    return (text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "...") or "the scenario"


def _how_to_add(keys: Sequence[int | str]) -> str:
    if list(keys) in (["data"], ["loss"], ["schedule"]):
        return f"add a table [{keys[0]}] with a kind; `jominy schema` lists what there is"
    return "`jominy schema` says what it holds"


def _models(model: type[BaseModel], given: Any, keys: Iterable[int | str]) -> list[type[BaseModel]]:
    """The tables that may stand at a place in the file."""
    here: list[type[BaseModel]] = [model]
    for key in keys:
        given = given[key]
        if isinstance(key, str):
            here = [inner for table in here if key in table.model_fields for inner in _tables(table.model_fields[key])]
        if isinstance(given, dict) and "kind" in given:
            chosen = [table for table in here if given["kind"] in _kinds(table)]
            here = chosen or here
    return here


def _allowed_keys(model: type[BaseModel], given: Any, keys: Sequence[int | str]) -> list[str]:
    return [name for table in _models(model, given, keys) for name in table.model_fields]


def _tags(model: type[BaseModel], given: Any, keys: Sequence[int | str]) -> str:
    return ", ".join(map(repr, _kinds_at(model, given, keys)))


def _kinds_at(model: type[BaseModel], given: Any, keys: Sequence[int | str]) -> list[str]:
    return [kind for table in _models(model, given, keys) for kind in _kinds(table)]


def _kinds(table: type[BaseModel]) -> tuple[str, ...]:
    field = table.model_fields.get("kind")
    return getattr(field.annotation, "__args__", ()) if field is not None else ()


def _tables(annotation: Any) -> list[type[BaseModel]]:
    """Every table inside a type, however it is wrapped in unions, lists and annotations."""
    inner = getattr(annotation, "annotation", annotation)
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return [inner]
    return [table for part in getattr(inner, "__args__", ()) for table in _tables(part)]
