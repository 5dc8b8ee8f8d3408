"""Batches, momentum and decay in the recursion on samples: against real runs, steps by hand, and PyTorch's own SGD."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

import jominy as jm

TIMES = [1.0, 3.0, 10.0]


def _cancer(radius=0.3):
    return jm.Problem(jm.Samples(*load_breast_cancer(return_X_y=True)), jm.LogisticLoss(), radius)


def _agree(problem, rate, optimizer, start=None, runs=300):
    asked = dict(times=TIMES, optimizer=optimizer, start=start)
    told = jm.forecast(problem, jm.Constant(rate), method="recursion", **asked)
    mean = jm.forecast(problem, jm.Constant(rate), method="ensemble", runs=runs, **asked)
    for name in ("adversarial_risk", "clean_risk", "norm", "distance_to_optimum", "excess_risk"):
        expected = mean[name]
        if name in ("norm", "distance_to_optimum"):  # the recursion tells root mean squares
            expected = np.sqrt(expected**2 + mean[f"{name}_sd"] ** 2)
        away = np.abs(told[name] - expected)
        bearable = np.maximum(0.01 * np.abs(expected), 3 * mean[f"{name}_standard_error"])
        assert bool((away < bearable).all()), (name, (away / expected).values)
    # Bands hold too: half of the spread or twice of it is seen.
    ratio = told.adversarial_risk_sd / mean.adversarial_risk_sd
    assert bool((ratio > 0.8).all()) and bool((ratio < 1.5).all()), ratio.values
    return told


@pytest.mark.parametrize(
    ("rate", "optimizer", "start"),
    [
        (1.6, jm.SGD(batch_size=4, weight_decay=0.05, momentum=0.9), jm.RandomStart(0.5)),
        pytest.param(8.0, jm.SGD(batch_size=8), None, marks=pytest.mark.slow),
        pytest.param(40.0, jm.SGD(batch_size=60, replacement=False), jm.RandomStart(0.5), marks=pytest.mark.slow),
        pytest.param(0.2, jm.SGD(momentum=0.9, nesterov=True), None, marks=pytest.mark.slow),
        pytest.param(0.8, jm.SGD(momentum=0.9, dampening=0.5), jm.RandomStart(0.5), marks=pytest.mark.slow),
        pytest.param(2.0, jm.SGD(weight_decay=0.3, decoupled=True), None, marks=pytest.mark.slow),
    ],
)
def test_the_recursion_is_the_mean_of_real_runs(rate, optimizer, start):
    told = _agree(_cancer(), rate, optimizer, start)
    assert repr(optimizer) in told.attrs["method"]


@pytest.mark.slow
def test_numbers_and_attacks_with_budgets_go_with_momentum():
    X, y = load_wine(return_X_y=True)
    numbers = jm.Problem(jm.Samples(X[:, 1:], X[:, 0]), jm.SquaredLoss(), 0.2)
    _agree(numbers, 0.02, jm.SGD(momentum=0.9), jm.RandomStart(0.5))
    budgets = jm.Mahalanobis(np.arange(30) % 3 / 1.0)
    rare = jm.Samples(*load_breast_cancer(return_X_y=True), class_weight={0: 3.0, 1: 1.0})
    _agree(jm.Problem(rare, jm.HingeLoss(), 0.2, budgets), 0.1, jm.SGD(momentum=0.8, weight_decay=0.1))


def test_every_step_by_itself_is_what_blocks_are():
    asked = dict(times=TIMES, optimizer=jm.SGD(batch_size=2, momentum=0.8, weight_decay=0.1), method="recursion")
    blocks = jm.forecast(_cancer(), jm.InverseTime(0.5, 0.1), **asked)
    steps = jm.forecast(_cancer(), jm.InverseTime(0.5, 0.1), largest_block=1, **asked)
    for name in ("adversarial_risk", "norm", "adversarial_risk_sd"):
        np.testing.assert_allclose(blocks[name], steps[name], rtol=4e-3)


def test_without_memory_and_in_ones_it_is_the_plain_recursion():
    """The general map with a momentum and a decay of next to nothing, in blocks and with the diagonal alone."""
    nearly = jm.SGD(momentum=1e-9, weight_decay=1e-9)
    for diagonal in (False, True):
        asked = dict(times=TIMES, diagonal=diagonal, start=jm.RandomStart(0.5))
        general = jm.forecast(_cancer(), jm.Constant(1.0), optimizer=nearly, **asked)
        plain = jm.forecast(_cancer(), jm.Constant(1.0), **asked)
        np.testing.assert_allclose(general.adversarial_risk, plain.adversarial_risk, rtol=2e-3)
        np.testing.assert_allclose(general.adversarial_risk_sd, plain.adversarial_risk_sd, rtol=2e-2)


@pytest.mark.slow
def test_it_is_the_mean_of_torch_itself():
    torch = pytest.importorskip("torch")
    problem, seeds, d = _cancer(), 200, 30
    X, y = torch.tensor(np.asarray(problem.samples.features)), torch.tensor(np.asarray(problem.samples.targets))
    g = np.random.default_rng(3)
    W = torch.nn.Parameter(torch.tensor(0.5 / np.sqrt(d) * g.standard_normal((seeds, d))))
    sgd = torch.optim.SGD([W], lr=0.3 / d, momentum=0.9, weight_decay=0.05, nesterov=True)
    for _ in range(int(3.0 * d)):
        rows = g.integers(len(y), size=seeds)
        sgd.zero_grad()
        margin = y[rows] * torch.sum(X[rows] * W, dim=1) - 0.3 * torch.linalg.norm(W, dim=1)
        torch.nn.functional.softplus(-margin).sum().backward()
        sgd.step()
    with torch.no_grad():
        margins = y * (W @ X.T) - 0.3 * torch.linalg.norm(W, dim=1)[:, None]
        risks = torch.nn.functional.softplus(-margins).mean(dim=1).numpy()
    told = jm.forecast(
        problem, jm.Constant(0.3), times=[3.0], start=jm.RandomStart(0.5),
        optimizer=jm.SGD(momentum=0.9, weight_decay=0.05, nesterov=True), method="recursion",
    )  # fmt: skip
    error = risks.std(ddof=1) / np.sqrt(seeds)
    assert abs(float(told.adversarial_risk[0]) - risks.mean()) < max(3 * error, 0.01 * risks.mean())


def test_the_cheaper_way_answers_unless_one_is_asked_for():
    assert "own law" in jm.forecast(_cancer(), jm.Constant(0.1), times=TIMES, optimizer=jm.SGD(momentum=0.9)).method
    # One look at the end of few steps in many dimensions: there a run is nothing beside products of matrices.
    g = np.random.default_rng(0)
    X = g.standard_normal((2000, 300))
    wide = jm.Problem(jm.Samples(X, np.sign(X[:, 0])), jm.LogisticLoss(), 0.1)
    assert "ensemble" in jm.forecast(wide, jm.Constant(0.5), times=[0.5]).method
    with pytest.raises(jm.InputError, match="quotient"):
        jm.forecast(_cancer(), jm.Constant(0.1), times=TIMES, optimizer=jm.Adam(), method="recursion")
    with pytest.raises(jm.InputError, match="known for plain SGD"):
        jm.forecast(_cancer(), jm.Polyak(), times=TIMES, optimizer=jm.SGD(momentum=0.9))
