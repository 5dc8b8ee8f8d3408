"""The simulator that is exact in law: time per step and seed at three dimensions, against a plain NumPy loop."""

import numpy as np

import jominy as jm
from benchmarks.timing import Row, race

SEEDS, RADIUS, RATE = 100, 0.5, 0.5
DIMENSIONS = {"10^3": 10**3, "10^6": 10**6, "10^9": 10**9}


def problem(dimension: int) -> jm.Problem:
    """Isotropic least squares with label noise."""
    return jm.Problem(jm.LinearTeacher(jm.identity(dimension), 1.0, 0.25), jm.SquaredLoss(), RADIUS)


def numpy_loop(steps: int, dimension: int = 1000) -> np.ndarray:
    """Full-vector SGD, all seeds at once in NumPy."""
    generator = np.random.default_rng(0)
    teacher = np.full(dimension, dimension**-0.5)
    x = np.zeros((SEEDS, dimension))
    for _ in range(steps):
        sample = generator.standard_normal((SEEDS, dimension))
        error = np.einsum("sd,sd->s", sample, x - teacher) - 0.5 * generator.standard_normal(SEEDS)
        norm = np.sqrt(np.einsum("sd,sd->s", x, x))
        size = np.abs(error) + RADIUS * norm
        pull = np.divide(RADIUS * size, norm, out=np.zeros(SEEDS), where=norm > 0)
        x -= RATE / dimension * ((np.sign(error) * size)[:, None] * sample + pull[:, None] * x)
    return x


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    steps, few, runs = (20_000, 50, 3) if quick else (200_000, 200, 5)

    problems = {dimension: problem(dimension) for dimension in DIMENSIONS.values()}

    def simulate(dimension: int):
        times = [0.0, steps / dimension]
        return jm.simulate(problems[dimension], jm.Constant(RATE), times=times, seeds=SEEDS, progress=False)

    contestants = {name: lambda d=d: simulate(d) for name, d in DIMENSIONS.items()}
    timed = race(runs, **contestants, loop=lambda: numpy_loop(few))
    loop = timed["loop"].per(few * SEEDS)
    each = {name: timed[name].per(steps * SEEDS) for name in DIMENSIONS}
    rows = [
        Row(
            f"SGD step, {SEEDS} seeds, one group, d = {name}",
            f"{each[name]} per step and seed",
            f"NumPy loop on full vectors, all seeds at once, d = 1000: {loop}",
            loop.over(each[name]),
            "<= 0.1 us",
            each[name].median <= 1e-7,
            f"{steps} steps in a run; the observation at both ends and the result are counted too",
        )
        for name in DIMENSIONS
    ]
    spread = max(one.median for one in each.values()) / min(one.median for one in each.values())
    rows.append(
        Row(
            "slowest over fastest of the three dimensions",
            f"{spread:.3g}",
            "none",
            spread,
            "<= 1.2",
            spread <= 1.2,
            "ratio of the medians above",
        )
    )
    return rows
