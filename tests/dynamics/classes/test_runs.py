"""Real runs of several classes: against plain NumPy row by row, PyTorch's own SGD, and the binary theory for two."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

import jominy as jm
from jominy.dynamics.simulation.sgd import RowRuns
from softmax_oracle import cross_entropy, plain_run

torch = pytest.importorskip("torch")


class Given:
    """An order of rows that a test chooses."""

    def __init__(self, rows):
        self.given = rows

    def check(self, steps, count):
        assert steps <= len(self.given)

    def rows(self, generator, steps, count):
        return self.given[:steps]


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return jm.Samples(X, [f"kind {k}" for k in y])


def _start(samples, classes=3):
    return np.random.default_rng(1).standard_normal((classes, samples.dimension)) * 0.3


def _end(runs, name):
    return float(runs[name].isel(seed=0, time=-1))


OPTIMIZERS = [
    {},
    pytest.param({"batch_size": 4}, marks=pytest.mark.slow),
    pytest.param({"momentum": 0.9}, marks=pytest.mark.slow),
    pytest.param({"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.05}, marks=pytest.mark.slow),
    {"momentum": 0.9, "nesterov": True, "batch_size": 3, "weight_decay": 0.01},
]


@pytest.mark.parametrize("attack_steps", [pytest.param(0, marks=pytest.mark.slow), 1, 3])
def test_a_run_is_that_of_plain_numpy(wine, attack_steps):
    problem = jm.Problem(wine, jm.SoftmaxLoss(attack_steps=attack_steps), radius=0.3)
    rows = np.random.default_rng(5).integers(wine.count, size=2 * 13 * 8)
    W0 = _start(wine)
    optimizer = jm.SGD(batch_size=2, momentum=0.5, weight_decay=0.02)
    runs = jm.simulate(
        problem, jm.Constant(0.5), time=8, seeds=[3], start=W0, sampling=Given(rows), optimizer=optimizer
    )
    y = problem.data.class_numbers
    W = plain_run(wine.features, y, rows[: 13 * 8], W0, 0.5, 0.3, attack_steps, batch=2, decay=0.02, momentum=0.5)
    scores = wine.features @ W.T
    pairs = list(zip(scores, y, strict=True))
    others = [[k for k in range(3) if k != c] for c in range(3)]
    radii = np.array([min((z[c] - z[k]) / np.linalg.norm(W[c] - W[k]) for k in others[c]) for z, c in pairs])
    assert _end(runs, "norm") == pytest.approx(np.linalg.norm(W), rel=1e-12)
    assert _end(runs, "clean_risk") == pytest.approx(
        np.mean([cross_entropy(z, c) for z, c in zip(scores, y, strict=True)]), rel=1e-10
    )
    assert _end(runs, "adversarial_accuracy") == pytest.approx(np.mean(radii > 0.3), abs=1e-12)
    assert _end(runs, "clean_accuracy") == pytest.approx(np.mean(radii > 0), abs=1e-12)
    assert _end(runs, "robust_radius") == pytest.approx(np.mean(np.maximum(radii, 0)), rel=1e-10)
    np.testing.assert_allclose(
        runs["adversarial_class_accuracy"][0, -1], [np.mean(radii[y == c] > 0.3) for c in range(3)], atol=1e-12
    )
    answers = np.argmax(scores, axis=1)
    np.testing.assert_allclose(
        runs["clean_confusion"][0], [[np.mean(answers[y == c] == k) for k in range(3)] for c in range(3)], atol=1e-12
    )
    np.testing.assert_allclose(np.diag(runs["adversarial_confusion"][0]), runs["adversarial_class_accuracy"][0, -1])


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_a_run_is_that_of_torch(wine, settings):
    """torch.optim.SGD with its own gradients of its own cross-entropy at attacked rows, on the same row numbers."""
    batch, rate, radius = settings.get("batch_size", 1), 0.4, 0.3
    rows = np.random.default_rng(2).integers(wine.count, size=batch * 200)
    W0 = _start(wine)
    problem = jm.Problem(wine, jm.SoftmaxLoss(attack_steps=3), radius=radius)
    time = 200 * batch / wine.dimension
    runs = jm.simulate(
        problem,
        jm.Constant(rate),
        times=[time],
        seeds=[0],
        start=W0,
        sampling=Given(rows),
        optimizer=jm.SGD(**settings),
    )
    weights = torch.nn.Parameter(torch.tensor(W0))
    options = {name: value for name, value in settings.items() if name != "batch_size"}
    optimizer = torch.optim.SGD([weights], lr=rate / wine.dimension, **options)
    X, y = torch.tensor(np.array(wine.features)), torch.tensor(problem.data.class_numbers)
    for chosen in rows.reshape(-1, batch):
        x, label = X[chosen], y[chosen]
        delta = torch.zeros_like(x)
        for _ in range(3):
            delta.requires_grad_(True)
            loss = torch.nn.functional.cross_entropy((x + delta) @ weights.T, label, reduction="sum")
            (slope,) = torch.autograd.grad(loss, delta)
            delta = (radius * slope / slope.norm(dim=1, keepdim=True)).detach()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy((x + delta) @ weights.T, label).backward()
        optimizer.step()
    assert _end(runs, "norm") == pytest.approx(float(weights.detach().norm()), rel=1e-12)
    scores = (X @ weights.T).detach()
    assert _end(runs, "clean_risk") == pytest.approx(float(torch.nn.functional.cross_entropy(scores, y)), rel=1e-10)
    assert jm.from_torch(optimizer, batch, replacement=True) == jm.SGD(**settings)


@pytest.mark.parametrize("settings", OPTIMIZERS, ids=str)
def test_two_classes_are_the_binary_theory_at_twice_the_rate_and_half_the_decay(settings):
    X, y = load_breast_cancer(return_X_y=True)
    samples = jm.Samples(X, y)
    rows = np.random.default_rng(4).integers(samples.count, size=settings.get("batch_size", 1) * 400)
    several = jm.SGD(**settings)
    # Both rows of the weights move against each other: their difference moves twice as fast, and decays as they do.
    halved = settings | ({"weight_decay": settings["weight_decay"] / 2} if "weight_decay" in settings else {})
    single = jm.SGD(**halved)
    time = 400 * several.batch_size / samples.dimension
    start = np.random.default_rng(0).standard_normal(samples.dimension) * 0.2
    common = {"times": [0.0, time / 2, time], "seeds": [0], "sampling": Given(rows), "evaluate_at": [0.5]}
    two = jm.simulate(
        jm.Problem(samples, jm.SoftmaxLoss(), 0.3), jm.Constant(0.2), optimizer=several,
        start=np.stack([-start / 2, start / 2]), **common,
    )  # fmt: skip
    one = jm.simulate(
        jm.Problem(samples, jm.LogisticLoss(), 0.3), jm.Constant(0.4), optimizer=single, start=start, **common
    )
    for name in ("adversarial_risk", "clean_risk", "adversarial_accuracy", "clean_accuracy", "risk_at_radius"):
        np.testing.assert_allclose(two[name].values, one[name].values, rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(two["norm"], one["norm"] / np.sqrt(2), rtol=1e-9)


def test_accuracy_is_that_over_all_directions_in_the_plane():
    g = np.random.default_rng(0)
    y = g.integers(3, size=80)
    X = 1.5 * np.eye(3)[y][:, :2] + g.standard_normal((80, 2)) * 0.6
    samples = jm.Samples(X, y, jm.Preprocessing(clip=None))
    problem = jm.Problem(samples, jm.SoftmaxLoss(), 0.3)
    model = jm.simulate(problem, jm.Constant(0.5), times=[20.0], seeds=1, evaluate_at=[0.1, 0.2, 0.6])
    from jominy.dynamics.engines import row_engines_of
    from jominy.dynamics.labelled import Training

    training = Training(problem, jm.Constant(0.5), None, np.zeros(0))
    _, weights = row_engines_of(problem).runs(training, RowRuns(np.array([20.0]), [0], keep=True))
    angles = np.linspace(0, 2 * np.pi, 4001)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    for radius in (0.1, 0.2, 0.6):
        attacked = np.einsum("kd,nda->nka", weights[0], samples.features[:, :, None] + radius * circle)
        right = np.all(np.argmax(attacked, axis=1) == problem.data.class_numbers[:, None], axis=1)
        found = float(model["accuracy_at_radius"].sel(evaluation_radius=radius).isel(seed=0, time=-1))
        assert found == pytest.approx(np.mean(right), abs=1e-12)


def test_a_batch_without_replacement_holds_no_row_twice_and_every_row_as_often():
    from jominy.dynamics.samples.sampling import DistinctBatches

    for size, count in ((3, 20), (16, 30), (30, 30)):
        rows = DistinctBatches(size).rows(np.random.default_rng(0), 3000 * size, count).reshape(3000, size)
        assert all(len(set(batch)) == size for batch in rows.tolist())
        share = np.bincount(rows.ravel(), minlength=count) / rows.size * count
        # 3000 batches: each share has a standard error of at most sqrt((1/p - 1) / 3000), p = size / count.
        assert np.max(np.abs(share - 1)) <= 4.5 * np.sqrt((count / size - 1) / 3000) + 1e-12
        pairs = {pair for batch in rows.tolist() for pair in itertools.combinations(sorted(batch), 2)}
        assert len(pairs) == count * (count - 1) // 2


def test_runs_do_not_depend_on_their_company(wine):
    problem = jm.Problem(wine, jm.SoftmaxLoss(), 0.2)
    together = jm.simulate(problem, jm.Constant(0.5), time=3, seeds=40, start=jm.RandomStart(0.5))
    alone = jm.simulate(problem, jm.Constant(0.5), time=3, seeds=[7], start=jm.RandomStart(0.5))
    np.testing.assert_allclose(together["norm"][7], alone["norm"][0], rtol=1e-12)
    np.testing.assert_allclose(together["adversarial_risk"][7], alone["adversarial_risk"][0], rtol=1e-6)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_decoupled_decay_shrinks_the_weights_themselves(wine, momentum):
    """As AdamW has it: the weights shrink by lr * decay before a step of PyTorch's SGD that knows of no decay."""
    rate, batch, decay = 0.4, 4, 0.2
    rows = np.random.default_rng(5).integers(wine.count, size=batch * 100)
    problem = jm.Problem(wine, jm.SoftmaxLoss(attack_steps=0), radius=0.0)
    asked = {"times": [100 * batch / wine.dimension], "seeds": [0], "start": _start(wine), "sampling": Given(rows)}
    runs, coupled = (
        jm.simulate(problem, jm.Constant(rate), **asked, optimizer=jm.SGD(batch, decay, momentum, decoupled=decoupled))
        for decoupled in (True, False)
    )
    weights = torch.nn.Parameter(torch.tensor(_start(wine)))
    lr = rate / wine.dimension
    optimizer = torch.optim.SGD([weights], lr=lr, momentum=momentum)
    X, y = torch.tensor(np.array(wine.features)), torch.tensor(problem.data.class_numbers)
    for chosen in rows.reshape(-1, batch):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(X[chosen] @ weights.T, y[chosen]).backward()
        with torch.no_grad():
            weights.mul_(1 - lr * decay)
        optimizer.step()
    assert _end(runs, "norm") == pytest.approx(float(weights.detach().norm()), rel=1e-12)
    # Under momentum 0.9 a coupled decay acts ten times over; without momentum the two are the same.
    apart = abs(_end(coupled, "norm") / _end(runs, "norm") - 1)
    assert apart > 0.05 if momentum else apart < 1e-12
