"""A forecast of several classes is a mean over real runs: against runs of plain NumPy that know nothing of it."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine

import jominy as jm
from softmax_oracle import plain_run

RADIUS = 0.3


def _halves(load, one_factor=False):
    """Samples of one half of a set, and the other half."""
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[: len(y) // 2], order[len(y) // 2 :]
    scaling = jm.Scaling.ONE_FACTOR if one_factor else jm.Scaling.PER_FEATURE
    return jm.Samples(X[train], y[train], jm.Preprocessing(scaling=scaling)), (X[test], y[test])


def _attacked(W, X, y, radius):
    """Mean cross-entropy and accuracy under attack, by thirty steps in the input."""
    rows = np.arange(len(X))
    delta = np.zeros_like(X)
    for _ in range(30):
        z = (X + delta) @ W.T
        u = np.exp(z - z.max(axis=1, keepdims=True))
        u /= u.sum(axis=1, keepdims=True)
        u[rows, y] -= 1
        slope = u @ W
        delta = radius * slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)
    z = (X + delta) @ W.T
    risk = np.mean(np.log(np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1)) + z.max(axis=1) - z[rows, y])
    z = X @ W.T
    gaps = (z[rows, y][:, None] - z) - radius * np.linalg.norm(W[y][:, None] - W, axis=2)
    gaps[rows, y] = np.inf
    return risk, np.mean(gaps.min(axis=1) > 0)


def _plain(samples, test, rate, radius, time, seeds, classes, *, batch=1, **settings):
    """(seeds, 2, 2) risk and accuracy on the rows trained on and held out, at the end of plain runs."""
    y = samples.with_classes().class_numbers
    held_out = samples.with_classes().transform_pair(test)
    X, d = samples.features, samples.dimension
    out = []
    for seed in range(seeds):
        g = np.random.default_rng([seed, 77])
        W = 0.5 * g.standard_normal((classes, d)) / np.sqrt(d)
        rows = g.integers(len(X), size=round(time * d / batch) * batch)
        W = plain_run(X, y, rows, W, rate, radius, 5, batch=batch, **settings)
        out.append([_attacked(W, X, y, radius), _attacked(W, held_out[0], held_out[1].astype(int), radius)])
    return np.array(out)


def _agree(curve, plain):
    """Mean risk and accuracy within 3.5 standard errors of both, which are small enough to see a difference."""
    for place, prefix in enumerate(("", "held_out_")):
        for kind, name in enumerate(("adversarial_risk", "adversarial_accuracy")):
            runs = plain[:, place, kind]
            own = float(curve[f"{prefix}{name}_standard_error"][-1])
            error = np.hypot(own, runs.std(ddof=1) / np.sqrt(len(runs)))
            difference = float(curve[f"{prefix}{name}"][-1]) - runs.mean()
            assert abs(difference) < 3.5 * error, (prefix, name, difference / error)
            assert error < 0.04 * runs.mean()
            # The spread of single runs too: that of n runs is known to 1 / sqrt(2 n), loosely for skewed ones.
            assert 0.6 < float(curve[f"{prefix}{name}_sd"][-1]) / runs.std(ddof=1) < 1.6


@pytest.mark.parametrize("settings", [{}, {"batch": 4, "decay": 0.05, "momentum": 0.9}], ids=str)
def test_wine_is_as_plain_runs_have_it(settings):
    samples, test = _halves(load_wine)
    optimizer = jm.SGD(settings.get("batch", 1), settings.get("decay", 0.0), settings.get("momentum", 0.0))
    rate = 0.8 if settings else 2.0
    problem = jm.Problem(samples, jm.SoftmaxLoss(), RADIUS)
    curve = jm.forecast(
        problem, jm.Constant(rate), times=[5 * (32 // 4) / 8], start=jm.RandomStart(0.5), held_out=test,
        optimizer=optimizer, runs=400,
    )  # fmt: skip
    plain = _plain(samples, test, rate, RADIUS, float(curve["time"][-1]), 40, 3, **settings)
    _agree(curve, plain)


@pytest.mark.slow
@pytest.mark.parametrize("radius", [0.0, 0.2, 0.5])
@pytest.mark.parametrize(
    ("load", "classes", "rate", "time"),
    [(load_digits, 10, 2.0, 10.0), (load_wine, 3, 2.0, 20.0), (load_iris, 3, 1.0, 20.0)],
)
def test_real_sets_are_as_two_hundred_plain_runs_have_them(load, classes, rate, time, radius):
    samples, test = _halves(load, one_factor=load is load_digits)
    problem = jm.Problem(samples, jm.SoftmaxLoss(), radius)
    curve = jm.forecast(problem, jm.Constant(rate), times=[time], start=jm.RandomStart(0.5), held_out=test)
    plain = _plain(samples, test, rate, radius, time, 200, classes)
    _agree(curve, plain)
    accuracy = plain[:, 0, 1]  # of 75 rows of iris: its mean over 200 runs has a standard error of .003
    allowed = max(0.006, 3.5 * accuracy.std(ddof=1) / np.sqrt(len(accuracy)))
    assert abs(float(curve["adversarial_accuracy"][-1]) - accuracy.mean()) < allowed


def test_what_an_ensemble_tells_of_itself(tmp_path):
    samples, test = _halves(load_wine)
    problem = jm.Problem(samples, jm.SoftmaxLoss(), RADIUS)
    curve = jm.forecast(problem, jm.Constant(1.0), time=5, held_out=test, evaluate_at=[0.1], precision=0.02)
    assert curve.attrs["method"].startswith(f"ensemble of {curve.attrs['runs']} real runs")
    assert "mean of" in json.loads(curve.attrs["notes"])[0] and "real runs" in json.loads(curve.attrs["notes"])[0]
    assert curve.attrs["relative_standard_error"] <= 0.02 and curve.attrs["status"] == "completed"
    error = curve["adversarial_risk_standard_error"] / curve["adversarial_risk"]
    assert float(error.max()) == pytest.approx(curve.attrs["relative_standard_error"])
    quantiles = curve["adversarial_risk_quantile"]
    assert bool((quantiles.diff("quantile") >= 0).all())
    assert bool((curve["adversarial_risk_bound"] >= curve["adversarial_risk"] - 1e-12).all())
    for prefix in ("", "held_out_"):
        np.testing.assert_allclose(curve[f"{prefix}clean_confusion"].sum("predicted_class"), 1.0)
    counts = np.bincount(problem.data.class_numbers) / samples.count
    by_class = curve["adversarial_class_accuracy"].isel(time=-1).values @ counts
    assert by_class == pytest.approx(float(curve["adversarial_accuracy"][-1]))
    assert jm.load(jm.save(curve, tmp_path / "curve.nc")).identical(curve)
    assert jm.plot(curve).axes
    again = jm.forecast(problem, jm.Constant(1.0), time=5, held_out=test, evaluate_at=[0.1], precision=0.02)
    assert again.identical(curve)


def test_more_precision_takes_more_runs_and_a_budget_ends_them(monkeypatch):
    samples, _ = _halves(load_wine)
    problem = jm.Problem(samples, jm.SoftmaxLoss(), RADIUS)
    rough = jm.forecast(problem, jm.Constant(1.0), times=[3.0], precision=0.1)
    fine = jm.forecast(problem, jm.Constant(1.0), times=[3.0], precision=0.005)
    assert rough.attrs["runs"] == 50 < fine.attrs["runs"]
    assert fine.attrs["relative_standard_error"] <= 0.005
    monkeypatch.setattr("jominy.dynamics.ensemble.BUDGET", 1.0)
    poor = jm.forecast(problem, jm.Constant(1.0), times=[3.0], precision=0.001)
    assert poor.attrs["runs"] == 20 and any("budget of 20 runs" in note for note in json.loads(poor.attrs["notes"]))


@pytest.mark.parametrize("radius", [0.3, 1.0])
def test_what_an_ensemble_reads_quickly_is_what_single_runs_read_exactly(radius):
    from jominy.dynamics.ensemble import FIRST_SEED

    problem = jm.Problem(_halves(load_iris)[0], jm.SoftmaxLoss(attack_steps=1), radius)
    told = jm.forecast(problem, jm.Constant(1.0), times=[1.0, 20.0], runs=4, evaluate_at=[0.5])
    runs = jm.simulate(
        problem, jm.Constant(1.0), times=[1.0, 20.0], seeds=range(FIRST_SEED, FIRST_SEED + 4), evaluate_at=[0.5]
    ).mean("seed")
    for name in ("adversarial_risk", "risk_at_radius", "adversarial_risk_bound"):
        np.testing.assert_allclose(told[name], runs[name], rtol=1e-5)
    np.testing.assert_allclose(told["adversarial_accuracy"], runs["adversarial_accuracy"], atol=1e-6)


def test_an_ensemble_is_independent_of_the_runs_that_it_is_compared_with():
    samples, _ = _halves(load_wine)
    problem = jm.Problem(samples, jm.SoftmaxLoss(), RADIUS)
    told = jm.forecast(problem, jm.Constant(1.0), times=[0.5, 1.0, 3.0], runs=300, evaluate_at=[0.6])
    runs = jm.simulate(problem, jm.Constant(1.0), times=[0.5, 1.0, 3.0], seeds=100, evaluate_at=[0.6])
    report = jm.compare(told, runs)
    assert float(report["largest_z"].max()) < 4.5
    chosen = report.sel(variable="adversarial_risk", time=3.0)
    expected = np.hypot(
        float(told["adversarial_risk_standard_error"][-1]), float(runs["adversarial_risk"][:, -1].std(ddof=1)) / 10
    )
    assert float(chosen["standard_error"]) == pytest.approx(expected)
    assert not np.isin(told["adversarial_risk"].values, runs["adversarial_risk"].values).any()


def test_two_classes_with_momentum_are_an_ensemble_too():
    X, y = load_wine(return_X_y=True)
    samples = jm.Samples(X[y < 2], y[y < 2])
    problem = jm.Problem(samples, jm.LogisticLoss(), 0.2)
    heavy = jm.forecast(problem, jm.Constant(0.1), time=8, optimizer=jm.SGD(momentum=0.9), runs=200)
    plain = jm.forecast(problem, jm.Constant(1.0), time=8, method="ensemble", runs=200)
    recursion = jm.forecast(problem, jm.Constant(1.0), time=8)
    assert heavy.attrs["method"].startswith("ensemble") and not recursion.attrs["method"].startswith("ensemble")
    end = {name: float(curve["adversarial_risk"][-1]) for name, curve in (("h", heavy), ("p", plain), ("r", recursion))}
    error = float(plain["adversarial_risk_standard_error"][-1])
    assert abs(end["p"] - end["r"]) < 3.5 * error + 0.01 * end["r"]
    assert end["h"] == pytest.approx(end["r"], rel=0.1)  # momentum is a larger rate, a little later


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda p: jm.forecast(p, jm.Constant(1.0), time=1, method="guess"), "must be 'recursion' or 'ensemble'"),
        (lambda p: jm.forecast(p, jm.Constant(1.0), time=1, runs=1), "runs must be a whole number from 2"),
        (lambda p: jm.forecast(p, jm.Constant(1.0), time=1, precision=0), "precision must be a number > 0"),
        (lambda p: jm.forecast(p, jm.Polyak(), time=1), "best rate at each moment is not known for several"),
        (lambda p: jm.forecast(p, jm.Constant(1.0), time=1, start=0.5), "one row per class"),
        (lambda p: jm.forecast(p, jm.Constant(1.0), time=1, batch_size=4), "optimizer="),
        (lambda p: jm.forecast(p, jm.Constant(1.0), time=1, optimizer="adam"), "must be an SGD"),
        (lambda p: jm.sensitivity(lambda r: (p, jm.Constant(r)), {"r": 1.0}, time=1), "Derivatives are for Gaussian"),
        (lambda p: jm.gaussian_picture(p, jm.Constant(1.0), time=1), "not yet for one per class"),
        (lambda p: jm.forecast_many([p], jm.Constant(1.0), time=1), "(?i)class|mixture"),
        (lambda p: jm.homogenize(p, jm.Constant(1.0), time=1), "(?i)mixture|law"),
        (lambda p: jm.stationary(p, 1.0), "(?i)mixture|class|law"),
    ],
)
def test_what_is_not_known_of_several_classes_is_refused_in_one_line(call, match):
    samples, _ = _halves(load_wine)
    with pytest.raises(jm.InputError, match=match):
        call(jm.Problem(samples, jm.SoftmaxLoss(), RADIUS))


def test_no_constant_rate_diverges_where_slopes_are_bounded():
    samples, _ = _halves(load_wine)
    for loss, expected in (
        (jm.SoftmaxLoss(), np.inf),
        (jm.CrammerSingerLoss(), np.inf),
        (jm.OneVersusRestLoss(), np.inf),
        (jm.OneVersusRestLoss(jm.SquaredHingeLoss()), 0.0),
    ):
        assert jm.critical_rate(jm.Problem(samples, loss, 0.1)) == expected


@pytest.mark.slow
def test_advice_is_that_of_its_forecasts():
    samples, test = _halves(load_wine)
    problem = jm.Problem(samples, jm.SoftmaxLoss(), RADIUS)
    told = jm.advise(problem, jm.Constant(1.0), 3.0, held_out=test)
    said = " ".join(told.sentences())
    assert "No constant rate diverges" in said and "collapse radius" in said and "One run strays" in said
