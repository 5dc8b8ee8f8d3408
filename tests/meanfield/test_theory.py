"""Labelled results: the values of the functions behind them, their axes, their files, their time."""

import numpy as np
import pytest

import jominy as jm
from jominy.meanfield.affine import affine_law
from jominy.meanfield.horizon import sample_horizon
from jominy.meanfield.index import trainability_index
from jominy.meanfield.safe import safe_depth
from jominy.meanfield.variance_law import longest_time
from jominy.meanfield.weight_variance import variance_slopes, weight_variance_at

NETWORK = jm.Architecture(5, 400, 100, 4, weight_variance=1.8, bias_variance=0.1)
PLAIN = jm.Architecture(12, 128, 64, 10, weight_variance=2.0)
DATA = jm.InputGeometry(power=1.0, within=0.5, between=0.0)


def test_every_point_of_a_sweep_is_its_own_network(tmp_path):
    vary = {"depth": [2, 5], "shortcut": [False, True], "radius": [0.1, 0.2, 0.4]}
    result = jm.network_theory(NETWORK, 0.3, p=[1, 2, np.inf], q=np.inf, vary=vary)
    assert result["adversarial_loss"].dims == ("p", "depth", "shortcut", "radius")
    point = dict(depth=5, shortcut=True, radius=0.4)
    one = jm.Architecture(5, 400, 100, 4, weight_variance=1.8, bias_variance=0.1, shortcut=True)
    there = result.sel(p=1.0, **point)
    loss = jm.adversarial_loss(one, 0.4, 1, np.inf)
    expected = {
        "adversarial_loss": loss,
        "adversarial_loss_bound": jm.adversarial_loss_bound(one, 0.4, 1, np.inf),
        "operator_norm": loss / 0.4,
        "output_variance": affine_law(one).output_variance,
        "weight_variance_rate": float(variance_slopes(one, loss)[0]),
        "sample_horizon": sample_horizon(one, 0.4, 1, np.inf),
    }
    np.testing.assert_allclose(result["weight_variance_rate"].sel(depth=2, layer=[3, 4, 5]), 0.0)
    for name, value in expected.items():
        assert float(there.isel(layer=0)[name]) == pytest.approx(float(value), rel=1e-12), name
    assert "2505.14021" in result.attrs["cite"]
    jm.save(result, tmp_path / "theory.nc")
    assert jm.load(tmp_path / "theory.nc").identical(result)


def test_trainability_says_what_the_functions_say():
    result = jm.trainability(PLAIN, 1.3, DATA, learning_rate=1 / 128, steps=200)
    index = trainability_index(PLAIN, 1.3, DATA)
    assert float(result["trainability_index"]) == pytest.approx(index.tau)
    assert float(result["training_score"]) == pytest.approx(200 / index.learning_time)
    assert float(result["longest_time"]) == pytest.approx(longest_time(PLAIN, 1.3, 2, 2))
    assert result.attrs["verdict"] == "collapse" and "wider" in result.attrs["advice"]
    assert result.attrs["outside"] == "[]"
    assert int(result["safe_depth"]) == 4 and float(result["safe_width"]) == 409
    safe = jm.trainability(PLAIN, 0.01, DATA)
    assert safe.attrs["verdict"] == "safe"
    odd = jm.trainability(NETWORK, 0.1, DATA, p=np.inf)
    assert "biases" in odd.attrs["outside"] and "norm other than l2" in odd.attrs["outside"]


def test_curve_and_its_horizon():
    curve = jm.weight_variance_curve(NETWORK, 1.0, [0, 10, 1000], 0.01, geometry=DATA)
    expected = weight_variance_at(NETWORK, 1.0, np.array([0.0, 0.1, 10.0]), 2, 2)
    np.testing.assert_allclose(curve["weight_variance"], np.tile(expected[:, None], 5))
    assert float(curve["adversarial_loss"][0]) == pytest.approx(jm.adversarial_loss(NETWORK, 1.0, 2, 2))
    np.testing.assert_allclose(curve["fisher_rao_norm"], 5 * curve["adversarial_loss"])
    horizon = float(sample_horizon(NETWORK, 1.0, 2, 2)) / 0.01
    assert curve.attrs["sample_horizon_step"] == pytest.approx(horizon)
    assert curve.attrs["population_horizon_step"] > horizon
    assert "beyond it" in curve.attrs["advice"]
    own = jm.Architecture(2, 400, 100, 4, weight_variance=jm.LayerVariances((2.0, 0.5)))
    late = jm.weight_variance_curve(own, 1.0, [0, 10**9], 0.01)  # a layer vanishes: a result, no error
    assert float(late["weight_variance"][1, 1]) == 0.0 and float(late["adversarial_loss"][1]) == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jm.network_theory(NETWORK, 0.1, vary={"colour": [1]}), "must be a field.*'colour'"),
        (lambda: jm.network_theory(NETWORK, 0.1, vary={"depth": 3}), "values of depth must be a 1-D array"),
        (lambda: jm.network_theory(NETWORK, 0.1, vary={"depth": [0, 3]}), "depth must be at least 1"),
        (lambda: jm.network_theory(NETWORK, [0.1, 0.2]), "vary="),
        (lambda: jm.network_theory(NETWORK, 0.1, p=3), "p must be 1, 2 or infinity"),
        (lambda: jm.network_theory("resnet", 0.1), "must be an Architecture"),
        (lambda: jm.trainability(PLAIN, 1.0, DATA, steps=3), "both learning_rate and steps"),
        (lambda: jm.weight_variance_curve(PLAIN, 1.0, [3, 1], 0.1), "does not decrease"),
        (lambda: jm.weight_variance_curve(PLAIN, 1.0, [3], 0.0), "learning rate must be one positive number"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(jm.InputError, match=message):
        call()


def test_room_needs_neither_torch_nor_jax():
    import subprocess
    import sys

    code = "import sys, jominy as jm; jm.beta((784, 10), 2, 2); "
    code += "sys.exit(' '.join({'torch', 'jax'} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_safe_depth_of_a_sweep():
    wide = jm.Architecture(1, np.array([64, 128, 512]), 64, 10, weight_variance=2.0)
    depths = safe_depth(wide, 1.3, DATA)
    assert depths.shape == (3,) and np.all(np.diff(depths) > 0)


@pytest.mark.parametrize(("depth", "variance"), [(500, 1000.0), (2000, 0.5)])
def test_signals_beyond_floating_point_are_refused(depth, variance):
    lost = jm.Architecture(depth, 100, 20, 3, weight_variance=variance)
    calls = (
        lambda: jm.network_theory(lost, 0.1),
        lambda: jm.trainability(lost, 0.1, DATA),
        lambda: jm.weight_variance_curve(lost, 0.1, [0, 10], 0.1),
    )
    for call in calls:
        with pytest.raises(jm.InputError, match=r"gain omega\^L.*10\^.*fewer layers"):
            call()


def test_nothing_is_nan_at_the_edges():
    still = jm.Architecture(2, 100, 20, 3, weight_variance=0.0, shortcut=True)
    deep = jm.Architecture(300, 100, 20, 3, weight_variance=0.5, shortcut=True)
    for network in (still, deep):
        results = (
            jm.network_theory(network, 0.0),
            jm.trainability(network, 0.1, DATA),
            jm.weight_variance_curve(network, 0.1, [0, 10**6], 0.1, geometry=DATA),
        )
        for result in results:
            for name, values in result.data_vars.items():
                assert not np.isnan(values).any(), name
    assert jm.trainability(deep, 0.1, DATA).attrs["verdict"] == "no signal"
