"""Theory against real networks, entry by entry."""

import numpy as np
import pytest

import jominy as jm
from jominy.results import Status, make_result


def result(variables, **coords):
    return make_result(variables, coords, engine="by hand", scenario={}, status=Status.COMPLETED)


def test_every_common_entry_by_hand():
    told = result(
        {
            "adversarial_loss": (("p", "radius"), [[1.0, 2.0], [3.0, 4.0]]),
            "weight_variance_rate": (("layer",), [-1.0, 0.0]),
            "total_gain": ((), 1.0),
        },
        p=[1.0, 2.0], radius=[0.1, 0.2], layer=[1, 2],
    )  # fmt: skip
    rng = np.random.default_rng(0)
    losses = rng.normal(2, 0.1, (5, 2, 1))
    seen = result(
        {
            "adversarial_loss": (("network", "p", "radius"), losses),
            "weight_variance_rate": (("network", "layer"), np.column_stack([np.linspace(-1.2, -0.9, 5), np.zeros(5)])),
            "output_variance": (("network",), np.ones(5)),
        },
        network=np.arange(5), p=[2.0, np.inf], radius=[0.2], layer=[1, 2],
    )  # fmt: skip
    report = jm.compare(told, seen)
    assert report["variable"].values.tolist() == ["adversarial_loss[p=2, radius=0.2]", "weight_variance_rate[layer=1]"]
    runs = losses[:, 0, 0]
    first = report.isel(variable=0)
    error = runs.std(ddof=1) / np.sqrt(5)
    assert float(first["mean"]) == pytest.approx(runs.mean())
    assert float(first["z"]) == pytest.approx((4.0 - runs.mean()) / error)
    assert float(first["largest_relative_error"]) == pytest.approx(abs(4.0 - runs.mean()) / runs.mean())


def test_messages():
    told = result({"adversarial_loss": ((), 1.0)})
    seen = result({"adversarial_loss": (("network", "radius"), np.ones((3, 2)))}, network=[0, 1, 2], radius=[0.1, 0.2])
    with pytest.raises(jm.InputError, match="must vary over radius as the measurement does.*vary="):
        jm.compare(told, seen)
    assert jm.compare(told, seen.isel(radius=[0])).sizes["variable"] == 1
    with pytest.raises(jm.InputError, match="at least two networks"):
        jm.compare(told, seen.isel(network=[0], radius=0))
    with pytest.raises(jm.InputError, match="theory first"):
        jm.compare(seen, told)
    with pytest.raises(jm.InputError, match="a variable in common"):
        jm.compare(result({"total_gain": ((), 1.0)}), seen)


def test_the_theory_of_the_library_against_its_measurement():
    """Ten networks (seeds 0 to 9), Jacobian variance and nine operator norms: all within four standard errors + 5 %."""
    pytest.importorskip("torch")
    network = jm.Architecture(2, 400, 40, 5, weight_variance=2.0)
    told = jm.network_theory(network, 0.1, p=[1, 2, np.inf], q=[1, 2, np.inf])
    seen = jm.measure_operator_norms(network, jm.noise(8, 40, seed=1), networks=10, progress=False)
    report = jm.compare(told, seen)
    assert report.sizes["variable"] == 9
    off = np.abs(report["difference"]) - 4 * report["standard_error"] - 0.05 * report["mean"]
    assert float(off.max()) < 0


def test_networks_that_do_not_differ_have_no_z():
    told = result({"total_gain": ((), 1.0 + 3e-7), "operator_norm": ((), 1.5)})
    seen = result({name: (("network",), np.ones(3)) for name in ("total_gain", "operator_norm")}, network=np.arange(3))
    z = jm.compare(told, seen)["z"]
    assert np.isnan(z.sel(variable="total_gain")) and z.sel(variable="operator_norm") > 1e5
