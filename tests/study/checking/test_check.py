"""Is a run normal: healthy runs, runs with one number wrong, logs that are none."""

import json
from pathlib import Path

import numpy as np
import pytest

import jominy as jm
from jominy.cli.main import main
from jominy.dynamics.design.objective import objective_of
from jominy.study.checking.check import RUNS, USUAL, Measure, _check_names
from jominy.study.checking.companion import _names
from jominy.study.checking.healthy import RIDGE, Healthy, ends_of, estimates, excursions, threshold
from jominy.study.checking.logs import CHECKED, Log, chosen_times, read_log
from jominy.study.checking.suspects import Plan, suspects_of
from jominy.study.checking.verdict import transformed

EXAMPLES = Path(__file__).parents[3] / "examples"
D = 400
NAMES = ("adversarial_risk", "clean_risk", "norm")
TIMES = np.round(np.geomspace(0.25, 20, 16) * D) / D
LEAST_SQUARES = Plan(
    jm.Problem(jm.LinearTeacher(jm.identity(D), noise_variance=0.25), jm.SquaredLoss(), 0.5), jm.Constant(0.5)
)
TWO_LEVEL = Plan(
    jm.Problem(jm.LinearTeacher(jm.two_level(D), noise_variance=0.25), jm.SquaredLoss(), 0.4), jm.InverseTime(1.0, 0.2)
)
CLASSES = Plan(
    jm.Problem(
        jm.GaussianMixture([0.5, 0.5], means=[1.2, -1.2], covariances=[jm.identity(D)] * 2, labels=[1, -1]),
        jm.LogisticLoss(),
        0.3,
    ),
    jm.Constant(1.0),
)


def runs_of(plan, seeds):
    """(n, T, V) of SGD itself, with the usual seeds, which the check's own are not."""
    made = jm.simulate(
        plan.problem,
        plan.schedule,
        times=(TIMES * plan.stretch).tolist(),
        seeds=seeds,
        start=plan.start,
        progress=False,
    )
    return np.stack([made[name].values for name in NAMES], axis=-1)


def log_of(run):
    return Log(np.round(TIMES * D), TIMES, {name: run[:, place] for place, name in enumerate(NAMES)})


@pytest.fixture(scope="module")
def measure():
    return Measure.of(LEAST_SQUARES, log_of(runs_of(LEAST_SQUARES, 1)[0]), NAMES, 600, 0.01, False)


def wrong(plan, name, value):
    return next(one for one in suspects_of(plan) if one.name == name).plan(value)


def test_white_numbers_are_those_of_the_covariance_and_need_nothing_later():
    draw = np.random.default_rng(0)
    runs = draw.standard_normal((4000, 6)) @ draw.standard_normal((6, 6)) + 3
    healthy = Healthy.of(runs)
    white, covariance = healthy.white(runs - healthy.mean), np.cov(runs, rowvar=False)
    assert np.allclose(healthy.root @ healthy.root.T, covariance + RIDGE * np.diag(np.diag(covariance)))
    assert np.allclose(white @ healthy.root.T, runs - healthy.mean)
    changed = runs.copy()
    changed[:, 4:] += 1
    assert np.allclose(healthy.white(changed - healthy.mean)[:, :4], white[:, :4])
    assert np.allclose(healthy.first(4).white(runs[:, :4] - healthy.mean[:4]), white[:, :4])


def test_excursions_of_normal_numbers_are_normal():
    draw = np.random.default_rng(1)
    white, guides = draw.standard_normal((20000, 12)), draw.standard_normal((1, 12))
    ends = ends_of(np.repeat(np.arange(4), 3))
    assert ends.tolist() == [3, 6, 9, 12]
    out = excursions(white, guides, ends, 1.0)
    assert out.shape == (20000, 4)
    # The larger of |score| and the whole's upper side: above 2.6 with at most .0093 + .0047.
    assert 0.009 < (out[:, -1] > 2.6).mean() < 0.0155


def test_the_threshold_of_normal_numbers():
    """The largest of |z|: 2.576 is exceeded with 1 %, 0.674 with one half; a tail fit is as good with 1,000 runs."""
    draw = np.random.default_rng(2)
    assert abs(threshold(np.abs(draw.standard_normal(200_000)), 0.01) - 2.576) < 0.04
    assert abs(threshold(np.abs(draw.standard_normal(200_000)), 0.5) - 0.674) < 0.01
    small = [threshold(np.abs(draw.standard_normal(1000)), 0.01) for _ in range(50)]
    assert np.std(small) < 0.09


def test_the_standard_error_is_that_of_least_squares():
    """Of white noise around a mean: 1 / ||slope||, a few per cent more for what is estimated."""
    runs = np.random.default_rng(3).standard_normal((2000, 5))
    slope = np.array([1.0, 2.0, 0.0, -1.0, 0.5])
    assert 0.95 < estimates(runs, slope).std() * np.linalg.norm(slope) < 1.06


def test_healthy_runs_are_normal_and_wrong_ones_are_named(measure):
    """300 healthy runs, 20 with each number wrong; the numbers at full size are in docs/normal-run.md."""
    healthy = transformed(runs_of(LEAST_SQUARES, 300), NAMES).reshape(300, -1)
    assert (measure.excursions(healthy).max(axis=1) > measure.threshold).mean() <= 0.03
    for name, value in (("rate", 0.8), ("radius", 1.2), ("noise", 1.2)):
        runs = runs_of(wrong(LEAST_SQUARES, name, value), 20)
        found = measure.excursions(transformed(runs, NAMES).reshape(20, -1)).max(axis=1) > measure.threshold
        assert found.all()
    verdict = measure.verdict(log_of(runs_of(wrong(LEAST_SQUARES, "noise", 1.2), [7])[0]))
    assert not verdict.normal and verdict.cause.name == "noise" and verdict.cause.planned == 0.25
    assert abs(verdict.cause.value - 0.3) < 3 * verdict.cause.error and 0.001 < verdict.cause.error < 0.006
    assert f"noise {verdict.cause.value:.4g} ± " in str(verdict) and verdict.cause.explained > 0.8
    assert json.dumps(verdict.describe())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plan", "wrongs"),
    [
        (LEAST_SQUARES, ("rate", "radius", "noise")),
        (TWO_LEVEL, ("rate", "radius", "noise")),
        (CLASSES, ("rate", "radius")),
    ],
)
def test_rates_of_alarms_names_and_errors(plan, wrongs):
    """What the page says: alarms, names and intervals."""
    measure = Measure.of(plan, log_of(runs_of(plan, 1)[0]), NAMES, RUNS, 0.01, False)
    healthy = transformed(runs_of(plan, 1000), NAMES).reshape(1000, -1)
    assert 0.001 <= (measure.excursions(healthy).max(axis=1) > measure.threshold).mean() <= 0.02
    for name in wrongs:
        suspect = next(one for one in suspects_of(plan) if one.name == name)
        for value in (0.8, 1.2):
            runs = transformed(runs_of(suspect.plan(value), list(range(100, 110))), NAMES).reshape(10, -1)
            assert (measure.excursions(runs).max(axis=1) > measure.threshold).all()
            causes = [measure.cause(run) for run in runs[:6]]
            assert sum(cause.name == name for cause in causes) >= 5
            near = [abs(c.value / c.planned - value) < 2.5 * c.error / c.planned for c in causes if c.name == name]
            assert sum(near) >= len(near) - 1


def test_suspects_of_a_plan():
    names = [suspect.name for suspect in suspects_of(LEAST_SQUARES)]
    assert names == ["rate", "radius", "noise", "batch", "decay", "weight decay", "clipping"]
    started = LEAST_SQUARES._replace(start=jm.RandomStart(0.5))
    assert "start" in [suspect.name for suspect in suspects_of(started)]
    assert [suspect.name for suspect in suspects_of(CLASSES)] == [
        "rate",
        "radius",
        "batch",
        "decay",
        "label flips",
        "weight decay",
        "clipping",
    ]


def test_what_is_wrong_does_what_it_says():
    """The curve of each change against that of a problem that is stated that way."""
    times = [0.5, 2.0, 8.0]

    def risk(plan):
        return jm.forecast(plan.problem, plan.schedule, times=[t * plan.stretch for t in times]).adversarial_risk.values

    data = LEAST_SQUARES.problem.data
    stated = Plan(jm.Problem(data, jm.SquaredLoss(), 0.6), jm.Constant(0.5))
    assert np.allclose(risk(wrong(LEAST_SQUARES, "radius", 1.2)), risk(stated), rtol=1e-7)
    assert np.allclose(
        risk(wrong(LEAST_SQUARES, "rate", 1.2)), risk(LEAST_SQUARES._replace(schedule=jm.Constant(0.6))), rtol=1e-7
    )
    assert np.allclose(
        risk(wrong(LEAST_SQUARES, "decay", 0.2)),
        risk(LEAST_SQUARES._replace(schedule=jm.InverseTime(0.5, 0.2))),
        rtol=1e-7,
    )
    # A batch of twice the size: half the rate for each sample, twice the samples at a step.
    half = jm.forecast(LEAST_SQUARES.problem, jm.Constant(0.25), times=[2 * t for t in times]).adversarial_risk.values
    assert np.allclose(risk(wrong(LEAST_SQUARES, "batch", 2.0)), half, rtol=1e-7)
    flipped = jm.GaussianMixture(
        [0.45, 0.45, 0.05, 0.05],
        means=[1.2, -1.2, 1.2, -1.2],
        covariances=[jm.identity(D)] * 4,
        labels=[1, -1, -1, 1],
    )
    problem = jm.Problem(flipped, jm.LogisticLoss(), 0.3)
    assert np.allclose(risk(wrong(CLASSES, "label flips", 0.1)), risk(CLASSES._replace(problem=problem)), rtol=1e-7)


def plain_sgd(count, steps, clip=np.inf, decay=0.0):
    """(n, T, V) of `count` runs of LEAST_SQUARES in NumPy, gradients clipped to a length, weights that decay."""
    draw, teacher = np.random.default_rng(5), np.ones(D) / np.sqrt(D)
    weights, seen = np.zeros((count, D)), []
    for step in range(1, int(steps[-1]) + 1):
        x = draw.standard_normal((count, D))
        size = np.linalg.norm(weights, axis=1)
        residual = np.sum((weights - teacher) * x, axis=1) - 0.5 * draw.standard_normal(count)
        attacked = np.abs(residual) + 0.5 * size
        gradient = (np.sign(residual) * attacked)[:, None] * x
        gradient += (0.5 * attacked / np.maximum(size, 1e-12))[:, None] * weights
        gradient *= np.minimum(1, clip / np.linalg.norm(gradient, axis=1))[:, None]
        weights = weights - 0.5 / D * (gradient + decay * weights)
        if step in steps:
            seen.append(weights)
    weights = np.stack(seen, axis=1)
    size = np.linalg.norm(weights, axis=-1)
    square = np.linalg.norm(weights - teacher, axis=-1) ** 2 + 0.25
    attacked = (square + size * np.sqrt(2 * square / np.pi) + 0.25 * size**2) / 2  # E (|e| + size / 2)^2 / 2
    return np.stack([attacked, square / 2, size], axis=-1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "wrong", "value"), [("clipping", "clip", 16.0), ("weight decay", "decay", 0.15)])
def test_clipped_gradients_and_weight_decay_are_named(name, wrong, value, measure):
    """Eight runs of plain NumPy each; a length of 16 clips what is steeper than 0.8 standard inputs."""
    runs = transformed(plain_sgd(8, np.round(TIMES * D), **{wrong: value}), NAMES).reshape(8, -1)
    assert (measure.excursions(runs).max(axis=1) > measure.threshold).mean() >= 0.75
    causes = [measure.cause(run) for run in runs[:4]]
    assert [cause.name for cause in causes].count(name) >= 3
    assert all(abs(cause.value - value) < 3 * cause.error for cause in causes if cause.name == name)
    assert ("none" in str(causes[0])) is (name == "clipping")


@pytest.mark.slow
def test_of_several_classes_a_number_is_named_too():
    """Digits 0 to 3: the derivatives are those of 60 paired runs."""
    rows, labels = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    rows, labels = rows[labels < 4] / 16, labels[labels < 4]
    problem = jm.Problem(jm.Samples(rows - rows.mean(axis=0), labels), jm.SoftmaxLoss(), 0.2)
    for schedule, radius, name in ((jm.Constant(1.25), 0.2, "rate"), (jm.Constant(1.0), 0.26, "radius")):
        wrong = jm.Problem(problem.data, problem.loss, radius)
        run = jm.simulate(wrong, schedule, times=[0.5, 1, 2, 4, 8], seeds=[3], progress=False)
        verdict = jm.check(run, problem, jm.Constant(1.0), runs=400, progress=False)
        assert not verdict.normal and verdict.cause.name == name
        truth = 1.25 if name == "rate" else 0.26
        assert abs(verdict.cause.value - truth) < 3 * verdict.cause.error


def several_classes(name):
    """Rows of several classes under the softmax loss, at radius 0.2 and 0.3."""
    sets = pytest.importorskip("sklearn.datasets")
    if name == "wine":
        rows, labels = sets.load_wine(return_X_y=True)
        return jm.Problem(jm.Samples((rows - rows.mean(axis=0)) / rows.std(axis=0), labels), jm.SoftmaxLoss(), 0.3)
    rows, labels = sets.load_digits(return_X_y=True)
    rows, labels = rows[labels < 4] / 16, labels[labels < 4]
    return jm.Problem(jm.Samples(rows - rows.mean(axis=0), labels), jm.SoftmaxLoss(), 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "wine"])
def test_rates_of_alarms_and_names_of_several_classes(name):
    """1,000 healthy runs, whose share of alarms is good to .3 %, and five runs with each number 20 % off."""
    plan = Plan(several_classes(name), jm.Constant(1.0))
    dimension = plan.problem.data.dimension
    times = np.unique(np.round(np.geomspace(0.25, 8, 16) * dimension)) / dimension

    def runs(plan, seeds):
        made = jm.simulate(plan.problem, plan.schedule, times=times.tolist(), seeds=seeds, progress=False)
        return np.stack([made[one].values for one in NAMES], axis=-1)

    first = runs(plan, [5000])[0]
    log = Log(np.round(times * dimension), times, {one: first[:, place] for place, one in enumerate(NAMES)})
    measure = Measure.of(plan, log, NAMES, RUNS, 0.01, False)
    healthy = transformed(runs(plan, 1000), NAMES).reshape(1000, -1)
    assert 0.003 <= (measure.excursions(healthy).max(axis=1) > measure.threshold).mean() <= 0.02
    for suspect in (one for one in suspects_of(plan) if one.name in USUAL):
        for value in (0.8, 1.2):
            wrong = transformed(runs(suspect.plan(value), list(range(100, 105))), NAMES).reshape(5, -1)
            assert (measure.excursions(wrong).max(axis=1) > measure.threshold).sum() >= (5 if name == "digits" else 3)
            if name == "digits":
                assert [measure.cause(run).name for run in wrong[:2]] == [suspect.name] * 2


def test_a_finished_forecast_is_enough():
    problem, schedule = LEAST_SQUARES.problem, LEAST_SQUARES.schedule
    told = jm.forecast(problem, schedule, time=20, bands=True)
    healthy = jm.simulate(problem, schedule, times=TIMES.tolist(), seeds=100, progress=False)
    verdicts = [jm.check(healthy.isel(seed=[place]), told) for place in range(100)]
    assert sum(not verdict.normal for verdict in verdicts) <= 4  # at most 1 %
    assert verdicts[0].sought == () and verdicts[0].times.tolist() == TIMES.tolist()
    wrong = jm.simulate(problem, jm.Constant(0.75), times=TIMES.tolist(), seeds=[7], progress=False)
    verdict = jm.check(wrong, told)
    assert not verdict.normal and verdict.cause is None and "is not looked for" in str(verdict)
    for log, other, words in (
        (wrong, told[["adversarial_risk"]], "must have bands"),
        (wrong, told.isel(time=slice(30)), "reach as far as the log"),
        (wrong, 3, "a problem and a schedule, or a forecast"),
        ({"step": [1, 2], "loss": [1, 2]}, told, "a column that a forecast has"),
    ):
        with pytest.raises(jm.InputError, match=words):
            jm.check(log, other)
    with pytest.raises(jm.InputError, match="Leave them out"):
        jm.check(wrong, told, schedule)
    with pytest.raises(jm.InputError, match="has a schedule"):
        jm.check(wrong, problem)


GOOD = {"step": [100, 200, 400, 800], "adversarial_risk": [0.9, 0.8, 0.7, 0.6]}


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ({"adversarial_risk": [1.0, 0.9]}, "a column of steps"),
        (GOOD | {"adversarial_risk": [0.9, np.nan, 0.7, 0.6], "norm": [1, 2, 3, 4]}, "a number at every step"),
        ({"step": [1, 2, 1, 2], "norm": [1, 2, 3, 4]}, "one run, its steps in order"),
        ({"step": [1, 1, 2, 2], "norm": [1, 2, 3, 4]}, "one run, with one value"),
        ({"step": [1, 2], "loss": [1, 2]}, "a column that a forecast has"),
        ({"step": [1, np.nan], "norm": [1, 2]}, "steps must be numbers"),
        (3, "a log is a file"),
        ("nowhere.csv", "must exist"),
    ],
)
def test_what_is_no_log_is_told_in_one_message(log, words):
    with pytest.raises(jm.InputError, match=words):
        told = chosen_times(read_log(log, None, D, 1))
        told.names(NAMES)


def test_a_log_of_another_problem_is_told(measure):
    accuracies = GOOD | {"clean_accuracy": [0.5, 0.6, 0.7, 0.8]}
    with pytest.raises(jm.InputError, match="[Ii]s it the scenario of this log"):
        jm.check(accuracies, LEAST_SQUARES.problem, LEAST_SQUARES.schedule)
    other = jm.Problem(jm.LinearTeacher(jm.identity(D), teacher=3.0, noise_variance=0.05), jm.SquaredLoss(), 0.1)
    verdict = measure.verdict(log_of(runs_of(Plan(other, jm.Constant(0.2)), 1)[0]))
    assert not verdict.normal and verdict.foreign and "is it the scenario of this log" in str(verdict)


def test_steps_become_times_and_columns_their_names():
    told = read_log({"epoch": [1, 2], "n": [400, 800], "val/loss": [1, 2]}, {"n": "step", "val/loss": "norm"}, D, 2)
    assert told.times.tolist() == [2.0, 4.0] and told.columns["norm"].tolist() == [1, 2]
    with pytest.raises(jm.InputError, match="Did you mean 'val/loss'"):
        read_log({"step": [1, 2], "val/loss": [1, 2]}, {"val/los": "norm"}, D, 1)


def test_rows_of_one_step_belong_together():
    """Loggers write a row for each call."""
    told = read_log(
        {"step": [1, 1, 2, 2], "norm": [1, np.nan, 2, np.nan], "clean_risk": [np.nan, 3, np.nan, 4]}, None, D, 1
    )
    assert told.steps.tolist() == [1, 2] and told.table(("norm", "clean_risk")).tolist() == [[1, 3], [2, 4]]


def test_a_result_of_one_run_is_a_log_and_of_two_is_none():
    runs = jm.simulate(LEAST_SQUARES.problem, LEAST_SQUARES.schedule, times=[0.5, 1.0], seeds=2, progress=False)
    assert read_log(runs.isel(seed=[1]), None, D, 1).steps.tolist() == [200, 400]
    with pytest.raises(jm.InputError, match="one run"):
        read_log(runs, None, D, 1)


SCENARIO = """
title = "A plan"
radius = 0.5
time = 4
[data]
kind = "linear-teacher"
dimension = 100
covariance = { kind = "identity" }
noise_variance = 0.25
[loss]
kind = "squared"
[schedule]
kind = "constant"
rate = 0.5
"""


@pytest.mark.parametrize(("rate", "code"), [(0.5, 0), (1.0, 1)])
def test_the_command(rate, code, tmp_path, capsys):
    data = jm.LinearTeacher(jm.identity(100), noise_variance=0.25)
    run = jm.simulate(
        jm.Problem(data, jm.SquaredLoss(), 0.5),
        jm.Constant(rate),
        times=[0.25, 0.5, 1, 2, 4],
        seeds=[3],
        progress=False,
    ).isel(seed=0)
    lines = ["n,risk,norm"]
    lines += [
        f"{t * 100:.0f},{r:.5f},{n:.5f}" for t, r, n in zip(run.time, run.adversarial_risk, run.norm, strict=True)
    ]
    (tmp_path / "run.csv").write_text("\n".join(lines))
    (tmp_path / "plan.toml").write_text(SCENARIO)
    argv = [
        "check",
        str(tmp_path / "run.csv"),
        str(tmp_path / "plan.toml"),
        "--columns",
        "n=step,risk=adversarial_risk",
    ]
    argv += ["--runs", "200", "--plot", str(tmp_path / "run.png")]
    assert main([*argv, "--json"]) == code
    told = json.loads(capsys.readouterr().out)["check"]
    assert told["normal"] is (code == 0) and told["names"] == ["adversarial_risk", "norm"]
    assert (tmp_path / "run.png").stat().st_size > 1000
    if code:
        assert told["cause"]["name"] == "rate" and abs(told["cause"]["value"] - 1.0) < 0.25


@pytest.mark.slow
@pytest.mark.parametrize(("log", "code"), [("healthy_run.csv", 0), ("run_with_a_wrong_rate.jsonl", 1)])
def test_the_examples(log, code, capsys):
    assert main(["check", str(EXAMPLES / log), str(EXAMPLES / "isotropic_least_squares.toml"), "--runs", "300"]) == code
    assert ("rate 0.5" in capsys.readouterr().out.partition(")")[2]) is (code == 1)


def test_bad_arguments_of_the_command_are_one_line(tmp_path, capsys):
    (tmp_path / "plan.toml").write_text(SCENARIO)
    (tmp_path / "run.csv").write_text("loss\n1\n2\n")
    for argv, words in (
        (["run.csv", "plan.toml"], "a column of steps"),
        (["run.csv", "plan.toml", "--columns", "loss"], "pairs old=new"),
        (["run.csv", "run.csv"], "must be a scenario"),
        (["run.csv", "gone.nc"], "gone.nc"),
        (["gone.csv", "plan.toml"], "must exist"),
    ):
        assert main(["check", *(str(tmp_path / word) if "." in word else word for word in argv)]) == 2
        told = capsys.readouterr().err
        assert words in told and told.count("\n") == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"runs": 0}, "healthy runs"),
        ({"runs": 6}, "at least 8 healthy runs for the 3 numbers"),
        ({"runs": 10.5}, "healthy runs"),
        ({"false_alarms": 0}, "between 0 and 1"),
        ({"false_alarms": 2}, "between 0 and 1"),
    ],
)
def test_counts_that_are_none_are_refused_before_any_run(asked, words):
    log = {"time": [1.0, 2.0, 4.0], "norm": [0.5, 0.7, 0.8]}
    with pytest.raises(jm.errors.InputError, match=words):
        jm.check(log, LEAST_SQUARES.problem, LEAST_SQUARES.schedule, **asked)


def test_infinity_in_a_log_and_runs_that_are_all_alike():
    problem = LEAST_SQUARES.problem
    with pytest.raises(jm.errors.InputError, match="infinity at time 2"):
        jm.check({"time": [1.0, 2.0], "norm": [0.5, np.inf]}, problem, jm.Constant(0.5), runs=10)
    with pytest.raises(jm.errors.InputError, match="differ from each other.*rate zero"):
        jm.check({"time": [0.1, 0.2], "norm": [0.5, 0.6]}, problem, jm.Constant(0.0), runs=10, progress=False)


def test_a_mixture_of_several_labels_has_accuracies():
    """They were refused as what its problem does not have, in logs, companions and designs alike."""
    means = [np.eye(6)[label] for label in range(3)]
    law = jm.GaussianMixture([0.3, 0.3, 0.4], means, [np.ones(6)] * 3, labels=[0, 1, 2])
    problem = jm.Problem(law, jm.SoftmaxLoss(), 0.2)
    _check_names(problem, CHECKED[:-1])
    assert "clean_accuracy" in _names(problem)
    assert objective_of(problem, None, None, 0.0, "error", False).measure == "error"
    with pytest.raises(jm.InputError, match="clean_accuracy in the log, which this problem does not have"):
        _check_names(jm.Problem(law, jm.SquaredLoss(), 0.2), ["clean_accuracy"])
