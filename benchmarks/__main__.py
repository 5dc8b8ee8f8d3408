"""Run every benchmark, print the table, keep it as JSON: `python -m benchmarks [name ...]`."""

import json
import os
import platform
import sys
from pathlib import Path

from benchmarks import architectures, attacks, command_line, forecasts, samples, simulators

ALL = {
    "forecasts": forecasts,
    "simulators": simulators,
    "samples": samples,
    "command_line": command_line,
    "attacks": attacks,
    "architectures": architectures,
}
KEPT = Path("benchmarks/latest.json")


def main(names: list[str]) -> None:
    """Measure and report."""
    rows = []
    for name in names or ALL:
        for row in ALL[name].measure():
            rows.append(row)
            print(f"{row['work']}\n    jominy    {row['jominy']}   (wanted {row['wanted']})", flush=True)
            print(f"    opponent  {row['opponent']}\n    ratio     {row['ratio']:.3g}", flush=True)
            if row["note"]:
                print(f"    {row['note']}", flush=True)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}
    KEPT.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")
    print(f"kept in {KEPT}; {machine['cores']} cores, load {machine['load']:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
