"""What a user's own table costs: as commands in new processes, and as further questions in one process."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

import jominy as jm
from benchmarks.timing import Row, Timed, race

CALL = "import sys; from jominy.cli.main import main; sys.exit(main())"


def skewed(count: int, dimension: int, seed: int, positive: float = 0.39) -> tuple[np.ndarray, np.ndarray]:
    """Counts of words as in mail: not negative, skewed, mostly zero, correlated; that share of the labels is 1."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < positive).astype(int)
    common = rng.standard_normal((count, 6)) @ rng.standard_normal((6, dimension)) / 2
    moved = np.outer(labels - positive, rng.standard_normal(dimension)) * 0.45
    present = rng.random((count, dimension)) < rng.uniform(0.1, 0.8, dimension)
    return np.where(present, np.exp(common + rng.standard_normal((count, dimension)) + moved), 0.0), labels


def wide(count: int, dimension: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Fewer rows than features, whose variances fall off, as those of genes do."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    sizes = (1 + np.arange(dimension)) ** -0.3
    shift = 0.2 * rng.standard_normal(dimension)
    return (rng.standard_normal((count, dimension)) + np.outer(2 * labels - 1, shift)) * sizes, labels


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """28 x 28 pixels from 0 to 1, smooth, dark at the edges, of two kinds."""
    rng = np.random.default_rng(seed)
    place = np.arange(28)
    smooth = np.linalg.cholesky(np.exp(-((place[:, None] - place) ** 2) / 18) + 1e-6 * np.eye(28))
    labels = rng.integers(0, 2, count)
    kinds, noise = (smooth @ rng.standard_normal((n, 28, 28)) @ smooth.T for n in (2, count))
    light = np.exp(-((place[:, None] - 13.5) ** 2 + (place - 13.5) ** 2) / 60)
    return np.clip((0.7 * noise + kinds[labels]) * light * 2 - 0.4, 0, 1).reshape(count, 784), labels


def _csv(folder: Path, name: str, table: tuple[np.ndarray, np.ndarray]) -> Path:
    features, labels = table
    path = folder / f"{name}.csv"
    header = ",".join([*(f"x{k}" for k in range(features.shape[1])), "y"])
    np.savetxt(path, np.column_stack([features, labels]), fmt="%.4g", delimiter=",", header=header, comments="")
    return path


def _npz(folder: Path, name: str, table: tuple[np.ndarray, np.ndarray]) -> Path:
    path = folder / f"{name}.npz"
    np.savez(path, X=table[0], y=table[1])
    return path


def _run(cache: Path, *arguments: str | Path) -> float:
    """Seconds of a command in a new process."""
    begin = time.perf_counter()
    command = [sys.executable, "-c", CALL, *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "XDG_CACHE_HOME": str(cache)})
    return time.perf_counter() - begin


def _command(runs: int, *arguments: str | Path) -> tuple[Timed, Timed]:
    """The command for the first time, when nothing compiled is kept yet, and for the second."""
    cold, again = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(_run(Path(cache), *arguments))
            again.append(_run(Path(cache), *arguments))
    return Timed(tuple(cold)), Timed(tuple(again))


def _against_simulation(runs: int, words: str, path: Path, limit: float) -> Row:
    rest = (path, "--target", "y", "--radius", "0.2")
    told, told_again = _command(runs, "forecast", *rest)
    seen, seen_again = _command(runs, "simulate", *rest)
    ratio = seen.over(told)
    return Row(
        f"jominy forecast, {words}, new process, nothing compiled before",
        str(told),
        f"jominy simulate, 20 seeds, likewise: {seen}",
        ratio,
        f"<= {limit:g} s, no dearer than 20 seeds",
        told.median <= limit and ratio >= 1,
        f"in the next new process, when what was compiled is kept: {told_again}, 20 seeds {seen_again}",
    )


def _alone(runs: int, command: str, words: str, path: Path, limit: float) -> Row:
    target = ("--target", "y") if path.suffix == ".csv" else ()
    cold = _command(runs, command, path, *target, "--radius", "0.2")[0]
    seeds = ", 20 seeds" if command == "compare" else ""
    work = f"jominy {command}, {words}{seeds}, new process"
    return Row(work, str(cold), "", None, f"<= {limit:g} s", cold.median <= limit)


def _in_one_process(runs: int) -> list[Row]:
    """Questions after the first, as in a notebook."""
    samples = jm.Samples(*skewed(3447, 57, 0))
    number = iter(range(10**6))

    def problem() -> jm.Problem:
        return jm.Problem(samples, jm.LogisticLoss(), 0.2 + 1e-6 * next(number))

    fixed, rate = problem(), jm.Constant(1.0)
    timed = race(
        runs,
        new=lambda: jm.forecast(problem(), rate, time=10),
        again=lambda: jm.forecast(fixed, rate, time=10),
        seeds=lambda: jm.simulate(problem(), rate, time=10, seeds=20, progress=False),
        optimum=lambda: jm.optimum(problem()),
        scipy=lambda: _scipy_optimum(samples, problem().final_radius),
    )
    words = "3,447 x 57, in one process"
    return [
        Row(
            f"forecast, {words}, a new radius each time",
            str(timed["new"]),
            f"20 seeds of jominy's SGD, compiled: {timed['seeds']}",
            timed["seeds"].over(timed["new"]),
            "> 1",
            timed["seeds"].over(timed["new"]) > 1,
            f"the very same question again: {timed['again']}",
        ),
        Row(
            f"optimum, {words}, a new radius each time",
            str(timed["optimum"]),
            f"SciPy BFGS with the gradient in NumPy: {timed['scipy']}",
            timed["scipy"].over(timed["optimum"]),
            "> 1",
            timed["scipy"].over(timed["optimum"]) > 1,
        ),
    ]


def _scipy_optimum(samples: jm.Samples, radius: float) -> np.ndarray:
    folded = samples.features * samples.targets[:, None]

    def risk(x: np.ndarray) -> tuple[float, np.ndarray]:
        norm = np.linalg.norm(x)
        margin = folded @ x - radius * norm
        wrong = expit(-margin)
        slope = radius * wrong.mean() * x / norm - wrong @ folded / len(folded)
        return float(np.mean(np.logaddexp(0, -margin))), slope

    return minimize(risk, folded.mean(axis=0), jac=True, method="BFGS", options={"gtol": 1e-8}).x


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    runs = 1 if quick else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [
            _against_simulation(runs, "3,447 x 57", _csv(folder, "mail", skewed(3447, 57, 0)), 4.0),
            _against_simulation(runs, "570 x 30", _csv(folder, "small", skewed(570, 30, 1)), 3.0),
        ]
        tall = _csv(folder, "tall", skewed(50_000, 20, 2))
        rows.append(_alone(runs, "forecast", "50,000 x 20", tall, 5.0))
        rows.append(_alone(1, "compare", "50,000 x 20", tall, 30.0))
        rows.append(_alone(runs, "forecast", "2,000 x 5,000", _npz(folder, "wide", wide(2000, 5000, 3)), 20.0))
        rows.append(_alone(runs, "forecast", "12,000 x 784", _npz(folder, "pixels", pictures(12_000, 4)), 20.0))
    return rows + _in_one_process(3 if quick else 7)
