"""Entry point of the ``jominy`` command."""

from __future__ import annotations

import argparse
import atexit
import gc
import io
import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from jominy.cli import (
    advise,
    audit,
    check,
    claims,
    compare,
    design,
    diagnose,
    explore,
    fit,
    forecast,
    homogenize,
    network,
    optimum,
    output,
    pareto,
    phase,
    plot,
    report,
    schema,
    signals,
    simulate,
    sweep,
)
from jominy.cli.output import BAD_INPUT as BAD_INPUT
from jominy.errors import InputError, printable
from jominy.wording import did_you_mean, said

_EXAMPLES = """\
examples:
  jominy forecast examples/power_law.toml
  jominy compare examples/breast_cancer.toml --plot figure.png
  jominy forecast patients.csv --target ill --radius 0.2

`jominy COMMAND --help` says more.
"""


_NUMBERS = re.compile(r"^-[\d.][\d.,:eE+/-]*$")
"""What begins like an option and is a value: argparse knows of single negative numbers alone, and not of lists."""


class _Parser(argparse.ArgumentParser):
    """argparse prints its whole usage before the message; one line says it too, and what may have been meant."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._negative_number_matcher = _NUMBERS

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, printable(f"{self.prog}: {message}. See `{self.prog} --help`.") + "\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's; what is unknown is an error of the command's own, which knows what there is."""
        for word in args or ():
            if word == "--" or (self._subparsers is not None and not word.startswith("-")):  # a command: it knows more
                break
            if word.startswith("--"):
                self._require_option(word.partition("=")[0])
        found, unknown = super().parse_known_args(args, namespace)
        for word in unknown:
            if word.startswith("-"):
                self._require_option(word.partition("=")[0])
        if unknown:
            self.error(f"unexpected argument {unknown[0]!r}")
        return found, unknown

    def _require_option(self, word: str) -> None:
        options = list(self._option_string_actions)
        if not any(option.startswith(word) for option in options):
            step = did_you_mean(word, [option for option in options if option.startswith("--")]).strip()
            self.error(f"there is no option {word}" + (f" ({step})" if step else ""))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = ", ".join(map(str, action.choices))
            step = did_you_mean(value, action.choices).strip()
            raise argparse.ArgumentError(action, f"invalid choice: {value!r} ({step or f'choose from {known}'})")


def parser() -> argparse.ArgumentParser:
    """The whole command line; nothing heavy is imported to build it."""
    from jominy import __version__

    root = _Parser(
        prog="jominy",
        description="Forecast adversarial training before it is run, and check the forecast against the real thing.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"jominy {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    of_scenarios = (forecast, simulate, homogenize, compare, optimum, fit, advise, design, pareto, sweep, phase)
    for module in (*of_scenarios, explore, network, diagnose, audit, check, claims, plot, report, schema):
        module.add(commands)
    return root


FAST_TO_COMPILE = ("--xla_backend_optimization_level=0", "--xla_cpu_use_fusion_emitters=false")
"""`make test` runs under them, so that every program is checked as it is compiled here. The two together once made a
derivative wrong by some per cent, where an array was written in place from other pieces of itself (jax 0.10.2)."""
ONE_SOLVE = ("forecast", "optimum", "advise", "design", "pareto")
"""Commands that compile for seconds and then compute for milliseconds."""


def _set_up(command: str) -> None:
    """Let JAX keep what it compiles in the user's cache folder, and not optimise what runs once.

    Only for the command itself (a library must not configure JAX); a setting of the user's own comes first.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that lacks a letter gets its number, not a traceback
        sys.stdout.reconfigure(errors="backslashreplace")
    atexit.register(gc.freeze)  # what JAX and pandas have made need not be searched for garbage before the process ends
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "jominy", "compiled")
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", folder)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
    if command in ONE_SOLVE:
        gc.disable()  # nor while they are imported: together a second
        sys.modules.setdefault("dask", None)  # type: ignore[arg-type]  # xarray imports it to ask arrays if they are its
        # Compiles three times faster and computes more slowly. Other compilers may not know the second flag, and end.
        from importlib.metadata import version

        tested = version("jaxlib").startswith("0.10.")
        os.environ.setdefault("XLA_FLAGS", " ".join(FAST_TO_COMPILE if tested else FAST_TO_COMPILE[:1]))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it did what was asked, 2 on bad input, 130 after Ctrl-C, 143 after SIGTERM.

    Examples
    --------
    >>> main(["schema"]) # doctest: +ELLIPSIS
    {
      "$schema": ...
    0
    """
    if argv is not None:
        return _run(argv)
    signals.take_over()
    try:
        signals.begin()
        code = _run(None)
        signals.let_go()
        return code
    except (KeyboardInterrupt, signals.Terminated) as stop:  # a second one, or one outside of the command itself
        number = signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM
        print(signals.said(number), file=sys.stderr)
        return 128 + number


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:  # --help, --version, bad arguments: argparse has said all there is to say
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    if argv is None:
        _set_up(arguments.command)
    try:
        return arguments.run(arguments)
    except InputError as error:
        output.say(f"jominy {arguments.command}: {said(str(error), output.reader(arguments))}")
        return BAD_INPUT
    except KeyboardInterrupt:
        output.say(f"jominy {arguments.command}: interrupted")
        return signals.INTERRUPTED
    except signals.Terminated:
        output.say(f"jominy {arguments.command}: terminated")
        return signals.TERMINATED
    except BrokenPipeError:  # the reader of our output has left, as in `jominy ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
