"""Do 95 % intervals cover? Random problems over losses, radii, schedules, spectra, starts, simulated exactly in law."""

import numpy as np
import pytest

import jominy as jm
import user_losses
import zoo

DIMENSION, RUNS, TOGETHER = 400, 400, 20
TIMES = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0])
VARIABLES = ("adversarial_risk", "norm", "distance_to_optimum", "adversarial_accuracy", "alignment")
KINDS = (
    ("squared", jm.SquaredLoss(), "constant", False),
    ("squared", jm.SquaredLoss(), "polyak", True),
    ("mixed", jm.SquaredLoss(), "cosine", True),
    ("mixed", user_losses.Huber(), "constant", False),
    ("classes", jm.LogisticLoss(), "constant", True),
    ("classes", jm.LogisticLoss(), "line search", False),
    ("classes", user_losses.Hinge(), "inverse", True),
    ("classes", user_losses.SquaredHinge(), "constant", False),
)
SCHEDULES = {
    "constant": lambda rate: jm.Constant(rate),
    "cosine": lambda rate: jm.Cosine(1.3 * rate, 2.5),
    "inverse": lambda rate: jm.InverseTime(1.5 * rate, 0.7),
    "polyak": lambda rate: jm.Polyak(),
    "line search": lambda rate: jm.ExactLineSearch(),
}


def random_law(kind: str, random: np.random.Generator) -> zoo.Law:
    d = DIMENSION

    def vector(size):
        return size * zoo.unit(random.standard_normal(d))

    def levels():
        split = np.arange(d) < d * 0.25
        return np.where(split, random.uniform(0.8, 2.0), random.uniform(0.3, 1.2))

    if kind == "squared":
        return zoo.Law(np.ones(1), np.zeros((1, d)), levels()[None], None, vector(1.0), random.uniform(0.1, 0.5))
    weight = random.uniform(0.3, 0.7)
    means = np.array([vector(random.uniform(0.5, 1.2)), vector(random.uniform(0.5, 1.2))])
    parts = np.array([weight, 1 - weight]), means, np.array([levels(), levels()])
    if kind == "mixed":
        return zoo.Law(*parts, random.uniform(-0.5, 0.5, size=2), vector(1.0), random.uniform(0.1, 0.5))
    return zoo.Law(*parts, np.array([1.0, -1.0]))


def coverage(instances: int, seed: int):
    """Per problem, time and variable: how often one run, and the mean of some, is inside; and d-scaled misfits."""
    single: dict[str, list[float]] = {name: [] for name in VARIABLES}
    mean: dict[str, list[float]] = {name: [] for name in VARIABLES}
    plain: dict[str, list[float]] = {name: [] for name in VARIABLES}
    pairs = 0
    for index in range(instances * len(KINDS)):
        kind, loss, schedule, fixed = KINDS[index % len(KINDS)]
        random = np.random.default_rng([seed, index])
        problem = random_law(kind, random).problem(loss, random.choice([0.0, 0.2, 0.4, 0.6, 0.8]))
        norm = random.uniform(0.3, 1.0)
        start = norm * zoo.unit(random.standard_normal(DIMENSION)) if fixed else jm.RandomStart(norm)
        case = problem, SCHEDULES[schedule](random.uniform(0.3, 0.8))
        curve = jm.forecast(*case, times=TIMES, start=start, bands=True)
        seeds = range(1000 * index, 1000 * index + RUNS)
        runs = jm.simulate(*case, times=TIMES, start=start, seeds=seeds, progress=False)
        assert curve.attrs["bands"] in ("good", "fair")
        pairs += len(TIMES)
        for name in VARIABLES:
            if f"{name}_sd" in curve:
                sd, centre = curve[f"{name}_sd"].values, (curve[name] + curve[f"{name}_bias"]).values
                values = runs[name].transpose("seed", "time").values
                groups = values.reshape(-1, TOGETHER, len(TIMES)).mean(axis=1)
                narrow = 1.96 * sd / np.sqrt(TOGETHER)
                single[name] += list(np.mean(np.abs(values - centre) < 1.96 * sd, axis=0))
                mean[name] += list(np.mean(np.abs(groups - centre) < narrow, axis=0))
                plain[name] += list(np.mean(np.abs(groups - curve[name].values) < narrow, axis=0))
    return pairs, single, mean, plain


@pytest.mark.slow
def test_intervals_cover():
    # 240 pairs of problem and time at d = 400. One pair has a standard error of 0.011 (one run) and 0.049 (means of
    # 20); the 6 times of a problem share their runs, so the averages have about 0.002 (one run) and 0.005 (means).
    pairs, single, mean, plain = coverage(instances=5, seed=11)
    assert pairs >= 200
    for name in VARIABLES:
        print(
            f"{name:22s} one run {np.mean(single[name]):.4f} [{np.min(single[name]):.3f}, {np.max(single[name]):.3f}]  "
            f"mean of {TOGETHER} {np.mean(mean[name]):.4f} [{np.min(mean[name]):.2f}, {np.max(mean[name]):.2f}]  "
            f"without the bias {np.mean(plain[name]):.4f}  ({len(single[name])} pairs)"
        )
    for name in VARIABLES:
        assert 0.93 < np.mean(single[name]) < 0.97, name
        assert 0.93 < np.mean(mean[name]) < 0.97, name
