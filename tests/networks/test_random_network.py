import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jominy.errors import InputError  # noqa: E402
from jominy.meanfield import Architecture, LayerVariances, ReLULike  # noqa: E402
from jominy.networks import RandomNetwork  # noqa: E402

KINDS = [
    dict(weight_variance=2.0),
    dict(weight_variance=0.3, shortcut=True, bias_variance=0.2),
    dict(weight_variance=1.5, activation=ReLULike(1.0, -0.4), bias_variance=0.1),
    dict(weight_variance=LayerVariances((0.1, 0.4, 0.9)), activation=ReLULike(0.8, 0.8), shortcut=True),
]


def network(seed=3, **kind):
    return RandomNetwork(Architecture(3, 30, 6, 4, **kind), seed=seed, dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_forward_in_numpy(kind):
    """The set-up of the theory page, written out."""
    net, x = network(**kind), np.random.default_rng(0).standard_normal((5, 6))
    p_in, p_out = net.inward.numpy(), net.outward.numpy()
    u, v = net.architecture.activation.u, net.architecture.activation.v
    signal = x @ p_in.T
    for layer in range(3):
        h = signal @ net.weights[layer].detach().numpy().T
        h = h + (net.biases[layer].detach().numpy() if len(net.biases) else 0)
        signal = np.where(h >= 0, u * h, v * h) + (signal if net.architecture.shortcut else 0)
    np.testing.assert_allclose(net(torch.from_numpy(x)).detach(), signal @ p_out.T, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_affine_parts_against_finite_differences(kind):
    net, x = network(**kind), torch.from_numpy(np.random.default_rng(1).standard_normal((5, 6)))
    jacobian, offset = net.affine_parts(x)
    step = 1e-6
    for j in range(6):
        e = torch.zeros(6, dtype=torch.float64)
        e[j] = step
        slope = (net(x + e) - net(x - e)) / (2 * step)
        np.testing.assert_allclose(jacobian[..., j], slope.detach(), rtol=1e-6, atol=1e-8)
    outputs = net(x).detach()
    np.testing.assert_allclose((jacobian @ x.unsqueeze(-1))[..., 0] + offset, outputs, rtol=1e-10, atol=1e-12)


def test_entries_have_the_stated_variances():
    """Sample variances of n Gaussians lie within 4 sd = 4 sqrt(2/n) of the stated ones."""
    own = LayerVariances((2.0, 0.5))
    net = RandomNetwork(Architecture(2, 400, 50, 10, weight_variance=own, bias_variance=0.3), seed=9)
    stated = [
        (net.inward, 1 / 50),
        (net.outward, 1 / 400),
        (net.weights[0], 2 / 400),
        (net.weights[1], 0.5 / 400),
        (torch.cat(list(net.biases)), 0.3),
    ]
    for values, variance in stated:
        assert abs(float(values.detach().square().mean()) / variance - 1) < 4 * math.sqrt(2 / values.numel())
        assert abs(float(values.detach().mean())) < 4 * math.sqrt(variance / values.numel())
    np.testing.assert_allclose(net.weight_variances(), [2.0, 0.5], rtol=4 * math.sqrt(2) / 400)
    assert {name for name, _ in net.named_parameters()} == {"weights.0", "weights.1", "biases.0", "biases.1"}


def test_seeds():
    one, same, other = network(weight_variance=2.0), network(weight_variance=2.0), network(4, weight_variance=2.0)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert not torch.equal(one.inward, other.inward)
    single = RandomNetwork(one.architecture, seed=3)
    assert torch.equal(single.inward, one.inward.float())


def test_refusals():
    sweep = Architecture(np.array([2, 3]), 8, 4, 2, weight_variance=2.0)
    with pytest.raises(InputError, match=r"one number for every field.*shape \(2,\)"):
        RandomNetwork(sweep, seed=0)
    with pytest.raises(InputError, match="dtype"):
        RandomNetwork(Architecture(2, 8, 4, 2, weight_variance=2.0), seed=0, dtype=torch.float16)
    with pytest.raises(InputError, match="made from an Architecture"):
        RandomNetwork(3, seed=0)
