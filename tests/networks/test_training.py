import math
import os
import signal

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn.functional import cross_entropy  # noqa: E402

import fuzz_stores  # noqa: E402
from jominy.errors import InputError  # noqa: E402
from jominy.meanfield import Architecture, ReLULike, weight_variance_curve  # noqa: E402
from jominy.networks import (  # noqa: E402
    AdversarialLoss,
    CrossEntropyPlus,
    LabelledInputs,
    MinMax,
    RandomNetwork,
    gaussian_classes,
    noise,
    train,
)
from jominy.networks.records import fisher_rao_norm, record  # noqa: E402

DATA = gaussian_classes(96, 12, 3, seed=0)
OBJECTIVES = [AdversarialLoss(0.5), CrossEntropyPlus(0.5, weight=0.3, p=math.inf, q=1), MinMax(0.5)]


def network(seed=1, dtype=torch.float32, **kind):
    return RandomNetwork(Architecture(3, 24, 12, 3, **{"weight_variance": 2.0} | kind), seed=seed, dtype=dtype)


def run(net, objective, **change):
    call = dict(rate=0.02, steps=12, batch_size=16, seed=5, record_every=4, progress=False) | change
    return train(net, DATA, objective, **call)


def test_plain_gradient_descent_by_hand():
    """Standard training on the whole data at once is gradient descent on the mean cross-entropy."""
    net, twin = network(dtype=torch.float64), network(dtype=torch.float64)
    data = LabelledInputs(DATA.inputs.double(), DATA.labels)
    train(net, data, CrossEntropyPlus(1.0, weight=0), rate=0.1, steps=3, batch_size=96, seed=0, progress=False)
    for _ in range(3):
        loss = cross_entropy(twin(data.inputs), data.labels)
        slopes = torch.autograd.grad(loss, list(twin.parameters()))
        with torch.no_grad():
            for value, slope in zip(twin.parameters(), slopes, strict=True):
                value -= 0.1 * slope
    for one, other in zip(net.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), rtol=1e-9, atol=1e-12)


def test_a_scheduler_of_the_users_own():
    """OneCycleLR sets rate and momentum: the reference is PyTorch's own loop on the whole data."""
    net, twin = network(dtype=torch.float64), network(dtype=torch.float64)
    data = LabelledInputs(DATA.inputs.double(), DATA.labels)

    def made(module):
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
        return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.3, total_steps=8)

    optimizer, scheduler = made(net)
    call = dict(steps=6, batch_size=96, seed=0, progress=False)
    train(net, data, CrossEntropyPlus(1.0, weight=0), optimizer=optimizer, scheduler=scheduler, **call)
    optimizer, scheduler = made(twin)
    for _ in range(6):
        optimizer.zero_grad()
        cross_entropy(twin(data.inputs), data.labels).backward()
        optimizer.step()
        scheduler.step()
    for one, other in zip(net.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), rtol=1e-9, atol=1e-12)


def test_a_run_with_a_scheduler_goes_on_where_it_was(tmp_path):
    def asked(steps, **more):
        schedule = lambda optimizer: torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 7], gamma=0.3)  # noqa: E731
        sgd = lambda values: torch.optim.SGD(values, lr=0.05, momentum=0.9)  # noqa: E731
        net = network(1)
        train(
            net, DATA, OBJECTIVES[0], optimizer=sgd, scheduler=schedule, steps=steps, batch_size=16, seed=5,
            record_every=4, progress=False, **more,
        )  # fmt: skip
        return net

    asked(4, checkpoints=tmp_path)
    resumed, whole = asked(10, checkpoints=tmp_path), asked(10)
    assert all(torch.equal(one, two) for one, two in zip(resumed.parameters(), whole.parameters(), strict=True))


def test_schedulers_that_are_none_are_refused():
    net, sgd = network(1), lambda values: torch.optim.SGD(values, lr=0.05)
    other = torch.optim.lr_scheduler.StepLR(sgd(network(2).parameters()), 3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau
    for change, words in (
        ({"scheduler": other}, "an optimizer of PyTorch"),
        ({"scheduler": other, "optimizer": sgd}, "must be that of the optimizer"),
        ({"scheduler": plateau, "optimizer": sgd}, "follows a metric"),
        ({"scheduler": 3, "optimizer": sgd}, "one of torch.optim.lr_scheduler"),
        ({"scheduler": torch.optim.lr_scheduler.StepLR, "optimizer": sgd}, "from the optimizer alone"),
    ):
        with pytest.raises(InputError, match=words):
            run(net, OBJECTIVES[0], rate=None, **change)
    with pytest.raises(InputError, match="leave one out|Leave one out"):
        run(net, OBJECTIVES[0], optimizer=sgd, scheduler=lambda made: torch.optim.lr_scheduler.StepLR(made, 3))


@pytest.mark.parametrize(
    "objective", [OBJECTIVES[0], pytest.param(OBJECTIVES[1], marks=pytest.mark.slow), OBJECTIVES[2]]
)
def test_interrupted_run_goes_on_with_the_same_numbers(objective, tmp_path, monkeypatch):
    whole, nets = run([network(1), network(2)], objective), [network(1), network(2)]
    calls, perturb = [], type(objective).perturb

    def interrupting(self, *arguments):
        calls.append(1)
        if len(calls) == 9:  # in the middle of a step of the first network
            os.kill(os.getpid(), signal.SIGINT)
        return perturb(self, *arguments)

    monkeypatch.setattr(type(objective), "perturb", interrupting)
    part = run([network(1), network(2)], objective, checkpoints=tmp_path)
    monkeypatch.undo()
    assert part.attrs["status"] == "interrupted" and part.sizes["network"] == 1 and 1 <= part.sizes["step"] < 4
    rest = run(nets, objective, checkpoints=tmp_path)
    for name in whole.data_vars:
        assert np.array_equal(whole[name], rest[name]), name
    assert whole.attrs == rest.attrs and rest.attrs["status"] == "completed"
    again = [network(1), network(2)]
    assert run(again, objective, checkpoints=tmp_path).identical(rest)  # nothing left to do
    assert all(torch.equal(a, b) for a, b in zip(again[1].parameters(), nets[1].parameters(), strict=True))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["network-0.safetensors", "network-1.safetensors"]


def test_damaged_and_foreign_checkpoints(tmp_path):
    run(network(), OBJECTIVES[0], checkpoints=tmp_path)
    path = tmp_path / "network-0.safetensors"
    content = path.read_bytes()
    untouched = network()
    for damaged in (content[:-40], content[:-40] + bytes(40), b"not a checkpoint", b""):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="checkpoint is damaged"):
            run(untouched, OBJECTIVES[0], checkpoints=tmp_path)
        assert path.read_bytes() == damaged
    assert all(torch.equal(a, b) for a, b in zip(untouched.parameters(), network().parameters(), strict=True))
    path.write_bytes(content)
    with pytest.raises(InputError, match="belongs to another run .*rate 0.02 there, 0.03 here"):
        run(network(), OBJECTIVES[0], checkpoints=tmp_path, rate=0.03)
    with pytest.raises(InputError, match="belongs to another run .*start"):
        run(network(7), OBJECTIVES[0], checkpoints=tmp_path)


def test_divergence_is_a_result():
    result = run(network(), OBJECTIVES[1], rate=1e30)
    assert result.attrs["status"] == "diverged" and "Lower the learning rate" in result.attrs["advice"]
    assert not any(np.isnan(result[name]).any() for name in result.data_vars)
    assert np.isinf(result["training_loss"][0, -1]) and float(result["clean_accuracy"][0, -1]) == 0


def test_records():
    """Each number of a record, computed in another way."""
    data = LabelledInputs(DATA.inputs.double(), DATA.labels)
    net, objective = network(dtype=torch.float64), CrossEntropyPlus(0.7, weight=0)
    seen = record(net, objective, data, seed=0)
    outputs = net(data.inputs)
    grads = torch.autograd.grad(cross_entropy(outputs, data.labels), list(net.weights))
    np.testing.assert_allclose(seen["gradient_norm"], [g.norm() for g in grads], rtol=1e-10)
    np.testing.assert_allclose(
        seen["weight_variance"], [w.detach().square().sum() / 24 for w in net.weights], rtol=1e-12
    )
    assert seen["clean_accuracy"] == float((outputs.argmax(1) == data.labels).double().mean())
    assert seen["adversarial_accuracy"] <= seen["clean_accuracy"]
    # Fisher-Rao: without biases f is homogeneous of degree L in the weights, so fdot = 3 f.
    score = torch.softmax(outputs, 1) - torch.nn.functional.one_hot(data.labels, 3)
    along = (score * 3 * outputs).sum(1).detach()
    np.testing.assert_allclose(seen["fisher_rao_norm"], along.square().mean().sqrt(), rtol=1e-10)
    eta = objective.perturb(net, data.inputs, data.labels, torch.Generator())
    biased = network(dtype=torch.float64, bias_variance=0.1, shortcut=True, activation=ReLULike(1.0, 0.3))
    found, squares = fisher_rao_norm(biased, objective, data.inputs[:6], data.labels[:6], eta[:6]), []
    for x, y in zip(data.inputs[:6], data.labels[:6], strict=True):
        loss = cross_entropy(biased(x.unsqueeze(0)), y.unsqueeze(0))
        slopes = torch.autograd.grad(loss, list(biased.parameters()))
        squares.append(
            float(sum((g * v).sum() for g, v in zip(slopes, biased.parameters(), strict=True)).detach()) ** 2
        )
    np.testing.assert_allclose(found, math.sqrt(np.mean(squares)), rtol=1e-10)


def test_adversarial_fisher_rao_norm_of_a_plain_network():
    """Theory 7: for the adversarial loss alone <theta, grad L> = L L_adv of every input."""
    data = LabelledInputs(DATA.inputs.double(), DATA.labels)
    net, objective = network(dtype=torch.float64), AdversarialLoss(0.7)
    eta = objective.perturb(net, data.inputs, data.labels, torch.Generator().manual_seed(0))
    losses = objective.losses(net, data.inputs, data.labels, eta).detach()
    found = fisher_rao_norm(net, objective, data.inputs, data.labels, eta)
    np.testing.assert_allclose(found, 3 * losses.square().mean().sqrt(), rtol=1e-10)


def test_weight_variance_falls_as_the_measured_loss_says():
    """d sw_l^2/dt = -(2/N) L_adv along the whole of training without shortcuts or biases (theory 5.1), to O(rate)."""
    data = LabelledInputs(DATA.inputs.double(), DATA.labels)
    net, rate = network(dtype=torch.float64), 4e-3
    call = dict(rate=rate, steps=50, batch_size=96, seed=0, record_every=1, record_on=data, progress=False)
    result = train(net, data, AdversarialLoss(0.5, attack_steps=15), **call)
    loss, variance = result["training_loss"][0].values, result["weight_variance"][0].values
    assert loss[-1] < 0.6 * loss[0]  # far enough for the loss, not the weights, to have changed
    predicted = -2 / 24 * rate * np.cumsum(loss[:-1])
    drift = variance[1:] - variance[0]
    # A step of size tau adds tau^2 ||g||^2 / N to every layer.
    second = rate**2 / 24 * np.cumsum(result["gradient_norm"][0].values[:-1] ** 2, axis=0)
    np.testing.assert_allclose(drift - second, np.broadcast_to(predicted[:, None], drift.shape), rtol=0.02)


def test_early_weight_variances_follow_the_theory_curve():
    """The same variables as `weight_variance_curve`: drift over drift, loss over loss, over eight networks."""
    architecture = Architecture(3, 200, 40, 5, weight_variance=2.0)
    nets = [RandomNetwork(architecture, seed=seed, dtype=torch.float64) for seed in range(8)]
    data = LabelledInputs(noise(60, 40, seed=0).double(), np.zeros(60, dtype=int))
    rate, objective = 2e-4, AdversarialLoss(0.3, attack_steps=6)
    call = dict(rate=rate, steps=5, batch_size=60, seed=0, record_every=5, progress=False)
    seen = train(nets, data, objective, **call)
    told = weight_variance_curve(architecture, 0.3, seen["step"].values, rate)
    assert told.attrs["sample_horizon_step"] > 50  # five steps are early
    drift = (seen["weight_variance"] - seen["weight_variance"].isel(step=0)).isel(step=-1).mean("layer")
    predicted = float((told["weight_variance"].isel(step=-1) - told["weight_variance"].isel(step=0)).mean())
    for ratio in (drift.values / predicted, seen["adversarial_loss"][:, 0].values / float(told["adversarial_loss"][0])):
        error = ratio.std(ddof=1) / math.sqrt(len(ratio))
        assert error < 0.05 and abs(ratio.mean() - 1) < 0.1 + 3 * error, f"{ratio.mean()} +- {error}"
    assert set(told.data_vars) <= set(seen.data_vars)
    assert all(told[name].attrs == seen[name].attrs for name in told.data_vars)


def test_refusals():
    with pytest.raises(InputError, match="steps must be a whole number"):
        run(network(), OBJECTIVES[0], steps=0)
    with pytest.raises(InputError, match="learning rate must be positive"):
        run(network(), OBJECTIVES[0], rate=-1)
    with pytest.raises(InputError, match="an output for each class .received: 2 for 3"):
        run(torch.nn.Linear(12, 2), OBJECTIVES[0])
    with pytest.raises(InputError, match="learning rate must be positive"):
        run(network(), OBJECTIVES[0], rate="fast")
    for seed in (-1, "one", 0.5):
        with pytest.raises(InputError, match="seed must be a whole number"):
            run(network(), OBJECTIVES[0], seed=seed)
        with pytest.raises(InputError, match="seed must be a whole number"):
            network(seed)
    with pytest.raises(InputError, match="array of whole numbers"):
        LabelledInputs(np.zeros((2, 2)), ["cat", "dog"])
    with pytest.raises(InputError, match="accept the inputs .*float32"):
        run(network(dtype=torch.float64), OBJECTIVES[0])
    with pytest.raises(InputError, match="accept the inputs"):
        run(torch.nn.Linear(4, 3), OBJECTIVES[0])
    with pytest.raises(InputError, match="same layers"):
        run([network(), torch.nn.Linear(12, 3)], OBJECTIVES[0])
    with pytest.raises(InputError, match="radius must be zero or positive"):
        AdversarialLoss(-1.0)
    with pytest.raises(InputError, match="labels must be whole numbers"):
        LabelledInputs(np.zeros((3, 2)), [0.5, 1.0, 2.0])


@pytest.mark.parametrize("count", [40, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutated_stores_and_checkpoints(count):
    """A seeded piece of `fuzz_stores.py`."""
    found = fuzz_stores.run(count, seed=1)
    assert set(found) == {"went on", "refused"}, found
