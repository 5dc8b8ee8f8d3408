"""Objectives of robust training by their formulas, attacks in ball and box, optimizers and schedules, resumption."""

import copy
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy, softmax  # noqa: E402

import jominy as jm  # noqa: E402
from jominy.networks import LabelledInputs, train  # noqa: E402
from jominy.networks.threat import seeded  # noqa: E402

DATA = jm.gaussian_classes(96, 12, 3, seed=0)
IMAGES = LabelledInputs((DATA.inputs / 6 + 0.5).clamp(0, 1), DATA.labels)
ALL = [jm.MinMax, jm.FGSM, jm.NetworkTRADES, jm.MART, jm.CrossEntropyPlus, jm.AdversarialLoss]


def network(seed=1, *between):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(12, 24), *between, nn.ReLU(), nn.Linear(24, 3))


def run(net, objective, data=DATA, **change):
    call = {"steps": 12, "batch_size": 16, "seed": 5, "record_every": 4, "progress": False} | change
    return train(net, data, objective, **({} if {"rate", "optimizer"} & change.keys() else {"rate": 0.02}), **call)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("p", "radius"), [(2, 0.6), (math.inf, 0.2), (1, 1.0)])
def test_attacks_stay_in_ball_and_box(kind, p, radius):
    net, objective = network(), kind(radius, p=p, box=(0, 1))
    eta = objective.perturb(net, IMAGES.inputs, IMAGES.labels, seeded(IMAGES.inputs, 0))
    assert (torch.linalg.vector_norm(eta, p, dim=1) <= radius * (1 + 1e-5)).all() and eta.abs().sum() > 0
    moved = IMAGES.inputs + eta
    assert float(moved.min()) >= -1e-6 and float(moved.max()) <= 1 + 1e-6
    free = kind(radius, p=p).perturb(net, IMAGES.inputs, IMAGES.labels, seeded(IMAGES.inputs, 0))
    assert float((IMAGES.inputs + free).min()) < -1e-3


@pytest.mark.parametrize("kind", ALL)
def test_an_attack_raises_the_objective(kind):
    """Above that of random points of the sphere, on average over inputs; for KL and cross-entropy alike."""
    net, objective = network(), kind(1.0, p=2)
    x, y = DATA.inputs, DATA.labels
    eta = objective.perturb(net, x, y, seeded(x, 0))
    found = objective.losses(net, x, y, eta).detach().mean()
    for seed in range(5):
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
        noise = noise / noise.norm(dim=1, keepdim=True)
        assert found > objective.losses(net, x, y, noise).detach().mean()


def test_losses_by_their_formulas():
    net = network().double()
    x, y = DATA.inputs.double(), DATA.labels
    eta = 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    clean, moved = softmax(net(x), 1), softmax(net(x + eta), 1)
    kl = (clean * (clean / moved).log()).sum(1)
    trades = cross_entropy(net(x), y, reduction="none") + 3 * kl
    torch.testing.assert_close(jm.NetworkTRADES(1.0, beta=3).losses(net, x, y, eta), trades)
    rows = torch.arange(len(y))
    others = moved.clone()
    others[rows, y] = 0
    mart = -moved[rows, y].log() - (1 - others.amax(1)).log() + 4 * kl * (1 - clean[rows, y])
    torch.testing.assert_close(jm.MART(1.0, beta=4).losses(net, x, y, eta), mart)
    torch.testing.assert_close(jm.FGSM(1.0).losses(net, x, y, eta), cross_entropy(net(x + eta), y, reduction="none"))


def test_saturated_outputs_give_finite_losses():
    net = nn.Linear(12, 3)
    with torch.no_grad():
        net.weight.mul_(1e4)
    x, y = DATA.inputs, DATA.labels
    for kind in (jm.NetworkTRADES, jm.MART, jm.FGSM):
        loss = kind(0.5).losses(net, x, y, 0.5 * torch.ones_like(x))
        slopes = torch.autograd.grad(loss.mean(), net.weight)[0]
        assert torch.isfinite(loss).all() and torch.isfinite(slopes).all()


def test_one_step_of_a_linear_network_is_the_worst():
    """l_inf, one class against another: the sign of the weights, whatever the start, once the stride is two radii."""
    net = nn.Linear(12, 2).double()
    data = LabelledInputs(DATA.inputs.double(), DATA.labels % 2)
    eta = jm.FGSM(0.3, stride=2.0).perturb(net, data.inputs, data.labels, seeded(data.inputs, 3))
    gap = (net.weight[0] - net.weight[1]).sign() * (2 * data.labels.unsqueeze(1) - 1)
    torch.testing.assert_close(eta, 0.3 * gap.detach())


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_optimizers_of_pytorch_by_hand(name):
    """Whole-batch standard training by `train` and by a loop written out."""

    def made(parameters):
        if name == "adam":
            return torch.optim.Adam(parameters, lr=0.01, weight_decay=0.1)
        return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=0.01, nesterov=True)

    net, twin = network().double(), network().double()
    data = LabelledInputs(DATA.inputs.double(), DATA.labels)
    call = {"steps": 5, "batch_size": 96, "seed": 0, "progress": False}
    result = train(net, data, jm.CrossEntropyPlus(1.0, weight=0), optimizer=made(net.parameters()), **call)
    steps = made(twin.parameters())
    for _ in range(5):
        steps.zero_grad()
        cross_entropy(twin(data.inputs), data.labels).backward()
        steps.step()
    for one, other in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    assert result.attrs["status"] == "completed" and all(value.grad is None for value in net.parameters())


@pytest.mark.parametrize(
    ("objective", "optimizer"),
    [
        (jm.NetworkTRADES(0.5), torch.optim.Adam),
        (jm.MART(0.1, p=math.inf), lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.9)),
        (jm.FGSM(0.1), torch.optim.AdamW),
    ],
)
def test_a_resumed_run_gives_the_same_numbers(objective, optimizer, tmp_path):
    """With normalisation, dropout, momentum and a rate that falls: 12 steps at once, and 5 first, then the rest."""
    schedule = jm.Cosine(0.01, horizon=12)

    def made():
        return network(1, nn.BatchNorm1d(24), nn.Dropout(0.2)).train()

    whole, net = run(made(), objective, optimizer=optimizer, rate=schedule), made()
    run(net, objective, optimizer=optimizer, rate=schedule, steps=4, checkpoints=tmp_path)
    again = made()
    rest = run(again, objective, optimizer=optimizer, rate=schedule, checkpoints=tmp_path)
    for name in whole.data_vars:
        assert np.array_equal(whole[name], rest[name]), name


def test_another_optimizer_is_another_run(tmp_path):
    run(network(), jm.MinMax(0.5), optimizer=torch.optim.Adam, checkpoints=tmp_path)
    with pytest.raises(jm.InputError, match="belongs to another run .*optimizer"):
        run(network(), jm.MinMax(0.5), optimizer=torch.optim.AdamW, checkpoints=tmp_path)


def test_schedules_of_rate_and_radius(monkeypatch):
    """The radius of each step and the rate of each step are those of the schedules, in steps."""
    seen, perturb = [], jm.MinMax.perturb

    def watching(self, *arguments):
        seen.append(self.radius)
        return perturb(self, *arguments)

    monkeypatch.setattr(jm.MinMax, "perturb", watching)
    run(network(), jm.MinMax(0.8), radius=jm.RadiusRamp(0.0, 0.8, time=8), record_every=100)
    trained = [radius for radius in seen if radius < 0.79]
    np.testing.assert_allclose(trained, 0.1 * np.arange(8), atol=1e-9)
    twin, still = network(), network()
    run(twin, jm.MinMax(0.5), rate=jm.Piecewise(times=[6.0], rates=[0.02, 0.0]), steps=9)
    run(still, jm.MinMax(0.5), rate=0.02, steps=6)
    for one, other in zip(twin.parameters(), still.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": torch.optim.SGD(network().parameters(), lr=0.1)}, "step the parameters of the network"),
        ({"optimizer": "Adam"}, "one of torch.optim"),
        ({"optimizer": lambda w: None}, "one of torch.optim"),
        ({"rate": None}, "plain SGD needs a learning rate"),
        ({"rate": jm.Polyak()}, "function of the step"),
        ({"radius": 0.1}, "given as a schedule"),
        ({"data": IMAGES, "objective": jm.MinMax(8, p=math.inf)}, "8/255"),
        ({"objective": jm.MinMax(0.5, box=(0, 1))}, "the box must hold the inputs"),
    ],
)
def test_refusals(change, message):
    call = {"data": DATA, "objective": jm.MinMax(0.5), "rate": 0.1, "steps": 2, "seed": 0, "progress": False} | change
    with pytest.raises(jm.InputError, match=message):
        train(network(), **call)
    for bad in ({"beta": -1.0}, {"attack_steps": 0}, {"p": 3}):
        with pytest.raises(jm.InputError):
            jm.NetworkTRADES(0.5, **bad)


def test_pgd_in_the_box_by_brute_force():
    """A linear network, l_inf: every coordinate goes to the worse end of its own interval."""
    net = nn.Linear(12, 2).double()
    x, y = IMAGES.inputs.double(), IMAGES.labels % 2
    gap = (net.weight[1] - net.weight[0]) * (1 - 2 * y.unsqueeze(1))
    worst = torch.where(gap > 0, (x + 0.2).clamp(max=1), (x - 0.2).clamp(min=0)) - x
    for eta in (jm.pgd(net, x, y, 0.2, math.inf, box=(0, 1)), jm.fgsm(net, x, y, 0.2, math.inf, box=(0, 1))):
        torch.testing.assert_close(eta, worst.detach())


def test_a_copy_is_what_is_trained_elsewhere():
    """Training one network leaves a deep copy of it alone (optimizers hold parameters, not values)."""
    net = network()
    twin = copy.deepcopy(net)
    run(net, jm.FGSM(0.1), optimizer=torch.optim.Adam)
    assert not torch.equal(net[0].weight, twin[0].weight)
