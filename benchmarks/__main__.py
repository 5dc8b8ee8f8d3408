"""Run benchmarks, print the table, keep it as JSON and as a page: `python -m benchmarks [name ...]`."""

import argparse
import dataclasses
import importlib
import json
import os
import platform
import sys
from pathlib import Path

from benchmarks.page import write_page

ALL = {
    "forecasts": "one warm forecast with 4000 distinct eigenvalues, against SciPy",
    "small_systems": "logistic classes and 24 compressed nodes, against SciPy and torchdiffeq",
    "single_features": "forecasts under l_inf beside the same under l2, and a thousand at once",
    "lanes": "ten thousand forecasts at once, against SciPy; a gradient through the solver",
    "simulators": "the simulator that is exact in law, at three dimensions",
    "full_vectors": "full-vector SGD, against loops in NumPy and PyTorch and the random numbers alone",
    "samples": "forecasts on real samples, against jominy's own SGD",
    "tables": "a user's own tables: as commands in new processes, and as further questions in one",
    "memory": "time and memory with a million distinct eigenvalues",
    "scaling": "cost against nodes, classes, lanes and seeds: slopes in log-log",
    "command_line": "help and a first forecast as whole processes",
    "explorer": "first paint and slider steps of the explorer's page, in a headless Chromium",
    "attacks": "attacks on wide networks",
    "architectures": "ten thousand architectures at once",
}
KEPT, PAGE = Path("benchmarks/latest.json"), Path("docs/benchmarks.md")


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    listed = "\n".join(f"  {name:14} {words}" for name, words in ALL.items())
    options = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Speed against named opponents, on the same work in the same run. Benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("names", nargs="*", metavar="name", help="which to run; all, if none is named")
    options.add_argument("--quick", action="store_true", help="less work and three runs: a look, not a measurement")
    options.add_argument(
        "--page", action="store_true", help=f"only write {PAGE} from {KEPT} (done after a full run anyway)"
    )
    return options


def main(arguments: list[str]) -> int:
    """Measure and report; rows that were not run again keep their last figures, except in a quick look."""
    options = parser()
    chosen = options.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in ALL]
    if unknown:
        options.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(ALL)}")
    if chosen.page:
        if not KEPT.exists():
            options.error(f"there is no {KEPT} yet; run the benchmarks first")
        write_page(json.loads(KEPT.read_text()), PAGE)
        return 0
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    kept = {name: found for name, found in kept.items() if name in ALL}  # benchmarks come and go
    for name in chosen.names or ALL:
        before = os.getloadavg()[0]
        rows = [dataclasses.asdict(row) for row in importlib.import_module(f"benchmarks.{name}").measure(chosen.quick)]
        for row in rows:
            _show(row)
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "processor": _processor()}
        kept[name] = {"machine": machine, "load": [before, os.getloadavg()[0]], "rows": rows}
        if not chosen.quick:
            KEPT.write_text(json.dumps(kept, indent=2) + "\n")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if not chosen.quick:
        write_page(kept, PAGE)
        print(f"kept in {KEPT} and {PAGE}")
    return 0


def _show(row: dict) -> None:
    verdict = {True: "met", False: "NOT MET", None: "no target"}[row["met"]]
    print(f"{row['work']}\n    jominy    {row['jominy']}\n    opponent  {row['opponent']}")
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.3g}   "
    print(f"    ratio     {ratio}wanted {row['wanted']}: {verdict}", flush=True)
    if row["note"]:
        print(f"    {row['note']}", flush=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
