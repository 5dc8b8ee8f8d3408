"""The simulator that is exact in law: time per step and seed, at d = 10^3 and 10^6, against a plain NumPy loop."""

import numpy as np

import jominy as jm
from benchmarks.timing import race

SEEDS, STEPS, RADIUS, RATE = 100, 200_000, 0.5, 0.5


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


def measure() -> list[dict]:
    """Rows of the table."""
    few = 200

    def simulate(dimension: int):
        times = [0.0, STEPS / dimension]
        return jm.simulate(problem(dimension), jm.Constant(RATE), times=times, seeds=SEEDS, progress=False)

    timed = race(5, small=lambda: simulate(1000), large=lambda: simulate(1_000_000), loop=lambda: numpy_loop(few))
    each = {
        "small": timed["small"].median / STEPS / SEEDS,
        "large": timed["large"].median / STEPS / SEEDS,
        "loop": timed["loop"].median / few / SEEDS,
    }
    opponent = f"NumPy loop on full vectors, d = 1000: {1e6 * each['loop']:.3g} us"
    return [
        {
            "work": f"SGD step, {SEEDS} seeds, d = {label}",
            "jominy": f"{1e6 * each[name]:.3g} us a step and seed",
            "opponent": opponent,
            "ratio": each["loop"] / each[name],
            "wanted": "<= 0.3 us",
            "note": f"{STEPS} steps, runs {timed[name]}; exact in law, one group",
        }
        for name, label in (("small", "10^3"), ("large", "10^6"))
    ]
