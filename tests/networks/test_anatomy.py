"""What a module is made of: read off autograd's graph, against counting by hand and the theory's own constants."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from jominy.meanfield import Architecture, ReLULike, width_dimension  # noqa: E402
from jominy.networks import RandomNetwork, anatomy  # noqa: E402


class Blocks(nn.Module):
    """x -> h + W2 phi(W1 h), three times: the gain of a block is 1 + alpha s1 s2."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(20, 64)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64)) for _ in range(3))
        self.last = nn.Linear(64, 4)

    def forward(self, x):
        h = self.first(x)
        for block in self.blocks:
            h = h + block(h)
        return self.last(h)


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(4, 300, 50, 5, weight_variance=2.0),
        Architecture(6, 300, 50, 5, weight_variance=0.3, bias_variance=0.1, shortcut=True),
    ],
    ids=["vanilla", "residual"],
)
def test_the_theorys_own_networks(architecture):
    """d_eff exactly (by the same algebra, summed over the graph); the gain up to the draw of the weights, 1/N."""
    found = anatomy(RandomNetwork(architecture, seed=0), torch.ones(1, 50))
    assert (len(found.layers), found.activations) == (architecture.depth + 2, architecture.depth)
    assert found.shortcuts == (architecture.depth if architecture.shortcut else 0)
    assert found.total_gain == pytest.approx(architecture.total_gain, rel=0.05)
    assert found.width_dimension == pytest.approx(float(width_dimension(architecture)), rel=0.01)


def test_gain_of_blocks_and_of_leaky_layers():
    torch.manual_seed(3)
    found = anatomy(Blocks(), torch.randn(2, 20))
    s = {layer.name: layer.variance for layer in found.layers}
    expected = s["first.weight"] * s["last.weight"]
    for i in range(3):
        expected *= 1 + s[f"blocks.{i}.0.weight"] * s[f"blocks.{i}.2.weight"] / 2
    assert found.total_gain == pytest.approx(expected, rel=1e-12) and found.shortcuts == 3
    leaky = anatomy(nn.Sequential(nn.Linear(5, 9), nn.LeakyReLU(0.2), nn.Linear(9, 2)), torch.randn(1, 5))
    product = np.prod([layer.variance for layer in leaky.layers])
    assert leaky.total_gain == pytest.approx(product * ReLULike(1.0, 0.2).gain, rel=1e-12)


def test_sizes_variance_and_signal_are_those_of_the_weights():
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.Linear(7, 11), nn.ReLU(), nn.Linear(11, 3)), torch.randn(5, 7)
    first, last = anatomy(module, x).layers
    assert (first.name, first.inputs, first.outputs) == ("0.weight", 7, 11)
    assert first.variance == pytest.approx(7 * module[0].weight.square().mean().item())
    assert last.signal == pytest.approx(module[:2](x).square().mean().item())
    assert not any(parameter.grad is not None for parameter in module.parameters())


@pytest.mark.parametrize(
    ("module", "shape", "words"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2)), (1, 4, 4), "convolution"),
        (nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4), nn.Linear(4, 2)), (6,), "layer normalisation"),
        (nn.TransformerEncoderLayer(8, 2, batch_first=True), (3, 8), "attention"),
        (nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 2)), (6,), "tanh"),
    ],
    ids=["convolution", "normalisation", "attention", "tanh"],
)
def test_what_the_theory_does_not_know_is_named(module, shape, words):
    found = anatomy(module, torch.randn(2, *shape))
    assert not found.known and words in found.others and found.total_gain is None
