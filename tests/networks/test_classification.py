"""Attacks on classifiers: closed forms for two classes, convexity, and two well-kept libraries where installed."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn.functional import cross_entropy  # noqa: E402

from jominy.errors import InputError  # noqa: E402
from jominy.networks import fgsm, pgd  # noqa: E402
from jominy.networks.vectors import norm  # noqa: E402


def classifier(width=64):
    torch.manual_seed(5)
    return torch.nn.Sequential(torch.nn.Linear(20, width), torch.nn.ReLU(), torch.nn.Linear(width, 4))


def labelled(count=40):
    rng = np.random.default_rng(4)
    return torch.from_numpy(rng.standard_normal((count, 20))).float(), torch.from_numpy(rng.integers(0, 4, count))


@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_two_linear_classes_in_closed_form(p):
    """The worst loss is log(1 + exp(-y<w, x> + radius ||w||_{p*})), by one step and by many."""
    net = torch.nn.Linear(12, 2).double()
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((7, 12)))
    labels = torch.tensor([0, 1, 1, 0, 1, 0, 0])
    gap = (net.weight[0] - net.weight[1]).detach()
    margin = (1 - 2 * labels) * (net(x) @ torch.tensor([1.0, -1.0], dtype=torch.float64)).detach()
    dual = {1: math.inf, 2: 2, math.inf: 1}[p]
    worst = torch.log1p(torch.exp(-margin + 0.3 * norm(gap, dual)))
    for eta in (fgsm(net, x, labels, 0.3, p), pgd(net, x, labels, 0.3, p, steps=60)):
        reached = cross_entropy(net(x + eta), labels, reduction="none").detach()
        np.testing.assert_allclose(reached, worst, rtol=1e-6 if p != 1 else 2e-3)
        assert (norm(eta, p) <= 0.3 * (1 + 1e-12)).all()


@pytest.mark.parametrize(("p", "radius"), [(1, 3.0), (2, 1.0), (math.inf, 0.2)])
def test_many_steps_beat_one_and_random(p, radius):
    net, (x, y) = classifier(), labelled()
    one, many = fgsm(net, x, y, radius, p), pgd(net, x, y, radius, p, steps=40, restarts=2)

    def loss(eta):
        return cross_entropy(net(x + eta), y, reduction="none").detach()

    assert (loss(many) >= loss(0 * x)).all()
    assert float(loss(many).mean()) > float(loss(one).mean()) - 1e-6
    noise = torch.randn(200, 40, 20)
    best = torch.stack([loss(radius * e / norm(e, p).unsqueeze(1)) for e in noise]).amax(0)
    assert (loss(many) >= best - 1e-5).double().mean() > 0.95


@pytest.mark.parametrize(("p", "radius"), [(1, 3.0), (2, 1.0), (math.inf, 0.2)])
def test_as_strong_as_foolbox(p, radius):
    foolbox = pytest.importorskip("foolbox")
    net, (x, y) = classifier().eval(), labelled(100)
    theirs = {1: foolbox.attacks.L1PGD, 2: foolbox.attacks.L2PGD, math.inf: foolbox.attacks.LinfPGD}[p]
    model = foolbox.PyTorchModel(net, bounds=(-100, 100))
    _, clipped, _ = theirs(steps=60)(model, x, y, epsilons=radius)
    mine = cross_entropy(net(x + pgd(net, x, y, radius, p, steps=60)), y)
    assert float(norm(clipped - x, p).max()) <= radius * (1 + 1e-4)
    assert float(mine) >= 0.995 * float(cross_entropy(net(clipped), y))


@pytest.mark.parametrize(("p", "radius"), [(2, 1.0), (math.inf, 0.2)])
def test_as_strong_as_the_adversarial_robustness_toolbox(p, radius):
    estimators = pytest.importorskip("art.estimators.classification")
    evasion = pytest.importorskip("art.attacks.evasion")
    net, (x, y) = classifier().eval(), labelled(100)
    model = estimators.PyTorchClassifier(net, torch.nn.CrossEntropyLoss(), (20,), 4, device_type="cpu")
    theirs = evasion.ProjectedGradientDescentPyTorch(
        model, norm=p if p != math.inf else np.inf, eps=radius, eps_step=radius / 15, max_iter=60, verbose=False
    )
    moved = torch.from_numpy(theirs.generate(x.numpy(), y.numpy()))
    mine = cross_entropy(net(x + pgd(net, x, y, radius, p, steps=60)), y)
    assert float(mine) >= 0.995 * float(cross_entropy(net(moved), y))


def test_refusals():
    net, (x, y) = classifier(), labelled()
    with pytest.raises(InputError, match="between 0 and 3.*from 0 to 9"):
        pgd(net, x, y * 3, 1.0, 2)
    with pytest.raises(InputError, match="whole numbers, one for each input"):
        fgsm(net, x, y[:3], 1.0, 2)
    with pytest.raises(InputError, match="at least one step"):
        pgd(net, x, y, 1.0, 2, steps=0)
