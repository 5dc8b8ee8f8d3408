import math

import numpy as np
import pytest

from jominy.errors import InputError
from jominy.meanfield import Architecture, LayerVariances, ReLULike
from jominy.meanfield.norms import dual_exponent, norm_exponent

GOOD = dict(depth=4, width=100, input_dim=20, output_dim=3, weight_variance=2.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(depth=0), "depth must be at least 1"),
        (dict(depth=2.5), "depth must be a whole number"),
        (dict(width=True), "width must be a number"),
        (dict(input_dim=math.nan), "input dimension must be finite"),
        (dict(output_dim=-3), "output dimension must be at least 1 .*-3"),
        (dict(output_dim="ten"), "output dimension must be a number"),
        (dict(weight_variance=-1.0), "weight variance must be zero or positive .*-1.0"),
        (dict(weight_variance=np.array([1.0, math.inf])), "weight variance must be finite .*inf"),
        (dict(weight_variance=0.0), "must be positive without shortcuts"),
        (dict(bias_variance=-0.1), "bias variance must be zero or positive"),
        (dict(activation="relu"), "ReLULike"),
        (dict(shortcut="yes"), "shortcut must be True or False"),
        (dict(weight_variance=LayerVariances((1.0, 2.0))), "one entry per layer.*2 entries, depth 4"),
        (dict(depth=np.array([1, 2]), width=np.array([1, 2, 3])), r"broadcast.*depth \(2,\), width \(3,\)"),
    ],
)
def test_bad_architectures_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Architecture(**{**GOOD, **change})


def test_bad_activations_and_layers_are_refused():
    with pytest.raises(InputError, match="differ from zero"):
        ReLULike(0.0, 0.0)
    with pytest.raises(InputError, match="must be finite"):
        ReLULike(math.nan)
    with pytest.raises(InputError, match="empty"):
        LayerVariances(())


@pytest.mark.parametrize("value", [0, 3, 1.5, "2", None, True, math.nan, -math.inf])
def test_bad_norms_are_refused(value):
    with pytest.raises(InputError, match="p must be 1, 2 or infinity"):
        norm_exponent(value, "p")


def test_norms():
    assert [norm_exponent(x, "q") for x in (1, np.int64(2), np.inf)] == [1.0, 2.0, math.inf]
    assert [dual_exponent(p) for p in (1.0, 2.0, math.inf)] == [math.inf, 2.0, 1.0]


def test_activation_moments_against_samples():
    z = np.random.default_rng(0).standard_normal(1_000_000)
    for u, v in ((1.0, 0.0), (1.0, 0.2), (-0.5, 2.0)):
        phi = ReLULike(u, v)
        out = np.where(z >= 0, u * z, v * z)
        assert phi.gain == pytest.approx(np.mean(out**2), rel=0.01)
        assert phi.fourth == pytest.approx(np.mean(out**4) / 3, rel=0.02)
        np.testing.assert_allclose(phi.odd * z + phi.even * np.abs(z), out, atol=1e-12)


def test_gains_and_broadcasting():
    depth = np.array([2, 5, 9])
    sweep = Architecture(
        depth, 100, 20, 3, weight_variance=np.array([[1.0], [2.0]]), shortcut=np.array([[True], [False]])
    )
    assert sweep.shape == (2, 3) and sweep.layers == 9
    np.testing.assert_allclose(sweep.total_gain, [1.5**depth, 1.0**depth])
    own = Architecture(3, 100, 20, 3, weight_variance=LayerVariances((1.0, 2.0, 4.0)))
    assert own.total_gain == pytest.approx(0.5 * 1.0 * 2.0)
    assert own.describe()["weight_variance"] == [1.0, 2.0, 4.0]
    assert Architecture(**GOOD).shape == ()
