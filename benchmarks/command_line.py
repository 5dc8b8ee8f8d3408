"""The command line as whole processes: help, and a first forecast, cold."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.timing import Row, race

EXAMPLE = Path(__file__).parent.parent / "examples" / "power_law.toml"
CALL = "import sys; from jominy.cli.main import main; sys.exit(main())"


def _run(*arguments: str) -> None:
    """The command as a user calls it for the first time: nothing compiled is kept yet."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-c", CALL, *arguments]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "XDG_CACHE_HOME": cache})


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    timed = race(
        3 if quick else 5,
        help=lambda: _run("--help"),
        forecast=lambda: _run("forecast", str(EXAMPLE)),
        imports=lambda: subprocess.run([sys.executable, "-c", "import jax, equinox, xarray"], check=True),
    )
    return [
        Row(
            f"jominy {name}{' power_law.toml' if name == 'forecast' else ''}, new process",
            str(timed[name]),
            f"python -c 'import jax, equinox, xarray' {timed['imports']}",
            timed["imports"].over(timed[name]),
            f"<= {limit:g} s",
            timed[name].median <= limit,
        )
        for name, limit in {"help": 0.3, "forecast": 4.0}.items()
    ]
