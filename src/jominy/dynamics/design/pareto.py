"""The pareto verb: clean against adversarial, each training radius with the schedule designed for it.

Source: theory `design.md` section 2.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.dynamics.design.families import Constants, Hills, InverseTimes
from jominy.dynamics.design.objective import Objective, objective_of
from jominy.dynamics.design.search import best_of
from jominy.dynamics.design.trials import Trials
from jominy.dynamics.design.verb import SAFE_SHARE, largest_rate_of
from jominy.dynamics.engines import engines_of
from jominy.dynamics.optimum import collapse_radius, optimum
from jominy.dynamics.problem import Problem
from jominy.dynamics.real_runs import require_optimizer
from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy
from jominy.numerics.precision import double_precision
from jominy.optimizers import Optimizer
from jominy.results import Status, make_result
from jominy.schedules import Constant, Schedule, require_radius
from jominy.schedules.base import require_positive

if TYPE_CHECKING:
    import xarray as xr

COUNT = 7
"""Training radii, where nobody says which."""
POINT = 0.01
"""A front that spans less than this share of both risks is a point to a reader."""


@dataclass(frozen=True)
class Front:
    """Clean against adversarial risk (or error) at the end of training, over the training radius.

    Attributes
    ----------
    problem, horizon : of the training
    objective : the risk or error of the test, and its radius
    radii : (R,) of the training
    schedules : (R,) the Hill schedule designed for each, for its own adversarial risk
    designed, constants, endless : (R, 2) clean and adversarial values of these schedules, of the best constant rates,
        and of the optimum, where training with a rate that goes to zero ends (NaN where there is none)
    collapse_radius : of the problem; radii above .8 of it are not to be trusted
    """

    problem: Problem
    horizon: float
    objective: Objective
    radii: np.ndarray
    schedules: tuple[Schedule, ...]
    designed: np.ndarray = field(repr=False)
    constants: np.ndarray = field(repr=False)
    endless: np.ndarray = field(repr=False)
    collapse_radius: float

    @property
    def best(self) -> np.ndarray:
        """(R,) whether no other radius is at least as good in both."""
        return np.array([not np.any(_dominates(self.designed, point)) for point in self.designed])

    @property
    def is_point(self) -> bool:
        """Whether the front spans less than a hundredth of both values."""
        front = self.designed[self.best]
        if not np.all(np.isfinite(front)):
            return False
        return bool(np.all(np.ptp(front, axis=0) <= POINT * np.max(np.abs(front), axis=0)))

    def sentences(self) -> list[str]:
        """The front in words."""
        front, radii = self.designed[self.best], self.radii[self.best]
        measure, test = self.objective.measure, self.objective.radius
        told = [
            f"At time {self.horizon:g}, training at radius {radius:.3g} with its own schedule ends with clean "
            f"{measure} {clean:.4g} and adversarial {measure} {adversarial:.4g} (test radius {test:g})."
            for radius, (clean, adversarial) in zip(radii, front, strict=True)
        ]
        if self.is_point:
            told.append(
                "The front is all but a point: one training radius is the best for both, "
                f"about {radii[int(np.argmin(front[:, 1]))]:.3g}; there is nothing to trade."
            )
        unsafe = self.radii[self.radii > SAFE_SHARE * self.collapse_radius]
        if len(unsafe):
            told.append(
                f"Radii above {SAFE_SHARE:g} of the collapse radius {self.collapse_radius:.4g} are not recommended: "
                f"{', '.join(f'{radius:.3g}' for radius in unsafe)}."
            )
        return told

    def describe(self) -> dict[str, Any]:
        """The front as a JSON-able record."""
        return {
            "horizon": self.horizon,
            "objective": self.objective.describe(),
            "radii": self.radii.tolist(),
            "schedules": [schedule.describe() for schedule in self.schedules],
            **{name: getattr(self, name).tolist() for name in ("designed", "constants", "endless")},
            "best": self.best.tolist(),
            "is_point": self.is_point,
            "collapse_radius": self.collapse_radius,
            "problem": self.problem.describe(),
            "sentences": self.sentences(),
        }

    def dataset(self) -> xr.Dataset:
        """The front as a labelled result, which `jominy.save` writes and `jominy.load` opens again."""
        names = ["designed", "constant", "optimum"]
        values = np.stack([self.designed, self.constants, self.endless])
        known = np.all(np.isfinite(values), axis=(1, 2))
        dims = ("alternative", "training_radius")
        record = self.describe()
        ways = [name for name, good in zip(names, known, strict=True) if good]
        record["endless"] = [[None if np.isnan(one) else one for one in row] for row in record["endless"]]
        return make_result(
            {"objective_clean": (dims, values[known, :, 0]), "objective_adversarial": (dims, values[known, :, 1])},
            {
                "alternative": ways,
                "training_radius": self.radii,
            },
            engine="pareto",
            scenario={"problem": self.problem.describe()},
            status=Status.COMPLETED,
            notes=self.sentences(),
            extra={"front": json.dumps(record)},
        )


def _dominates(points: np.ndarray, point: np.ndarray) -> np.ndarray:
    """(R,) which points are at least as good in both, and better in one."""
    return np.all(points <= point, axis=1) & np.any(points < point, axis=1)


@double_precision
def pareto(
    problem: Problem,
    time: float,
    radii: Sequence[float] | None = None,
    *,
    test_radius: float | None = None,
    measure: str = "risk",
    held_out: tuple[Any, Any] | None = None,
    start: Any = None,
    largest_rate: float | None = None,
    optimizer: Optimizer | None = None,
    runs: int | None = None,
    progress: bool = False,
) -> Front:
    """What clean risk costs in adversarial risk, and how little of either training for a given time has to lose.

    Each training radius is given the Hill schedule that is the best for its own adversarial risk: the same front as
    that of weighted objectives to 5e-4. Beside it stand the best constant rates and the optima, where training of any
    length ends.

    Parameters
    ----------
    problem, time : as in `design`; the problem's radius is that of the test, unless `test_radius` is given
    radii : (R,) of the training; default: seven, from 0 to the test radius or .8 of the collapse radius
    test_radius, measure, held_out, start, largest_rate, optimizer, runs, progress : as in `design`

    Returns
    -------
    Front
        radii, schedules, designed, constants, endless, `is_point`, `sentences()`, `dataset()`.

    Raises
    ------
    InputError
        As `design`; radii that are not numbers >= 0.

    Notes
    -----
    Source: theory `design.md` section 2, whose reference values are met to 2e-4.

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.two_level(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.6)
    >>> front = jm.pareto(problem, 20, radii=[0.3, 0.6])
    >>> front.designed.round(3).tolist(), front.is_point
    ([[0.15, 0.464], [0.201, 0.436]], False)
    """
    horizon = require_positive(time, "The time of a front")
    objective = objective_of(problem, test_radius, None, 0.0, measure, held_out is not None)
    collapse = collapse_radius(problem)
    grid = _radii(radii, objective.radius, collapse)
    rate = largest_rate_of(problem, largest_rate)
    shared = problem if isinstance(problem.radius, float) else replace(problem, radius=problem.final_radius)
    engines = engines_of(problem)
    wanted = engines.runs_of_candidates if runs is None else runs
    tested = Trials(shared, horizon, start, require_optimizer(optimizer), objective, held_out, wanted)
    from tqdm import tqdm

    schedules, rows, before = [], [], None
    for radius in tqdm(grid, delay=2, unit="radius", desc="pareto", disable=not progress):
        looked = tested.at_radius(float(radius))
        aim = replace(objective, radius=float(radius), measure="risk", floor=_floor(looked))
        own = replace(looked, objective=aim, seen={})
        searched: dict[str, Any] = {}
        for family in (Constants, InverseTimes, Hills):
            made = family(horizon, rate)
            starts = [*made.from_simpler(searched), *([before] if family is Hills and before is not None else [])]
            quick = engines.many_at_once
            searched[made.name] = best_of(made, own.judge, starts, grid=quick, sparing=not quick)
        before = searched["hill"].numbers
        schedules.append(searched["hill"].schedule)
        endings = looked.endings([searched["hill"].candidate, searched["constant"].candidate])
        adversarial, clean = objective.parts(endings)
        rows.append([clean[0], adversarial[0], clean[1], adversarial[1], *_at_optimum(looked)])
    table = np.array(rows, dtype=float)
    return Front(
        shared, horizon, objective, grid, tuple(schedules), table[:, :2], table[:, 2:4], table[:, 4:], collapse
    )


def _radii(given: Any, test: float, collapse: float) -> np.ndarray:
    if given is None:
        return np.linspace(0.0, min(max(test, SAFE_SHARE * collapse / 2), SAFE_SHARE * collapse), COUNT)
    values = np.atleast_1d(as_numpy(given, "radii"))
    if values.ndim != 1 or not values.size:
        raise InputError("The training radii of a front must be a list of numbers", given, "Such as [0, 0.2, 0.4]")
    found = np.unique([require_radius(value) for value in values])
    if found[-1] >= collapse:
        raise InputError(
            f"The training radii of a front must be below the collapse radius, {collapse:.4g}, from which on nothing "
            "is learnt",
            float(found[-1]),
            f"Leave out those from {collapse:.4g} on",
        )
    return found


def _floor(trials: Trials) -> float | None:
    """The least adversarial risk at the radius of the training, where it can be found."""
    if trials.objective.held_out:
        return None
    try:
        return float(optimum(trials.problem).adversarial_risk)
    except InputError:
        return None


def _at_optimum(trials: Trials) -> tuple[float, float]:
    """Clean and adversarial values of the optimum; NaN where there is none."""
    try:
        vector = optimum(trials.problem).vector
    except InputError:
        vector = None
    if vector is None or not np.all(np.isfinite(vector)):
        return np.nan, np.nan
    there = replace(trials, start=vector, seen={})
    still = trials.request._replace(times=[0.0])
    adversarial, clean = trials.objective.parts(
        engines_of(trials.problem).endings([there.training(Constant(0.0))], still)
    )
    return float(clean[0]), float(adversarial[0])
