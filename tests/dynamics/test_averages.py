"""Tail averages: forecasts against an Euler scheme and against SGD, runs against plain NumPy."""

import numpy as np
import pytest

import jominy as jm
import zoo
from jominy.dynamics.samples.sgd import drawn_rows

D, RADIUS, NOISE = 100, 0.3, 0.25
SPECTRUM = np.where(np.arange(D) < D / 2, 32 / 17, 2 / 17)


def averaged_risk(rate: float, time: float, begin: float, steps: int = 20_000) -> float:
    """Adversarial risk of the tail average of least squares: mean, variance, and the two-time covariance, by Euler."""
    teacher, mean, step, c = zoo.teacher(D), zoo.start(D).copy(), time / steps, np.sqrt(2 / np.pi)
    variance, total, cross, square = np.zeros(D), np.zeros(D), np.zeros(D), np.zeros(D)

    def risk(mean, variance):
        sigma = np.sqrt(NOISE + SPECTRUM @ ((mean - teacher) ** 2 + variance))
        norm = np.sqrt(np.sum(mean**2 + variance))
        return sigma, norm, (sigma**2 + 2 * c * RADIUS * norm * sigma + RADIUS**2 * norm**2) / 2

    for number in range(steps):
        sigma, norm, value = risk(mean, variance)
        a, b = 1 + c * RADIUS * norm / sigma, RADIUS**2 + c * RADIUS * sigma / norm
        alpha = a * SPECTRUM + b
        if number * step >= begin:
            total, square = total + step * mean, square + step * 2 * cross
            cross = cross + step * (variance - rate * alpha * cross)
        mean = mean - step * rate * (alpha * mean - a * SPECTRUM * teacher)
        variance = variance + step * (-2 * rate * alpha * variance + rate**2 / D * 2 * value * SPECTRUM)
    return risk(total / (time - begin), square / (time - begin) ** 2)[-1]


@pytest.fixture(scope="module")
def problem():
    return jm.Problem(jm.LinearTeacher(SPECTRUM, zoo.teacher(D), noise_variance=NOISE), jm.SquaredLoss(), RADIUS)


def test_forecast_against_an_euler_scheme(problem):
    curve = jm.forecast(problem, jm.Constant(0.4), times=[5.0, 20.0], start=zoo.start(D), average_from=8.0)
    plain = jm.forecast(problem, jm.Constant(0.4), times=[5.0, 20.0], start=zoo.start(D))
    assert float(curve.adversarial_risk[-1]) == pytest.approx(averaged_risk(0.4, 20.0, 8.0), rel=3e-5)
    assert float(curve.adversarial_risk[0]) == pytest.approx(float(plain.adversarial_risk[0]), rel=1e-9)
    assert float(curve.excess_risk[-1]) < 0.2 * float(plain.excess_risk[-1])


@pytest.mark.slow
@pytest.mark.parametrize("dense", [False, True])
def test_forecast_against_sgd(problem, dense):
    if dense:
        turn = np.linalg.qr(np.random.default_rng(0).standard_normal((D, D)))[0]
        covariances = [np.diag(SPECTRUM), (turn * SPECTRUM) @ turn.T]
        data = jm.GaussianMixture([0.5, 0.5], [0.0, 0.0], covariances, teacher=zoo.teacher(D), noise_variance=NOISE)
        problem = jm.Problem(data, jm.SquaredLoss(), RADIUS)
    asked = {"times": [6.0, 12.0], "start": zoo.start(D), "average_from": 5.0}
    curve = jm.forecast(problem, jm.Constant(0.4), **asked)
    runs = jm.simulate(problem, jm.Constant(0.4), seeds=200 if dense else 600, progress=False, **asked)
    risk = runs.adversarial_risk
    error = risk.std("seed", ddof=1) / np.sqrt(risk.sizes["seed"])
    # The mean over runs is off the curve by about 1/d of the risk's scale beside its standard error.
    assert np.all(np.abs(risk.mean("seed") - curve.adversarial_risk) < 3 * error + 0.003 * curve.adversarial_risk)


def test_runs_on_rows_average_what_plain_numpy_averages():
    random = np.random.default_rng(0)
    X, w = random.standard_normal((60, 6)), random.standard_normal(6)
    y = X @ w + 0.3 * random.standard_normal(60)
    samples = jm.Samples(X, y)
    problem = jm.Problem(samples, jm.SquaredLoss(), 0.2)
    runs = jm.simulate(problem, jm.Constant(0.3), times=[2.0, 5.0], seeds=1, average_from=3.0, progress=False)
    d = samples.dimension
    rows = drawn_rows(jm.WithReplacement(), 0, 5 * d, 60)  # the same draws as the run's
    weights, seen = np.zeros(d), []
    for row in rows:
        x, target = samples.features[row], samples.targets[row]
        size, gap = np.linalg.norm(weights), x @ weights - target
        slope = gap + 0.2 * size * np.sign(gap)
        pull = 0.2 * (abs(gap) + 0.2 * size) * (weights / size if size else 0.0)
        weights = weights - 0.3 / d * (slope * x + pull)
        seen.append(weights)
    assert float(runs.norm[0, 0]) == pytest.approx(np.linalg.norm(seen[2 * d - 1]), rel=1e-9)
    mean = np.mean(seen[3 * d - 1 :], axis=0)  # of the weights at times 3 to 5
    assert float(runs.norm[0, 1]) == pytest.approx(np.linalg.norm(mean), rel=1e-9)
    model = jm.fit(problem, jm.Constant(0.3), time=5.0, average_from=3.0, beside_forecast=False, progress=False)
    assert np.linalg.norm(model.weights) == pytest.approx(np.linalg.norm(mean), rel=1e-9)
    assert model.record["schedule"]["average_from"] == 3.0
    curve = jm.forecast(problem, jm.Constant(0.3), times=[5.0], average_from=3.0, runs=20)
    assert "ensemble of 20 real runs" in curve.attrs["method"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"average_from": -1.0}, "Averaging begins at a finite time"),
        ({"average_from": 5.0}, r"Averaging must begin before the last time, 5 .*average_from=2.5"),
        ({"average_from": 1.0, "bands": True}, "average"),
        ({"average_from": 1.0, "batch_size": 10}, "single samples"),
    ],
)
def test_bad_averages(problem, asked, says):
    with pytest.raises(jm.InputError, match=says):
        jm.forecast(problem, jm.Constant(0.4), times=[5.0], **asked)


def test_a_scenario_averages_too(problem):
    told = {
        "data": {"kind": "linear-teacher", "dimension": 100, "covariance": {"kind": "identity"}},
        "loss": {"kind": "squared"}, "radius": 0.3, "schedule": {"kind": "constant", "rate": 0.4}, "times": [6],
        "average_from": 2,
    }  # fmt: skip
    study = jm.Scenario.from_mapping(told)
    curve = jm.forecast(study.problem(), jm.Constant(0.4), times=[6.0], average_from=2.0)
    assert study.forecast().adversarial_risk.values.tolist() == curve.adversarial_risk.values.tolist()
    with pytest.raises(jm.InputError, match="not known for homogenized SGD"):
        study.homogenize()
