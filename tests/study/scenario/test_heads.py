"""A head on a frozen network as a scenario: the features from a file, the radius that of the network's input."""

import numpy as np
import pytest

import jominy as jm


def _scenario(folder, **data):
    g = np.random.default_rng(0)
    y = g.integers(3, size=80)
    frozen = jm.FrozenFeatures(2 * np.eye(3)[y] + g.standard_normal((80, 3)), 0.3 * g.standard_normal((80, 3, 2)))
    frozen.save(folder / "features.npz")
    np.save(folder / "labels.npy", y)
    np.save(folder / "few.npy", y[:5])
    settings = {
        "data": {"kind": "head", "path": "features.npz", "labels": "labels.npy", "held_out": 0.25} | data,
        "loss": {"kind": "softmax"}, "radius": 0.2, "schedule": {"kind": "constant", "rate": 1.0}, "times": [6.0],
        "optimizer": {"batch_size": 4}, "runs": 8,
    }  # fmt: skip
    return jm.Scenario.from_mapping(settings, folder=folder)


def test_a_head_is_swept(tmp_path):
    scenario = _scenario(tmp_path)
    told = jm.sweep(scenario, {"radius": [0.0, 0.3], "rate": [0.5, 1.0]}, progress=False)
    accuracy = told.held_out_adversarial_accuracy.isel(time=-1)
    assert accuracy.dims == ("radius", "rate") and bool((accuracy.sel(radius=0.0) > accuracy.sel(radius=0.3)).all())
    alone = scenario.changed(radius=0.3).forecast(progress=False)
    assert float(told.adversarial_risk.sel(radius=0.3, rate=1.0)[-1]) == float(alone.adversarial_risk[-1])


@pytest.mark.parametrize(
    "data, told",
    [
        ({"labels": None}, "a head needs labels"),
        ({"labels": "none.npy"}, "labels must be a sound .npy file"),
        ({"labels": "few.npy"}, "one label for each"),
        ({"norm": "inf"}, "features without directions"),
        ({"path": "labels.npy"}, "Features must be a file"),
    ],
)
def test_what_is_missing_is_told(tmp_path, data, told):
    with pytest.raises(jm.InputError, match=told):
        _scenario(tmp_path, **data).forecast(progress=False)
