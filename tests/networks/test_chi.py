"""The index chi: closed forms, invariances, an attack by brute force, what it leaves untouched, and its words."""

import copy
import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import jominy as jm  # noqa: E402
from jominy.networks import LabelledInputs, diagnose, measure_chi  # noqa: E402
from jominy.networks.chi import LearntFirst  # noqa: E402
from jominy.networks.class_batches import residuals, two_batches  # noqa: E402
from jominy.networks.modules import as_trained  # noqa: E402
from jominy.networks.threat import Threat, nearest_class_distance  # noqa: E402

DATA = jm.gaussian_classes(400, 20, 4, seed=5)


def mlp(*between, seed=0, width=64):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(20, width), *between, nn.ReLU(), nn.Linear(width, 4))


def two_points(mu, count=20):
    mu = torch.as_tensor(mu)
    return LabelledInputs(torch.stack([mu, -mu] * (count // 2)), torch.tensor([0, 1] * (count // 2)))


def chi(module, data, radius, balanced=True, **more):
    return float(measure_chi(module, data, radius, balanced=balanced, **more)["chi"][0])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("p", "dual"), [(2, 2), (math.inf, 1), (1, math.inf)])
def test_two_points_and_a_linear_network(p, dual, bias):
    """chi = <mu, mu> / (radius ||mu||_dual): for l2 ||mu|| / radius. A linear h has the attack in closed form."""
    mu = np.array([3.0, 1.0, -0.5])
    torch.manual_seed(3)
    for radius in (0.05, 0.5, 2.0):
        expected = mu @ mu / (radius * np.linalg.norm(mu, dual))
        if p == 1 and radius == 2.0:
            continue  # l1 steps over the largest 5 % of three coordinates only need more of them
        found = chi(nn.Linear(3, 2, bias=bias).double(), two_points(mu), radius, p=p, attack_steps=20)
        assert found == pytest.approx(expected, rel=1e-4 if p != 1 else 1e-2)
    assert chi(nn.Linear(3, 2).double(), two_points(mu), 0.0) == math.inf


def test_the_page_to_the_letter_is_the_default():
    """Without biases the shares of classes in a batch do not matter to a linear network; with them they do."""
    mu = np.array([3.0, 1.0, -0.5])
    torch.manual_seed(3)
    found = chi(nn.Linear(3, 2, bias=False).double(), two_points(mu), 0.5, balanced=False)
    assert found == pytest.approx(np.linalg.norm(mu) / 0.5, rel=1e-4)
    torch.manual_seed(3)
    module = nn.Linear(3, 2).double()
    plain = float(measure_chi(module, two_points(mu), 0.5)["chi"][0])
    assert plain == chi(module, two_points(mu), 0.5, balanced=False) != chi(module, two_points(mu), 0.5)


@pytest.mark.parametrize("p", [2, math.inf])
def test_permuting_outputs_and_labels_changes_nothing(p):
    module, order = mlp(nn.BatchNorm1d(64)).double(), torch.tensor([2, 0, 3, 1])
    turned = copy.deepcopy(module)
    with torch.no_grad():
        turned[-1].weight.copy_(module[-1].weight[order])
        turned[-1].bias.copy_(module[-1].bias[order])
    data = LabelledInputs(DATA.inputs[:301].double(), DATA.labels[:301])
    renamed = LabelledInputs(data.inputs, torch.argsort(order)[data.labels])
    assert chi(turned, renamed, 0.5, p=p) == pytest.approx(chi(module, data, 0.5, p=p), rel=1e-9)


def test_the_attack_is_the_worst_of_the_plane():
    """In two dimensions every direction can be tried: the attack part is that of the worst of them, within 1 %."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 200), nn.ReLU(), nn.Linear(200, 2)).double()
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 2, 200)
    data = LabelledInputs(torch.from_numpy(draw.standard_normal((200, 2)) + 1.5 * labels[:, None]), labels)
    with as_trained(module):
        first = LearntFirst.of(module, data)
        found = first.chi(Threat(0.4, 2), 30)
        angles = torch.linspace(0, 2 * math.pi, 721, dtype=torch.float64)[:-1]
        around = 0.4 * torch.stack([angles.cos(), angles.sin()], 1)
        with torch.no_grad():
            values = torch.stack([(first.residual * first.function(first.rows + e)).sum(1) for e in around])
    worst = first.signal - float(values.amin(0).mean())
    assert found.attack_part == pytest.approx(worst, rel=0.01)
    assert found.chi == pytest.approx(first.signal / found.attack_part)


def test_h_is_the_derivative_along_the_gradient():
    """Against finite differences of the whole signal with a step a hundred times shorter, on a smooth network."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 4)).double()
    data = LabelledInputs(DATA.inputs.double(), DATA.labels)
    one, other = two_batches(data, 200, 0)
    weights = list(module.parameters())
    outputs = module(data.inputs[one])
    slopes = torch.autograd.grad((residuals(data.labels[one], outputs) * outputs).sum() / len(one), weights)
    length = math.sqrt(sum(float(s.square().sum()) for s in slopes))
    before = module(data.inputs[other]).detach()
    with torch.no_grad():
        for value, slope in zip(weights, slopes, strict=True):
            value += 1e-5 * slope / length
        after = module(data.inputs[other])
        for value, slope in zip(weights, slopes, strict=True):
            value -= 1e-5 * slope / length
    signal = float((residuals(data.labels[other], before) * (after - before)).sum(1).mean()) / 1e-5
    assert float(measure_chi(module, data, 0.5, balanced=True)["label_signal"][0]) == pytest.approx(signal, rel=0.02)


def test_to_the_letter_of_the_theory_page():
    """Plain means and 1/K, by the formula; the two ways agree where classes are balanced in both batches."""
    labels = torch.tensor([0, 0, 1])
    torch.testing.assert_close(residuals(labels, torch.zeros(3, 4), False), torch.eye(4)[labels] - 0.25)
    data = LabelledInputs(torch.stack([torch.eye(4)[k % 4] for k in range(80)]).double(), torch.arange(80) % 4)
    torch.manual_seed(0)
    module = nn.Linear(4, 4, bias=False).double()
    one, other = (chi(module, data, 0.3, balanced=flag) for flag in (True, False))
    assert other == pytest.approx(one, rel=0.05)
    first, second = two_batches(data, 40, 3, False)
    assert len({*first.tolist(), *second.tolist()}) == 80


def test_a_constant_function_has_no_signal():
    labels = torch.tensor([0] * 30 + [1] * 7 + [2] * 3)
    r = residuals(labels, torch.zeros(40, 5))
    torch.testing.assert_close(r.mean(0), torch.zeros(5), atol=1e-7, rtol=0)


def test_nothing_is_left_changed():
    module = mlp(nn.BatchNorm1d(64), nn.Dropout(0.3))
    module.train()
    for value in module.parameters():
        value.grad = torch.ones_like(value)
    before, flags = copy.deepcopy(module.state_dict()), [v.requires_grad for v in module.parameters()]
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    inputs = DATA.inputs.clone()
    chi(module, DATA, 0.5)
    assert torch.equal(torch.rand(3), expected) and torch.equal(inputs, DATA.inputs)
    assert all(torch.equal(a, b) for a, b in zip(before.values(), module.state_dict().values(), strict=True))
    assert flags == [v.requires_grad for v in module.parameters()] and all(part.training for part in module.modules())
    assert all(bool((v.grad == 1).all()) for v in module.parameters())


def test_batch_statistics_whatever_the_mode():
    module = mlp(nn.BatchNorm1d(64))
    found = [chi(module.train(flag), DATA, 0.5) for flag in (True, False)]
    assert found[0] == found[1]


def test_it_falls_with_the_radius_and_stays_in_the_box():
    images = LabelledInputs((DATA.inputs / 8 + 0.5).clamp(0, 1), DATA.labels)
    module = mlp()
    found = [chi(module, images, r, p=math.inf, box=(0, 1)) for r in (0.01, 0.05, 0.2)]
    assert found[0] > found[1] > found[2] > 0
    assert chi(module, images, 0.2, p=math.inf, box=(0, 1)) > chi(module, images, 0.2, p=math.inf)


def test_heads_of_zeros_and_frozen_parts():
    module = mlp()
    nn.init.zeros_(module[-1].weight)
    nn.init.zeros_(module[-1].bias)
    assert 0.1 < chi(module, DATA, 0.5) < 100
    for value in module[0].parameters():
        value.requires_grad_(False)
    # With the first layer frozen h is linear in fixed features: the step cannot matter.
    with as_trained(module):
        one = LearntFirst.of(module, DATA)
    assert one.signal > 0
    for value in module.parameters():
        value.requires_grad_(False)
    with pytest.raises(jm.InputError, match="weights to train"):
        chi(module, DATA, 0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radius": -1.0}, "radius"),
        ({"p": 3}, "p must be 1, 2 or infinity"),
        ({"box": (0, 1)}, "the box must hold the inputs"),
        ({"box": (1, 0)}, "lower bound below"),
        ({"box": 5}, "a box is two numbers"),
        ({"data": LabelledInputs(torch.rand(40, 20), [0, 1] * 20), "p": math.inf, "radius": 8.0}, "8/255"),
        ({"data": LabelledInputs(DATA.inputs, DATA.labels + 1)}, "an output for each class"),
        ({"data": LabelledInputs(DATA.inputs[:3], [0, 1, 0])}, "at least four inputs"),
    ],
)
def test_refusals(change, message):
    call = {"networks": mlp(), "data": DATA, "radius": 0.5} | change
    with pytest.raises(jm.InputError, match=message):
        measure_chi(**call)


def test_distance_between_classes_by_brute_force():
    rows, labels = DATA.inputs[:60], DATA.labels[:60]
    for p in (1.0, 2.0, math.inf):
        each = [
            min(float(torch.linalg.vector_norm(x - z, p)) for z, w in zip(rows, labels, strict=True) if w != y)
            for x, y in zip(rows, labels, strict=True)
        ]
        assert nearest_class_distance(rows, labels, p) == pytest.approx(np.mean(each), rel=1e-5)


def test_the_largest_radius_is_where_chi_is_1_8():
    for start in (0.2, 3.0):
        module = mlp()
        with as_trained(module):
            first = LearntFirst.of(module, DATA)
            found = first.largest_radius(Threat(start, 2), first.chi(Threat(start, 2)), most=12)
        radius, value = found
        assert 1.8 <= value < 2.0 and chi(module, DATA, radius) == pytest.approx(value, rel=0.03)
        assert chi(module, DATA, 1.08 * radius) < 1.85


def test_words_of_a_diagnosis():
    """One sentence first: what will happen, how sure that is, what would change it; no slowdown from chi."""
    small = diagnose(mlp(), DATA.inputs, 0.3, labels=DATA.labels)
    first = small.sentences()[0]
    assert "is likely to work: chi = " in first and "of" in first and "would change that" in first
    large = diagnose(mlp(), DATA.inputs, 3.0, labels=DATA.labels)
    assert "is likely to fail" in large.sentences()[0] and "a radius of" in large.sentences()[0]
    assert "distance to the nearest input of another class" in large.sentences()[1]
    beyond = diagnose(mlp(), DATA.inputs, 9.0, labels=DATA.labels)
    assert "bound to fail, whatever the module" in beyond.sentences()[0]
    assert "without labels" in diagnose(mlp(), DATA.inputs, 0.3).sentences()[0]
    noise = LabelledInputs(DATA.inputs, DATA.labels[torch.randperm(400, generator=torch.Generator().manual_seed(1))])
    assert "not known" in diagnose(mlp(), noise.inputs, 0.3, labels=noise.labels).sentences()[0]
    record = json.loads(json.dumps(small.describe()))
    assert record["outlook"]["verdict"] == "likely to work" and record["outlook"]["chi"] > 1.8


def test_a_normalised_perceptron_is_not_told_to_need_millions_of_steps():
    torch.manual_seed(0)
    parts, inputs = [], 64
    for _ in range(8):
        parts += [nn.Linear(inputs, 64), nn.BatchNorm1d(64), nn.ReLU()]
        inputs = 64
    images = jm.digits(seed=0, count=400)
    found = diagnose(nn.Sequential(*parts, nn.Linear(64, 10)), images.inputs, 1.0, labels=images.labels)
    words = " ".join(found.sentences())
    assert "times longer" not in words and "plateau" not in words and "nothing is known of this module" in words
    assert "low robust accuracy, not that nothing is learnt" in words
    assert found.trainability.verdict is None and found.trainability.slowdown is None
