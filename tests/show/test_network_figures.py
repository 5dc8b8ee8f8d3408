"""Figures of networks hold what the results say."""

import numpy as np
import pytest

import jominy as jm
from jominy.results import Status, make_result

NETWORK = jm.Architecture(4, 200, 30, 5, weight_variance=2.0)
CLASSES = jm.InputGeometry(1.0, 0.5, 0.0)


def measured(values, **coords):
    dims = ("network", *(name for name in coords if name != "network"))
    found = {"adversarial_loss": (dims, values)}
    return make_result(found, coords, engine="by hand", scenario={}, status=Status.COMPLETED)


def test_a_single_network_is_drawn_over_the_radius():
    theory = jm.network_theory(NETWORK, 0.4)
    seen = measured([0.3, 0.5, 0.4], network=[0, 1, 2])
    axes = jm.plot(theory, seen).axes
    assert len(axes) == 1 and axes[0].get_xlabel() == "radius of the attack"
    line, bound, dots = (container for container in axes[0].lines[:3])
    for drawn, name in ((line, "adversarial_loss"), (bound, "adversarial_loss_bound")):
        assert np.interp(0.4, drawn.get_xdata(), drawn.get_ydata()) == pytest.approx(float(theory[name]))
    assert (dots.get_xdata()[0], dots.get_ydata()[0]) == pytest.approx((0.4, 0.4))


def test_a_sweep_has_a_line_for_each_of_the_others_and_a_second_panel():
    from jominy.show.network_figures import plot_network

    vary = {"width": [100, 200, 400], "shortcut": [False, True]}
    theory = jm.network_theory(NETWORK, 0.4, vary=vary)
    trained = jm.trainability(NETWORK, 0.4, CLASSES, vary=vary)
    loss, tau = plot_network(theory, trained).axes
    assert loss.get_xlabel() == "width, units per layer"
    labels = [text.get_text() for text in loss.get_legend().get_texts()]
    assert labels == ["no shortcuts", "shortcuts", "bounds, infinite width"]
    np.testing.assert_allclose(loss.lines[0].get_ydata(), theory["adversarial_loss"].sel(shortcut=False))
    np.testing.assert_allclose(tau.lines[1].get_ydata(), trained["trainability_index"].sel(shortcut=True))
    assert {text.get_text() for text in tau.texts} == {"plateau", "borderline", "trainable"}


def test_something_else_is_refused():
    from jominy.show.network_figures import plot_network

    with pytest.raises(jm.InputError, match=r"network_theory\(...\)"):
        plot_network(measured([0.3, 0.4], network=[0, 1]))
