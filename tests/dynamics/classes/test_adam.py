"""Adam in real runs: against torch.optim.Adam and AdamW on the same row numbers, and what is said of it elsewhere."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

import jominy as jm
from jominy.dynamics.engines import row_engines_of
from jominy.dynamics.labelled import Training
from jominy.dynamics.simulation.sgd import RowRuns
from jominy.numerics.precision import double_precision

torch = pytest.importorskip("torch")

STEPS = 150


class Given:
    """An order of rows that a test chooses."""

    def __init__(self, rows):
        self.given = rows

    def check(self, steps, count):
        assert steps <= len(self.given)

    def rows(self, generator, steps, count):
        return self.given[:steps]


@double_precision
def _last_weights(problem, optimizer, rows, start, rate):
    """Of one run that sees these rows."""
    time = STEPS * optimizer.batch_size / problem.samples.dimension
    training = Training(problem, jm.Constant(rate), start, np.zeros(0), optimizer=optimizer)
    grid = np.array([time])
    return row_engines_of(problem).runs(training, RowRuns(grid, [0], sampling=Given(rows), keep=True))[1][0]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("Adam", {"betas": (0.8, 0.95), "weight_decay": 0.02, "eps": 1e-6}),
        ("AdamW", {"weight_decay": 0.1}),
    ],
)
def test_a_run_of_several_classes_is_that_of_torch(kind, settings):
    X, y = load_wine(return_X_y=True)
    problem = jm.Problem(jm.Samples(X, y), jm.SoftmaxLoss(attack_steps=1), radius=0.3)
    samples, batch, rate = problem.samples, 4, 0.3
    rows = np.random.default_rng(2).integers(samples.count, size=batch * STEPS)
    start = np.random.default_rng(1).standard_normal((3, samples.dimension)) * 0.3
    weights = torch.nn.Parameter(torch.tensor(start))
    optimizer = getattr(torch.optim, kind)([weights], lr=rate / samples.dimension, **settings)
    rows_x, rows_y = torch.tensor(np.array(samples.features)), torch.tensor(samples.class_numbers)
    for chosen in rows.reshape(-1, batch):
        x, label = rows_x[chosen].requires_grad_(True), rows_y[chosen]
        (slope,) = torch.autograd.grad(torch.nn.functional.cross_entropy(x @ weights.T, label, reduction="sum"), x)
        delta = 0.3 * slope / slope.norm(dim=1, keepdim=True)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy((x + delta).detach() @ weights.T, label).backward()
        optimizer.step()
    ours = jm.from_torch(optimizer, batch, replacement=True)
    assert ours.decoupled == (kind == "AdamW")
    found = _last_weights(problem, ours, rows, start, rate)
    np.testing.assert_allclose(found, weights.detach().numpy(), rtol=1e-10, atol=1e-11)
    assert np.linalg.norm(found - start) > 1  # it went somewhere


def test_a_run_of_two_classes_is_that_of_torch():
    X, y = load_breast_cancer(return_X_y=True)
    problem = jm.Problem(jm.Samples(X, y), jm.LogisticLoss(), radius=0.2)
    samples, batch, rate = problem.samples, 8, 0.5
    rows = np.random.default_rng(4).integers(samples.count, size=batch * STEPS)
    start = np.random.default_rng(0).standard_normal(samples.dimension) * 0.2
    weights = torch.nn.Parameter(torch.tensor(start))
    optimizer = torch.optim.Adam([weights], lr=rate / samples.dimension, betas=(0.9, 0.99))
    rows_x, rows_y = torch.tensor(np.array(samples.features)), torch.tensor(np.array(samples.targets))
    for chosen in rows.reshape(-1, batch):
        optimizer.zero_grad()
        margin = rows_y[chosen] * (rows_x[chosen] @ weights) - 0.2 * weights.norm()
        torch.nn.functional.softplus(-margin).mean().backward()
        optimizer.step()
    found = _last_weights(problem, jm.from_torch(optimizer, batch, replacement=True), rows, start, rate)
    np.testing.assert_allclose(found, weights.detach().numpy(), rtol=1e-10, atol=1e-11)


def test_the_forecast_is_an_ensemble_and_the_recursion_says_why_not():
    X, y = load_breast_cancer(return_X_y=True)
    problem = jm.Problem(jm.Samples(X, y), jm.LogisticLoss(), radius=0.2)
    chosen = {"time": 10, "optimizer": jm.Adam(batch_size=16)}
    curve = jm.forecast(problem, jm.Constant(0.3), runs=40, **chosen)
    assert curve.attrs["runs"] == 40 and "Adam(batch_size=16)" in curve.attrs["method"]
    runs = jm.simulate(problem, jm.Constant(0.3), seeds=30, **chosen)
    of_runs, error = runs.adversarial_risk[:, -1].values, curve.adversarial_risk_standard_error[-1]
    apart = abs(np.mean(of_runs) - float(curve.adversarial_risk[-1]))
    assert apart < 4 * np.hypot(error, np.std(of_runs, ddof=1) / np.sqrt(30))  # 70 runs in all, independent
    with pytest.raises(jm.InputError, match="quotient of averages"):
        jm.forecast(problem, jm.Constant(0.3), method="recursion", **chosen)
    model = jm.fit(problem, jm.Constant(0.3), beside_forecast=False, **chosen)
    assert model.record["optimizer"] == {"kind": "Adam", "batch_size": 16}


def test_scenario_files_name_it_and_leave_sgd_unnamed():
    mapping = {
        "time": 2, "radius": 0.1,
        "data": {"kind": "linear-teacher", "covariance": {"kind": "identity"}, "dimension": 50},
        "loss": {"kind": "squared"}, "schedule": {"kind": "constant", "rate": 0.5},
    }  # fmt: skip
    adam = jm.Scenario.from_mapping(mapping | {"optimizer": {"kind": "adam", "batch_size": 8, "beta2": 0.9}})
    assert adam.optimizer.build() == jm.Adam(batch_size=8, beta2=0.9)
    assert adam.optimizer.build().describe() == {"kind": "Adam", "batch_size": 8, "beta2": 0.9}
    unnamed = jm.Scenario.from_mapping(mapping | {"optimizer": {"momentum": 0.5}})
    assert unnamed.optimizer.build() == jm.SGD(momentum=0.5)


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (lambda: jm.Adam(beta1=1.0), "beta1"),
        (lambda: jm.Adam(eps=-1), "eps"),
        (lambda: jm.from_torch(torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))], amsgrad=True)), "amsgrad"),
        (lambda: jm.from_torch(torch.optim.RMSprop([torch.nn.Parameter(torch.zeros(2))])), "RMSprop"),
    ],
)
def test_bad_input_is_one_message(made, match):
    with pytest.raises(jm.InputError, match=match):
        made()
