"""A forecast with a million distinct eigenvalues: time and memory of a whole new process."""

import json
import subprocess
import sys

from benchmarks.timing import Row

SCRIPT = """
import json, pathlib, sys, time
import numpy as np
import jominy as jm

def peak():  # not getrusage: that begins with what the process was forked from
    told = dict(line.split(":") for line in pathlib.Path("/proc/self/status").read_text().splitlines())
    return int(told["VmHWM"].split()[0]) * 1024
d = int(sys.argv[1])
values = np.sort(np.random.default_rng(0).gamma(2.0, size=d))
values /= values.mean()
law = jm.power_law(d, 1.5) if sys.argv[2] == "power law" else jm.spectrum(values)
problem = jm.Problem(jm.LinearTeacher(law, 1.0, 0.25), jm.SquaredLoss(), 0.5)
jm.forecast(jm.Problem(jm.LinearTeacher(jm.identity(10), 1.0, 0.25), jm.SquaredLoss(), 0.5), jm.Constant(0.5), time=1)
before = peak()
begin = time.perf_counter()
curve = jm.forecast(problem, jm.Constant(0.5), time=20)
taken = time.perf_counter() - begin
begin = time.perf_counter()
jm.forecast(problem, jm.Constant(0.5), time=20)
print(json.dumps([taken, time.perf_counter() - begin, before, peak(), float(curve.adversarial_risk[-1])]))
"""


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    dimension, rows = 100_000 if quick else 1_000_000, []
    for kind in ("power law", "random values"):
        command = [sys.executable, "-c", SCRIPT, str(dimension), kind]
        found = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(3)]
        first, again, before, peak, _ = (sorted(column)[1] for column in zip(*found, strict=True))
        rows.append(
            Row(
                f"forecast, {dimension} distinct eigenvalues, {kind}, new process",
                f"{first:.2f} s, the second time {again:.2f} s; at most {peak / 1e9:.2f} GB",
                f"the process before it: {before / 1e9:.2f} GB",
                peak / before,
                "<= 5 s, <= 1 GB",
                first <= 5 and peak <= 1e9,
                "medians of three processes; imports and one small forecast come before; ratio: of the memories",
            )
        )
    return rows
