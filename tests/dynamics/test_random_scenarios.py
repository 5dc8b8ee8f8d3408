"""Two thousand random scenarios over all losses, schedules and spectra: finite, or with a status that says so.

One random generator, fixed seed; the shapes are few, so that the programs compiled are few.
"""

import numpy as np
import pytest

import jominy as jm
from jominy.results import Status
from zoo import MARGIN_LOSSES

D = 24
LABELS = {status.label for status in Status}
TIMES = [0.5, 2.0, 6.0]


def a_spectrum(random) -> jm.Spectrum:
    """Any family, at a size that keeps the number of groups (and so the program) the same within a family."""
    kind = random.integers(5)
    if kind == 0:
        return jm.identity(D, random.uniform(0.2, 2))
    if kind == 1:
        return jm.power_law(D, random.uniform(0.2, 3))
    if kind == 2:
        return jm.two_level(D, random.uniform(1, 3), random.uniform(0.001, 0.9))
    if kind == 3:
        return jm.uniform(D, random.uniform(0, 0.5), random.uniform(0.6, 2))
    return jm.marchenko_pastur(D, random.uniform(0.1, 0.9))


def a_schedule(random, largest: float):
    """Any schedule; rates far above the stable ones included."""
    rate = float(np.exp(random.uniform(np.log(0.01), np.log(largest))))
    kind = random.integers(6)
    if kind == 0:
        return jm.InverseTime(rate, decay=random.uniform(0, 2))
    if kind == 1:
        return jm.Cosine(rate, horizon=random.uniform(1, 8), final=0.1 * rate)
    if kind == 2:
        return jm.Piecewise([random.uniform(0.5, 4)], [rate, rate * random.uniform(0, 1)])
    if kind == 3:
        return jm.Polyak()
    if kind == 4:
        return jm.ExactLineSearch()
    return jm.Constant(rate)


def a_scenario(random, loss: str):
    radius = float(random.choice([0.0, random.uniform(0, 0.6), random.uniform(0, 2.5)]))
    start = [None, 0.7, 1e-6, jm.RandomStart(0.5)][random.integers(4)]
    if loss == "squared":
        spectrum = a_spectrum(random)
        data = jm.LinearTeacher(spectrum, random.uniform(0.1, 2), noise_variance=random.choice([0.0, 1e-4, 0.3]))
        return jm.Problem(data, jm.SquaredLoss(), radius), a_schedule(random, 4.0), start
    share, size = random.uniform(0.1, 0.9), random.uniform(0.05, 1.5)
    means = [size * random.standard_normal(D) / np.sqrt(D), -size * random.standard_normal(D) / np.sqrt(D)]
    data = jm.GaussianMixture([share, 1 - share], means, [a_spectrum(random), a_spectrum(random)], labels=[1, -1])
    return jm.Problem(data, MARGIN_LOSSES[loss], radius), a_schedule(random, 4.0), start


def check(problem, schedule, start) -> str:
    told = jm.forecast(problem, schedule, times=TIMES, start=start)
    status = told.attrs["status"]
    assert status in LABELS and (status == Status.COMPLETED.label or told.attrs["advice"])
    for name, values in told.data_vars.items():
        assert not np.any(np.isnan(values)), name
        if np.any(np.isinf(values)) and name != "effective_ridge":  # that is infinite at norm zero
            assert status == Status.DIVERGED.label, name
    finite = told.isel(time=np.isfinite(told.norm.values))
    adversarial, clean = finite.adversarial_risk.values, finite.clean_risk.values
    assert np.all(adversarial >= clean * (1 - 1e-9)) and np.all(finite.norm >= 0)
    slack = 1e-6 + 10 * told.numerical_error
    assert np.all(finite.excess_risk.values >= -slack * (1e-3 + adversarial))
    return status


def run(loss: str, count: int, seed: int) -> dict[str, int]:
    random, seen = np.random.default_rng(seed), {}
    for number in range(count):
        problem, schedule, start = a_scenario(random, loss)
        try:
            status = check(problem, schedule, start)
        except Exception as error:
            raise AssertionError(f"{loss}, seed {seed}, scenario {number}: {problem}, {schedule}, {start}") from error
        seen[status] = seen.get(status, 0) + 1
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", *MARGIN_LOSSES])
def test_two_thousand(loss):
    seen = run(loss, 300, seed=7)
    assert sum(seen.values()) == 300 and seen.get(Status.COMPLETED.label, 0) > 20


@pytest.mark.slow
def test_a_few():
    run("squared", 12, seed=1)
    run("hinge", 6, seed=2)
