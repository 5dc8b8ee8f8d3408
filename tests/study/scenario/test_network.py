"""A network scenario says what the same call in Python says, and refuses what it cannot mean."""

import math

import numpy as np
import pytest

import jominy as jm
from jominy import InputError
from jominy.study.scenario import NetworkScenario

BASE = {
    "network": {"depth": 6, "width": 128, "input_dim": 64, "output_dim": 10, "weight_variance": 2.0},
    "radius": 1.3,
}
CLASSES = {"kind": "gaussian-classes", "cosine": 0.4}
PLAIN = jm.Architecture(6, 128, 64, 10, weight_variance=2.0)


def study(**changes):
    return NetworkScenario.from_mapping(BASE | changes)


def network(**changes):
    return BASE["network"] | changes


def test_theory_is_that_of_the_call():
    assert study().theory().identical(jm.network_theory(PLAIN, 1.3))
    several = study(p=[2, "inf"], q=[1.0, math.inf], radius=[0.1, 0.2], vary={"shortcut": [False, True]})
    direct = jm.network_theory(
        PLAIN, 0.1, [2, math.inf], [1, math.inf], vary={"radius": [0.1, 0.2], "shortcut": [False, True]}
    )
    assert several.theory().identical(direct)


def test_every_field_of_the_network_arrives():
    table = network(activation={"u": 1.0, "v": 0.1}, weight_variance=[0.1] * 6, bias_variance=0.05, shortcut=True)
    built = study(network=table).architecture()
    assert built.describe() == {
        "depth": 6, "width": 128, "input_dim": 64, "output_dim": 10, "weight_variance": [0.1] * 6,
        "activation": {"kind": "ReLULike", "u": 1.0, "v": 0.1}, "bias_variance": 0.05, "shortcut": True,
    }  # fmt: skip


def test_trainability_is_that_of_the_call():
    training = {"learning_rate": 0.01, "steps": 300, "adversarial_weight": 2.0}
    found = study(data=CLASSES, training=training).trainability()
    direct = jm.trainability(
        PLAIN, 1.3, jm.InputGeometry(1.0, 0.4, 0.0), p=2.0, adversarial_weight=2.0, learning_rate=0.01, steps=300
    )
    assert found.identical(direct)
    assert study().trainability() is None and study(data=CLASSES, p=1).trainability() is None
    assert study(data=CLASSES, network=network(output_dim=1)).trainability() is None
    assert study(data=CLASSES, p=[1, "inf"]).index_norm == math.inf


def test_geometry_of_digits_by_brute_force():
    datasets = pytest.importorskip("sklearn.datasets")
    x, y = datasets.load_digits(return_X_y=True)
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines, same = units @ units.T, y[:, None] == y
    off = ~np.eye(len(y), dtype=bool)
    table = {key: value for key, value in network().items() if not key.endswith("dim")}
    found = study(data={"kind": "digits"}, network=table)
    geometry = found.geometry()
    expected = (1.0, cosines[same & off].mean(), cosines[~same].mean())
    assert (geometry.power, geometry.within, geometry.between) == pytest.approx(expected, rel=1e-9)
    assert (found.architecture().input_dim, found.architecture().output_dim) == (64, 10)


def test_a_file_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(30) % 3
    x = rng.standard_normal((30, 2, 4)) + 2 * np.eye(8)[y].reshape(30, 2, 4)
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    table = {key: value for key, value in network().items() if not key.endswith("dim")}
    given = BASE | {"network": table, "data": {"kind": "file", "path": "mine.npz"}}
    found = NetworkScenario.from_mapping(given, folder=tmp_path)
    assert (found.architecture().input_dim, found.architecture().output_dim) == (8, 3)
    rows = x.reshape(30, 8)
    scaled = rows * np.sqrt(8) / np.linalg.norm(rows, axis=1, keepdims=True)
    assert found.geometry().describe() == pytest.approx(jm.InputGeometry.of(scaled, y).describe())
    assert found.geometry().power == pytest.approx(1.0)


def test_files_that_will_not_do(tmp_path):
    def load(**arrays):
        np.savez(tmp_path / "mine.npz", **arrays)
        given = BASE | {"data": {"kind": "file", "path": "mine.npz"}}
        return NetworkScenario.from_mapping(given, folder=tmp_path)

    x = np.ones((4, 64))
    with pytest.raises(InputError, match="numbers x and labels y.*savez"):
        load(x=x)
    with pytest.raises(InputError, match="shapes"):
        load(x=x, y=np.zeros(3, int))
    with pytest.raises(InputError, match="whole numbers from 0"):
        load(x=x, y=np.array([0.5, 1, 1, 0]))
    with pytest.raises(InputError, match="finite and not all zero"):
        load(x=0 * x, y=np.array([0, 1, 1, 0]))
    (tmp_path / "mine.npz").write_bytes(b"PK no")
    with pytest.raises(InputError, match="must be a .npz file"):
        NetworkScenario.from_mapping(BASE | {"data": {"kind": "file", "path": "mine.npz"}}, folder=tmp_path)
    with pytest.raises(InputError, match="the data file must exist.*relative"):
        study(data={"kind": "file", "path": "none.npz"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"network": network(activation="rel")},
            r"'network.activation' must be 'relu' or a table, such as { u = ..., v = ... } .*'rel'",
        ),
        ({"p": 3}, "'p' must be 1, 2 or 'inf'.*3"),
        ({"radius": -1}, "'radius' must be >= 0"),
        ({"radius": []}, "at least one value"),
        ({"radius": float("nan")}, "'radius' must be finite"),
        ({"network": {"deph": 1}}, "no key 'network.deph'.*mean 'depth'"),
        ({"network": network(depth=0)}, "'network.depth' must be >= 1"),
        ({"network": network(weight_variance=-1)}, "'network.weight_variance' must be >= 0"),
        ({"network": network(weight_variance=[1.0, 2.0])}, "one entry per layer.*2 entries, depth 6"),
        ({"network": {"depth": 6, "width": 9, "weight_variance": 1}}, "'network.input_dim' is missing"),
        ({"data": {"kind": "cifar"}}, "'data.kind' must be one of 'digits'"),
        ({"data": {"kind": "digits"}, "network": network(input_dim=63)}, "that of the data, 64.*63"),
        ({"data": {"kind": "digits"}, "vary": {"input_dim": [32]}}, "that of the data, 64.*32"),
        ({"vary": {"widht": [3]}}, "no key 'vary.widht'.*mean 'width'"),
        ({"vary": {"width": []}}, "vary.width"),
        ({"vary": {"radius": [0.1]}, "radius": [0.2]}, "the radius varies twice"),
        ({"training": {"steps": 3}}, "go together"),
        ({"vary": {"width": [64, 32, 64]}}, "each value of 'width' may be there once"),
        ({"p": [2, "inf", 2]}, "each value of 'p' may be there once"),
    ],
)
def test_messages(changes, words):
    with pytest.raises(InputError, match=words):
        study(**changes)


def test_what_is_set_no_longer_varies():
    changed = study(vary={"width": [64, 128], "depth": [2, 4]}).changed(width=256, radius=0.5, networks=7)
    assert changed.varied == {"depth": [2, 4]} and changed.measure.networks == 7
    assert changed.theory().identical(jm.network_theory(changed.architecture(), 0.5, vary={"depth": [2, 4]}))
    assert study(vary={"radius": [0.1, 0.2]}).changed(radius=0.3).varied == {}
