"""Any magnitude is answered in finite numbers or refused in one line: seeded scenarios, small radii, sizes."""

import warnings

import numpy as np
import pytest

import jominy as jm
from fuzz_networks import REFUSED, main
from jominy.cli.main import main as command
from jominy.meanfield import Architecture, InputGeometry, ReLULike, trainability_index
from jominy.meanfield.horizon import sample_horizon
from jominy.meanfield.verdict import slowdown_law

PLAIN = Architecture(6, 200, 64, 10, weight_variance=2.0)
CLASSES = InputGeometry(power=1.0, within=0.5, between=0.0)


@pytest.mark.parametrize(("count", "seed"), [(40, 16), pytest.param(2000, 17, marks=pytest.mark.slow)])
def test_scenarios_of_any_magnitude(count, seed):
    found = main(count, seed)
    assert set(found) <= {"", REFUSED} and found[""] > count / 5, found


@pytest.mark.parametrize(
    "activation", [ReLULike(), ReLULike(1.0, 0.3), ReLULike(1.0, 1.0)], ids=["relu", "leaky", "linear"]
)
def test_small_radii_follow_the_power_of_those_above(activation):
    """Below 1e-4 ||x|| = 8e-4 differences of kernels drown in rounding: what they make is continued by its power law.

    A single input's ||g||^2 falls as eps (kinks) or eps^2 (a linear network), so t_1 = L / ||g||^2 as 1 or 1/eps.
    """
    network = Architecture(6, 200, 64, 10, activation, weight_variance=1 / activation.gain)
    power = 1.0 if activation.u == activation.v else 0.0
    radii = 10.0 ** np.arange(-3, -30, -3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        times = np.asarray(sample_horizon(network, radii, 2, 2))
        taus = np.asarray(trainability_index(network, radii, CLASSES).tau)
    assert times * radii**power == pytest.approx(times[0] * radii[0] ** power, rel=0.02)
    assert np.all(np.isfinite(taus)) and np.all(np.diff(taus) > 0)
    assert taus[1:] * radii[1:] == pytest.approx(taus[1] * radii[1], rel=0.02)  # g2 falls as eps^2, the loss as eps


def test_no_signal_and_no_adversary_have_no_undefined_numbers():
    same = InputGeometry(power=1.0, within=0.3, between=0.3)
    for weight in (0.0, 1.0):
        found = trainability_index(PLAIN, 1.0, same, adversarial_weight=weight)
        assert found.tau == 0 and found.signal_time == np.inf and not np.isnan(found.learning_time)
    assert trainability_index(PLAIN, 1.0, CLASSES, adversarial_weight=0.0).slowdown == 1
    assert float(slowdown_law(1e-300, 1.0, False)) == np.inf and float(slowdown_law(0.0, 0.0, True)) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radius": 1e300}, "the radius must be zero or between 1e-30 and 1e\\+30"),
        ({"radius": 1e-300}, "the radius must be zero or between"),
        ({"bias_variance": 1e200}, "the bias variance must be zero or between"),
        ({"weight_variance": 1e40}, "the weight variance must be zero or between"),
        ({"activation": {"u": 1e200, "v": 0.0}}, "slope u of the activation must be zero or between"),
        ({"depth": 10**12}, "the depth must be at most 10000"),
        ({"width": 10**18}, "the width must be at most 1e\\+15"),
        ({"vary": {"width": list(range(1, 1100)), "input_dim": list(range(1, 1100))}}, "at most 1000000 points"),
        (
            {"training": {"learning_rate": 1e300, "steps": 10}, "data": {"kind": "gaussian-classes"}},
            "learning rate must",
        ),
    ],
)
def test_magnitudes_that_are_refused(change, message):
    network = {"depth": 3, "width": 50, "input_dim": 20, "output_dim": 4, "weight_variance": 2.0}
    table = {"network": network, "radius": 0.5}
    for name, value in change.items():
        (network if name not in ("radius", "vary", "training", "data") else table)[name] = value
    with pytest.raises(jm.InputError, match=message):
        study = jm.NetworkScenario.from_mapping(table)
        study.theory()
        study.trainability()


def test_a_quantity_that_does_not_vary_is_told_once_beside_several_norms():
    """Three norms and three biases: axes are told apart by their names, not by their lengths."""
    network = {"depth": 3, "width": 50, "input_dim": 20, "output_dim": 4, "weight_variance": 2.0}
    table = {"network": network, "radius": 0.5, "p": [1, 2, "inf"], "vary": {"bias_variance": [0.0, 0.5, 1.0]}}
    theory = jm.NetworkScenario.from_mapping(table).theory()
    from jominy.show.network_text import network_text

    text = network_text(theory, None)
    assert text.count("adversarial loss, p =") == 3


def test_a_measurement_that_cannot_be_made_leaves_the_theory(tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    for width, radius, message in ((10**12, 0.5, "must fit into memory"), (50, 1e-25, "lost in rounding")):
        (tmp_path / "study.toml").write_text(
            f"radius = {radius}\n[network]\ndepth = 3\nwidth = {width}\nweight_variance = 2.0\n"
            "input_dim = 20\noutput_dim = 4\n"
        )
        assert command(["network", "study.toml", "--measure"]) == 2
        said = capsys.readouterr()
        assert "adversarial loss" in said.out and message in said.err.lower() and said.err.count("\n") == 1


def test_closed_forms_go_to_their_ends_without_a_warning():
    """Times so long that nothing of the weight variance is left, from any start."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for depth, shortcut in ((1, False), (2, False), (7, False), (4, True)):
            network = Architecture(depth, 50, 20, 4, weight_variance=1e10 if depth == 7 else 2.0, shortcut=shortcut)
            left = jm.meanfield.weight_variance_at(network, 1e30, np.array([0.0, 1e-10, 1e30]), 2, 2)
            assert left[0] == pytest.approx(network.weight_variance) and 0 <= left[2] <= left[1] < 1e-3
