"""Advice on a whole table: its numbers against forecasts and SGD, when to stop where training too long hurts."""

import json

import numpy as np
import pytest

import jominy as jm
from jominy.cli.main import main
from jominy.study.advise_table import advise_table


@pytest.fixture(scope="module")
def few_rows():
    """Two classes with few rows per feature, so that training for long fits what is not there, and rows held out."""
    random = np.random.default_rng(5)
    direction = random.standard_normal(24) / np.sqrt(24)
    X = random.standard_normal((60 + 1000, 24))
    y = np.where(random.random(len(X)) < 1 / (1 + np.exp(-1.2 * X @ direction)), 1, -1)
    return jm.Problem(jm.Samples(X[:60], y[:60]), jm.LogisticLoss(), 0.3), (X[60:], y[60:])


@pytest.fixture(scope="module")
def told(few_rows):
    problem, held_out = few_rows
    return advise_table(problem, 1.0, 20.0, [0.0, 0.3], held_out=held_out)


def test_when_to_stop_is_where_the_forecast_is_best(few_rows, told):
    problem, held_out = few_rows
    curve = jm.forecast(problem, jm.Constant(1.0), time=30.0, held_out=held_out, evaluate_at=[0.3])
    robust = curve.held_out_accuracy_at_radius.values[:, 0]
    plan = told.planned
    assert plan.stop == float(curve.time[int(np.argmax(robust))]) and plan.best == pytest.approx(robust.max(), rel=1e-6)
    assert plan.lost == pytest.approx(robust.max() - robust[-1], rel=1e-6, abs=1e-9)
    assert told.uncertainty == pytest.approx(np.sqrt(plan.best * (1 - plan.best) / 1000), rel=1e-6)
    within = curve.time.values[robust >= robust.max() - told.uncertainty]
    assert (plan.earliest, plan.latest) == (float(within[0]), float(within[-1]))
    assert plan.stop < 10 and plan.lost > 0  # sixty rows for twenty-four features: it is over soon


@pytest.mark.slow
def test_going_on_loses_as_much_in_real_runs(few_rows, told):
    problem, held_out = few_rows
    runs = jm.simulate(
        problem, jm.Constant(1.0), times=[told.planned.stop, 30.0], seeds=300, held_out=held_out, evaluate_at=[0.3],
        progress=False,
    )  # fmt: skip
    robust = runs.held_out_accuracy_at_radius.isel(evaluation_radius=0)
    lost = robust.isel(time=0) - robust.isel(time=1)
    error = float(lost.std("seed", ddof=1)) / np.sqrt(300)
    assert abs(float(lost.mean("seed")) - told.planned.lost) < 3 * error + 0.002


def test_what_to_change_first(few_rows, told):
    problem, held_out = few_rows
    gains = [change.gain for change in told.changes]
    assert gains == sorted(gains, reverse=True)
    by_name = {change.what: change.gain for change in told.changes}
    other = jm.forecast(
        jm.Problem(problem.data, problem.loss, 0.0),
        jm.Constant(1.0),
        times=[20.0],
        held_out=held_out,
        evaluate_at=[0.3],
    )
    gain = float(other.held_out_accuracy_at_radius[-1, 0]) - told.planned.robust
    assert by_name["train at radius 0 instead of 0.3"] == pytest.approx(gain, abs=1e-3)
    assert any(sentence.startswith("Worth changing first") for sentence in told.sentences())


def test_the_gain_of_design(few_rows, told):
    problem, held_out = few_rows
    tried = max(change.gain for change in told.changes if change.what.startswith(("the rate", "a rate")))
    assert told.tried == tried and "the best of 5 other rates gains" in told.sentences()[-1]
    design = jm.design(
        problem, 20.0, jm.Constant(1.0), held_out=held_out, family="constant", certificate=False
    )  # fmt: skip
    asked = advise_table(problem, 1.0, 20.0, [0.3], held_out=held_out, designed=design)
    change = next(change for change in asked.changes if change.what.startswith("the designed schedule"))
    curve = jm.forecast(problem, design.schedule, times=[20.0], held_out=held_out, evaluate_at=[0.3])
    robust = float(curve.held_out_accuracy_at_radius[-1, 0])
    assert change.gain == pytest.approx(robust - asked.planned.robust, abs=1e-3)
    text = "\n".join(asked.sentences())
    assert f"is {design.value:.4g} instead of {design['own'].value:.4g} at time 20" in text
    assert design.sentences()[-1] == asked.sentences()[-1] and json.dumps(asked.describe()["design"]["horizon"])


def test_the_command_on_a_raw_table(tmp_path, capsys):
    random = np.random.default_rng(0)
    X = random.standard_normal((200, 5))
    ill = np.where(X[:, 0] + random.standard_normal(200) > 0, "yes", "no")
    lines = ["a,b,c,d,e,ill", *(",".join([*map(str, row), name]) for row, name in zip(X, ill, strict=True))]
    (tmp_path / "patients.csv").write_text("\n".join(lines))
    source = str(tmp_path / "patients.csv")
    assert main(["advise", source, "--target", "ill", "--plot", str(tmp_path / "a.png")]) == 0
    text = capsys.readouterr().out
    for part in ("50 held-out rows", "a constant answer", "training radius", "When to stop", "lost by going on"):
        assert part in text
    assert main(["advise", source, "--target", "ill", "--json"]) == 0
    advice = json.loads(capsys.readouterr().out)["advice"]
    assert len(advice["radii"]) == 4 and advice["measure"] == "accuracy" and (tmp_path / "a.png").exists()
    numbers = X @ [1.0, 0.5, 0.0, 0.0, 0.0] + 0.5 * random.standard_normal(200)
    lines = ["a,b,c,d,e,n", *(",".join(map(str, [*row, number])) for row, number in zip(X, numbers, strict=True))]
    (tmp_path / "numbers.csv").write_text("\n".join(lines))
    assert main(["advise", str(tmp_path / "numbers.csv"), "--target", "n"]) == 0  # a table of numbers: risks
    text = " ".join(capsys.readouterr().out.split())
    # Of numbers the uncertainty is the spread of a run, and no matter of how many rows there are.
    assert "risk at" in text and "as far as a single run strays" in text and "rows cannot tell" not in text
    assert main(["advise", source, "--target", "sick"]) == 2


def test_a_table_on_which_training_only_hurts_is_told_so(few_rows):
    problem, (X, y) = few_rows
    told = advise_table(problem, 1.0, 20.0, [0.0, 0.3], held_out=(X, -y))  # what is learnt is wrong there
    text = "\n".join(told.sentences())
    assert told.planned.stop == 0 and "gains nothing on held-out rows" in text and "time 0" not in text
