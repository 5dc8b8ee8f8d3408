"""Full-vector SGD: against the loop that a user would write, and against the cost of its random numbers alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import torch

import jominy as jm
from benchmarks.timing import Row, race

RADIUS, RATE, NOISE = 0.5, 0.5, 0.5
CORES = 2


def numpy_loop(dimension: int, steps: int) -> np.ndarray:
    """One seed, one sample per step, as one writes it."""
    rng = np.random.default_rng(0)
    teacher, x = np.full(dimension, dimension**-0.5), np.zeros(dimension)
    for _ in range(steps):
        sample = rng.standard_normal(dimension)
        error = sample @ (x - teacher) - NOISE * rng.standard_normal()
        norm = np.linalg.norm(x)
        size = abs(error) + RADIUS * norm
        pull = RADIUS * size / norm if norm > 0 else 0.0
        x -= RATE / dimension * (np.sign(error) * size * sample + pull * x)
    return x


def torch_loop(dimension: int, steps: int) -> torch.Tensor:
    """The same in PyTorch, double precision, without autograd."""
    generator = torch.Generator().manual_seed(0)
    teacher = torch.full((dimension,), dimension**-0.5, dtype=torch.float64)
    x = torch.zeros(dimension, dtype=torch.float64)
    for _ in range(steps):
        sample = torch.randn(dimension, generator=generator, dtype=torch.float64)
        error = sample @ (x - teacher) - NOISE * torch.randn((), generator=generator, dtype=torch.float64)
        norm = torch.linalg.vector_norm(x)
        size = abs(error) + RADIUS * norm
        pull = RADIUS * size / norm if norm > 0 else 0.0
        x -= RATE / dimension * (torch.sign(error) * size * sample + pull * x)
    return x


def generators(dimension: int, steps: int) -> dict[str, Callable[[], object]]:
    """Nothing but the normals, a step's worth at a time, on one thread and one generator for each core."""

    def on_all_cores(draw: Callable[[int], None]) -> Callable[[], object]:
        def run():
            with ThreadPoolExecutor(CORES) as pool:
                return list(pool.map(draw, range(CORES)))

        return run

    def numpy_draws(kind) -> Callable[[int], None]:
        def draw(core: int) -> None:
            rng, out = np.random.Generator(np.random.SFC64(core)), np.empty(dimension, dtype=kind)
            for _ in range(steps // CORES):
                rng.standard_normal(out=out, dtype=kind)

        return draw

    def torch_draws(kind) -> Callable[[int], None]:
        def draw(core: int) -> None:
            generator, out = torch.Generator().manual_seed(core), torch.empty(dimension, dtype=kind)
            for _ in range(steps // CORES):
                out.normal_(generator=generator)

        return draw

    compiled = jax.jit(lambda key: jax.random.normal(key, (16, dimension), dtype="float32"))

    def jax_draws(core: int) -> None:
        for k in range(steps // CORES // 16):
            compiled(jax.random.fold_in(jax.random.key(core), k)).block_until_ready()

    return {
        "NumPy float64": on_all_cores(numpy_draws(np.float64)),
        "NumPy float32": on_all_cores(numpy_draws(np.float32)),
        "PyTorch float64": on_all_cores(torch_draws(torch.float64)),
        "PyTorch float32": on_all_cores(torch_draws(torch.float32)),
        "JAX float32, compiled": on_all_cores(jax_draws),
    }


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    dimension, steps, seeds = 10_000, (640 if quick else 6400), 4
    torch.set_num_threads(1)
    problem = jm.Problem(jm.LinearTeacher(jm.identity(dimension), 1.0, NOISE**2), jm.SquaredLoss(), RADIUS)
    times = [0.0, steps / dimension]

    def simulate(count: int):
        return jm.simulate(
            problem, jm.Constant(RATE), times=times, seeds=count, full_vectors=True, progress=False
        ).norm.values

    drawing = generators(dimension, steps)
    timed = race(
        3 if quick else 5,
        one=lambda: simulate(1),
        several=lambda: simulate(seeds),
        numpy=lambda: numpy_loop(dimension, steps),
        torch=lambda: torch_loop(dimension, steps),
        **drawing,
    )
    numbers = steps * dimension
    each = {name: time.per(numbers * (seeds if name == "several" else 1)) for name, time in timed.items()}
    fastest = min(drawing, key=lambda name: each[name].median)
    rows = []
    for name, label in (("several", f"{seeds} seeds"), ("one", "one seed")):
        ours, floor = each[name], each[fastest]
        rows.append(
            Row(
                f"full-vector SGD, d = 10^4, {label}, per coordinate",
                str(ours),
                f"random numbers alone, the fastest of {', '.join(drawing)}, {CORES} threads: {fastest} {floor}",
                ours.over(floor),
                "<= 1.5",
                ours.over(floor) <= 1.5,
                "ratio: jominy's time over that of the numbers alone; all of them: "
                + "; ".join(f"{other} {each[other]}" for other in drawing),
            )
        )
        for opponent, words in (("numpy", "NumPy"), ("torch", "PyTorch (double)")):
            ratio = each[opponent].over(ours)
            rows.append(
                Row(
                    f"full-vector SGD, d = 10^4, {label}, per coordinate",
                    str(ours),
                    f"loop in {words}, one sample a step, one seed: {each[opponent]}",
                    ratio,
                    ">= 5",
                    ratio >= 5,
                )
            )
    return rows
