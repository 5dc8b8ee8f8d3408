"""The forecast verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jominy.dynamics.engines import ForecastRequest, engines_of
from jominy.dynamics.ensemble import PRECISION
from jominy.dynamics.labelled import Training
from jominy.dynamics.other_attacks import split_evaluation
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import evaluation_radii
from jominy.dynamics.real_runs import require_optimizer
from jominy.errors import InputError
from jominy.numerics.precision import double_precision
from jominy.optimizers import Optimizer
from jominy.schedules import Schedule, averaged

if TYPE_CHECKING:
    import xarray as xr


@double_precision
def forecast(
    problem: Problem,
    schedule: Schedule,
    time: float | None = None,
    *,
    times: Sequence[float] | None = None,
    start: Any = None,
    evaluate_at: Sequence[Any] = (),
    held_out: tuple[Any, Any] | None = None,
    diagonal: bool | None = None,
    largest_block: int | None = None,
    compress: bool | int = True,
    rtol: float = 1e-9,
    batch_size: int = 1,
    bands: bool = False,
    dimension: float | None = None,
    optimizer: Optimizer | None = None,
    average_from: float | None = None,
    method: str | None = None,
    runs: int | None = None,
    precision: float = PRECISION,
    progress: bool = False,
) -> xr.Dataset:
    """What adversarial training will do, before it is run.

    For a Gaussian mixture the deterministic equivalent of streaming SGD is integrated: exact as d grows, with errors
    of order 1/sqrt(d) for one run and 1/d for the mean over runs. For `Samples` the finite-step recursion of mean and
    covariance is run on the samples' own law, batches, momentum and weight decay included. For samples of several
    classes, Adam and averages of weights the forecast is the mean of an ensemble of compiled real runs.

    Parameters
    ----------
    problem : Problem
    schedule : Schedule, such as Constant(0.5) or Polyak()
    time : float, the horizon in samples / dimension (101 even times are reported, and more early ones); or else
    times : (T,) increasing times to report
    start : nothing (zero), an array (d,), a number (its norm, spread evenly over the coordinates) or RandomStart(norm)
    evaluate_at : radii at which risk and accuracy are reported besides the training radius and zero; pairs of another
        attack and its radius among them, such as (LInf(), 0.2), on samples, and (L2(), 0.5) after training under l_inf
        on mixtures: `risk_at_attack` and `accuracy_at_attack` over `evaluation_attack`
    held_out : (X_test, y_test), samples only: the same trajectory read out on these rows
    diagonal : samples only: keep only the diagonal of the covariance (default: chosen by cost)
    largest_block : samples only: most SGD steps taken at once (1: every step; default: chosen by cost)
    compress : mixtures only: let Chebyshev nodes stand for more than 64 distinct eigenvalues; a number >= 4 says how
        many nodes, whatever their error (`numerical_error` tells it)
    rtol : mixtures only: relative tolerance of the integrator
    batch_size : mixtures only: samples per step b, with the step (g/d) times the sum of their gradients (a step g b/d
        along their mean) and time still samples / d. Batches b << d give the curve of single samples; for b > 1 the
        finite steps are followed one by one, which is exact as d grows at any b/d, and times are moved to whole steps.
        Polyak and line search keep the rate that is best for small steps: with b of order d it is too long
    bands : mixtures only (a forecast of samples has its band always): also report, for risks, accuracies, norm,
        distance, excess risk, alignment and an adaptive learning rate (`docs/bands.md`), `<name>_sd`, the
        standard deviation of one run at the given dimension, and `<name>_bias`, the mean over runs minus the curve
    dimension : the dimension d of the runs that the bands are for; default: the data's own, and needed where that is
        infinite. For data of finite dimension another value only rescales the bands (sd ~ 1/sqrt(d), bias ~ 1/d)
    optimizer : SGD(batch_size=16, momentum=0.9, weight_decay=1e-3) in the meaning and units of PyTorch; a batch's
        gradients are averaged, and the step along the average is rate / dimension; on samples also
        Adam(batch_size=16). On mixtures the steps are followed one by one (with several labels in blocks), weights and
        buffer together, in infinite dimension (or beyond 200,000 steps) in the limit, where batches and momentum are
        another rate; not under l_inf
    average_from : report the mean of all weights since this time (tail averaging) instead of the last ones; on samples
        the forecast is then the mean of an ensemble. Not with bands, batches on mixtures, or l_inf on mixtures
    method : samples only: "recursion" or "ensemble"; by default the recursion, unless it is estimated to be dearer than
        the 200 runs that are as exact; for several classes the ensemble unless the recursion is asked for; for Adam and
        averages of weights always the ensemble
    runs : of an ensemble exactly so many; by default as many as the precision takes, at most 4000, and at most
        6e10 multiplications (some ten seconds) unless those are fewer than 20 runs
    precision : of an ensemble: wanted standard error of the adversarial risk, relative to it, at every time
    progress : samples only: say on standard error what is being done, for tables that take seconds

    Returns
    -------
    xarray.Dataset
        adversarial_risk, clean_risk, adversarial_accuracy, clean_accuracy (classification), norm, distance_to_optimum,
        excess_risk, alignment (with a teacher), learning_rate over `time`; risk_at_radius and accuracy_at_radius over
        `evaluation_radius`; held_out_... where asked for. Attributes: status, advice, numerical_error (estimated
        relative error, the largest of all variables; see `docs/trust.md`), optimum_risk, collapse_radius, scenario,
        versions, cite. With bands also bands ("good", "fair", "not to be trusted"; the notes say why), bands_indicator
        and band_dimension. A band that does not hold has an infinite standard deviation.
        An ensemble says so in `method`, has the attributes runs and relative_standard_error, and to each variable
        `<name>_sd` (of one run), `<name>_standard_error` (of the mean) and, to the main ones, `<name>_quantile`. Of
        several classes also: adversarial_risk_bound (certified), robust_radius (mean over rows), the accuracy of each
        class (`adversarial_class_accuracy`, `clean_class_accuracy` over `class`) and, at the end, confusion
        (`adversarial_confusion`, `clean_confusion` over `true_class` and `predicted_class`).

    Raises
    ------
    InputError
        Bad times, start or radii; bands where the covariances do not commute or the dimension is not known. Divergence
        and collapse are no errors: they are in the status.

    Notes
    -----
    Source: theory `dynamics.md` sections 0.2, 1 and 7; `realdata.md` section 1; several classes, batches, momentum and
    weight decay: `multiclass.md` sections 0 to 4 and 7. Bands: `fluctuations.md` sections 2 to
    5 and 8 (the linear noise approximation, ours): 95 % of single runs lie in curve + bias +- 1.96 sd, the mean over m
    runs in curve + bias +- 1.96 sd / sqrt(m).

    Examples
    --------
    >>> import jominy as jm
    >>> problem = jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    >>> curve = jm.forecast(problem, jm.Constant(0.5), time=10)
    >>> round(float(curve.adversarial_risk[-1]), 4)
    0.5252
    >>> curve = jm.forecast(problem, jm.Constant(0.5), time=10, start=0.7, bands=True)
    >>> round(float(curve.adversarial_risk_sd[-1]), 4), round(float(curve.adversarial_risk_bias[-1]), 5)
    (0.0091, 0.00025)
    """
    require_schedule(schedule)
    schedule = averaged(schedule, average_from)
    evaluate_at, others = split_evaluation(evaluate_at)
    training = Training(problem, schedule, start, evaluation_radii(evaluate_at), others, require_optimizer(optimizer))
    request = ForecastRequest(
        time,
        times,
        held_out,
        diagonal,
        largest_block,
        compress,
        rtol,
        batch_size,
        bands,
        dimension,
        progress,
        method,
        runs,
        precision,
    )
    return engines_of(problem).forecast(training, request)


def require_schedule(schedule: Any) -> None:
    """A schedule object, or an error that says so."""
    if not isinstance(schedule, Schedule):
        raise InputError("A schedule must be a schedule object", schedule, "For a fixed rate use `Constant(0.5)`")
