"""tau against the numbers of the theory page and against the page's formulas written out with SciPy integrals."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from jominy.errors import InputError
from jominy.meanfield import Architecture, LayerVariances
from jominy.meanfield.geometry import InputGeometry
from jominy.meanfield.index import trainability_index
from jominy.meanfield.safe import safe_depth, safe_radius, safe_width
from jominy.meanfield.theory import trainability
from jominy.meanfield.verdict import Verdict

DATA = InputGeometry(1.0, 0.607, 0.0)  # the geometry at which R of vanilla L = 12 is the page's .0387
PLAIN = Architecture(12, 128, 64, 10, weight_variance=2.0)


def residual(depth, width, total=2.0):
    return Architecture(depth, width, 64, 10, weight_variance=2 * (total ** (1 / depth) - 1), shortcut=True)


def test_point_predictions_of_the_theory_page():
    # R = .0285, .0385, .0387, .0378 at L = 2, 6, 12, 16; only its value at 12 fixes the geometry.
    rates = [float(trainability_index(Architecture(n, 128, 64, 10, weight_variance=2.0), 1.3, DATA).signal_rate)
             for n in (2, 6, 12, 16)]  # fmt: skip
    np.testing.assert_allclose(rates, [0.0285, 0.0385, 0.0387, 0.0378], rtol=0.02)
    networks = [(12, 64), (24, 128), (12, 128), (12, 384)]
    taus = [float(trainability_index(Architecture(depth, n, 64, 10, weight_variance=2.0), 1.3, DATA).tau)
            for depth, n in networks]  # fmt: skip
    np.testing.assert_allclose(taus, [0.047, 0.039, 0.12, 0.50], rtol=0.08)
    assert trainability_index(residual(24, 128), 1.3, DATA).tau == pytest.approx(2.4, rel=0.08)
    ratio = trainability_index(residual(12, 128), 1.3, DATA).signal_rate / rates[2]
    assert ratio == pytest.approx(13, rel=0.03)
    assert trainability_index(PLAIN, 1.3, DATA).verdict is Verdict.COLLAPSE
    assert trainability_index(residual(24, 128), 1.3, DATA).verdict is Verdict.SAFE


def relu_tangent_kernel(depth, s, a, b, c, shortcut):
    """Theta / N for ReLU, bias 0, by the angle form of Cho and Saul and the recursion of each moment by itself."""
    m1 = m2 = theta = 0.0
    for _ in range(depth):
        sizes = s * math.sqrt(a * b)
        angle = math.acos(max(-1.0, min(1.0, s * c / sizes)))
        slope = (math.pi - angle) / (2 * math.pi)
        product = sizes / (2 * math.pi) * (math.sin(angle) + (math.pi - angle) * math.cos(angle))
        n1, n2 = math.sqrt(s * a / (2 * math.pi)), math.sqrt(s * b / (2 * math.pi))
        theta = theta * (s * slope + shortcut) + slope * c
        a, b, c = (
            (a + s * a / 2 + 2 * m1 * n1, b + s * b / 2 + 2 * m2 * n2, c + product + m1 * n2 + m2 * n1)
            if shortcut
            else (s * a / 2, s * b / 2, product)
        )
        m1, m2 = m1 + n1, m2 + n2
    return theta


@pytest.mark.parametrize("shortcut", [False, True])
def test_formulas_written_out(shortcut):
    depth, n, d, k, s, eps, lam = 7, 200, 40, 6, 0.8, 1.7, 0.5
    q, c_in, c_out = 1.3, 0.4, 0.05
    e2 = eps**2 / d

    def theta(a, b, c):
        return relu_tangent_kernel(depth, s, a, b, c, shortcut)

    rate = (k - 1) / k**2 * (theta(q, q, q * c_in) - theta(q, q, q * c_out))
    single = theta(q + e2, q + e2, q + e2) + theta(q, q, q) - 2 * theta(q, q + e2, q)
    coherent = sum(
        weight * (theta(q + e2, q + e2, q * c + e2) + theta(q, q, q * c) - 2 * theta(q, q + e2, q * c))
        for c, weight in ((c_in, 1 / k), (c_out, 1 - 1 / k))
    )
    power = 0.3 * coherent + 1.6 * eps / math.sqrt(q) * math.sqrt(k * d) * n**-1.35 * single
    omega = s / 2 + shortcut
    collapse = eps * (1 + math.sqrt(k / d)) * omega ** (depth / 2) / (lam * power)
    tau = collapse / (math.log(k) / rate)
    slowdown = 1 + 0.025 * tau**-1.36 if shortcut else 1 + 0.09 * lam**0.8 * tau**-1.3

    network = Architecture(depth, n, d, k, weight_variance=s, shortcut=shortcut)
    found = trainability_index(network, eps, InputGeometry(q, c_in, c_out), adversarial_weight=lam)
    expected = (tau, collapse, math.log(k) / rate, slowdown, math.log(k) / rate * slowdown, rate, power)
    names = ("tau", "collapse_time", "signal_time", "slowdown", "learning_time", "signal_rate", "gradient_power")
    for name, value in zip(names, expected, strict=True):
        assert getattr(found, name) == pytest.approx(value, rel=2e-7), name  # acos near 1 costs the oracle 1e-8
    assert found.score(0.01, n, 300) == pytest.approx(0.01 * n * 300 / found.learning_time)


def test_inversions():
    width = safe_width(PLAIN, 1.3, DATA)

    def index(**change):
        parts = dict(depth=12, width=128, input_dim=64, output_dim=10, weight_variance=2.0) | change
        return trainability_index(Architecture(**parts), 1.3, DATA).tau

    assert index(width=int(width)) >= 0.4 > index(width=int(width) - 1)
    radius = safe_radius(PLAIN, DATA)
    assert trainability_index(PLAIN, radius, DATA).tau == pytest.approx(0.4, rel=1e-6)
    wide = Architecture(12, 200, 64, 10, weight_variance=2.0)
    depth = int(safe_depth(wide, 1.3, DATA))
    taus = [index(depth=n, width=200) for n in (depth, depth + 1)]
    assert taus[0] >= 0.4 > taus[1]
    assert brentq(lambda e: trainability_index(PLAIN, e, DATA).tau - 0.4, 0.01, 10) == pytest.approx(radius, rel=1e-6)


def test_without_attack_and_without_signal():
    free = trainability_index(PLAIN, 0.0, DATA)
    assert free.tau == math.inf and free.slowdown == 1.0 and free.verdict is Verdict.SAFE
    assert safe_width(PLAIN, 0.0, DATA) == 1
    none = trainability_index(PLAIN, 1.0, InputGeometry(1.0, 0.1, 0.1))
    assert none.verdict is Verdict.NO_SIGNAL and none.learning_time == math.inf
    assert safe_width(PLAIN, 1.0, InputGeometry(1.0, 0.1, 0.2)) == math.inf
    assert safe_radius(PLAIN, InputGeometry(1.0, 0.1, 0.2)) == 0.0


def test_arrays_and_time():
    rng = np.random.default_rng(0)
    n = 10_000
    sizes = [rng.integers(low, high, n) for low, high in ((1, 16), (50, 2000), (10, 1000), (2, 50))]
    sweep = Architecture(*sizes, weight_variance=rng.uniform(0.1, 2.2, n), shortcut=rng.random(n) < 0.5)
    radius = rng.uniform(0.1, 3, n)
    found = trainability_index(sweep, radius, DATA)
    for i in (0, 17, 4000):
        one = Architecture(*(int(size[i]) for size in sizes), weight_variance=float(sweep.weight_variance[i]),
                           shortcut=bool(sweep.shortcut[i]))  # fmt: skip
        single = trainability_index(one, radius[i], DATA)
        for name in vars(single).keys() - {"measured"}:
            assert getattr(found, name)[i] == pytest.approx(getattr(single, name), rel=1e-9), name


def test_geometry_against_all_pairs():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((30, 5)) + 0.5, rng.integers(0, 3, 30)
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    same, pairs = y[:, None] == y, ~np.eye(30, dtype=bool)
    cosines = units @ units.T
    found = InputGeometry.of(x, y)
    assert found.within == pytest.approx(cosines[same & pairs].mean())
    assert found.between == pytest.approx(cosines[~same].mean())
    assert found.power == pytest.approx(np.mean(x**2))


def test_bad_input():
    with pytest.raises(InputError, match="two classes"):
        trainability_index(Architecture(2, 100, 10, 1, weight_variance=2.0), 1.0, DATA)
    with pytest.raises(InputError, match="p = 2"):
        trainability_index(PLAIN, 1.0, DATA, p=1)
    with pytest.raises(InputError, match="radius must be zero or positive"):
        trainability_index(PLAIN, -1.0, DATA)
    with pytest.raises(InputError, match=r"in \[-1, 1\]"):
        InputGeometry(1.0, 1.5, 0.0)
    with pytest.raises(InputError, match="power must be positive"):
        InputGeometry(0.0, 0.5, 0.0)
    with pytest.raises(InputError, match="two classes"):
        InputGeometry.of(np.ones((3, 2)), [1, 1, 1])
    with pytest.raises(InputError, match="must not be zero.*1 of 2"):
        InputGeometry.of([[0.0, 0.0], [1.0, 0.0]], [0, 1])
    with pytest.raises(InputError, match="one weight variance"):
        own = Architecture(2, 100, 10, 2, weight_variance=LayerVariances((1.0, 2.0)))
        safe_depth(own, 1.0, DATA)


def test_words_are_for_the_attacks_that_they_were_measured_under():
    network, data = Architecture(12, 128, 64, 10, weight_variance=2.0), InputGeometry(1.0, 0.5, 0.0)
    square, single = (trainability_index(network, radius, data, p=p) for radius, p in ((1.3, 2), (1.3 / 6.4, np.inf)))
    assert float(single.tau) == pytest.approx(float(square.tau))  # the l2 radius is taken for 0.8 sqrt(d) times that
    assert (square.verdict, single.verdict) == (Verdict.COLLAPSE, Verdict.NOT_KNOWN)
    told = trainability(network, 0.2, data, p=np.inf)
    assert told.attrs["verdict"] == "not known" and "reliability" not in told.attrs
    assert "measured under l2 attacks alone" in told.attrs["advice"]
