import numpy as np
import pytest

import jominy as jm
from jominy.show.maps import edges, logarithmic
from jominy.show.sweep_text import sweep_text
from jominy.show.sweeps import plot_sweep
from sweep_zoo import network


@pytest.fixture(scope="module")
def line():
    return jm.sweep(network(), {"width": [64, 128, 256, 512]}, progress=False)


@pytest.fixture(scope="module")
def grid():
    return jm.sweep(network(), {"radius": jm.Linear(0.1, 1, 5), "width": jm.Logarithmic(64, 512, 4)}, progress=False)


def test_a_curve_has_every_point(line):
    (ax,) = plot_sweep(line).axes
    (drawn,) = ax.get_lines()
    assert drawn.get_xdata().tolist() == [64, 128, 256, 512] and ax.get_xscale() == "log"
    np.testing.assert_array_equal(drawn.get_ydata(), line["adversarial_loss_bound"].values.ravel())


def test_a_map_is_laid_out_as_its_axes_say(grid):
    ax, bar = plot_sweep(grid, "total_gain").axes
    values = np.broadcast_to(grid["total_gain"].transpose("radius", "width", ...).values.reshape(5, 4), (5, 4))
    np.testing.assert_array_equal(ax.collections[0].get_array(), values.T)
    assert "radius" in ax.get_xlabel() and "width" in ax.get_ylabel() and bar.get_ylabel() == "total gain of the layers"
    assert ax.get_yscale() == "log" and ax.get_xscale() == "linear"


def test_scattered_points_are_dots():
    design = jm.RandomPoints({"radius": jm.Linear(0.1, 1), "width": jm.Linear(64, 512, whole=True)}, points=9)
    ax, _ = plot_sweep(jm.sweep(network(), design, progress=False)).axes
    assert len(ax.collections[0].get_offsets()) == 9


def test_cells_hold_their_points():
    for points in (np.array([0.0, 1.0, 4.0]), np.geomspace(0.1, 10, 5), np.array([3.0])):
        around = edges(points)
        assert len(around) == len(points) + 1 and np.all(around[:-1] < points) and np.all(points < around[1:])
    assert logarithmic(np.geomspace(1, 100, 6)) and not logarithmic(np.linspace(1, 100, 6))


def test_what_cannot_be_drawn(line, grid):
    with pytest.raises(jm.InputError, match="hoose from"):
        plot_sweep(line, "no_such_thing")
    words = jm.sweep(network(), {"network.shortcut": [False, True]}, progress=False)
    with pytest.raises(jm.InputError, match="must be numbers"):
        plot_sweep(words)
    deep = jm.sweep(network(), {"radius": [0.1], "width": [64], "depth": [2]}, progress=False)
    with pytest.raises(jm.InputError, match="one or two fields"):
        plot_sweep(deep)
    failed = jm.sweep(network(q=1, p=1), {"radius": [0.1, 0.2]}, engine=jm.Engine.TRAINABILITY, progress=False)
    with pytest.raises(jm.InputError, match="all failed"):
        plot_sweep(failed)
    assert "2 failed: trainability needs data" in sweep_text(failed)


def test_many_points_are_listed_in_part():
    many = jm.sweep(network(), {"radius": jm.Linear(0.1, 1, 50)}, progress=False)
    text = sweep_text(many)
    assert "(24 of 50 points" in text and text.count("completed") == 25
