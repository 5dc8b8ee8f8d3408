import json

import numpy as np
import pytest

import jominy as jm
from jominy.show.phase import Show, plot_phase
from jominy.study.sweeps.phase import chosen_range, first_time_below
from sweep_zoo import network, plain

# Identity covariance, a teacher of norm 1, noise 1/4: collapse from sqrt(pi / 2) / sqrt(1.25) on, divergence above 2.
COLLAPSE, CRITICAL = np.sqrt(np.pi / 2 / 1.25), 2.0
OVER = {"radius": jm.Linear(0, 1.6, 5), "rate": jm.Logarithmic(0.25, 4, 5)}


@pytest.fixture(scope="module")
def told():
    return jm.phase(plain(), OVER, level=0.45, progress=False)


def test_the_regimes_are_those_of_the_closed_forms(told):
    radius, rate = np.meshgrid(told["radius"], told["rate"], indexing="ij")
    expected = np.where(rate > CRITICAL, "diverged", np.where(radius >= COLLAPSE, "collapsed", "completed"))
    np.testing.assert_array_equal(told["status"].values, expected)
    np.testing.assert_allclose(told["radius_over_collapse"].values, radius / COLLAPSE, rtol=1e-9)
    np.testing.assert_allclose(told["rate_over_stable"].values, rate / CRITICAL, rtol=1e-12)
    assert json.loads(told.attrs["here"]) == {"radius": 0.3, "rate": 0.5}
    assert "above it diverge" in told.attrs["rate_limits"]


def test_time_to_a_level(told):
    curve = plain(radius=0.0, schedule={"kind": "constant", "rate": 1.0}).forecast()["adversarial_risk"]
    crossing = np.interp(-0.45, -curve.values, curve["time"].values)  # the risk falls
    assert float(told["time_to"].sel(radius=0, rate=1)) == pytest.approx(crossing, rel=1e-12)
    reached = np.isfinite(told["time_to"].values)
    np.testing.assert_array_equal(reached, (told["adversarial_risk"].values <= 0.45).any(axis=-1))
    assert reached.any() and not reached.all()


def test_first_time_below():
    assert np.isnan(first_time_below(np.array([0.0, 1.0]), np.array([2.0, 1.5]), 1.0))
    assert first_time_below(np.array([0.5, 1.0]), np.array([0.5, 0.2]), 1.0) == 0.5
    assert first_time_below(np.array([0.0, 1.0]), np.array([np.inf, 0.2]), 1.0) == 1.0


def test_ranges_that_are_chosen_hold_the_borders():
    radius, rate = chosen_range(plain(), "radius"), chosen_range(plain(), "rate")
    assert radius.low == 0 and 1.2 * COLLAPSE < radius.high < 1.4 * COLLAPSE
    assert rate.low < 0.1 * CRITICAL < CRITICAL < rate.high < 2 * CRITICAL


def test_the_lines_are_where_the_theory_has_them(told):
    figure = plot_phase(told)
    ax = figure.axes[0]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == [
        "trains", "collapses to zero", "diverges", "collapse radius (theory)", "largest stable rate (theory)",
        "this scenario",
    ]  # fmt: skip
    lines = [np.concatenate([p.vertices for p in c.get_paths()]) for c in ax.collections if c.get_linewidth()[0] == 2]
    assert np.allclose(lines[0][:, 0], COLLAPSE, rtol=1e-9) and np.allclose(lines[1][:, 1], CRITICAL, rtol=1e-9)
    assert ax.get_yscale() == "log" and ax.get_xscale() == "linear"
    assert ax.get_xlim() == (0, 1.6) and ax.get_ylim() == (0.25, 4)
    (cross,) = [line for line in ax.get_lines() if line.get_marker() == "X"]
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (0.3, 0.5)


@pytest.mark.parametrize(("show", "label"), [(Show.RISK, "adversarial risk"), (Show.TIME_TO, "time to adversarial")])
def test_maps_of_values(told, show, label):
    figure = plot_phase(told, show)
    assert figure.axes[1].get_ylabel().startswith(label)
    mesh = figure.axes[0].collections[0]
    variable = "time_to" if show is Show.TIME_TO else "adversarial_risk"
    values = told[variable].values if show is Show.TIME_TO else told[variable].isel(time=-1).values
    lost = told["status"].values == "diverged"
    shown = np.ma.masked_invalid(np.where(lost & (show is Show.RISK), np.nan, values).T)
    np.testing.assert_array_equal(mesh.get_array().filled(-1), shown.filled(-1))


def test_what_is_refused(told):
    for bad, part in (
        (lambda: jm.phase(network()), "needs a Scenario"),
        (lambda: jm.phase(plain(), {"radius": [0.1]}), "two fields"),
        (lambda: jm.phase(plain(), {"radius": [0.1], "noise_variance": None}), "needs a range"),
        (lambda: jm.phase(plain(), {"radius": [0.1], "loss.kind": ["squared"]}), "must be numbers"),
        (lambda: plot_phase(told, Show.ACCURACY), "ccuracy is for classes"),
        (lambda: plot_phase(told.drop_vars("time_to"), Show.TIME_TO), "level"),
        (lambda: plot_phase(plain().forecast()), "draws what phase"),
    ):
        with pytest.raises(jm.InputError, match=part):
            bad()
