"""The Gaussian picture of samples: one Gaussian per class in their place, and how far its forecast is from theirs.

Source: theory `realdata.md` sections 0 and 6 (flags 4 and 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.data import GaussianMixture, LinearTeacher, Samples, spectrum
from jominy.dynamics.optima.record import Optimum
from jominy.dynamics.population.forecast import population_forecast
from jominy.dynamics.population.plan import Plan
from jominy.dynamics.problem import Problem, require_one_score
from jominy.dynamics.samples.forecast import beginning, sample_curve, sample_times
from jominy.dynamics.samples.frame import rotation
from jominy.dynamics.samples.optimum import sample_optimum
from jominy.dynamics.samples.readout import read_rows
from jominy.dynamics.samples.remarks import below_base_rate
from jominy.dynamics.start import describe_start
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.numerics.streams import stream
from jominy.results import Status, make_result
from jominy.schedules import Schedule

if TYPE_CHECKING:
    import xarray as xr

TRUSTED_GAP = 0.05
"""Largest gap at which the class Gaussians are trusted (logistic: error at most 5.7 % below it)."""
DENSE_DIMENSION = 120
"""Above, the class covariances are kept only as their diagonals in the eigenbasis of all samples."""
SURROGATE_PURPOSE = 2000


@double_precision
def gaussian_picture(
    problem: Problem,
    schedule: Schedule,
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    start: Any = None,
    surrogates: int = 3,
    seed: int = 0,
) -> xr.Dataset:
    """What the theory of Gaussian classes says of these samples, and whether to believe it.

    The gap is the largest relative difference, over time, between the adversarial risk forecast for one Gaussian per
    class (regression: one Gaussian and a linear teacher) and the forecast for the samples' own law. Its null is the
    same gap for surrogate samples drawn from those Gaussians: finite samples give a gap even where all is Gaussian.

    Parameters
    ----------
    problem : Problem on Samples
    schedule, time, times, start : as in `forecast`
    surrogates : how many surrogate data sets give the null
    seed : of the surrogates

    Returns
    -------
    xarray.Dataset
        gaussian_adversarial_risk (and gaussian_adversarial_accuracy) over time; attributes gap, gap_null (JSON list),
        trustworthy (0 or 1), verdict.

    Raises
    ------
    InputError
        The problem is not on Samples.

    Examples
    --------
    >>> import jominy as jm, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([-1, 1], 200)
    >>> X = rng.standard_normal((400, 5)) + 0.5 * y[:, None]
    >>> mine = jm.Problem(jm.Samples(X, y), jm.LogisticLoss(), radius=0.2)
    >>> bool(jm.gaussian_picture(mine, jm.Constant(1.0), time=5, surrogates=1).attrs["gap"] < 0.05)
    True
    """
    require_one_score(problem)
    if not problem.data.empirical:
        raise InputError(
            "The Gaussian picture is for a problem on Samples",
            type(problem.data).__name__,
            "A Gaussian mixture is its own picture: use forecast",
        )
    if not problem.attack.isotropic:
        raise InputError(
            "The Gaussian picture is for l2 attacks", "an attack with weights", "Use forecast: it knows the attack"
        )
    whole, samples = problem, problem.samples.features_alone()
    if (
        samples.features.shape != whole.samples.features.shape
        or whole.form is not None
        or whole.loss.plain != whole.loss
        or whole.feature_noise is not None
    ):
        # It is asked about the rows: whatever is done to them besides is left out on both sides.
        problem = Problem(samples, problem.loss.plain, problem.radius)
        start = start[: samples.dimension] if isinstance(start, np.ndarray) and start.ndim else start
    grid = sample_times(time, times, samples.dimension)
    law = gaussian_law(samples)
    picture, gap = _gap(problem, law, schedule, grid, start)
    null = []
    for index in range(surrogates):
        drawn = _surrogate(samples, law, stream(seed, SURROGATE_PURPOSE + index))
        null.append(_gap(Problem(drawn, problem.loss, problem.radius), gaussian_law(drawn), schedule, grid, start)[1])
    below = "clean_accuracy" in picture and below_base_rate(samples, picture["clean_accuracy"].values)
    trustworthy = gap <= TRUSTED_GAP and not below
    variables = {f"gaussian_{name}": (("time",), picture[name].values) for name in ("adversarial_risk",)}
    if samples.classification:
        variables["gaussian_adversarial_accuracy"] = (("time",), picture["adversarial_accuracy"].values)
    return make_result(
        variables,
        {"time": grid},
        engine="gaussian picture",
        scenario={"problem": whole.describe(), "schedule": schedule.describe(), "start": describe_start(start)},
        status=Status.of(picture.attrs["status"]),
        advice=picture.attrs["advice"],
        seed=seed,
        extra={
            "method": picture.attrs["method"],
            "gap": gap,
            "gap_null": null,
            "trustworthy": int(trustworthy),
            "verdict": NOT_TRUSTED.format(gap=gap) if below and gap <= TRUSTED_GAP else _verdict(gap, null, samples),
        },
    )


def gaussian_law(samples: Samples) -> GaussianMixture:
    """One Gaussian per class, or for regression one Gaussian with the least-squares teacher and its residual variance.

    In high dimension the covariances keep only their diagonals in the eigenbasis of all samples.
    """
    x, y = _padded(np.asarray(rotation(samples)[0].columns).T, samples.dimension), samples.targets
    groups = [x[y == label] for label in (-1.0, 1.0)] if samples.classification else [x]
    covariances: list[Any]
    if samples.dimension > DENSE_DIMENSION:
        covariances = [spectrum(group.var(axis=0)) for group in groups]
    else:
        covariances = [np.cov(group, rowvar=False, bias=True).reshape(x.shape[1], x.shape[1]) for group in groups]
    if not samples.classification:
        teacher = np.linalg.lstsq(x, y, rcond=None)[0]
        return LinearTeacher(covariances[0], teacher, float(np.mean((y - x @ teacher) ** 2)))
    weights = [len(group) / len(x) for group in groups]
    return GaussianMixture(weights, [group.mean(axis=0) for group in groups], covariances, labels=[-1.0, 1.0])


def _padded(coordinates: np.ndarray, dimension: int) -> np.ndarray:
    """(..., d): coordinates in the space of the rows, and zeros for those outside of it."""
    outside = np.zeros((*coordinates.shape[:-1], dimension - coordinates.shape[-1]))
    return np.concatenate([coordinates, outside], axis=-1)


def _gap(problem: Problem, law: GaussianMixture, schedule: Schedule, grid: np.ndarray, start: Any):
    """The Gaussian forecast, and the largest relative difference of its risk from that of the samples' own law."""
    samples = problem.samples
    rotated_start = start
    if isinstance(start, np.ndarray):
        _, basis = rotation(samples)
        inside = start @ basis
        rotated_start = _padded(inside, samples.dimension)
        if samples.dimension > len(inside):  # where no row reaches, only the size counts
            rotated_start[len(inside)] = np.linalg.norm(start - basis @ inside)
    picture = population_forecast(
        Problem(law, problem.loss, problem.radius), schedule, Plan(grid, np.array([]), 1e-7), rotated_start, True
    )
    no_optimum = Optimum(0.0, 0.0, "not needed", problem.final_radius, 0.0, None, None)
    found = _optimum_for(problem, schedule, no_optimum)
    curve = sample_curve(problem, beginning(problem, schedule, grid, start), grid, found)
    read = read_rows(problem, {"": curve.rows}, curve.recorded.spreads, grid, np.array([]), curve.rule)[0]
    own = read["adversarial_risk"][1]
    other = picture["adversarial_risk"].values
    sound = np.isfinite(other) & np.isfinite(own) & ~curve.lost
    return picture, float(np.max(np.abs(other[sound] / own[sound] - 1), initial=0.0))


def _optimum_for(problem: Problem, schedule: Schedule, otherwise: Optimum) -> Optimum:
    """The samples' optimum, where the schedule reads it."""
    return sample_optimum(problem) if schedule.adaptive else otherwise


def _surrogate(samples: Samples, law: GaussianMixture, generator: np.random.Generator) -> Samples:
    """As many samples, class by class, drawn from the fitted Gaussians."""
    means, covariances = law.law.moments
    if not samples.classification:
        x = _drawn(generator, means[0], covariances[0], samples.count)
        teacher = np.asarray(law.teacher, dtype=float)
        y = x @ teacher + np.sqrt(law.noise_variance) * generator.standard_normal(samples.count)
        return Samples(x, y, preprocessing=None)
    x = np.empty((samples.count, samples.dimension))
    for label, mean, covariance in zip((-1.0, 1.0), means, covariances, strict=True):
        chosen = samples.targets == label
        x[chosen] = _drawn(generator, mean, covariance, int(chosen.sum()))
    return Samples(x, samples.targets, preprocessing=None)


def _drawn(generator: np.random.Generator, mean: np.ndarray, covariance: np.ndarray, count: int) -> np.ndarray:
    """(count, d) draws; `covariance` (d, d), or (d,) for its diagonal: the same numbers, without d^3 operations."""
    if covariance.ndim == 2:
        return generator.multivariate_normal(mean, covariance, count, method="eigh")
    order, drawn = np.argsort(covariance), generator.standard_normal((count, len(mean)))
    x = np.empty_like(drawn)
    x[:, order] = drawn * np.sqrt(covariance[order])
    return x + mean


NOT_TRUSTED = (
    "The Gaussian picture is within {gap:.1%} of the samples' own forecast, and like it below the accuracy of a "
    "constant answer: the two agree on a model that is of no use."
)
"""Verdict where both pictures agree on less than the base rate."""


def _verdict(gap: float, null: list[float], samples: Samples) -> str:
    """In plain words."""
    what = "classes" if samples.classification else "data"
    if gap <= TRUSTED_GAP:
        return f"The Gaussian picture may be trusted: its risk is within {gap:.1%} of the samples' own forecast."
    if null and gap <= 1.5 * max(null):
        return (
            f"The Gaussian picture is {gap:.1%} off, as it would be for this many samples of truly Gaussian {what} "
            f"(up to {max(null):.1%}): too few samples, no sign of other laws. Use the samples' own forecast."
        )
    surely = f" (Gaussian {what} would give up to {max(null):.1%})" if null else ""
    return (
        f"The {what} are not Gaussian: the Gaussian picture is {gap:.1%} off{surely}. Do not trust it; use the "
        "samples' own forecast."
    )
