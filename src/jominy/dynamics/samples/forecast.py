"""Forecasts on a user's samples: the finite-step recursion, its readout on training and held-out rows, its flags.

Source: theory `realdata.md` sections 1 and 6.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jominy.attacks import Reach
from jominy.dynamics.labelled import Method, Outcome, Training, labelled
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, past_divergence, radius_at
from jominy.dynamics.samples.frame import Frame, frame_of, light_rotation, own_frame, rotation
from jominy.dynamics.samples.law import Rows, Spread, first_step, light, rule_for_rows, single_precision_does
from jominy.dynamics.samples.optimum import at_zero, sample_optimum
from jominy.dynamics.samples.other_attacks import read_rows_under
from jominy.dynamics.samples.readout import compile_reading, read_rows
from jominy.dynamics.samples.recursion import (
    OUT_OF_SCALE,
    Blocks,
    Recorded,
    SampleProblem,
    block_ends,
    plan_blocks,
    run_recursion,
)
from jominy.dynamics.samples.remarks import (
    base_rate_notes,
    base_rates,
    rate_advice,
    sample_notes,
    stability_attributes,
    unsafe_rate,
)
from jominy.dynamics.start import random_variance, start_vector
from jominy.dynamics.times import MOST_STEPS, counted_steps, report_times, whole_steps
from jominy.errors import InputError
from jominy.numerics.gaussian import LARGEST_SCALE
from jominy.numerics.precision import as_precise_as
from jominy.numerics.programs import compile_beside
from jominy.optimizers import SGD, Optimizer
from jominy.results import Status
from jominy.schedules import Schedule

POINTS = 41
DENSE_DIMENSION = 150
"""Up to here, or with fewer than ten samples per dimension, the covariance is kept dense."""
DENSE_WORK = 5e11
"""Multiplications of a dense covariance that are not exceeded: about 20 s on two cores."""
DIAGONAL_NOTE = (
    "The covariance of the weights is followed by its diagonal alone, because all of it would take minutes "
    "(diagonal=False): measured against that, the risk is off by at most 0.7 % with fewer rows than features, and by "
    "3 % with three to ten rows per feature"
)
MANY_NUMBERS = 500_000
"""A table of more takes seconds: progress is shown."""
BAR = "{desc}: {n_fmt}/{total_fmt} done [{elapsed}]{postfix}"
EVERY_STEP = 5e9
"""Least squares takes every step singly up to this many multiplications."""


class SampleCurve(NamedTuple):
    """The recursion's outcome before it becomes a result, and the coordinates and rows it was worked out with."""

    frame: Frame
    rows: Rows
    times: np.ndarray
    recorded: Recorded
    lost: np.ndarray
    method: str
    rule: Any
    notes: list[str]


def sample_forecast(
    training: Training,
    time: float | None,
    times: Sequence[float] | None,
    held_out: tuple[Any, Any] | None,
    diagonal: bool | None,
    largest_block: int | None,
    progress: bool,
):
    """The forecast of samples as a labelled result; see `forecast`."""
    from tqdm import tqdm

    problem, schedule, start, evaluate_at, others, optimizer = training
    samples = problem.samples
    test = None if held_out is None else samples.transform_pair(held_out)
    grid = sample_times(time, times, samples.dimension, batch=optimizer.batch_size)
    problem.radius_schedule.check(grid)
    require_rate_for(schedule, optimizer)
    words = f"forecast, {samples.count:,} x {samples.dimension:,}"
    small = samples.features.size < MANY_NUMBERS
    with tqdm(total=3, desc=words, leave=False, disable=small or not progress, bar_format=BAR) as bar:
        bar.set_postfix_str("optimum")
        begin = beginning(problem, schedule, grid, start, diagonal, largest_block, optimizer)
        groups = {"": begin.rows}
        if test is not None:
            groups["held_out_"] = as_precise_as(begin.rows.columns, begin.frame.rows(*test))
        compiled = begin.compile()
        form = begin.statement.form
        coordinates = form, begin.frame.noise
        reader = compile_reading(problem, groups, begin.spreads(len(grid)), grid, evaluate_at, *coordinates)
        found = sample_optimum(problem)
        found.require_for(schedule)
        bar.update()
        bar.set_postfix_str(f"recursion, {begin.steps[-1]:,} steps")
        compiled()
        curve = sample_curve(problem, begin, grid, found)
        bar.update()
        bar.set_postfix_str("risks and accuracies of all rows")
        reader()
        spreads = curve.recorded.spreads
        variables, risk = read_rows(problem, groups, spreads, curve.times, evaluate_at, curve.rule, *coordinates)
    variables |= _more_variables(problem, risk, curve, found)
    if others:
        variables |= read_rows_under(
            problem, others, begin.frame, spreads, test, curve.times, curve.rule, begin.rows.columns
        )
    variables["radius"] = (("time",), radius_at(problem, curve.times))
    variables = past_divergence(variables, curve.lost)
    status, advice = _status(problem, schedule, found, curve, variables)
    rates = base_rates(samples, None if test is None else test[1])
    notes = [
        *problem.attack.remarks(problem.final_radius, samples.dimension),
        *sample_notes(samples, found, test is not None),
        *base_rate_notes(samples, rates, variables),
        *curve.notes,
    ]
    return labelled(
        Method("forecast", curve.method),
        training,
        variables,
        curve.times,
        found,
        Outcome(status, advice, notes),
        more=rates | stability_attributes(problem),
    )


def require_rate_for(schedule: Schedule, optimizer: Optimizer) -> None:
    """InputError for a best rate at each moment where steps are not those that it is the best of."""
    if schedule.adaptive and not optimizer.plain:
        raise InputError(
            "The best rate at each moment is known for plain SGD on single samples",
            f"{type(schedule).__name__} with {optimizer!r}",
            "Use `Constant(0.5)`, or leave the optimizer out",
        )


MOST_BLOCKS = 1_000_000
"""Blocks of steps that a forecast may take: each is a pass over all rows."""


def sample_times(
    time: float | None, times: Sequence[float] | None, dimension: int, *, in_blocks: bool = True, batch: int = 1
) -> np.ndarray:
    """(T,) times on whole steps; about `POINTS` even ones up to a horizon, where blocks of steps end anyway.

    InputError for more steps than can be taken, `in_blocks` or, at times given, one by one.
    """
    per_time, largest = dimension / batch, largest_usual_block(dimension, batch)
    grid = whole_steps(report_times(time, times, per_time, POINTS), per_time)
    one_by_one = times is not None and not in_blocks
    steps = counted_steps(grid, batch / dimension, MOST_STEPS if one_by_one else MOST_BLOCKS * largest)
    if times is not None:
        return grid
    ends = block_ends(int(steps[-1]), largest)
    return ends[np.unique(np.searchsorted(ends, steps))] / per_time


def largest_usual_block(dimension: int, batch: int = 1) -> int:
    """The most steps that the recursion takes at once, unless told otherwise."""
    return max(1, dimension // (4 * batch))


class Beginning(NamedTuple):
    """The recursion on samples before the optimum is known.

    Attributes:
        frame, exact, rows: coordinates of the student, and the rows in them, `rows` perhaps rounded.
        statement: what the recursion needs, with zeros for the optimum and the first step, and without a quadrature.
        spread: the law of the student at the start.
        plan, steps: blocks of steps, and at which steps to report.
        from_zero, singly: whether the start is the zero vector, and whether every block is of one step.
        notes: what was decided on the way.
    """

    frame: Frame
    exact: Rows
    rows: Rows
    statement: SampleProblem
    spread: Spread
    plan: Blocks
    steps: np.ndarray
    from_zero: bool
    singly: bool
    notes: list[str]

    def arguments(self, statement: SampleProblem, scale: float) -> tuple[Any, ...]:
        """What `run_recursion` is asked, with a quadrature for logits of this scale, beyond which it ends."""
        rule = as_precise_as(self.rows.columns, rule_for_rows(statement.loss, scale))
        last = statement.loss.closed_form or rule.logit_scale >= LARGEST_SCALE
        largest = np.inf if last else rule.logit_scale
        reports = len(self.steps) + int(self.steps[0] != 0)
        return statement._replace(rule=rule), self.spread, self.plan, self.from_zero, self.singly, reports, largest

    def compile(self) -> Callable[[], None]:
        """Compile the recursion beside other work; returns what waits for the end."""
        return compile_beside(run_recursion, lambda: self.arguments(self.statement, 0.0))

    def spreads(self, count: int) -> Spread:
        """Of the shape of the students at so many times."""
        return Spread(*(np.zeros((count, *part.shape)) for part in self.spread))


def beginning(
    problem: Problem,
    schedule: Schedule,
    times: np.ndarray,
    start: Any,
    diagonal: bool | None = None,
    largest_block: int | None = None,
    optimizer: Optimizer = SGD(),  # noqa: B008
) -> Beginning:
    """All that the recursion needs but the optimum."""
    samples = problem.samples
    count, dimension = samples.features.shape
    steps = np.rint(times * dimension / optimizer.batch_size).astype(int)
    if largest_block is None:
        every = problem.loss.least_squares and count * dimension**2 * float(steps[-1]) < EVERY_STEP
        largest_block = 1 if every else largest_usual_block(dimension, optimizer.batch_size)
    vector = start_vector(start, dimension)
    mean = np.full(dimension, vector / np.sqrt(dimension)) if isinstance(vector, float) else vector
    variance = random_variance(start) / dimension
    form, noise = problem.form, problem.feature_noise
    if noise is not None and optimizer.batch_size > 1 and not optimizer.replacement:
        raise InputError(
            "With noise on the inputs batches are known that are drawn with replacement", repr(optimizer),
            "Give `replacement=True`, or leave the batch out",
        )  # fmt: skip
    if isinstance(form, Reach) or (form is not None and form.ndim == 2):
        frame, exact = own_frame(samples, noise)
    else:
        frame, exact, form = frame_of(samples, mean, variance, form, noise)
    rows = exact
    if single_precision_does(problem.loss, exact, largest_block):
        rows = light_rotation(samples) if form is None and exact is rotation(samples)[0] else light(exact)
    plan = plan_blocks(steps if steps[0] == 0 else np.concatenate([[0], steps]), largest_block)
    notes = []
    if not isinstance(form, Reach) and form is not None and form.ndim == 2:
        if diagonal:
            rule = "An attack that tells directions apart needs the whole covariance of the weights"
            raise InputError(rule, "diagonal=True", "Leave diagonal out")
        diagonal = False
    if diagonal is None:
        size = len(exact.columns)
        diagonal = dimension > DENSE_DIMENSION and count >= 10 * dimension
        # A block takes its coefficients twice, each time with an eigendecomposition, which is worth ten products.
        if not diagonal and 2.0 * len(plan.first) * (count + 10 * size) * size**2 > DENSE_WORK:
            diagonal, notes = True, [DIAGONAL_NOTE]
    variances = variance * frame.copies
    spread = Spread(mean @ frame.basis, variances if diagonal else np.diag(variances))
    nowhere = Spread(*map(np.zeros_like, spread))
    radius = problem.radius_schedule
    statement = SampleProblem(
        rows, nowhere, problem.loss, schedule, radius, None, nowhere.mean, frame.copies, dimension, form, optimizer,
        frame.input_noise,
    )  # fmt: skip
    from_zero, singly = not np.any(mean) and variance == 0, bool(np.max(plan.length) <= 1)
    return Beginning(frame, exact, rows, statement, spread, plan, steps, from_zero, singly, notes)


def sample_curve(problem: Problem, begin: Beginning, times: np.ndarray, found: Optimum) -> SampleCurve:
    """Run the recursion, with a quadrature that resolves the logits met on the way."""
    frame, steps = begin.frame, begin.steps
    target = np.zeros(len(frame.basis)) if found.vector is None else found.vector
    diagonal = begin.spread.covariance.ndim == 1
    slopes = np.asarray(at_zero(problem.data, problem.loss).slopes)
    launched = first_step(begin.exact, slopes, diagonal, frame.input_noise)
    statement = begin.statement._replace(optimum=target @ frame.basis, launched=launched)
    scale = 0.0
    while True:
        arguments = begin.arguments(statement, scale)
        recorded = run_recursion(*arguments)
        largest = arguments[-1]
        if np.isinf(largest) or float(recorded.largest_logit) <= largest:
            break
        scale = 2 * largest  # the run ended where the logits went beyond the rule
    recorded = jax.tree.map(np.asarray, recorded)
    if steps[0] != 0:
        later = jax.tree.map(lambda leaf: leaf[1:], recorded[:3])
        recorded = Recorded(later[0], later[1], later[2], recorded.largest_logit)
    spreads = recorded.spreads
    lost = np.logical_or.accumulate(~(np.abs(_square_size(spreads)) < OUT_OF_SCALE))
    optimizer = begin.statement.optimizer
    told = "" if optimizer.plain else f", {optimizer!r}"
    method = f"samples' own law, {'diagonal' if diagonal else 'dense'} covariance, {len(begin.plan.first)} blocks{told}"
    return SampleCurve(frame, begin.rows, times, recorded, lost, method, arguments[0].rule, begin.notes)


def _more_variables(problem: Problem, risk: np.ndarray, curve: SampleCurve, found: Optimum) -> Variables:
    """Norm, distance, excess risk, band and rate."""
    spreads = curve.recorded.spreads
    more: Variables = {
        "norm": (("time",), np.sqrt(np.maximum(_square_size(spreads), 0.0))),
        "excess_risk": (("time",), risk - found.adversarial_risk),
        "learning_rate": (("time",), curve.recorded.rate),
    }
    if problem.attack.quadratic:  # for others the band is neither derived nor checked
        more["adversarial_risk_sd"] = (("time",), curve.recorded.risk_sd)
    if found.vector is not None:
        error = _square_size(spreads._replace(mean=spreads.mean - found.vector @ curve.frame.basis))
        more["distance_to_optimum"] = (("time",), np.sqrt(np.maximum(error, 0.0)))
    return more


def _square_size(spreads: Spread) -> np.ndarray:
    """(T,) E ||X||^2."""
    covariance = spreads.covariance
    total = covariance.sum(axis=-1) if covariance.ndim == 2 else np.trace(covariance, axis1=1, axis2=2)
    return np.sum(spreads.mean**2, axis=1) + total


def _status(problem, schedule, found: Optimum, curve: SampleCurve, variables) -> tuple[Status, str | None]:
    if np.any(curve.lost):
        return Status.DIVERGED, rate_advice(problem)
    rate = unsafe_rate(problem, variables["learning_rate"][1], variables["adversarial_risk"][1])
    if rate is not None:
        return Status.UNSTABLE, rate_advice(problem, rate)
    if variables["norm"][1][-1] < 1e-12 and schedule.rests_at_zero and problem.final_radius > 0:
        return Status.STUCK, None
    if found.regime == "collapse":
        return Status.COLLAPSED, None
    return Status.COMPLETED, None
