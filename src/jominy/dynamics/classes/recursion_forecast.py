"""A forecast of several classes on samples without real runs: the recursion, read out at weights drawn from its law.

Source: theory `multiclass.md` sections 2 and 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.data import Samples
from jominy.dynamics.classes.mixture_law import antithetic_points, differences_of
from jominy.dynamics.classes.recursion import ClassRecursion, WeightLaw, advance, start_law
from jominy.dynamics.classes.sgd import ClassSGD
from jominy.dynamics.classes.simulation import class_trial
from jominy.dynamics.ensemble import forecast_of_draws
from jominy.dynamics.labelled import Training
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.real_runs import PRODUCTS, RUNS_SPARED, work_of_run
from jominy.dynamics.samples.affine import noise_share, parts_of
from jominy.dynamics.samples.recursion import block_count, plan_blocks
from jominy.dynamics.simulation.sgd import Record, RowRuns
from jominy.dynamics.simulation.steps import WeightState, weight_states
from jominy.dynamics.start import random_variance, start_in_classes
from jominy.errors import InputError
from jominy.losses import ClassLoss
from jominy.numerics.precision import double_precision
from jominy.numerics.programs import FULLY_OPTIMISED
from jominy.numerics.streams import stream

if TYPE_CHECKING:
    import xarray as xr

WHOLE = 120
"""Up to so many weights their covariance is kept whole."""
MOST_POWER = 0.95
"""What the principal coordinates hold together whose covariance is kept whole."""
DRAWS = 256
"""Weights that are drawn from the law at each time that is reported, each with its mirror image."""
READ_TOGETHER = 16
POINTS = 1600
"""Points of the averages over scores, of all rows together: two for each of many rows, more for each of few."""
BLOCK_SHARE = 4
"""Blocks are as long as this part of the steps before them."""
MOST_WORK, MOST_BLOCKS = 1e12, 100_000
"""Multiplications and blocks that a recursion may take, some minutes."""
FEW_ROWS = 10.0
"""Rows per dimension below which risks on the rows trained on are told too low."""
DEAL_PURPOSE, DRAW_PURPOSE = 31, 32


@double_precision
def class_recursion(
    training: Training,
    wanted: RowRuns,
    found: Optimum | None = None,
    diagonal: bool | None = None,
    largest_block: int | None = None,
) -> xr.Dataset:
    """The forecast by the recursion at the times of a grid; see `forecast`. The seeds wanted are not looked at.

    `diagonal` keeps no covariance between coordinates, or all of it.
    """
    from tqdm import tqdm

    problem, optimizer = training.problem, training.optimizer
    require_response(training)
    samples = problem.samples
    assert samples.classes is not None
    (count, dimension), classes = samples.features.shape, len(samples.classes)
    coordinates = principal_coordinates(samples, problem.form)
    basis, front = coordinates.basis, front_size(coordinates, classes, diagonal)
    wanted = wanted._replace(seeds=list(range(DRAWS)), keep=False)
    kept = "whole" if front == dimension else f"among {front} of {dimension} principal coordinates"
    description = f"recursion of mean and covariance, {classes} classes, covariance {kept}, {optimizer!r}"
    trial = class_trial(training, wanted, found, description)
    largest = largest_block or max(1, dimension // optimizer.batch_size)
    number = len(trial.steps) + block_count(int(trial.steps[-1]), largest)
    work = _work(count, dimension, classes, front, number, parts_of(optimizer))
    of_runs = RUNS_SPARED * work_of_run(training, wanted.grid, wanted.held_out)
    cost = (
        f"about {work:.1g} multiplications; {RUNS_SPARED} real runs, whose mean is about as exact, take {of_runs:.1g}"
    )
    if work > MOST_WORK or number > MOST_BLOCKS:
        raise InputError(
            "The recursion takes minutes at most", cost, "Leave method out: the forecast is then the mean of real runs"
        )
    blocks = plan_blocks(trial.steps, largest, BLOCK_SHARE)
    recursion = _recursion(training, trial.engine, basis, optimizer)
    mean = start_in_classes(training.start, classes, dimension)
    law = start_law(basis.T @ mean.T, random_variance(training.start) / dimension, front, parts_of(optimizer))
    normals = matched_normals(DRAWS // 2, dimension * classes)
    seen: list[Any] = []
    weights = np.zeros((DRAWS, classes, dimension))
    interrupted = False
    report = tqdm(total=len(blocks.first), delay=2, unit="block", desc="recursion", disable=not wanted.progress)
    with report as bar:
        try:
            for first, length, place in zip(*blocks, strict=True):
                if place >= 0:
                    weights = _drawn(law, front, normals, basis)
                    seen.append(_observed(trial.engine, weights, wanted.grid[place]))
                if length:
                    law = advance(recursion, law, np.asarray(first), np.asarray(length))
                    jax.block_until_ready(law)
                bar.update()
        except KeyboardInterrupt:
            interrupted = True
            if not seen:
                raise
    observations = jax.tree.map(lambda *parts: np.stack(parts, axis=1), *seen)
    states = None if interrupted else weight_states(weights)
    told = trial.result(Record(observations, len(seen), interrupted, states), wanted.grid)
    remarks = [f"no real run was made; the recursion takes {cost}"]
    if count < FEW_ROWS * dimension:
        remarks.append(
            f"with {count / dimension:.3g} rows per dimension each row's own direction counts, which the recursion "
            "smears: risks on the rows trained on are told some per cent too low, those on held-out rows are not"
        )
    return forecast_of_draws(told, remarks)


def require_response(training: Training) -> None:
    """InputError where the recursion of several classes does not know what training does."""
    problem, schedule = training.problem, training.schedule
    step = "Leave method out: the forecast is then the mean of real runs"
    loss = problem.loss
    assert isinstance(loss, ClassLoss)
    if problem.samples.row_reach() is not None or not problem.attack.quadratic:
        raise InputError("The recursion of several classes knows attacks with an l2 norm", problem.attack, step)
    if not loss.responds or loss.plain is not loss:
        raise InputError("The recursion of several classes minimises the adversarial loss", problem.objective, step)
    if schedule.remembers:
        raise InputError("The recursion of several classes takes rates that are given", type(schedule).__name__, step)


class Coordinates(NamedTuple):
    """Those that no attack touches, and then principal ones of the others.

    Attributes:
        basis: (d, d) orthonormal columns.
        untouched: how many of the first ones there are.
        power: (d,) mean squares of the rows' coordinates; of the principal ones the largest come first.
    """

    basis: np.ndarray
    untouched: int
    power: np.ndarray


def principal_coordinates(samples: Samples, form: Any) -> Coordinates:
    """Of rows under an attack with this form, (d,) or (d, d); None for the identity."""
    features = samples.features
    untouched = np.zeros(features.shape[1], bool) if form is None else (np.diag(form) if form.ndim == 2 else form) == 0
    touched = ~untouched
    values, vectors = np.linalg.eigh(features[:, touched].T @ features[:, touched] / len(features))
    basis = np.zeros((features.shape[1], features.shape[1]))
    fixed = int(np.sum(untouched))
    basis[np.flatnonzero(untouched), np.arange(fixed)] = 1.0
    basis[np.ix_(touched, np.arange(fixed, features.shape[1]))] = vectors[:, ::-1]
    return Coordinates(basis, fixed, np.concatenate([np.mean(features[:, untouched] ** 2, axis=0), values[::-1]]))


def front_size(coordinates: Coordinates, classes: int, diagonal: bool | None) -> int:
    """Coordinates among which the covariance is whole: all if they are few, or those that hold most of the power.

    At least two for each class and at most four, beside those that no attack touches.

    >>> power = 0.5 ** np.arange(60.0)
    >>> several = Coordinates(np.eye(60), 0, power)
    >>> front_size(several, 10, None), front_size(several, 2, None), front_size(several, 10, True)
    (20, 60, 0)
    """
    dimension, fixed = len(coordinates.basis), coordinates.untouched
    if diagonal is not None:
        return fixed if diagonal else dimension
    if classes * dimension <= WHOLE:
        return dimension
    power = np.cumsum(coordinates.power[fixed:])
    holding = 1 + int(np.searchsorted(power, MOST_POWER * power[-1]))
    return min(dimension, fixed + int(np.clip(holding, 2 * classes, 4 * classes)))


def _recursion(training: Training, engine: ClassSGD, basis: np.ndarray, optimizer: Any) -> ClassRecursion:
    problem, samples = training.problem, training.problem.samples
    assert samples.classes is not None
    count, classes = samples.count, len(samples.classes)
    form = np.ones(samples.dimension) if problem.form is None else np.asarray(problem.form)
    form = np.diag(form) if form.ndim == 1 else form
    each = 2 * max(1, round(POINTS / 2 / count))
    half = antithetic_points(count * each, classes - 1)[: count * each // 2]
    half = stream(0, DEAL_PURPOSE).permutation(half).reshape(count, each // 2, classes - 1)
    weights = np.ones(count) if samples.sample_weights is None else samples.sample_weights
    return ClassRecursion(
        samples.features @ basis,
        (samples.class_numbers == np.arange(classes)[:, None]).astype(float),
        np.asarray(weights, dtype=float),
        basis.T @ form @ basis,
        np.concatenate([half, -half], axis=1),
        differences_of(classes),
        np.asarray(noise_share(optimizer, count)),
        engine.loss,
        engine.schedule,
        optimizer,
        engine.radius,
    )


def matched_normals(count: int, dimension: int) -> np.ndarray:
    """(count, dimension) fixed random normals, whose leading columns have exact second moments.

    With mirror images what is linear in them averages out, and with these what is quadratic as well, along so many
    directions: half as many as there are normals.

    >>> normals = matched_normals(64, 40)
    >>> bool(np.allclose(normals[:, :32].T @ normals[:, :32] / 64, np.eye(32)))
    True
    """
    normals = stream(0, DRAW_PURPOSE).standard_normal((count, dimension))
    leading = normals[:, : count // 2]
    root = np.linalg.cholesky(leading.T @ leading / count)
    return np.concatenate([np.linalg.solve(root, leading.T).T, normals[:, count // 2 :]], axis=1)


def _drawn(law: WeightLaw, front: int, normals: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """(DRAWS, K, d) weights from their law, by normals (DRAWS / 2, d K), of which the leading go the widest ways."""
    half, dimension = len(normals), len(basis)
    classes = normals.shape[1] // dimension
    sizes = front * classes, classes
    parts = np.split(normals, [front * classes], axis=1)
    moved = []
    for block, size, part in zip(law, sizes, parts, strict=True):
        mean, covariance = (np.asarray(leaf) for leaf in block.weights(size))
        values, vectors = np.linalg.eigh((covariance + np.swapaxes(covariance, 1, 2)) / 2)
        roots = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None])[:, :, ::-1]
        away = np.einsum("bij,sbj->sbi", roots, part.reshape(half, len(mean), size))
        moved.append(np.concatenate([mean + away, mean - away]).reshape(2 * half, len(mean) * size // classes, classes))
    return np.einsum("sjk,dj->skd", np.concatenate(moved, axis=1), basis)


def _observed(engine: ClassSGD, weights: np.ndarray, time: float) -> Any:
    """What models (DRAWS, K, d) do, leaves (DRAWS, ...)."""
    seen = _observe(engine, weights, np.asarray(time))
    return jax.tree.map(np.asarray, seen)


def _observe_all(engine: ClassSGD, weights: Any, time: Any) -> Any:
    def of(one: Any) -> Any:
        return engine.observe(WeightState(one, np.zeros(()), one[..., :0]), time)

    teams = jnp.reshape(weights, (-1, READ_TOGETHER, *weights.shape[1:]))
    seen = jax.lax.map(jax.vmap(of), teams)
    return jax.tree.map(lambda leaf: leaf.reshape(len(weights), *leaf.shape[2:]), seen)


_observe = jax.jit(_observe_all, compiler_options=FULLY_OPTIMISED)


def _work(count: int, dimension: int, classes: int, front: int, blocks: int, parts: int) -> float:
    """Multiplications of the recursion without its readouts, about, in units of those of a real run."""
    points = max(2.0, POINTS / count) * count
    size = parts * front * classes
    each = points * (12.0 * classes**2 + classes**3)
    each += PRODUCTS * (3.0 * count * front**2 * classes**2 + 60.0 * size**3)
    rest = dimension - front
    each += rest * (3.0 * PRODUCTS * count * classes**2 + 60.0 * (parts * classes) ** 3)
    return 2.0 * blocks * each
