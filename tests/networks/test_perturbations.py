"""The attack on outputs: closed forms on linear networks, exhaustive search on small ones."""

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jominy.errors import InputError  # noqa: E402
from jominy.meanfield import Architecture, ReLULike  # noqa: E402
from jominy.networks import RandomNetwork, strongest_perturbation  # noqa: E402
from jominy.networks.perturbations import quick_perturbation  # noqa: E402
from jominy.networks.threat import Threat  # noqa: E402
from jominy.networks.vectors import norm  # noqa: E402

PAIRS = list(itertools.product((1, 2, math.inf), repeat=2))


def test_linear_networks_in_closed_form():
    """With phi = identity f is linear: the loss is radius ||J||_{p,q}, here from all 2^10 vertices in NumPy."""
    kind = dict(activation=ReLULike(1.0, 1.0), weight_variance=0.3, bias_variance=0.1, shortcut=True)
    net = RandomNetwork(Architecture(3, 40, 10, 6, **kind), seed=2, dtype=torch.float64)
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 10)))
    eye = np.eye(10)
    jacobian = (net(torch.from_numpy(eye)) - net(torch.zeros(1, 10, dtype=torch.float64))).detach().numpy().T
    cube = np.array(list(itertools.product((1.0, -1.0), repeat=10)))
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=6)))
    exact = {(1, q): np.linalg.norm(jacobian, q, axis=0).max() for q in (1, 2, math.inf)}
    exact |= {(math.inf, q): np.linalg.norm(cube @ jacobian.T, q, axis=1).max() for q in (1, 2, math.inf)}
    exact[2, 1] = np.linalg.norm(signs @ jacobian, 2, axis=1).max()
    exact[2, 2] = np.linalg.norm(jacobian, 2)
    exact[2, math.inf] = np.linalg.norm(jacobian, 2, axis=1).max()
    for p, q in PAIRS:
        found = strongest_perturbation(net, x, 0.7, p, q)
        np.testing.assert_allclose(found.loss, 0.7 * exact[p, q], rtol=1e-6)
        assert (norm(found.eta, p) <= 0.7 * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    "kind", [dict(weight_variance=2.0, bias_variance=0.3), dict(weight_variance=0.4, shortcut=True)]
)
@pytest.mark.parametrize("outputs", [1, 10])
def test_never_below_the_best_of_a_dense_grid(kind, outputs):
    """In two dimensions every point of the ball can be tried: none is more than 3 % above the attack."""
    net = RandomNetwork(Architecture(4, 40, 2, outputs, **kind), seed=outputs, dtype=torch.float64)
    x = torch.from_numpy(np.random.default_rng(7).standard_normal((4, 2)))
    line = torch.linspace(-1, 1, 121, dtype=torch.float64)
    turn = torch.linspace(0, 2 * math.pi, 3000, dtype=torch.float64)
    square, circle = torch.cartesian_prod(line, line), torch.stack([turn.cos(), turn.sin()], 1)
    for p, radius in itertools.product((1, 2, math.inf), (0.4, 2.0)):
        ball = radius * torch.cat([square[norm(square, p) <= 1], circle / norm(circle, p).unsqueeze(1)])
        with torch.no_grad():
            changes = torch.stack([net(one + ball) - net(one.unsqueeze(0)) for one in x])
        for q in (1, 2, math.inf):
            found = strongest_perturbation(net, x, radius, p, q)
            assert (found.loss >= 0.97 * norm(changes, q).amax(1)).all(), (p, q, radius)
            assert (norm(found.eta, p) <= radius * (1 + 1e-12)).all()
            again = norm((net(x + found.eta) - net(x)).detach(), q)
            np.testing.assert_allclose(again, found.loss, rtol=1e-12)


def test_small_radius_is_the_operator_norm():
    """eps -> 0: L_adv = eps ||J(x)||_{p,q}; for (2,2) and (inf,inf) from NumPy."""
    net = RandomNetwork(Architecture(5, 200, 30, 4, weight_variance=2.0), seed=1, dtype=torch.float64)
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((5, 30)))
    jacobian = net.affine_parts(x)[0].numpy()
    for (p, q), stated in {
        (2, 2): np.linalg.norm(jacobian, 2, axis=(1, 2)),
        (math.inf, math.inf): np.abs(jacobian).sum(2).max(1),
    }.items():
        np.testing.assert_allclose(strongest_perturbation(net, x, 1e-6, p, q).loss, 1e-6 * stated, rtol=1e-4)


def test_quick_perturbation_comes_close():
    """Two steps reach sqrt(m5/m4)/(1+sqrt g) > 0.9 of the (2,2) maximum at K/d = 0.1 (theory 4.4)."""
    kind = dict(activation=ReLULike(1.0, 1.0), weight_variance=1.0)
    net = RandomNetwork(Architecture(1, 400, 100, 10, **kind), seed=1)
    x = torch.zeros(40, 100)
    generator = torch.Generator().manual_seed(0)
    eta = quick_perturbation(net, x, Threat(1.0, 2), 2, steps=2, generator=generator)
    share = norm(net(x + eta).detach(), 2) / strongest_perturbation(net, x[:1], 1.0, 2, 2).loss
    assert 0.85 < float(share.mean()) <= 1 + 1e-5
    assert float(share.max()) <= 1 + 1e-5


def test_images_and_modes():
    """Inputs of any shape, and the module is left in the mode it was in."""
    layers = [
        torch.nn.Conv2d(1, 2, 3),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.5),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 3),
    ]
    net = torch.nn.Sequential(*layers).train()
    x = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = strongest_perturbation(net, x, 0.1, math.inf, 2)
    assert found.eta.shape == x.shape and float(found.eta.abs().max()) <= 0.1 + 1e-7
    assert net.training and layers[2].training
    again = strongest_perturbation(net, x, 0.1, math.inf, 2)
    assert torch.equal(found.loss, again.loss)
    assert float(strongest_perturbation(net, x, 0.0, 2, 2).loss.max()) == 0


def test_refusals():
    net, x = torch.nn.Linear(4, 2), torch.ones(3, 4)
    with pytest.raises(InputError, match="q must be 1, 2 or infinity .received: 0.5"):
        strongest_perturbation(net, x, 1.0, 2, 0.5)
    with pytest.raises(InputError, match="radius must be zero or positive .*-1"):
        strongest_perturbation(net, x, -1.0, 2, 2)
    with pytest.raises(InputError, match=r"module must accept the inputs .received: inputs of shape \(3, 5\)"):
        strongest_perturbation(net, torch.ones(3, 5), 1.0, 2, 2)
    with pytest.raises(InputError, match="torch.nn.Module .*Architecture"):
        strongest_perturbation(Architecture(1, 2, 4, 2, weight_variance=1.0), x, 1.0, 2, 2)
    with pytest.raises(InputError, match="inputs must be finite"):
        strongest_perturbation(net, x * math.nan, 1.0, 2, 2)
    net.weight.data[0, 0] = math.nan
    with pytest.raises(InputError, match="NaN or infinite entries in weight"):
        strongest_perturbation(net, x, 1.0, 2, 2)
