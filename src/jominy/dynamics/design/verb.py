"""The design verb: the schedule, and if allowed the training radius, that end training with the lowest risk."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from jominy.dynamics.design.alternatives import RESTS, ended
from jominy.dynamics.design.candidates import LINE_SEARCH, POLYAK, candidate_of
from jominy.dynamics.design.choice import RadiusChoice, chosen_radius
from jominy.dynamics.design.families import FAMILIES, Family, family_named
from jominy.dynamics.design.objective import objective_of
from jominy.dynamics.design.record import LITTLE, OTHER_RADII, POINTS, SAME, Alternative, Band, Design
from jominy.dynamics.design.remarks import remarks_on
from jominy.dynamics.design.search import HOPELESS, Found, best_of, largest_that_ends
from jominy.dynamics.design.trials import TINY_EXCESS, Trials
from jominy.dynamics.engines import engines_of
from jominy.dynamics.optimum import collapse_radius
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import radius_at
from jominy.dynamics.real_runs import require_optimizer
from jominy.dynamics.stability import rate_limits
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.optimizers import Optimizer
from jominy.schedules import ExactLineSearch, FixedRadius, Knots, Polyak, Schedule
from jominy.schedules.base import require_number, require_positive

SAFE_SHARE = 0.8
"""Of the collapse radius: beyond it nothing is recommended. Source: theory `design.md` section 4, first trap."""
BELOW_CRITICAL = 0.97
"""Share of 2 d / tr K up to which rates are looked at. Source: theory `design.md`, base configuration."""
TOO_LITTLE = 10
"""Excesses below so many tolerances of the whole are not told from what the integrator leaves."""
FOOLED = 0.01
"""A design whose excess moves by more than this share in finer steps has exploited the integrator."""


@double_precision
def design(
    problem: Problem,
    time: float,
    schedule: Schedule | None = None,
    *,
    family: str = "hill",
    train_radius: bool | str = False,
    test_radius: float | None = None,
    test_attack: Any = None,
    clean: float = 0.0,
    measure: str = "risk",
    held_out: tuple[Any, Any] | None = None,
    start: Any = None,
    dimension: float | None = None,
    largest_rate: float | None = None,
    certificate: bool | None = None,
    optimizer: Optimizer | None = None,
    runs: int | None = None,
    rtol: float = 1e-9,
    progress: bool = False,
) -> Design:
    """The learning-rate schedule that ends training at a given time with the lowest risk.

    Minimises log(objective at the end - the least objective that any weights have) over a family of schedules, by
    forecasts. Every gain is told beside a tuned constant, the same with tail averaging (on mixtures), tuned
    c/(1 + t/t0), Polyak's rate, exact line search and, where it is given, your own schedule; and nothing is
    recommended that the band of one run does not support.

    Parameters
    ----------
    problem : Problem, on a mixture or on samples
    time : float, when training ends, samples / dimension
    schedule : your own plan, to be compared; a constant one deserves it most
    family : "hill" (the default), "knots" (seventeen: the best there is), "inverse-time", "constant", "linear", or
        "averaged-constant" (a constant rate and the mean of the weights since some time)
    train_radius : whether the radius of the training is to be chosen too, up to .8 of the collapse radius; else it is
        the problem's. True or "constant" for the best constant one; "over-time" for the best one that goes straight
        between five knots, together with the rate, compared with the best constant one and the one given
    test_radius : of the attack that the objective is about; default: the problem's
    test_attack : the same of another attack, where forecasts can be looked at under it (`evaluate_at`)
    clean : weight of the clean risk in the objective, from 0 to 1
    measure : "risk", or "error" (1 - accuracy) for classes
    held_out : (X_test, y_test), samples only: rows on which the objective is measured
    start : as in `forecast`
    dimension : of the run, for its band; default: the data's own
    largest_rate : the largest rate looked at; default .97 of 2 d / tr K, or of the critical rate where that is lower
    certificate : whether to seek the best seventeen knots too, whose excess says what the family loses; by default on
        mixtures, where it takes a second
    optimizer, runs : samples only, as in `forecast`; an ensemble is of the same runs for every candidate
    rtol : mixtures only, as in `forecast`
    progress : show what is being sought where it takes longer than two seconds

    Returns
    -------
    Design
        schedule, radius, recommended, alternatives with their ratios, `sentences()`, `torch()`, `dataset()`.

    Raises
    ------
    InputError
        As `forecast`; a family, measure or weight that there is not.

    Notes
    -----
    Source: theory `design.md` sections 1 to 4 (ours). Its reference values are met to .1 %; real SGD agrees within
    three standard errors (d = 400, paired runs).

    Examples
    --------
    >>> import jominy as jm
    >>> data = jm.LinearTeacher(jm.identity(400), noise_variance=0.25)
    >>> told = jm.design(jm.Problem(data, jm.SquaredLoss(), radius=0.3), 20, certificate=False)
    >>> round(told.excess, 5), round(told.ratios["constant"], 2)
    (0.01024, 1.99)
    """
    horizon = require_positive(time, "The time of a design")
    chosen = family_named(family)
    if schedule is not None and not isinstance(schedule, Schedule):
        raise InputError("Your own schedule must be a schedule object", schedule, "Such as `Constant(0.5)`")
    if train_radius not in (False, True, "constant", "over-time"):
        raise InputError(
            "A training radius is chosen as a constant, or over time", train_radius, "'constant' or 'over-time'"
        )
    objective = objective_of(problem, test_radius, test_attack, clean, measure, held_out is not None)
    trials = Trials(
        problem, horizon, start, require_optimizer(optimizer), objective, held_out, _runs(problem, runs), rtol
    )
    if dimension is not None:
        require_number(
            dimension, "The dimension of a run must be a finite number > 0", "For instance 1000", positive=True
        )
    largest = largest_rate_of(problem, largest_rate)
    engines = engines_of(problem)
    full = engines.many_at_once if certificate is None else certificate
    collapse = collapse_radius(problem)
    if not train_radius and problem.final_radius >= collapse:
        raise InputError(
            f"A design needs a radius below the collapse radius, {collapse:.4g}, from which on nothing is learnt",
            problem.final_radius,
            "Lower it, or give `train_radius=True`",
        )
    ends = largest_that_ends(trials, largest)
    largest = largest if ends is None else ends
    given, choice = trials, RadiusChoice()
    if train_radius:
        choice = chosen_radius(trials, train_radius == "over-time", largest, SAFE_SHARE * collapse)
        trials = trials.at_radius(choice.radius)
    names = ["constant", "inverse-time", "hill"]
    names += ["linear", "averaged-constant"] if engines.many_at_once else []
    names += [family] if family not in (*names, "knots") else []
    names += ["knots"] if full or family == "knots" else []
    if ends is None and not train_radius:
        families = [FAMILIES[name](horizon, largest) for name in dict.fromkeys(("constant", chosen.name))]
        found = {one.name: Found(one, one.beginnings[0], HOPELESS, 0) for one in families}
    else:
        found = _searched(trials, names, largest, progress)
    if objective.floor is not None and np.exp(found[chosen.name].value) < TINY_EXCESS:
        trials = replace(trials, by_distance=True)
        found = _searched(trials, names, largest, progress)
    with ThreadPoolExecutor(1) as pool:
        # Much finer steps are another program, which is compiled while the rest is made.
        finer = pool.submit(double_precision(trials.finer), found[chosen.name].candidate)
        own = None if schedule is None else ended(given, "own", "your own schedule", schedule, candidate_of(schedule))
        others = [*choice.alternatives, *([] if own is None else [own])]
        return _record(trials, found, chosen, others, collapse, choice, dimension, largest, finer.result)


def _runs(problem: Problem, runs: Any) -> int | None:
    """Of an ensemble: by default few, the same for all candidates."""
    return engines_of(problem).runs_of_candidates if runs is None else runs


def largest_rate_of(problem: Problem, given: Any) -> float:
    """The rate given, or the largest that is worth a look."""
    if given is not None:
        return require_positive(given, "The largest rate")
    limits = rate_limits(problem)
    if not limits.mean_square > 0:
        raise InputError("A design needs inputs that vary", "covariances that are zero", "Give the data a variance")
    usual = 2 / limits.mean_square
    if np.isinf(limits.critical):  # where no rate diverges
        return BELOW_CRITICAL * usual * engines_of(problem).reach_of_rates
    return BELOW_CRITICAL * (min(usual, limits.critical) if limits.critical > 0 else usual)


def _searched(trials: Trials, names: list[str], largest: float, progress: bool) -> dict[str, Found]:
    """The best schedule of each family; what is found of a simpler one is a beginning for the next."""
    from tqdm import tqdm

    found: dict[str, Found] = {}
    quick = engines_of(trials.problem).many_at_once
    for name in tqdm(names, delay=2, unit="family", desc="design", disable=not progress):
        family: Family = FAMILIES[name](trials.horizon, largest)
        starts = family.from_simpler(found)
        found[name] = best_of(family, trials.judge, starts, grid=quick and name != "knots", sparing=not quick)
    return found


def _record(
    trials: Trials,
    found: dict[str, Found],
    chosen: type[Family],
    others: list[Alternative],
    collapse: float,
    choice: RadiusChoice,
    dimension: float | None,
    largest: float,
    finer_value: Callable[[], float],
) -> Design:
    problem, objective = trials.problem, trials.objective
    winner = found[chosen.name]
    schedule = winner.schedule
    alternatives = [ended(trials, "designed", "the design", schedule, winner.candidate)]
    alternatives += [
        ended(trials, name, one.family.title, one.schedule, one.candidate)
        for name, one in found.items()
        if one is not winner
    ]
    for name, title, adaptive, candidate in (
        ("polyak", "Polyak's rate", Polyak(), POLYAK),
        ("exact-line-search", "exact line search", ExactLineSearch(), LINE_SEARCH),
    ):
        alternatives.append(ended(trials, name, title, adaptive, candidate))
    alternatives += others
    designed = alternatives[0]
    knots = found.get("knots")
    ratio = None if knots is None else designed.excess / float(objective.excess(trials.values([knots.candidate])[0]))
    last: tuple[float | None, float | None] = None, None
    if knots is not None and isinstance(knots.schedule, Knots) and _at_optimum(trials, knots):
        last = trials.line_search(knots.schedule)
    band = _band(trials, winner.candidate, dimension)
    finer = finer_value()
    resting = next((one for one in alternatives if one.note == RESTS), None)
    refusal = _refusal(trials, designed, finer, band, collapse, resting)
    told = Design(
        problem=problem,
        horizon=trials.horizon,
        objective=objective,
        schedule=schedule,
        family=chosen.name,
        recommended=None,
        refusal=refusal,
        alternatives=tuple(alternatives),
        band=band,
        finer=finer,
        knots_ratio=ratio,
        last_rate=last[0],
        line_search_rate=last[1],
        collapse_radius=collapse,
        radii=np.zeros((0, 2)) if choice.constant is None else choice.constant.table,
        batch_size=trials.optimizer.batch_size,
        remarks=(),
    )
    remarks = (*choice.remarks(told), *remarks_on(told, trials, largest))
    return replace(told, recommended=None if refusal else _recommended(told), remarks=remarks)


def _at_optimum(trials: Trials, knots: Found) -> bool:
    """Whether the last rate has to be that of line search: the risk trained is the one judged, within bounds."""
    objective, problem = trials.objective, trials.problem
    same = objective.radius == problem.final_radius and objective.attack is None and objective.clean == 0
    plain = objective.measure == "risk" and not objective.held_out and trials.optimizer.plain
    return same and plain and not trials.by_distance and not knots.at_bound[-1]


def _band(trials: Trials, schedule: Schedule, dimension: float | None) -> Band:
    """How far one run of the design strays, where that is known."""
    problem = trials.problem
    size = problem.data.dimension if dimension is None else dimension
    try:
        last, verdict = trials.with_bands(schedule, dimension)
    except InputError as error:
        return Band(math.nan, math.nan, float(size), "not known", str(error))
    objective = trials.objective
    kind = "risk" if objective.measure == "risk" else "accuracy"
    name = f"{kind}_at_{'radius' if objective.attack is None else 'attack'}"
    names = [*([f"held_out_{name}"] if objective.held_out else []), name]
    names += [f"adversarial_{kind}"] if objective.radius == problem.final_radius else []
    one = next((one for one in names if f"{one}_sd" in last), None)
    if one is None and objective.attack is None and objective.radius != problem.radius:
        # Rows tell the spread at the radius of the training alone; at that of the test the same rates stray as much.
        return _band(trials.at_radius(objective.radius), schedule, dimension)
    if one is None:
        return Band(math.nan, math.nan, float(size), "not known", f"there is no band of the {objective.title} here.")
    sd = float(np.ravel(last[f"{one}_sd"])[0])
    bias = float(np.ravel(last[f"{one}_bias"])[0]) if f"{one}_bias" in last else 0.0
    return Band(sd, bias, float(size), verdict if np.isfinite(sd) else "not to be trusted")


def _refusal(
    trials: Trials, designed: Alternative, finer: float, band: Band, collapse: float, resting: Alternative | None
) -> str:
    """Why the design is not to be recommended; empty where it is."""
    if not np.isfinite(designed.value):
        return "every schedule that was looked at diverges, or takes more steps than an integrator has."
    least = TOO_LITTLE * trials.rtol * abs(designed.value)
    if trials.objective.floor is not None and not trials.by_distance and designed.excess < least:
        return (
            f"no schedule can gain more than {max(designed.excess, 0.0):.2g}, {TOO_LITTLE} times the tolerance of a "
            f"forecast is {least:.2g}."
        )
    if resting is not None and resting.value <= designed.value:
        return (
            f"the {trials.objective.title} is {resting.value:.4g} at zero, where training starts: no schedule that was "
            "looked at ends below that."
        )
    radius = float(np.max(radius_at(trials.problem, np.linspace(0.0, trials.horizon, POINTS))))
    if radius > SAFE_SHARE * collapse * (1 + 1e-12):
        return (
            f"the training radius {radius:.4g} is above {SAFE_SHARE:g} of the collapse radius {collapse:.4g}, "
            "where the mean-field limit promises what runs of finite dimension do not keep; lower it, or give "
            "`train_radius=True`."
        )
    if abs(finer - designed.value) > FOOLED * abs(designed.excess):
        return (
            f"in finer steps the design ends at {finer:.6g} instead of {designed.value:.6g}: it exploits the "
            "integrator; lower `rtol=1e-9`."
        )
    if band.verdict == "not to be trusted":
        return (
            f"its band at dimension {band.dimension:g} is not to be trusted: runs of that dimension do not follow the "
            "forecast that was minimised."
        )
    return ""


SIMPLEST_FIRST = ("own", *OTHER_RADII, "constant", "inverse-time", "hill")


def _recommended(told: Design) -> Schedule:
    """The simplest schedule over which the design gains nothing that shows in one run, or the designed one."""
    known = {one.name: one for one in told.alternatives[1:]}
    for name in SIMPLEST_FIRST:
        one = known.get(name)
        if one is None or one.schedule is None or not np.isfinite(one.value):
            continue
        gain = one.value - told.value
        risk = told.objective.measure == "risk"
        # Who asks for a radius over time wants gains of this size.
        enough = risk and name == "inverse-time" and isinstance(told.radius, FixedRadius)
        unknown = name in OTHER_RADII and not np.isfinite(told.band.sd)  # then a gain has to be seen without a band
        little = LITTLE * abs(told.value) if enough or unknown else SAME * abs(told.excess)
        if gain <= max(little, told.band.width):
            return one.schedule
    tail = known.get("averaged-constant")
    if tail is not None and tail.schedule is not None and tail.excess < (1 - LITTLE) * told.excess:
        if told.value - tail.value > told.band.width:
            return tail.schedule
    return told.schedule


__all__ = ["SAFE_SHARE", "design", "largest_rate_of"]
