"""``jominy sweep``: a scenario at many values of its fields."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jominy.cli import output
from jominy.cli.options import add_output, add_rtol, check_outputs
from jominy.cli.sources import require_ending
from jominy.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jominy.study.scenario import NetworkScenario, Scenario
    from jominy.study.sweeps import Engine

ENGINES = ("forecast", "simulate", "homogenize", "optimum", "stationary", "theory", "trainability", "measure")
DESIGNS = ("grid", "zipped", "random", "sobol", "halton", "latin-hypercube")
NO_STORE = "none"

_EPILOG = """\
examples:
  jominy sweep examples/two_class_logistic.toml --over radius=0:1:11 --over rate=log:0.1:2:20 --plot map.png
  jominy sweep examples/power_law.toml --over rate=0.1,0.5,1 --engine simulate --workers 2 --out runs.nc
  jominy sweep examples/sweep.toml --design sobol --points 64 --over radius=0:1 --over rate=log:0.1:2

A field is a path into the scenario (data.components.0.weight, * for every entry) or a name that is unambiguous (rate).
Values: NAME=LOW:HIGH:POINTS, NAME=log:LOW:HIGH:POINTS, NAME=int:LOW:HIGH:POINTS, or NAME=VALUE,VALUE,...
Every point is stored as it arrives: after Ctrl-C, or a crash, the same command goes on where it stopped.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "sweep",
        help="a scenario at many values of its fields, on one machine or a cluster",
        description="Forecast, simulate or analyse a scenario at many values of its fields.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("source", metavar="SCENARIO", help="scenario or network scenario (.toml)")
    points = command.add_argument_group("points (instead of the scenario's [sweep])")
    points.add_argument(
        "--over", action="append", metavar="NAME=VALUES", help="a field and its values; may be repeated"
    )
    points.add_argument("--design", choices=DESIGNS, metavar="DESIGN", help=f"{', '.join(DESIGNS)} (default grid)")
    points.add_argument("--points", type=int, metavar="N", help="how many points, for designs that scatter them")
    points.add_argument("--seed", type=int, metavar="S", help="of scattered points (default 0)")
    command.add_argument(
        "--engine", choices=ENGINES, metavar="ENGINE", help=f"{', '.join(ENGINES)} (default forecast, network: theory)"
    )
    add_rtol(command)
    add_where(command)
    add_output(command, out="save the result as NetCDF", plot="figure: curves over one field, a map over two")
    command.set_defaults(run=run)


def add_where(command: argparse.ArgumentParser) -> None:
    """Where it is computed, and kept."""
    where = command.add_argument_group("where")
    where.add_argument("--workers", type=int, metavar="N", help="processes on this machine (0: this process)")
    where.add_argument(
        "--cluster", metavar="ADDRESS", help="Dask scheduler, tcp://HOST:PORT, or local for one of its own"
    )
    where.add_argument(
        "--store", metavar="DIR", help=f"folder that keeps every point (default SCENARIO.sweep; {NO_STORE}: nowhere)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Sweep; save, print, draw."""
    check_outputs(arguments)
    study = to_tolerance(load_study(arguments.source), arguments.rtol)
    from jominy.study.sweeps import sweep

    design, engine = _design(arguments, study), _engine(arguments)
    result = execute(arguments, lambda **where: sweep(study, design, engine=engine, **where))

    def show() -> None:
        worded = output.worded(arguments, result)
        if arguments.json:
            output.print_json({"sweep": output.as_json(worded)})
        else:
            from jominy.show.sweep_text import sweep_text

            output.tell(sweep_text(worded))

    def figure() -> Figure:
        from jominy.show.sweeps import plot_sweep

        return plot_sweep(result)

    code = output.hand_over(
        arguments, lambda: output.save(arguments, result), show, lambda: output.draw(arguments, figure)
    )
    return code or ended(result)


def _engine(arguments: argparse.Namespace) -> Engine | None:
    from jominy.study.sweeps import Engine

    return None if arguments.engine is None else Engine.called(arguments.engine)


def load_study(source: str) -> Scenario | NetworkScenario:
    """The scenario in a file, of whichever kind it is."""
    from jominy.study.scenario import NetworkScenario, Scenario
    from jominy.study.scenario.toml_file import read_toml

    require_ending(source, [".toml"], "SCENARIO must be a scenario file (.toml)")
    path = Path(source)
    return (NetworkScenario if "network" in read_toml(path) else Scenario).load(path)


def to_tolerance(study: Any, rtol: float | None) -> Any:
    """The scenario with the tolerance that the command line asks for."""
    if rtol is None:
        return study
    from jominy.study.scenario import Scenario

    if not isinstance(study, Scenario):
        raise InputError("--rtol goes with forecasts", "a network scenario", "leave it out: its theory is closed forms")
    return study.changed(rtol=rtol)


def execute(arguments: argparse.Namespace, verb: Callable[..., Any]) -> Any:
    """Call a verb with the executor, workers and store that the arguments name."""
    store = arguments.store if arguments.store is not None else f"{Path(arguments.source).stem}.sweep"
    if arguments.cluster is not None:
        from jominy.study.sweeps.cluster import cluster_executor

        where: Any = cluster_executor(arguments.cluster, arguments.workers)
    else:
        where = nullcontext()
    with where as executor:
        workers = None if executor is not None else arguments.workers
        return verb(executor=executor, workers=workers, store=None if store == NO_STORE else store)


def ended(result: Any) -> int:
    """Notes on standard error, and the exit code: 130 after Ctrl-C, 1 where every point failed."""
    import json

    for note in json.loads(result.attrs["notes"]):
        output.say(note)
    if code := output.exit_code(result):
        output.say(f"jominy: {result.attrs['advice']}")
        return code
    return int(bool((result["status"] == "failed").all()))


def _design(arguments: argparse.Namespace, study: Any) -> Any:
    """The design of the command line, or the scenario's, with what the command line changes of it."""
    from jominy.study.designs.named import named_design, parse_values

    table = study.sweep
    asked = (arguments.over, arguments.design, arguments.points, arguments.seed)
    if all(value is None for value in asked):
        if table is None:
            raise InputError(
                "a sweep needs a field to vary", arguments.source, "--over radius=0:1:11, or a table [sweep.over] in it"
            )
        return table.build()
    if arguments.over is None and table is None:
        raise InputError("a sweep needs a field to vary", arguments.source, "--over radius=0:1:11")
    over = dict(table.build().over) if arguments.over is None else {}
    for text in arguments.over or ():
        name, values = parse_values(text)
        if name in over:
            raise InputError("each field may be varied once", f"--over {text}")
        over[name] = values
    kind = arguments.design or (table.design if table is not None and arguments.over is None else "grid")
    points = arguments.points if arguments.points is not None or table is None or kind != table.design else table.points
    seed = arguments.seed if arguments.seed is not None else 0 if table is None else table.seed
    return named_design(kind, over, points, seed)
