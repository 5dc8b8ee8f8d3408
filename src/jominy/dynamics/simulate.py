"""The simulate verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics.engines import SimulationRequest, engines_of
from jominy.dynamics.forecast import require_schedule
from jominy.dynamics.labelled import Training
from jominy.dynamics.other_attacks import require_none, split_evaluation
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import evaluation_radii
from jominy.dynamics.real_runs import require_optimizer
from jominy.dynamics.simulation.sgd import Watch
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.optimizers import Optimizer
from jominy.schedules import Schedule, averaged

if TYPE_CHECKING:
    import xarray as xr


@double_precision
def simulate(
    problem: Problem,
    schedule: Schedule,
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    seeds: int | Sequence[int] = 20,
    start: Any = None,
    evaluate_at: Sequence[float] = (),
    held_out: tuple[Any, Any] | None = None,
    full_vectors: bool | None = None,
    sampling: Any = None,
    batch_size: int = 1,
    optimizer: Optimizer | None = None,
    average_from: float | None = None,
    progress: bool = True,
    watch: Watch | None = None,
) -> xr.Dataset:
    """Adversarial training itself: streaming SGD, once per seed, with the variables of a forecast.

    One step: X <- X - (g/d) (Psi_r x + Psi_rho X / ||X||) for a fresh sample x (of the mixture, or a row of `Samples`).
    Mixtures with groups of equal eigenvalues are simulated exactly in law at a cost per step that does not depend on d;
    others on full vectors. Risks are expectations at the current student, over the mixture or over all rows.

    Parameters
    ----------
    problem, schedule, time, times, start, evaluate_at, held_out : as in `forecast`; times are moved to whole steps
    seeds : how many runs (seeds 0, 1, ...), or which
    full_vectors : mixtures only: True and False force one of the two engines of the same law
    sampling : samples only: WithReplacement() (default), OnePass() or ReshuffledEpochs(); or an object of your own with
        `check(steps, count)` and `rows(generator, steps, count)`, which returns the row numbers of all draws of a run
    batch_size : mixtures only: samples per step b, the step being (g/d) times the sum of their gradients, as in
        `forecast`; times are moved to whole batches
    optimizer : SGD(batch_size=16, momentum=0.9, weight_decay=1e-3) or Adam(batch_size=16) in the meaning and units of
        PyTorch; a batch's gradients are averaged, and the step along the average is rate / dimension; mixtures are
        then simulated on full vectors. Not on mixtures under l_inf
    average_from : report the mean of all weights since this time (tail averaging), not the last ones; mixtures are
        then simulated on full vectors
    progress : show a progress bar on work of more than two seconds
    watch : is called at each report time with the results at that time, a Dataset of one time, to draw runs as they go;
        where it raises KeyboardInterrupt the runs end early, as by Ctrl-C

    Returns
    -------
    xarray.Dataset
        As from `forecast`, with the dimensions `seed` and `time`; of several classes also accuracies of each class, the
        mean robust radius, and the confusion at the end, with and without the attack. Ctrl-C ends the runs early and
        keeps what is done, with the status "interrupted".

    Raises
    ------
    InputError
        As `forecast`; also an infinite dimension, and groups asked for where the covariances do not commute.

    Notes
    -----
    Source: theory `dynamics.md` section 1; several classes, batches, momentum and weight decay: `multiclass.md`
    sections 1 and 4. On the row numbers of a run of `torch.optim.SGD` the weights are those of PyTorch, to 1e-10.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> runs = jm.simulate(problem, jm.Constant(0.5), time=10, seeds=50)
    >>> bool(abs(runs.adversarial_risk[:, -1].mean() - 0.525) < 0.02)  # 0.525 is the forecast
    True
    """
    require_schedule(schedule)
    schedule = averaged(schedule, average_from)
    evaluate_at, others = split_evaluation(evaluate_at)
    require_none(others, "runs are looked at under the attack they are trained under", "Use `forecast(...)`")
    training = Training(problem, schedule, start, evaluation_radii(evaluate_at), optimizer=require_optimizer(optimizer))
    chosen = seed_list(seeds)
    request = SimulationRequest(time, times, chosen, held_out, full_vectors, sampling, batch_size, progress, watch)
    return engines_of(problem).simulate(training, request)


MOST_SEEDS = 1_000_000
"""The runs of more would not fit into memory."""


def seed_list(seeds: Any) -> list[int]:
    """0, 1, ..., seeds - 1, or the seeds given."""
    given = np.asarray(seeds)
    whole = np.issubdtype(given.dtype, np.number) and bool(np.all(np.isfinite(given) & (given == np.round(given))))
    if whole and given.ndim == 0 and given > MOST_SEEDS:
        raise InputError(f"At most {MOST_SEEDS:g} runs at once", seeds, "For fifty runs give seeds=50")
    listed = [] if not whole else list(range(int(given))) if given.ndim == 0 else given.ravel().tolist()
    if not listed or len(set(listed)) != len(listed) or min(listed) < 0:
        raise InputError(
            "Seeds must be a count >= 1, or different whole numbers >= 0", seeds, "For fifty runs give `seeds=50`"
        )
    return [int(seed) for seed in listed]
