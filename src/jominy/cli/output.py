"""What every command does with a result: a table, or JSON; a file; a figure."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jominy.cli.sources import DATA_FILES
from jominy.errors import UNSHOWN, InputError, printable
from jominy.wording import Reader, said

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


BAD_INPUT = 2


def reader(arguments: argparse.Namespace) -> Reader:
    """Who reads: whoever gave a data file sets everything by options, the others change a scenario."""
    ending = Path(str(getattr(arguments, "source", ""))).suffix.lower()
    return Reader.OPTIONS if ending in DATA_FILES else Reader.SCENARIO


def worded(arguments: argparse.Namespace, result: xr.Dataset) -> xr.Dataset:
    """A result whose advice is in the words of the command line, to be printed; files keep those of Python."""
    who, attrs = reader(arguments), result.attrs
    told: dict[str, Any] = {name: said(str(attrs[name]), who) for name in ("advice", "verdict") if name in attrs}
    if "notes" in attrs:
        told["notes"] = json.dumps([said(note, who) for note in json.loads(attrs["notes"])], ensure_ascii=False)
    changed = result.assign_attrs(told)
    if "reason" in result:  # of each point of a sweep
        import numpy as np

        reasons = result["reason"].copy()
        reasons.values = np.vectorize(lambda reason: said(str(reason), who), otypes=[object])(reasons.values)
        changed = changed.assign(reason=reasons)
    return changed


def say(text: str) -> None:
    """A message beside the result, on standard error, so that standard output holds the result alone."""
    print(printable(text), file=sys.stderr)


def tell(text: str) -> None:
    """The result for people, on standard output; whatever control characters there are in a title are written out."""
    print(printable(text), flush=True)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on standard output; what is not a finite number becomes null."""
    print(_json(value), flush=True)


def save_json(path: str | Path, value: Any, name: str) -> None:
    """Write strict JSON; `name` says what it is if that fails."""
    say(f"saved {write_json(path, value, name)}")


def write_json(path: str | Path, value: Any, name: str) -> Path:
    """The same without a word."""
    from jominy.results.replaced import write_whole

    return write_whole(path, f"{_json(value)}\n".encode(), name)


def _json(value: Any) -> str:
    text = json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False)
    return UNSHOWN.sub(lambda found: json.dumps(found.group())[1:-1], text)


def hand_over(arguments: argparse.Namespace, *steps: Callable[[], object]) -> int:
    """Save, print and draw what was computed: each step is done though one before it could not be.

    Returns 0, or 2 where a step could not be done; each of those is told in one line.
    """
    code = 0
    for step in steps:
        try:
            step()
        except InputError as error:
            say(f"jominy {arguments.command}: {said(str(error), reader(arguments))}")
            code = BAD_INPUT
        except BrokenPipeError:  # the reader of our output has left, as in `jominy ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def save(arguments: argparse.Namespace, result: xr.Dataset, part: str = "") -> None:
    """Write a result where ``--out`` says; ``part`` tells several files of one command apart."""
    if arguments.out is None:
        return
    from jominy.results import save as save_result

    say(f"saved {save_result(result, _part(arguments.out, part))}")


def _part(out: str, part: str) -> Path:
    """The file beside `out` that a part goes to; a device gets all of them itself."""
    from jominy.results.replaced import is_stream

    path = Path(out)
    return path.with_suffix(f".{part}{path.suffix}") if part and path.name and not is_stream(path) else path


def draw(arguments: argparse.Namespace, figure: Callable[[], Figure]) -> None:
    """Draw the figure that ``--plot`` asks for."""
    if arguments.plot is not None:
        say(f"drawn {save_drawing(arguments.plot, figure)}")


def save_drawing(path: str | Path, figure: Callable[[], Figure]) -> Path:
    """Draw a figure into a file; ``InputError`` for whatever keeps matplotlib from it."""
    from jominy.show.figures import save_figure

    try:
        return save_figure(figure(), path)
    except InputError:
        raise
    except Exception as error:  # of another library, or of a matplotlib set up by the user
        raise InputError("the figure could not be drawn", f"{type(error).__name__}: {error}") from error


def draw_curves(
    arguments: argparse.Namespace, forecast: xr.Dataset | None, simulation: xr.Dataset | None = None
) -> None:
    """Draw a forecast, runs, or one over the other."""

    def figure() -> Figure:
        from jominy.show.figures import plot

        return plot(forecast, simulation)

    draw(arguments, figure)


def check_outputs(arguments: argparse.Namespace, parts: Sequence[str] = ()) -> None:
    """Say now, not after the computation, that a result or a figure cannot be written, or would replace what is read.

    `parts` are the files that are written beside that of ``--out``.
    """
    out, plot = getattr(arguments, "out", None), getattr(arguments, "plot", None)
    if out is None and plot is None:
        return
    from jominy.results.replaced import is_stream, require_place

    if out is not None:
        require_place(out, "--out")
        if parts and is_stream(out) and not os.path.samefile(out, os.devnull):
            raise InputError("--out of several files must be the name of a file", out, "such as study.nc")
        for part in parts:
            require_place(_part(out, part), "--out")
    if plot is not None:
        from jominy.show.figures import check_figure_name

        check_figure_name(plot, "--plot")
    names = ("source", "inputs", "labels", "weights")
    read = [name for name in (getattr(arguments, one, None) for one in names) if name is not None]
    for option, target in (("--out", out), ("--plot", plot)):
        if target is not None and any(_same(target, name) for name in read):
            raise InputError(f"{option} would replace the file that is read", target, "choose another name")
    if out is not None and plot is not None and (Path(out) == Path(plot) or _same(out, plot)):
        raise InputError("--out and --plot must be two files", out)


def _same(one: str, other: str) -> bool:
    """Whether two names stand for one file that is there; a device may be named twice."""
    try:
        return os.path.isfile(one) and os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def as_json(result: xr.Dataset) -> dict[str, Any]:
    """A result as plain values: attributes, coordinates, variables; runs are summed up as mean, spread and error."""
    values: dict[str, Any] = {"attributes": {key: _parsed(value) for key, value in result.attrs.items()}}
    values["coordinates"] = {str(name): coordinate.values.tolist() for name, coordinate in result.coords.items()}
    values["variables"] = {str(name): _variable(result[name]) for name in result.data_vars}
    return values


def _variable(values: xr.DataArray) -> dict[str, Any]:
    described = {"long_name": values.attrs.get("long_name", ""), "units": values.attrs.get("units", "")}
    runs = next((name for name in ("seed", "network") if name in values.dims), None)
    if runs is None or values.dtype.kind not in "iufb":  # words have no mean
        return {**described, "dimensions": list(map(str, values.dims)), "values": values.values.tolist()}
    from jominy.numerics.averages import mean_and_spread

    mean, spread = mean_and_spread(values.transpose(runs, ...).values)
    return {
        **described,
        "dimensions": [str(dim) for dim in values.dims if dim != runs],
        "mean": mean.tolist(),
        "standard_deviation": spread.tolist(),
        "standard_error": (spread / math.sqrt(max(values.sizes[runs], 1))).tolist(),
    }


def _parsed(value: Any) -> Any:
    """Attributes that hold JSON text, as what they hold."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def plain(value: Any) -> Any:
    """``value`` for strict JSON: not-a-number and infinity, which it does not know, become null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def exit_code(result: xr.Dataset) -> int:
    """130 after an interrupted run, whose partial result is kept; 0 otherwise, a divergence being a result too."""
    from jominy.results import Status

    return 130 if result.attrs.get("status") == Status.INTERRUPTED.label else 0
