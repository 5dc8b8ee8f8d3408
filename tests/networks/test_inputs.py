import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jominy.errors import InputError  # noqa: E402
from jominy.meanfield import Architecture  # noqa: E402
from jominy.networks import RandomNetwork, digits, gaussian_classes, noise, one_hot  # noqa: E402


def test_gaussian_classes_have_the_stated_cosines():
    data = gaussian_classes(600, 400, 6, cosine=0.4, seed=3)
    unit = data.inputs / data.inputs.norm(dim=1, keepdim=True)
    cosines, same = unit @ unit.T, data.labels.unsqueeze(1) == data.labels
    off = ~torch.eye(600, dtype=torch.bool)
    # Six random means: their norms and overlaps vary by 1/sqrt(400) each.
    assert abs(float(cosines[same & off].mean()) - 0.4) < 0.05
    assert abs(float(cosines[~same].mean())) < 0.05
    np.testing.assert_allclose(data.inputs.square().sum(1), 400, rtol=1e-5)
    assert data.labels.bincount().tolist() == [100] * 6


def test_other_inputs_lie_on_the_sphere():
    for x in (noise(50, 30, seed=1), one_hot(30), digits(seed=1, count=50).inputs):
        np.testing.assert_allclose(x.square().sum(1), x.shape[1], rtol=1e-5)
    assert not torch.equal(digits(seed=1, count=50).inputs, digits(seed=2, count=50).inputs)


def test_equal_seeds_of_data_and_network_share_nothing():
    """Inputs equal to the first rows of P_in would correlate with them by d/N and bias every measurement."""
    for seed in range(3):
        net = RandomNetwork(Architecture(1, 300, 300, 2, weight_variance=2.0), seed=seed)
        for x in (noise(300, 300, seed=seed), gaussian_classes(300, 300, 3, cosine=0.0, seed=seed).inputs):
            for drawn in (net.inward, net.weights[0].detach()):
                flat = np.corrcoef(x.flatten().numpy(), drawn.flatten().numpy())[0, 1]
                rows = (x * drawn).sum(1) / (x.norm(dim=1) * drawn.norm(dim=1))
                assert abs(flat) < 5 / 300 and float(rows.abs().max()) < 6 / math.sqrt(300)


def test_split():
    data = gaussian_classes(50, 5, 2, seed=0)
    first, second = data.split(0.8, seed=1)
    assert len(first.labels) == 40 and len(second.labels) == 10
    together = torch.cat([first.inputs, second.inputs])
    np.testing.assert_array_equal(np.sort(together.sum(1).numpy()), np.sort(data.inputs.sum(1).numpy()))
    with pytest.raises(InputError, match="strictly between 0 and 1"):
        data.split(1.0, seed=0)
