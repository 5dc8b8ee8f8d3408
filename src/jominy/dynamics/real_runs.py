"""Real runs on a user's rows: the optimizer, the times of batches, the cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jominy.data import Samples
from jominy.dynamics.labelled import Training
from jominy.dynamics.samples.forecast import DENSE_DIMENSION, EVERY_STEP, largest_usual_block
from jominy.dynamics.samples.recursion import block_count
from jominy.dynamics.times import counted_steps, report_times, whole_steps
from jominy.errors import InputError
from jominy.optimizers import SGD, Optimizer

POINTS, FEWER_POINTS = 21, 9
"""Even times up to a horizon at which runs are read out; fewer where reading costs more than `COSTLY`."""
COSTLY = 3e10
"""Multiplications of a readout of one run at all times."""
READING = 12
"""Passes over the classes of each row that its largest loss takes, about."""
STEPPING = 10
"""Products with all weights that a step takes, about."""


PLAIN = SGD()
"""One object for everybody: to make one takes as long as a hundredth of a forecast."""


def require_optimizer(optimizer: Any) -> Optimizer:
    """The optimizer given, or plain SGD."""
    if optimizer is None:
        return PLAIN
    if not isinstance(optimizer, Optimizer):
        raise InputError(
            "An optimizer must be an SGD or an Adam",
            type(optimizer).__name__,
            "Give `SGD(momentum=0.9, batch_size=16)`, or `from_torch(optimizer)` for one of PyTorch",
        )
    return optimizer


def batch_times(
    training: Training, time: float | None, times: Sequence[float] | None, *, few: bool = False
) -> np.ndarray:
    """(T,) times at which runs are read out, on whole steps of batches; `few` of them unless they are given."""
    samples, optimizer = training.problem.samples, training.optimizer
    per_time = samples.dimension / optimizer.batch_size
    costly = few or POINTS * _reading(training, samples.count) > COSTLY
    grid = report_times(time, times, per_time, FEWER_POINTS if costly else POINTS, early=not costly)
    grid = whole_steps(grid, per_time)
    counted_steps(grid, 1 / per_time, MOST_RUN_STEPS)
    return grid


MOST_RUN_STEPS = 1e9
"""Steps of one run: some hours."""


def work_of_run(training: Training, grid: np.ndarray, held_out: tuple[Any, Any] | None) -> float:
    """Multiplications of one run with its readouts, about."""
    samples = training.problem.samples
    rows = samples.count + (0 if held_out is None else len(held_out[0]))
    drawn = float(grid[-1]) * samples.dimension
    return drawn * STEPPING * _classes(samples) * samples.dimension + len(grid) * _reading(training, rows)


def _reading(training: Training, rows: int) -> float:
    samples = training.problem.samples
    classes = _classes(samples)
    radii = 1 + len(training.evaluate_at)
    width = samples.reach_width
    per_class = samples.dimension * (1 + width) + READING * radii * (classes + width)
    return float(rows) * classes * per_class


def _classes(samples: Samples) -> int:
    return 1 if samples.classes is None else len(samples.classes)


RUNS_SPARED = 200
"""Runs whose mean has the error that a recursion has, about half a per cent of the risk."""
PRODUCTS = 0.03
"""Cost of a multiplication inside a product of matrices, in units of one in a sum over rows."""
NODES = 18
"""Of the quadrature over each row's margin, each counted twice: so costs are right to a factor of two."""


def work_of_recursion(training: Training, grid: np.ndarray, held_out: tuple[Any, Any] | None) -> float:
    """Multiplications of a forecast by the recursion with its readouts, about, in units of those of a real run."""
    samples, batch = training.problem.samples, training.optimizer.batch_size
    count, dimension = samples.features.shape
    size = min(count, dimension)
    steps = np.rint(grid * dimension / batch).astype(int)
    every = training.problem.loss.least_squares and count * dimension**2 * float(steps[-1]) < EVERY_STEP
    blocks = steps[-1] if every else block_count(int(steps[-1]), largest_usual_block(dimension, batch))
    dense = not (dimension > DENSE_DIMENSION and count >= 10 * dimension)
    parts = 1 if training.optimizer.plain else 4
    each = PRODUCTS * (2.0 * count + 10.0 * parts * size) * size**2 if dense else 4.0 * count * size
    rows = count + (0 if held_out is None else len(held_out[0]))
    radii = 2 + len(training.evaluate_at)
    read = rows * (PRODUCTS * size**2 if dense else 2.0 * size) + rows * NODES * READING * radii
    return blocks * (1 if every else 2) * (each + count * NODES * READING) + len(grid) * read
