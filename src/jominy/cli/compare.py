"""``jominy compare``: the forecast against SGD itself."""

from __future__ import annotations

import argparse

from jominy.cli import output, printed
from jominy.cli.options import (
    add_bands,
    add_optimizer,
    add_output,
    add_picture,
    add_runs,
    add_seeds,
    add_source,
    scenario,
)

_EPILOG = """\
examples:
  jominy compare examples/breast_cancer.toml --plot figure.png
  jominy compare examples/two_class_logistic.toml --seeds 100 --out study.nc
  jominy compare patients.csv --target ill --radius 0.2 --test-fraction 0.3

--out study.nc writes study.forecast.nc, study.simulation.nc and the comparison, study.nc.
Ctrl-C ends the simulation early; what was done until then is compared.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "compare",
        help="forecast, then run SGD itself, and compare",
        description="Forecast, then run SGD itself with several seeds, and compare the two in standard errors.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source(command)
    add_optimizer(command)
    add_runs(command)
    add_bands(command)
    add_picture(command, default=True)
    add_seeds(command)
    add_output(command, out="save forecast, simulation and comparison as NetCDF")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Forecast, simulate, compare; save, print, draw."""
    from jominy.study.compare import compare

    study = scenario(arguments, ("forecast", "simulation"))
    told = printed.forecast(study, arguments.picture)
    runs = study.simulate()
    agreement = compare(told, runs)

    def show() -> None:
        results = [output.worded(arguments, result) for result in (told, runs, agreement)]
        if arguments.json:
            names = ("forecast", "simulation", "comparison")
            output.print_json({name: output.as_json(one) for name, one in zip(names, results, strict=True)})
        else:
            output.tell(printed.comparison_text(*results))

    code = output.hand_over(
        arguments,
        lambda: output.save(arguments, told, "forecast"),
        lambda: output.save(arguments, runs, "simulation"),
        lambda: output.save(arguments, agreement),
        show,
        lambda: output.draw_curves(arguments, told, runs),
    )
    return code or output.exit_code(runs)
