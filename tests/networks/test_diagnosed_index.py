"""Trainability of a user's module: the index against one computed by finite differences, words, files, messages."""

import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import jominy as jm  # noqa: E402
from jominy.cli.main import main  # noqa: E402
from jominy.meanfield import Verdict  # noqa: E402
from jominy.networks import LabelledInputs, diagnose, gaussian_classes, measure_trainability  # noqa: E402

MODEL = """
import torch
from torch import nn
def build(depth=2, width=256):
    torch.manual_seed(0)
    parts = [nn.Linear(20, width), nn.ReLU()]
    for _ in range(depth - 1):
        parts += [nn.Linear(width, width), nn.ReLU()]
    for part in parts[::2]:
        nn.init.normal_(part.weight, std=(2 / part.in_features) ** 0.5)
        nn.init.zeros_(part.bias)
    return nn.Sequential(*parts, nn.Linear(width, 4))
def deep():
    return build(12, 32)
"""
DATA = gaussian_classes(200, 20, 4, seed=5)


def made(name="build"):
    scope = {}
    exec(MODEL, scope)
    return scope[name]()


def test_a_deep_narrow_module_collapses_and_a_shallow_wide_one_does_not():
    deep, shallow = (diagnose(made(name), DATA.inputs, 1.0, labels=DATA.labels) for name in ("deep", "build"))
    assert deep.trainability.verdict is Verdict.COLLAPSE and shallow.trainability.verdict is Verdict.SAFE
    words = " ".join(deep.sentences())
    assert "tau = " in words and "plateau" in words and "times as wide" in words and "`" not in words
    assert "What would change it" not in " ".join(shallow.sentences())
    direct = measure_trainability(made("deep"), DATA, 1.0, seed=0)
    assert deep.trainability.tau == float(direct["trainability_index"][0])
    lam = diagnose(made("deep"), DATA.inputs, 1.0, labels=DATA.labels, adversarial_weight=2.0).trainability
    assert lam.tau == pytest.approx(deep.trainability.tau / 2, rel=1e-6)
    assert lam.slowdown == pytest.approx(1 + 0.09 * 2**0.8 * lam.tau**-1.3)


def test_the_safe_radius_is_one():
    found = diagnose(made("deep"), DATA.inputs, 1.0, labels=DATA.labels).trainability
    assert found.safe_radius is not None and math.log2(found.safe_radius) == round(math.log2(found.safe_radius)) < 0
    there = diagnose(made("deep"), DATA.inputs, found.safe_radius, labels=DATA.labels).trainability
    above = diagnose(made("deep"), DATA.inputs, 2 * found.safe_radius, labels=DATA.labels).trainability
    assert there.verdict is Verdict.SAFE and there.tau == found.safe_tau
    assert above.verdict is not Verdict.SAFE


def test_signal_time_by_finite_differences():
    """-dCE/dt of a linear module whose outputs start at zero, on the other batch: the index's signal rate."""
    torch.manual_seed(1)
    module = nn.Linear(20, 4, bias=False).double()
    nn.init.zeros_(module.weight)
    data = LabelledInputs(DATA.inputs.double(), DATA.labels)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    one, other = order[:100], order[100:]

    def entropy(part):
        return nn.functional.cross_entropy(module(data.inputs[part]), data.labels[part])

    (slope,) = torch.autograd.grad(entropy(one), module.weight)
    before, step = entropy(other).item(), 1e-6
    with torch.no_grad():
        module.weight -= step * slope
    rate = (before - entropy(other).item()) / step
    with torch.no_grad():
        module.weight += step * slope
    found = diagnose(module, data.inputs, 0.1, labels=data.labels).trainability
    assert found.signal_time == pytest.approx(math.log(4) / rate, rel=1e-4)


def test_labels_that_mean_nothing_give_no_verdict():
    """Labels shuffled against the inputs: over six shuffles the index sees no signal in about half of the cases."""
    found = []
    for seed in range(6):
        labels = DATA.labels[torch.randperm(200, generator=torch.Generator().manual_seed(seed))]
        found.append(diagnose(made(), DATA.inputs, 1.0, labels=labels))
    told = [one for one in found if one.trainability.tau is None]
    assert 1 <= len(told)
    assert told[0].trainability.verdict is Verdict.NO_SIGNAL and "no common class signal" in " ".join(
        told[0].sentences()
    )
    json.dumps(told[0].describe())


def test_what_the_tests_did_not_cover_is_said():
    module = nn.Sequential(nn.Unflatten(1, (1, 4, 5)), nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 4))
    words = " ".join(diagnose(module, DATA.inputs, 0.5, math.inf, 2, labels=DATA.labels).sentences())
    assert "Not covered by those tests: convolution" in words and "norms other than l2" in words
    few = diagnose(made(), DATA.inputs[:20], 0.5, labels=DATA.labels[:20])
    assert "Two batches of 10 inputs" in " ".join(few.sentences())
    low, high = float(DATA.inputs.min()), float(DATA.inputs.max())
    boxed = diagnose(made(), DATA.inputs[:20], 0.5, labels=DATA.labels[:20], box=(low, high))
    assert "stay within a box" in " ".join(boxed.sentences())


def test_a_trained_module_is_told_apart():
    module = made()
    adam = torch.optim.Adam(module.parameters(), 0.01)
    for _ in range(30):
        adam.zero_grad()
        nn.functional.cross_entropy(module(DATA.inputs), DATA.labels).backward()
        adam.step()
    found = diagnose(module, DATA.inputs, 0.5, labels=DATA.labels)
    assert found.trainability.accuracy > 0.9 and "weights that are trained already" in found.trainability.limits
    assert diagnose(made(), DATA.inputs, 0.5, labels=DATA.labels).trainability.limits == ()


def convolutions(seed=0):
    """Three convolutions with batch normalisation, 8 x 8 images to ten classes, as PyTorch initialises them."""
    torch.manual_seed(seed)
    parts, channels = [nn.Unflatten(1, (1, 8, 8))], 1
    for wide, stride in ((16, 1), (32, 2), (32, 1)):
        parts += [nn.Conv2d(channels, wide, 3, padding=1, stride=stride), nn.BatchNorm2d(wide), nn.ReLU()]
        channels = wide
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(512, 10))


def test_batch_normalisation_before_training_is_not_the_identity():
    """Digits, radius 1 of 8: tau .029 and a signal time of 92 with running statistics 0 and 1, 1.1 and .26 with those
    of the batch. What the attack does at first is also that of a normalised network."""
    images = jm.digits(seed=0, count=200)
    module = convolutions()
    found = diagnose(module, images.inputs, 1.0, labels=images.labels)
    index = found.trainability
    assert index.verdict is None and 0.7 < index.tau < 1.6 and 0.15 < index.signal_time < 0.4
    assert found.statistics_of_inputs and "statistics of these inputs" in " ".join(found.sentences())
    words = " ".join(index.sentences())
    assert "89 %" not in words and "Not covered by those tests: convolution, batch normalisation" in words
    assert int(module[2].num_batches_tracked) == 0 and module.training
    module.train()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad():
        module(images.inputs)
    trained = diagnose(module, images.inputs, 1.0, labels=images.labels)  # statistics of its own, the same ones
    assert not trained.statistics_of_inputs and trained.trainability.tau == pytest.approx(index.tau, rel=1e-4)
    assert trained.adversarial_loss[0] == pytest.approx(found.adversarial_loss[0], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("radius", [0.3, 1.0, 2.0])
def test_a_network_with_batch_normalisation_trains_as_its_index_says(radius):
    """`Safe`, learnt within 200 steps of rate .05: and it keeps 90 % of the accuracy of its twin without adversary."""
    data = jm.digits(seed=0)
    kept, rest = (
        LabelledInputs(data.inputs[:1300], data.labels[:1300]),
        LabelledInputs(data.inputs[1300:], data.labels[1300:]),
    )
    found = diagnose(convolutions(), kept.inputs[:200], radius, labels=kept.labels[:200]).trainability
    assert Verdict.of(found.tau) is Verdict.SAFE and found.signal_time < 200 * 0.05 and found.verdict is None
    accuracy = []
    for weight in (1.0, 0.0):
        module, objective = convolutions(), jm.networks.CrossEntropyPlus(radius, weight=weight)
        module.train()
        runs = jm.train(
            module, kept, objective, rate=0.05, steps=200, batch_size=50, seed=0, record_every=200, record_on=rest
        )
        accuracy.append(float(runs["clean_accuracy"][0, -1]))
    assert accuracy[0] >= 0.9 * accuracy[1] > 0.85


def test_the_rate_of_right_verdicts_is_said_of_what_it_was_measured_on():
    def told(*parts, p=2):
        return " ".join(
            diagnose(nn.Sequential(*parts), DATA.inputs, 0.5, p, labels=DATA.labels).trainability.sentences()
        )

    torch.manual_seed(0)
    first, last = nn.Linear(20, 64), nn.Linear(64, 4)
    assert "89 %" in told(first, nn.ReLU(), last)
    for other in (
        nn.LeakyReLU(0.1),
        nn.Sequential(nn.ReLU(), nn.Dropout(0.1)),
        nn.Sequential(nn.LayerNorm(64), nn.ReLU()),
    ):
        words = told(first, other, last)
        assert (
            "89 %" not in words
            and "Not covered by those tests" in words
            and "times longer" not in words.replace("much longer", "")
        )
    assert "89 %" not in told(first, nn.ReLU(), last, p=math.inf)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(199, int), "one for each input"),
        (np.full(200, 0.5), "whole numbers"),
        (-np.ones(200, int), "whole numbers from 0"),
        (np.full(200, 2), "at least two classes.*all of class 2.*Shuffle"),
        (np.arange(200) % 5, "an output for each class.*4 for 5"),
    ],
)
def test_labels_that_will_not_do(labels, message):
    with pytest.raises(jm.InputError, match=message):
        diagnose(made(), DATA.inputs, 0.5, labels=labels)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_model.py").write_text(MODEL)
    np.save("x.npy", DATA.inputs.numpy())
    np.save("y.npy", DATA.labels.numpy())
    np.savez("both.npz", x=DATA.inputs.numpy(), y=DATA.labels.numpy())
    np.save("short.npy", DATA.labels.numpy()[:50])
    np.save("half.npy", DATA.labels.numpy() + 0.5)
    return tmp_path


def test_the_command(files, capsys):
    call = ["diagnose", "my_model.py:deep", "--radius", "1"]
    assert main([*call, "--inputs", "x.npy", "--labels", "y.npy"]) == 0
    text = capsys.readouterr().out
    assert "Trainability index, measured" in text and "plateau" in text and "What would change it" in text
    assert main([*call, "--inputs", "both.npz", "--labels", "both.npz", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["diagnosis"]
    assert told["trainability"]["verdict"] == "collapse" and told["count"] == 200
    direct = diagnose(made("deep"), DATA.inputs, 1.0, labels=DATA.labels).trainability
    assert told["trainability"]["tau"] == pytest.approx(direct.tau)


@pytest.mark.parametrize(
    ("labels", "message"),
    [("none.npy", "the file of labels must exist"), ("short.npy", "one label for each input"), ("half.npy", "whole")],
)
def test_files_of_labels_that_will_not_do(files, capsys, labels, message):
    assert main(["diagnose", "my_model.py:build", "--inputs", "x.npy", "--labels", labels, "--radius", "1"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
