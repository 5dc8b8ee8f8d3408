"""Random scenarios over all laws, losses, schedules and verbs, with numbers from 1e-300 to 1e300.

    python -m tests.fuzz_scenarios --count 20000 --seed 1

Nothing may crash: every scenario ends with a result, whose status is true, or with an InputError. What goes wrong is
counted by kind and place, with one scenario of each to try again (`--only seed/structure/number`). The structures are
few and fixed, and all scenarios of a structure come one after the other, so that its programs are compiled once.
"""

import argparse
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

import jominy as jm
from jominy.errors import InputError

D = 6
LIMIT = 100.0
"""Seconds of processor time that a scenario may take, without the compiler's optimisations, which make half a minute of
it; the compilation of its programs is not counted twice."""
LOSSES: dict[str, Callable[[], Any]] = {
    "squared": jm.SquaredLoss,
    "ridge": lambda: jm.RidgeSquaredLoss(),
    "logistic": jm.LogisticLoss,
    "probit": jm.ProbitLoss,
    "hinge": jm.HingeLoss,
    "squared hinge": jm.SquaredHingeLoss,
    "smoothed hinge": jm.SmoothedHingeLoss,
    "exponential": jm.ExponentialLoss,
    "link": lambda: jm.LinkSquaredLoss(jm.Erf()),
    "softmax": jm.SoftmaxLoss,
}
MARGIN = ("logistic", "probit", "hinge", "squared hinge", "smoothed hinge", "exponential")


class Numbers:
    """Random numbers: most of order one, some of any magnitude, some exactly zero."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        # In half of the scenarios one number or two are odd, in the others each one may be.
        self.odd = float(random.choice([0.08, 0.08, 0.3, 1.0]))

    def any(self, low: float = 0.05, high: float = 3.0, zero: float = 0.1) -> float:
        """From low to high, or from 1e-300 to 1e300."""
        if self.random.random() < zero:
            return 0.0
        if self.random.random() < self.odd:
            # Beyond 1e30 a number is refused, which ends a scenario: one odd number in four may be.
            reach = 300 if self.random.random() < 0.25 else 29
            return float(10 ** self.random.uniform(-reach, reach))
        return float(np.exp(self.random.uniform(np.log(low), np.log(high))))

    def signed(self) -> float:
        """The same with a sign."""
        return float(self.random.choice([-1, 1])) * self.any()


def spectrum(n: Numbers) -> Any:
    kind = n.random.integers(4)
    if kind == 0:
        return jm.spectrum([n.any() for _ in range(D)])
    if kind == 1:
        return jm.power_law(D, n.random.uniform(0, 4), mean=n.any())
    if kind == 2:
        return jm.uniform(D, n.any(), n.any())
    return jm.spectrum(n.any() * np.arange(1, D + 1))


def teacher_law(n: Numbers) -> Any:
    return jm.LinearTeacher(spectrum(n), [n.signed() for _ in range(D)], noise_variance=n.any(zero=0.3))


def a_problem(n: Numbers, law: Any, loss: Any) -> jm.Problem:
    """Of any radius; one in eight minimises a mixture, as far as its loss and targets go."""
    radius, mixed = n.any(zero=0.2), n.random.random() < 0.125
    if not mixed or getattr(law, "label_law", None) or getattr(law, "teacher_link", None):
        return jm.Problem(law, loss, radius)
    share = float(n.random.uniform(0.0, 0.9))
    objective = jm.Mixed(share) if n.random.random() < 0.5 else jm.CoinFlip(share)
    # No further draw: scenarios that once went wrong are found again by their seeds.
    others = (
        objective,
        objective,
        jm.UniformRadius(share),
        jm.TruncatedNormalRadius(share + 0.01),
        jm.TRADES(9 * share),
    )
    return jm.Problem(law, loss, radius, objective=others[int(1e6 * share) % len(others)])


def one_level(n: Numbers) -> Any:
    return jm.LinearTeacher(jm.identity(D, n.any()), n.any(), noise_variance=n.any(zero=0.3))


def link_teacher(n: Numbers) -> Any:
    return jm.LinearTeacher(jm.identity(D, n.any()), n.any(), n.any(zero=0.3), teacher_link=jm.Erf())


def smooth(n: Numbers) -> Any:
    return jm.LinearTeacher(jm.power_law(100, n.random.uniform(0.3, 4), mean=n.any()), n.any(), n.any(zero=0.3))


def random_labels(n: Numbers) -> Any:
    return jm.LinearTeacher(jm.identity(D, n.any()), n.any(), label_law=jm.LogisticLabels())


def classes(n: Numbers) -> Any:
    means = [[n.signed() for _ in range(D)] for _ in range(2)]
    share = n.random.uniform(0.01, 0.99)
    return jm.GaussianMixture([share, 1 - share], means, [spectrum(n), spectrum(n)], labels=[1, -1])


def even_classes(n: Numbers) -> Any:
    return jm.GaussianMixture([0.5, 0.5], [n.signed(), n.signed()], [jm.identity(D, n.any())] * 2, labels=[1, -1])


def with_intercept(n: Numbers) -> Any:
    covariances = [jm.identity(D, n.any())] * 2
    return jm.GaussianMixture([0.2, 0.8], [n.signed(), n.signed()], covariances, labels=[1, -1], intercept=True)


def matrices(n: Numbers) -> Any:
    size = 3
    roots = [n.random.standard_normal((size, size)) for _ in range(2)]
    covariances = [n.any(zero=0) * root @ root.T for root in roots]
    return jm.GaussianMixture([0.4, 0.6], [n.signed(), n.signed()], covariances, labels=[1, -1])


def limiting(n: Numbers) -> Any:
    return jm.LinearTeacher(jm.power_law(np.inf, 1.5, mean=n.any()), n.any(), n.any(zero=0.3))


def rows(n: Numbers) -> Any:
    X = n.any(zero=0) * n.random.standard_normal((20, 3))
    y = np.where(X[:, 0] + n.random.standard_normal(20) > 0, 1.0, -1.0)
    y[:2] = 1.0, -1.0
    return jm.Samples(X, y)


def weighted_rows(n: Numbers) -> Any:
    X = n.random.standard_normal((20, 3))
    y = np.where(np.arange(20) % 2, 1.0, -1.0)
    return jm.Samples(X, y, sample_weight=[n.any(zero=0) for _ in range(20)], intercept=True)


def numbered_rows(n: Numbers) -> Any:
    X = n.any(zero=0) * n.random.standard_normal((20, 3))
    return jm.Samples(X, n.any() * n.random.standard_normal(20))


def three_labels(n: Numbers) -> Any:
    means = [[n.signed() for _ in range(D)] for _ in range(3)]
    return jm.GaussianMixture([0.2, 0.3, 0.5], means, [spectrum(n)] * 3, labels=[0, 1, 2])


def three_kinds_of_rows(n: Numbers) -> Any:
    X = n.any(zero=0) * n.random.standard_normal((20, 3))
    return jm.Samples(X, np.array(["a", "b", "c"])[np.arange(20) % 3])


SCHEDULES: dict[str, Callable[[Numbers], Any]] = {
    "constant": lambda n: jm.Constant(n.any()),
    "inverse time": lambda n: jm.InverseTime(n.any(), decay=n.any()),
    "cosine": lambda n: jm.Cosine(n.any(zero=0), horizon=n.any(zero=0), final=0.0),
    "piecewise": lambda n: jm.Piecewise([n.any(zero=0)], [n.any(), n.any()]),
    "Polyak": lambda n: jm.Polyak(),
    "line search": lambda n: jm.ExactLineSearch(),
    "AdaGrad": lambda n: jm.AdaGradNorm(n.any(zero=0), n.any(zero=0)),
}


def a_start(n: Numbers) -> Any:
    kind = n.random.integers(3)
    return None if kind == 0 else n.any() if kind == 1 else jm.RandomStart(n.any(zero=0))


def times_of(n: Numbers) -> list[float]:
    end = n.any(low=0.5, high=5.0, zero=0)
    return [0.0, end / 2, end]


class Scenario(NamedTuple):
    """What is asked: a verb with its arguments, ready to be called."""

    ask: Callable[[], Any]
    text: str


def forecast(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem = a_problem(n, law, loss)
    start, times = a_start(n), times_of(n)
    more = {"evaluate_at": [0.0, n.any()]}
    text = f"forecast({problem}, {schedule}, times={times}, start={start}, {more})"
    return Scenario(lambda: jm.forecast(problem, schedule, times=times, start=start, **more), text)


def averaged(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem, start, times = a_problem(n, law, loss), a_start(n), times_of(n)
    begin = float(n.random.uniform(0, 1.1)) * times[-1]
    text = f"forecast({problem}, {schedule}, times={times}, start={start}, average_from={begin})"
    ask = lambda: jm.forecast(problem, schedule, times=times, start=start, average_from=begin)  # noqa: E731
    return Scenario(ask, text)


def attacked(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    """Trained under one attack, looked at under others."""
    attacks = [jm.L2(), jm.LInf(), jm.Mahalanobis(weights=[n.any() for _ in range(int(law.dimension))]), jm.Lp(3)]
    trained, tested = (attacks[n.random.integers(len(attacks))] for _ in range(2))
    try:
        problem = jm.Problem(law, loss, n.any(zero=0.2), attack=trained)
    except InputError as refused:
        problem = refused
    times, seen = times_of(n), [(tested, n.any())]
    text = f"forecast({problem}, {schedule}, times={times}, evaluate_at={seen})"

    def ask() -> Any:
        if isinstance(problem, InputError):
            raise problem
        return jm.forecast(problem, schedule, times=times, evaluate_at=seen)

    return Scenario(ask, text)


def design(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem, end = a_problem(n, law, loss), n.any(low=0.5, high=5.0, zero=0)
    text = f"design({problem}, {end}, {schedule})"
    ask = lambda: jm.design(problem, end, schedule, certificate=False).dataset()  # noqa: E731
    return Scenario(ask, text)


def pareto(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem, end = a_problem(n, law, loss), n.any(low=0.5, high=5.0, zero=0)
    radii = [n.any(), n.any()]
    text = f"pareto({problem}, {end}, radii={radii})"
    return Scenario(lambda: jm.pareto(problem, end, radii=radii).dataset(), text)


def bands(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem, start, times = a_problem(n, law, loss), a_start(n), times_of(n)
    dimension = None if np.isfinite(law.dimension) else 1000.0
    text = f"forecast({problem}, {schedule}, times={times}, start={start}, bands=True)"
    ask = lambda: jm.forecast(problem, schedule, times=times, start=start, bands=True, dimension=dimension)  # noqa: E731
    return Scenario(ask, text)


def budgeted_bands(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    """Under an attack with a budget per feature."""
    attack = jm.Mahalanobis(weights=[n.any() for _ in range(int(law.dimension))])
    try:
        problem: Any = jm.Problem(law, loss, n.any(zero=0.2), attack)
    except InputError as refused:
        problem = refused
    times, start = times_of(n), a_start(n)
    text = f"forecast({problem}, {schedule}, times={times}, start={start}, bands=True)"

    def ask() -> Any:
        if isinstance(problem, InputError):
            raise problem
        return jm.forecast(problem, schedule, times=times, start=start, bands=True)

    return Scenario(ask, text)


def in_blocks(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    """Under several budgets at once."""
    attack = jm.BlockL2(np.arange(int(law.dimension)) % 2, [n.any(), n.any()])
    problem: Any
    try:
        problem = jm.Problem(law, loss, n.any(zero=0.2), attack)
    except InputError as refused:
        problem = refused
    times, start, whole = times_of(n), a_start(n), n.random.random() < 0.5
    text = f"forecast({problem}, {schedule}, times={times}, start={start}) or its optimum: {whole}"

    def ask() -> Any:
        if isinstance(problem, InputError):
            raise problem
        return jm.optimum(problem) if whole else jm.forecast(problem, schedule, times=times, start=start)

    return Scenario(ask, text)


def noisy(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    """With random noise on the inputs in training."""
    problem = jm.Problem(law, loss, n.any(zero=0.2), objective=jm.GaussianNoise(n.any(zero=0)))
    times, start = times_of(n), a_start(n)
    text = f"forecast({problem}, {schedule}, times={times}, start={start})"
    return Scenario(lambda: jm.forecast(problem, schedule, times=times, start=start), text)


def several(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    """Several classes: rows by the recursion, a mixture under an optimizer."""
    problem, times = jm.Problem(law, loss, n.any(zero=0.2)), times_of(n)
    optimizer = OPTIMIZERS[n.random.integers(len(OPTIMIZERS))]
    start = None if n.random.random() < 0.5 else jm.RandomStart(n.any(zero=0))
    more = {"method": "recursion"} if problem.data.empirical else {}
    text = f"forecast({problem}, {schedule}, times={times}, start={start}, optimizer={optimizer}, {more})"
    ask = lambda: jm.forecast(problem, schedule, times=times, start=start, optimizer=optimizer, **more)  # noqa: E731
    return Scenario(ask, text)


OPTIMIZERS = (jm.SGD(momentum=0.9), jm.SGD(momentum=0.5, nesterov=True, weight_decay=0.3, batch_size=2),
              jm.SGD(momentum=0.8, dampening=0.5, weight_decay=2.0, decoupled=True))  # fmt: skip


def optimized(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    """By batches, momentum and decay, at most a few thousand steps."""
    problem, start, chosen = a_problem(n, law, loss), a_start(n), n.random.integers(4)
    optimizer = jm.SGD(batch_size=3, weight_decay=n.any()) if chosen == 3 else OPTIMIZERS[chosen]
    end = n.any(low=0.5, high=5.0, zero=0)
    times = [0.0, min(end, 500.0) / 2, min(end, 500.0)]
    text = f"forecast({problem}, {schedule}, times={times}, start={start}, optimizer={optimizer})"
    return Scenario(lambda: jm.forecast(problem, schedule, times=times, start=start, optimizer=optimizer), text)


def many(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problems, times = [a_problem(n, law, loss) for _ in range(2)], times_of(n)
    text = f"forecast_many({problems}, {schedule}, times={times})"
    return Scenario(lambda: jm.forecast_many(problems, schedule, times=times, progress=False), text)


def optimum(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem = a_problem(n, law, loss)
    return Scenario(lambda: (jm.optimum(problem), jm.collapse_radius(problem)), f"optimum({problem})")


def stationary(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem, rate = a_problem(n, law, loss), n.any(zero=0)
    return Scenario(lambda: jm.stationary(problem, rate), f"stationary({problem}, {rate})")


def advise(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem, end = a_problem(n, law, loss), n.any(low=0.5, high=5.0, zero=0)
    return Scenario(lambda: jm.advise(problem, schedule, end), f"advise({problem}, {schedule}, time={end})")


def simulate(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem, start = a_problem(n, law, loss), a_start(n)
    times = [0.0, 1.0, float(n.random.integers(2, 6))]
    text = f"simulate({problem}, {schedule}, times={times}, start={start}, seeds=2)"
    ask = lambda: jm.simulate(problem, schedule, times=times, start=start, seeds=2, progress=False)  # noqa: E731
    return Scenario(ask, text)


def homogenize(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem, start = a_problem(n, law, loss), a_start(n)
    text = f"homogenize({problem}, {schedule}, times=[0, 1, 2], start={start}, paths=2)"
    ask = lambda: jm.homogenize(problem, schedule, times=[0.0, 1.0, 2.0], start=start, paths=2, progress=False)  # noqa: E731
    return Scenario(ask, text)


def compare(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    problem, start = a_problem(n, law, loss), a_start(n)

    def ask() -> Any:
        curve = jm.forecast(problem, schedule, times=[0.0, 1.0, 2.0], start=start)
        runs = jm.simulate(problem, schedule, times=[0.0, 1.0, 2.0], start=start, seeds=3, progress=False)
        return jm.compare(curve, runs)

    return Scenario(ask, f"compare({problem}, {schedule}, start={start})")


def _scenario(n: Numbers, law: Any, loss: Any) -> Any:
    """A scenario of one level, or of two classes of one, with the same numbers as the other verbs get."""
    level = {"kind": "identity", "scale": n.any(zero=0.2)}
    if isinstance(loss, jm.SquaredLoss):
        data = {"kind": "linear-teacher", "dimension": D, "covariance": level, "noise_variance": n.any(zero=0.3)}
    else:
        parts = [{"weight": 0.5, "mean": n.signed(), "covariance": level, "label": label} for label in (1, -1)]
        data = {"kind": "mixture", "dimension": D, "components": parts}
    kind = {"SquaredLoss": "squared", "LogisticLoss": "logistic"}[type(loss).__name__]
    return jm.Scenario.from_mapping(
        {"data": data, "loss": {"kind": kind}, "radius": n.any(zero=0.2), "time": n.any(low=0.5, high=5.0, zero=0),
         "schedule": {"kind": "constant", "rate": n.any()}}
    )  # fmt: skip


def sweep(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    told = _scenario(n, law, loss)
    values = {"radius": [n.any(zero=0.2), n.any()], "rate": [n.any(), n.any()]}
    return Scenario(lambda: jm.sweep(told, values, progress=False), f"sweep({told!r}, {values})")


def phase(n: Numbers, law: Any, loss: Any, schedule: Any) -> Scenario:
    told = _scenario(n, law, loss)
    values = {"radius": [n.any(), n.any()], "rate": [n.any(), n.any()]}
    return Scenario(lambda: jm.phase(told, values, progress=False), f"phase({told!r}, {values})")


class Structure(NamedTuple):
    """What scenarios of one compiled program share."""

    verb: Callable[..., Scenario]
    law: Callable[[Numbers], Any]
    loss: str
    schedule: str
    share: int = 1

    @property
    def name(self) -> str:
        return f"{self.verb.__name__}, {self.law.__name__}, {self.loss}, {self.schedule}"


def structures() -> list[Structure]:
    """Each verb with each law and loss that it may have, and each schedule where that matters."""
    regression = (teacher_law, one_level, smooth, limiting, even_classes, matrices, numbered_rows)
    pairs = [(law, "squared") for law in regression]
    pairs += [(one_level, "ridge"), (link_teacher, "link"), (random_labels, "logistic")]
    pairs += [(classes, loss) for loss in MARGIN] + [(even_classes, "hinge"), (rows, "logistic"), (rows, "hinge")]
    pairs += [(matrices, "logistic")]
    found = [Structure(forecast, law, loss, name, 4) for law, loss in pairs for name in SCHEDULES if _goes(law, name)]
    found += [Structure(optimum, law, loss, "constant", 6) for law, loss in pairs]
    found += [Structure(forecast, law, "logistic", name, 4) for law in (with_intercept, weighted_rows)
              for name in ("constant", "Polyak")]  # fmt: skip
    found += [Structure(optimum, law, "logistic", "constant", 6) for law in (with_intercept, weighted_rows)]
    few = [(one_level, "squared"), (teacher_law, "squared"), (even_classes, "logistic"), (classes, "hinge")]
    found += [Structure(many, law, loss, name, 2) for law, loss in few for name in ("constant", "Polyak")]
    found += [Structure(stationary, law, loss, "constant", 1) for law, loss in [*few, (matrices, "logistic")]]
    found += [Structure(bands, law, loss, name) for law, loss in few for name in ("constant", "Polyak")]
    found += [Structure(advise, law, loss, "constant", 1) for law, loss in [*few, (rows, "logistic")]]
    new = [(one_level, "squared"), (with_intercept, "logistic"), (weighted_rows, "logistic")]
    found += [Structure(averaged, law, loss, "constant", 2) for law, loss in new[:2]]
    found += [Structure(attacked, law, loss, "constant", 3) for law, loss in new]
    found += [Structure(verb, law, loss, "constant") for verb in (design, pareto) for law, loss in new]
    with_runs = [*few, (rows, "logistic"), (numbered_rows, "squared"), (matrices, "logistic")]
    for verb in (simulate, compare):
        found += [Structure(verb, law, loss, name) for law, loss in with_runs for name in ("constant", "line search")]
    found += [Structure(homogenize, law, loss, "constant") for law, loss in few]
    for verb in (sweep, phase):
        found += [Structure(verb, law, loss, "constant") for law, loss in (few[0], few[2])]
    moved = [*few, (limiting, "squared"), (matrices, "logistic"), (with_intercept, "logistic")]
    found += [Structure(optimized, law, loss, name, 2) for law, loss in moved for name in ("constant", "Polyak")]
    found += [Structure(budgeted_bands, law, loss, "constant") for law, loss in (few[1], few[3], moved[-1])]
    divided = [(teacher_law, "squared"), (classes, "logistic"), (matrices, "logistic"), (with_intercept, "logistic")]
    found += [Structure(in_blocks, law, loss, name) for law, loss in divided for name in ("constant", "Polyak")]
    shaken = [(rows, "logistic"), (numbered_rows, "squared"), (one_level, "squared")]
    found += [Structure(noisy, law, loss, "constant") for law, loss in shaken]
    found += [Structure(several, law, "softmax", "constant") for law in (three_labels, three_kinds_of_rows)]
    return found


def _goes(law: Callable, schedule: str) -> bool:
    return schedule in ("constant", "Polyak", "line search") or law in (teacher_law, one_level, even_classes, rows)


NOT_EVERYWHERE = ("rate_over_stable", "rate_over_divergent")
"""Of a phase diagram: some losses have no such limit."""


def what_is_wrong(answer: Any) -> list[str]:
    """Kinds of wrong numbers in a result."""
    if isinstance(answer, tuple):
        return [kind for one in answer for kind in what_is_wrong(one)]
    if isinstance(answer, float):
        return ["NaN"] if np.isnan(answer) else []
    found = []
    attrs = getattr(answer, "attrs", None)
    if attrs is None:
        for name, value in vars(answer).items() if hasattr(answer, "__dict__") else []:
            if isinstance(value, float) and np.isnan(value):
                found.append(f"NaN: {type(answer).__name__}.{name}")
        return found
    status = attrs.get("status", "completed")
    if "point" in answer.dims:
        answer = answer.isel(point=answer.status.values == "completed")
    for name, values in answer.data_vars.items():
        if values.dtype.kind != "f" or name in NOT_EVERYWHERE:
            continue
        if "status" in answer and not set(answer["status"].dims) - set(values.dims) and answer["status"].dims:
            known = answer["status"] == "completed"  # the other points of a sweep say why
            if name == "distance_to_optimum":  # of classes that are apart with certainty there is none
                known = known & np.isfinite(answer["optimum_norm"])
            values = values.where(known, 0.0)
        if "point" in values.dims:  # of points of several kinds some lack a variable
            lacking = values.isnull().all([dim for dim in values.dims if dim != "point"])
            values = values.where(~lacking, 0.0)
        if attrs.get("engine") == "compare" and set(values.dims) == set(answer["mean"].dims):
            # Where both are infinite, as the ridge of a student at zero is, there is no difference to tell.
            values = values.where(np.isfinite(answer["mean"]) & np.isfinite(answer["forecast"]), 0.0)
        if status in ("completed", "collapsed") and np.any(np.isnan(values.values)) and not name.startswith("z"):
            found.append(f"NaN under {status}: {name}")
        if status in ("completed",) and name in ("adversarial_risk", "norm") and np.any(np.isinf(values.values)):
            found.append(f"infinite under {status}: {name}")
    failed = status == "numerical failure"  # it says so itself; how often is told among the endings
    if attrs.get("engine") == "forecast" and not failed and "excess_risk" in answer and answer["excess_risk"].size:
        excess = answer["excess_risk"]
        if "status" in answer and answer["status"].dims:  # a point of a sweep says so itself
            excess = excess.where(answer["status"] != "numerical failure", 0.0)
        risk, excess = answer["adversarial_risk"].values, excess.values
        known = np.isfinite(risk) & np.isfinite(excess)
        slack = 1e-6 + 10 * np.nan_to_num(attrs.get("numerical_error", 1e-6), nan=1.0)
        if np.any(excess[known] < -slack * np.abs(risk[known]) - 1e-290):
            found.append("negative excess risk")
    return found


class Tally:
    """How scenarios ended, with the first one of each kind of fault."""

    def __init__(self, talk: bool = False) -> None:
        self.talk = talk
        self.endings: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.example: dict[str, str] = {}
        self.slowest: list[tuple[float, str]] = []

    def fault(self, kind: str, example: str) -> None:
        self.faults[kind] += 1
        if self.talk and kind not in self.example:
            print(f"    {kind}\n      {example[:600]}", flush=True)
        self.example.setdefault(kind, example)

    def told(self) -> str:
        endings = ", ".join(f"{count} {ending}" for ending, count in self.endings.most_common())
        lines = [f"{sum(self.endings.values())} scenarios: {endings}"]
        for kind, count in self.faults.most_common():
            lines.append(f"{count:5d}  {kind}\n       {self.example[kind]}")
        lines += [f"{seconds:6.1f} s  {text}" for seconds, text in sorted(self.slowest, reverse=True)[:5]]
        return "\n".join(lines)


def scenario(structure: Structure, key: tuple[int, int, int]) -> Callable[[], Scenario]:
    """The scenario with this key: seed, structure, number."""
    numbers = Numbers(np.random.default_rng(key))
    return lambda: structure.verb(
        numbers, structure.law(numbers), LOSSES[structure.loss](), SCHEDULES[structure.schedule](numbers)
    )


def try_one(structure: Structure, key: tuple[int, int, int], tally: Tally, first: bool) -> None:
    """Ask one scenario and count how it ends."""
    place, begin, text = "/".join(map(str, key)), time.process_time(), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            asked = scenario(structure, key)()
            text = asked.text
            answer = asked.ask()
        for kind in what_is_wrong(answer):
            tally.fault(kind, f"{place} {structure.name}: {text}")
        ending = getattr(answer, "attrs", {}).get("status", "answered")
    except InputError:
        ending = "refused"
    except TimeoutError:
        ending = "out of time"
        tally.fault("out of time", f"{place} {structure.name}: {text}")
    except Exception as error:
        ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "jominy/" in frame.filename]
        where = f"{ours[-1].filename.split('jominy/')[-1]}:{ours[-1].lineno}" if ours else "?"
        kind = f"{type(error).__name__} in {where}: {str(error)[:100]}"
        ending = "crashed"
        tally.fault(kind, f"{place} {structure.name}: {text}")
    spent = time.process_time() - begin
    tally.endings[ending] += 1
    tally.slowest = sorted([*tally.slowest, (spent, f"{place} {structure.name}: {text}")], reverse=True)[:5]
    if spent > LIMIT and not first:
        tally.fault("over time", f"{place} {spent:.0f} s, {structure.name}: {text}")


def run(count: int, seed: int, chosen: Iterable[int] | None = None, talk: bool = False) -> Tally:
    """About `count` scenarios over all structures."""
    every, tally = structures(), Tally(talk)
    indices = list(chosen or range(len(every)))
    shares = sum(every[index].share for index in indices)
    for index in indices:
        structure = every[index]
        for number in range(max(1, round(count * structure.share / shares))):
            try_one(structure, (seed, index, number), tally, first=number < 2)
        if talk:
            done, faults = sum(tally.endings.values()), sum(tally.faults.values())
            print(f"{index} {structure.name}: {done} done, {faults} faults", flush=True)
    return tally


def main() -> None:
    """Run the fuzzer from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--structures", help="first:last, of the list of structures")
    parser.add_argument("--only", help="seed/structure/number of one scenario, whose error is shown in full")
    given = parser.parse_args()
    if given.only:
        seed, index, number = map(int, given.only.split("/"))
        asked = scenario(structures()[index], (seed, index, number))()
        print(asked.text)
        warnings.simplefilter("error")
        answer = asked.ask()
        print(answer, what_is_wrong(answer))
        return
    chosen = range(*map(int, given.structures.split(":"))) if given.structures else None
    print(run(given.count, given.seed, chosen, talk=True).told())


if __name__ == "__main__":
    main()
