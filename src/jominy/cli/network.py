"""``jominy network``: the theory of a deep network under attack, and real networks beside it."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from jominy.cli import output
from jominy.cli.options import add_output, check_outputs, numbers
from jominy.cli.sources import require_ending
from jominy.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jominy.study.scenario import NetworkScenario

_EPILOG = """\
examples:
  jominy network examples/plain_network.toml
  jominy network examples/plain_network.toml --width 512 --measure
  jominy network examples/plain_network.toml --measure --radius 0.05,0.2,0.5,1,1.3 --plot figure.png

The theory needs no PyTorch; --measure does: pip install -c constraints.txt '.[torch]' in a copy of the repository.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = commands.add_parser(
        "network",
        help="a deep network before training: loss under attack, trainability",
        description="What the mean-field theory says of a random network: adversarial loss, weight variance, "
        "capacity, whether it can be trained against attacks; and, measured, what real networks do.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("source", metavar="SCENARIO", help="network scenario (.toml)")
    command.add_argument("--measure", action="store_true", help="also measure real random networks (PyTorch)")
    changes = command.add_argument_group("settings (instead of the scenario's)")
    changes.add_argument("--radius", type=numbers, metavar="R,R,...", help="norm of the attack, or several")
    changes.add_argument("--width", type=int, metavar="N", help="units per layer")
    changes.add_argument("--depth", type=int, metavar="L", help="hidden layers")
    changes.add_argument("--networks", type=int, metavar="N", help="real networks to measure")
    add_output(
        command,
        out="save the theory (and more beside it: FILE.trainability.nc, ...) as NetCDF",
        plot="figure of the adversarial loss against the radius, or what varies",
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Theory, perhaps measurement; save, print, draw."""
    check_outputs(arguments, ("trainability", *(("measured", "comparison") if arguments.measure else ())))
    study = _study(arguments)
    told, trained = study.theory(), study.trainability()
    results: dict[str, Any] = {"theory": told}
    if trained is not None:
        results["trainability"] = trained
    measured, failure = None, None
    if arguments.measure:
        try:
            measured = study.measure_real()
        except InputError as error:  # the theory is told all the same
            failure = error
    if measured is not None:
        results["measured"] = measured
        if measured.sizes["network"] > 1:  # one network has no standard error
            from jominy.study import compare

            known = told if trained is None else told.assign(trained.drop_vars("longest_time", errors="ignore"))
            results["comparison"] = compare(known, measured)

    def save(name: str) -> None:
        output.save(arguments, results[name], "" if name == "theory" else name)

    def show() -> None:
        if arguments.json:
            output.print_json({name: output.as_json(result) for name, result in results.items()})
        else:
            from jominy.show.network_text import network_text

            output.tell(network_text(told, trained, measured))

    def figure() -> Figure:
        from jominy.show.network_figures import plot_network

        return plot_network(told, trained, measured, title=study.title)

    code = output.hand_over(
        arguments, *(partial(save, name) for name in results), show, lambda: output.draw(arguments, figure)
    )
    if failure is not None:
        raise failure
    return code or (0 if measured is None else output.exit_code(measured))


def _study(arguments: argparse.Namespace) -> NetworkScenario:
    """The scenario with the changes asked for; a title that may name what has changed says so."""
    from jominy.study.scenario import NetworkScenario

    require_ending(arguments.source, [".toml"], "SCENARIO must be a network scenario (.toml)")
    study = NetworkScenario.load(arguments.source)
    names = ("radius", "width", "depth", "networks")
    changes = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if len(changes.get("radius", ())) == 1:
        changes["radius"] = changes["radius"][0]
    if study.title and changes.keys() - {"networks"}:
        told = {name: getattr(arguments, name) for name in changes if name != "networks"}
        words = "; ".join(f"{name} {str(value).strip('[]')}" for name, value in told.items())
        changes["title"] = f"{study.title} [changed: {words}]"
    return study.changed(**changes) if changes else study
