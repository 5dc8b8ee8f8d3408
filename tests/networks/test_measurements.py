"""Measured over predicted: real networks against the closed forms. The slow ones are at the width of the claims.

Standard errors are over networks, whose norms differ by a relative 1/sqrt(2 d_eff); a ratio must be 1 within four of
them and the tolerance of its kind, so that a factor of two is caught everywhere.
"""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from jominy.errors import InputError  # noqa: E402
from jominy.meanfield import (  # noqa: E402
    Architecture,
    ReLULike,
    adversarial_loss,
    adversarial_loss_bound,
    affine_law,
    beta,
    radial_moments,
)
from jominy.networks import (  # noqa: E402
    LabelledInputs,
    RandomNetwork,
    gaussian_classes,
    measure_adversarial_loss,
    measure_affine_law,
    measure_operator_norms,
    measure_radial_moments,
    measure_trainability,
    measure_weight_rate,
    noise,
    one_hot,
    strongest_perturbation,
)

VANILLA = dict(weight_variance=2.0)
RESIDUAL = dict(weight_variance=0.1, shortcut=True)
LINEAR = dict(weight_variance=0.2, shortcut=True, activation=ReLULike(1.0, 1.0))


def ratio(measured, predicted):
    """Mean over networks of measured / predicted, and its standard error."""
    values = np.asarray(measured) / np.asarray(predicted)
    assert len(values) >= 5
    return values.mean(0), values.std(0, ddof=1) / math.sqrt(len(values))


def agrees(measured, predicted, within, largest_error=0.05):
    mean, error = ratio(measured, predicted)
    assert np.all(error < largest_error), f"ratio {mean} +- {error}: too noisy to tell"
    assert np.all(np.abs(mean - 1) < within + 4 * error), f"ratio {mean} +- {error}"


@pytest.mark.parametrize("inputs", [noise(12, 40, seed=0), one_hot(40, 12)], ids=["noise", "one-hot"])
@pytest.mark.parametrize(
    "kind",
    [VANILLA | dict(bias_variance=0.2), dict(weight_variance=0.4, bias_variance=0.2, shortcut=True)],
    ids=["vanilla", "residual"],
)
def test_law_of_the_affine_parts(kind, inputs):
    """Finite width adds a relative O(L/N), here a few per cent."""
    architecture = Architecture(3, 250, 40, 10, **kind)
    seen, law = measure_affine_law(architecture, inputs, networks=24, progress=False), affine_law(architecture)
    agrees(seen["jacobian_variance"], law.jacobian_variance, 0.04)
    agrees(seen["offset_variance"], law.exact_offset_variance, 0.06, largest_error=0.1)
    agrees(seen["signal_variance"], law.signal_variance, 0.06, largest_error=0.1)
    total = seen["signal_variance"] + seen["offset_variance"] + 2 * seen["covariance"]
    np.testing.assert_allclose(total, seen["output_variance"], rtol=1e-4)


@pytest.mark.parametrize("kind", [VANILLA, RESIDUAL], ids=["vanilla", "residual"])
def test_operator_norms(kind):
    architecture = Architecture(4, 300, 100, 6, **kind)
    seen = measure_operator_norms(architecture, noise(2, 100, seed=3), networks=16, progress=False)["operator_norm"]
    predicted = [
        [math.sqrt(architecture.total_gain) * beta(architecture, p, q) for q in (1, 2, math.inf)]
        for p in (1, 2, math.inf)
    ]
    agrees(seen, predicted, 0.08)


@pytest.mark.parametrize("kind", [VANILLA, RESIDUAL], ids=["vanilla", "residual"])
def test_adversarial_loss_at_small_radius_and_its_fall(kind):
    architecture = Architecture(4, 300, 60, 5, **kind)
    radii = [0.05, 6.0]
    seen = measure_adversarial_loss(architecture, noise(4, 60, seed=3), radii, networks=10, progress=False)
    small, large = (seen["adversarial_loss"].sel(radius=r) for r in radii)
    agrees(small, adversarial_loss(architecture, 0.05, 2, 2), 0.1)
    # Without shortcuts the loss bends below its slope at zero as the radius nears ||x||; with them it keeps to it.
    bend = float(large.mean() / small.mean()) * radii[0] / radii[1]
    assert (0.4 < bend < 0.9) if not architecture.shortcut else (0.8 < bend < 1.2)


def test_weight_rate_without_shortcuts_is_exact():
    """-(2/N) L in every layer, for every network, to rounding (Euler's identity; theory 5.1)."""
    architecture = Architecture(3, 120, 30, 4, **VANILLA)
    for p, q, radius in ((2, 2, 0.5), (math.inf, 1, 0.1), (1, math.inf, 1.0)):
        seen = measure_weight_rate(architecture, noise(5, 30, seed=0), radius, p, q, networks=2, progress=False)
        exact = -2 / 120 * seen["adversarial_loss"].values[:, None]
        np.testing.assert_allclose(seen["weight_variance_rate"], np.broadcast_to(exact, (2, 3)), rtol=1e-8)


def test_weight_rate_against_the_loss_after_a_small_step():
    """The rate is what ||W||_F^2/N does under a small step of gradient descent."""
    net = RandomNetwork(Architecture(2, 60, 10, 3, **LINEAR), seed=0, dtype=torch.float64)
    x = noise(4, 10, seed=0)
    seen = measure_weight_rate(net.architecture, x, 0.3, networks=1, seed=0, progress=False)
    before = net.weight_variances()
    eta = strongest_perturbation(net, x.double(), 0.3, 2, 2).eta
    loss = (net(x.double() + eta) - net(x.double())).norm(dim=1).mean()
    step = 1e-4
    with torch.no_grad():
        for weight, slope in zip(net.weights, torch.autograd.grad(loss, list(net.weights)), strict=True):
            weight -= step * slope
    drift = (net.weight_variances() - before) / step
    np.testing.assert_allclose(seen["weight_variance_rate"][0], drift, rtol=5e-3)
    np.testing.assert_allclose(seen["adversarial_loss"][0], float(loss.detach()), rtol=1e-6)


def test_weight_rate_with_shortcuts():
    architecture = Architecture(4, 300, 60, 8, **LINEAR)
    seen = measure_weight_rate(architecture, noise(8, 60, seed=0), 0.3, networks=16, progress=False)
    share = 0.2 / 1.2
    predicted = -2 / 300 * share * adversarial_loss(architecture, 0.3, 2, 2)
    agrees(seen["weight_variance_rate"].mean("layer"), predicted, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [VANILLA, RESIDUAL], ids=["vanilla", "residual"])
def test_at_the_width_of_the_claims(kind):
    """N = 1000: variances within 4 %, nine norms within 7 %, small-radius loss within 10 %, slope within 10 %."""
    large = Architecture(5, 1000, 784, 10, **kind)
    law = measure_affine_law(large, noise(4, 784, seed=0), networks=12, progress=False)
    assert abs(ratio(law["jacobian_variance"], affine_law(large).jacobian_variance)[0] - 1) < 0.04
    norms = measure_operator_norms(large, noise(2, 784, seed=0), networks=24, progress=False)["operator_norm"]
    pairs = [[beta(large, p, q) for q in (1, 2, math.inf)] for p in (1, 2, math.inf)]
    mean, error = ratio(norms, math.sqrt(large.total_gain) * np.array(pairs))
    assert np.all(np.abs(mean - 1) < 0.07), f"{mean} +- {error}"
    for p, q, radius in ((2, 2, 0.28), (math.inf, math.inf, 0.01), (1, 2, 0.28)):
        seen = measure_adversarial_loss(large, noise(2, 784, seed=0), radius, p, q, networks=8, progress=False)
        mean, error = ratio(seen["adversarial_loss"][:, 0], adversarial_loss(large, radius, p, q))
        assert abs(mean - 1) < 0.1, f"({p}, {q}): {mean} +- {error}"
    seen = measure_weight_rate(large, noise(6, 784, seed=0), 0.28, networks=12, progress=False)
    gain = large.layer_gain() - large.shortcut
    share = gain / (1 + gain) if large.shortcut else 1.0
    predicted = -2 / 1000 * share * adversarial_loss(large, 0.28, 2, 2)
    mean, error = ratio(seen["weight_variance_rate"].mean("layer"), predicted)
    assert abs(mean - 1) < 0.1, f"{mean} +- {error}"


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(3, 300, 40, 10, **VANILLA),
        Architecture(5, 300, 40, 10, **LINEAR),
        Architecture(4, 300, 40, 10, weight_variance=0.4, bias_variance=0.2, shortcut=True),
    ],
    ids=["vanilla", "linear residual", "ReLU residual"],
)
def test_radial_moments(architecture):
    """Among them L^2 omega^L without shortcuts, and the recursion with its ReLU cross terms (theory 7)."""
    x = noise(10, 40, seed=1)
    for train_bias in (False, True)[: 1 + (architecture.bias_variance > 0)]:
        seen = measure_radial_moments(architecture, x, train_bias=train_bias, networks=30, progress=False)
        predicted = radial_moments(architecture, train_bias=train_bias)
        agrees(seen["output_variance"], predicted.output, 0.05, largest_error=0.1)
        agrees(seen["radial_covariance"], predicted.cross, 0.05, largest_error=0.1)
        agrees(seen["radial_variance"], predicted.radial, 0.05, largest_error=0.1)


def test_no_attack_above_the_rigorous_bound():
    """E L_adv <= eps sqrt(omega^L) beta^Chevet at every radius, with its correction for the width (theory 4.1, 4.2)."""
    for kind in (VANILLA, RESIDUAL):
        architecture = Architecture(4, 200, 40, 5, **kind)
        for p, q in ((1, 1), (2, 2), (math.inf, 2)):
            radii = [r * (1 if p != math.inf else 1 / math.sqrt(40)) for r in (0.1, 2.0, 8.0)]
            seen = measure_adversarial_loss(architecture, noise(2, 40, seed=3), radii, p, q, networks=5, progress=False)
            bound = np.array([adversarial_loss_bound(architecture, r, p, q, finite_width=True) for r in radii])
            mean, error = ratio(seen["adversarial_loss"], bound)
            assert np.all(mean < 1 + 3 * error), f"({p}, {q}): {mean} +- {error}"
            assert mean[0] > 0.6


def test_trainability_index_of_a_linear_model_by_hand():
    """For f = W x the gradients are matrices that can be written down."""
    data = gaussian_classes(40, 6, 3, seed=2)
    model = torch.nn.Linear(6, 3, bias=False)
    radius, lam = 0.5, 0.7
    seen = measure_trainability(model, data, radius, adversarial_weight=lam, batch_size=20, seed=4)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(4))
    halves = [order[:20], order[20:]]
    residuals = [torch.nn.functional.one_hot(data.labels[h], 3) - 1 / 3 for h in halves]
    signal = [r.T @ data.inputs[h] / 20 for r, h in zip(residuals, halves, strict=True)]
    rate = float((signal[0] * signal[1]).sum())
    np.testing.assert_allclose(seen["signal_rate"], rate, rtol=1e-4)
    # Two steps of the attack are not its end: the loss lies below radius ||W||, and within 15 % of it.
    top = radius * float(torch.linalg.matrix_norm(model.weight.detach(), 2))
    assert 0.85 * top < float(seen["adversarial_loss"][0]) <= top * (1 + 1e-5)
    loss, power = float(seen["adversarial_loss"][0]), float(seen["gradient_power"][0])
    np.testing.assert_allclose(seen["trainability_index"], loss / (lam * power) * rate / math.log(3), rtol=1e-6)


def test_trainability_index_grows_with_width_and_shortcuts():
    """Theory `trainability.md`: at eps = 1.3, L = 12, d = 64, K = 10 tau is .12 at N = 128 and .5 at N = 384."""
    data = gaussian_classes(400, 64, 10, seed=3)

    def tau(width, **kind):
        nets = [RandomNetwork(Architecture(12, width, 64, 10, **kind), seed=seed) for seed in range(5)]
        return measure_trainability(nets, data, 1.3)["trainability_index"].values

    narrow, wide, residual = tau(128, **VANILLA), tau(384, **VANILLA), tau(128, weight_variance=0.12, shortcut=True)
    assert 0.04 < np.median(narrow) < 0.35
    assert np.median(wide) > 2 * np.median(narrow)
    assert np.median(residual) > 3 * np.median(narrow)


def test_index_without_signal_or_attack():
    data = gaussian_classes(40, 6, 2, seed=2)
    flipped = LabelledInputs(torch.ones(40, 6), data.labels)  # equal inputs: no class can be told from another
    model = torch.nn.Linear(6, 2)
    assert float(measure_trainability(model, flipped, 1.0)["trainability_index"][0]) < 0.05
    still = measure_trainability(model, data, 0.0)
    assert math.isinf(float(still["collapse_time"][0])) and math.isinf(float(still["trainability_index"][0]))
    with pytest.raises(InputError, match="at least four inputs"):
        measure_trainability(model, LabelledInputs(torch.ones(2, 6), [0, 1]), 1.0)


def test_refusals():
    architecture = Architecture(2, 20, 8, 3, **VANILLA)
    with pytest.raises(InputError, match=r"inputs must be a tensor of shape \(n, 8\)"):
        measure_affine_law(architecture, torch.ones(3, 5))
    with pytest.raises(InputError, match="number of networks"):
        measure_affine_law(architecture, torch.ones(3, 8), networks=0)
