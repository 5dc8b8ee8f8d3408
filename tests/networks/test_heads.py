"""Features of real modules, their Jacobians, and heads trained through them: against autograd, and linear networks."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import jominy as jm
from jominy.networks.frozen import Backbone, last_linear
from jominy.networks.head_training import HeadNetwork, relative_change


class Odd(nn.Module):
    """A network whose last linear layer is registered first, with batch normalisation and a dictionary of outputs."""

    def __init__(self):
        super().__init__()
        self.classifier = nn.Linear(6, 3)
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.inner = nn.Linear(64, 6)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return {"logits": self.classifier(torch.tanh(self.inner(x.flatten(1))))}


def _odd():
    torch.manual_seed(0)
    return Odd().train()


def _inputs(n=40):
    g = torch.Generator().manual_seed(1)
    return torch.randn(n, 1, 4, 4, generator=g), torch.arange(n) % 3


def test_the_features_are_what_the_last_layer_stands_on_and_the_jacobians_are_autograds():
    net, (x, y) = _odd(), _inputs()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert last_linear(net, x) == "classifier"
    frozen = jm.linearised(net, (x, y), norm=math.inf, rank=6, batch_size=16, progress=False)
    assert net.training and all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    net.eval()
    inner = torch.tanh(net.inner(torch.relu(net.norm(net.conv(x))).flatten(1))).detach().numpy()
    np.testing.assert_allclose(frozen.features, inner, atol=1e-6)
    assert frozen.labels.tolist() == y.tolist() and frozen.record["layer"] == "classifier"
    backbone = Backbone(net, None, x)
    exact = torch.func.jacrev(lambda one: backbone(one[None])[0])(x[7]).reshape(6, -1).detach().numpy()
    np.testing.assert_allclose(frozen.factors[7] @ frozen.directions[7].T, exact, atol=2e-6)
    np.testing.assert_allclose(frozen.factors[7] @ frozen.factors[7].T, exact @ exact.T, atol=2e-6)
    assert frozen.energy[-1] == pytest.approx(1)
    # A rank keeps the largest part there is.
    low = jm.linearised(net, x, rank=2, progress=False)
    values = np.linalg.svd(exact, compute_uv=False)
    assert np.sum(low.factors[7] ** 2) == pytest.approx(np.sum(values[:2] ** 2), rel=1e-5)
    assert low.directions is None and 0 < low.energy[0] < low.energy[1] < 1
    named = jm.features(net, x, layer="conv", progress=False)
    np.testing.assert_allclose(named.features, net.conv(x).flatten(1).detach().numpy(), atol=1e-6)


def test_a_loader_gives_the_same_features():
    net, (x, y) = _odd(), _inputs()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=7)
    told = jm.features(net, loader, progress=False)
    np.testing.assert_array_equal(told.features, jm.features(net, x, progress=False).features)
    assert told.labels.tolist() == y.tolist()


def test_a_head_is_put_into_a_copy():
    net, (x, y) = _odd(), _inputs()
    rows = jm.linearised(net, (x, y), progress=False)
    problem = jm.Problem(jm.HeadSamples(rows), jm.SoftmaxLoss(), radius=0.1)
    model = jm.fit(
        problem, jm.Constant(1.0), time=20, optimizer=jm.SGD(batch_size=4), progress=False, beside_forecast=False
    )
    made = jm.with_head(net, model, x)
    scores = made.eval()(x)["logits"].detach().numpy()
    np.testing.assert_allclose(scores, model.decision_function(rows.features), atol=1e-5)
    old = jm.head(net, x)
    np.testing.assert_array_equal(old.weights, net.classifier.weight.detach().numpy())
    same = jm.with_head(net, old, x).eval()(x)["logits"]
    np.testing.assert_allclose(same.detach(), net.eval()(x)["logits"].detach(), atol=1e-6)
    start = problem.samples.start_from(*old)
    np.testing.assert_allclose(
        problem.samples.features @ start.T, net(x)["logits"].detach().numpy(), atol=1e-5
    )  # fine-tuning starts where the network is


@pytest.mark.parametrize("norm, radius", [(2, 0.4), (math.inf, 0.15)])
def test_a_linear_network_is_trained_as_the_forecast_says_step_by_step(norm, radius):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 5), nn.Identity(), nn.Linear(5, 2))
    g = torch.Generator().manual_seed(1)
    y = torch.arange(80) % 2
    x = torch.randn(80, 6, generator=g) + 1.5 * (2 * y[:, None] - 1) * torch.tensor([1.0, 0.5, 0, 0, 0, 0])
    rows = jm.linearised(net, (x, y), norm=norm, progress=False)
    problem = jm.Problem(jm.HeadSamples(rows, norm=norm), jm.SoftmaxLoss(), radius=radius)
    asked = dict(time=8, optimizer=jm.SGD(batch_size=4, momentum=0.5), seeds=3, held_out=(rows[:30], None))
    real = jm.train_head(net, problem, jm.Constant(1.0), progress=False, **asked)
    linear = jm.simulate(problem, jm.Constant(1.0), progress=False, **asked).isel(time=[-1])
    for name in real.data_vars:
        np.testing.assert_allclose(real[name], linear[name], rtol=2e-3, atol=2e-3, err_msg=str(name))
    assert float(real.adversarial_accuracy.mean()) < float(real.clean_accuracy.mean())
    network = HeadNetwork(net, problem)
    head = torch.randn(2, 6, generator=g)
    assert relative_change(network, head, x, y, radius) < 1e-5
    told = jm.forecast_head(net, problem, jm.Constant(1.0), 8, optimizer=asked["optimizer"], heads=2, runs=20)
    assert told.linear_is_enough and told.rise == pytest.approx(1, abs=1e-3)
    assert told.adversarial_accuracy == pytest.approx(told.linear[1], abs=1e-6)
    assert "linear forecast" in str(told) and "times as much" in str(told)


def test_the_slope_changes_as_two_gradients_say():
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 2))
    x, y = _inputs()
    rows = jm.linearised(net, (x, y % 2), progress=False)
    problem = jm.Problem(jm.HeadSamples(rows), jm.SoftmaxLoss(), radius=0.5)
    network, head = HeadNetwork(net, problem), torch.randn(2, 9)
    w = (head[1] - head[0])[:-1] * network.factor

    def slope(at):
        return torch.func.grad(lambda one: net[:3](one[None])[0] @ w)(at).flatten()

    found = []
    for one, label in zip(x, y % 2, strict=True):
        here = slope(one)
        step = -(2 * label - 1) * 0.5 * here / here.norm()
        found.append((slope(one + step.view_as(one)) - here).norm() / here.norm())
    told = relative_change(network, head, x, y % 2, 0.5)
    assert told == pytest.approx(torch.stack(found).mean().item(), rel=1e-4)


@pytest.mark.parametrize(
    "wrong, told",
    [
        (lambda net, x: jm.features(nn.Sequential(nn.Conv2d(1, 2, 3)), x), "must end in a linear layer"),
        (lambda net, x: jm.features(net, x, layer="none"), "must be one of the module's"),
        (lambda net, x: jm.features(net, x[0, 0, 0]), "one row per input"),
        (lambda net, x: jm.linearised(net, x, norm=1), "must be 2 or infinity"),
        (lambda net, x: jm.linearised(net, x, rank=0), "whole number >= 1"),
        (lambda net, x: jm.features(net, x[:, :, :2]), "must accept the inputs"),
        (lambda net, x: jm.with_head(net, jm.Head(np.ones((2, 4)), np.zeros(2)), x), "6 features of the module"),
    ],
)
def test_what_does_not_go(wrong, told):
    with pytest.raises(jm.InputError, match=told):
        wrong(_odd(), _inputs()[0])


def test_another_module_is_refused():
    net, (x, y) = _odd(), _inputs()
    problem = jm.Problem(jm.HeadSamples(jm.linearised(net, (x, y), progress=False)), jm.SoftmaxLoss(), 0.1)
    torch.manual_seed(9)
    with pytest.raises(jm.InputError, match="must be the one whose features"):
        jm.train_head(Odd(), problem, jm.Constant(1.0), time=1)


@pytest.mark.parametrize("module", ["words", None])
def test_what_is_no_module_is_told(module):
    for look in (jm.features, jm.linearised):
        with pytest.raises(jm.InputError, match=r"must be a torch.nn.Module"):
            look(module, np.zeros((3, 4), dtype=np.float32))
