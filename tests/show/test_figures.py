import numpy as np
import pytest
import xarray as xr

import hand_made
import jominy as jm
from jominy import InputError, Status, plot
from jominy.show.figures import save_figure
from jominy.show.optima import plot_optima
from jominy.show.style import COLOURS


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()] if ax.get_legend() else []


def test_panels_of_a_classification_problem():
    axes = plot(hand_made.classification(), hand_made.classification(5)).axes
    assert [ax.get_ylabel() for ax in axes] == ["risk", "accuracy", "norm, distance", "accuracy at time 10"]
    assert labels(axes[0]) == ["adversarial", "clean", "adversarial, held out"]
    assert axes[0].get_xlabel() == "time (samples / dimension)"
    assert axes[3].get_xlabel() == "radius of the attack (l2 norm)"


def test_line_is_the_forecast_and_dots_are_the_mean():
    told = hand_made.forecast(norm=[0, 1, 2, 3])
    seen = hand_made.simulation({"norm": [[0, 1, 2, 3], [0, 2, 3, 5]]})
    ax = plot(told, seen).axes[0]
    line, dots = ax.get_lines()[:2]
    np.testing.assert_array_equal(line.get_ydata(), [0, 1, 2, 3])
    np.testing.assert_array_equal(dots.get_ydata(), [0, 1.5, 2.5, 4])
    assert dots.get_linestyle() == "None" and line.get_marker() == "None"
    bars = ax.containers[0].lines[2][0].get_segments()
    assert bars[3][:, 1] == pytest.approx([4 - 1, 4 + 1])  # standard error of 3 and 5
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(4 + np.sqrt(2))


def test_simulation_alone_in_either_place():
    seen = hand_made.simulation({"norm": [[0, 1, 2, 3]] * 2})
    for figure in (plot(None, seen), plot(seen)):
        assert len(figure.axes) == 1 and "dots: mean of 2 runs" in figure._supxlabel.get_text()


def test_band_of_a_forecast():
    told = hand_made.forecast(norm=[0, 1, 2, 3], norm_sd=[0, 0.1, 0.1, 0.1])
    figure = plot(told, variables=["norm"])
    assert "band" in figure._supxlabel.get_text() and len(figure.axes[0].collections) == 1


def test_risks_over_decades_are_logarithmic():
    assert plot(hand_made.forecast(adversarial_risk=[1, 0.1, 0.01, 0.001])).axes[0].get_yscale() == "log"
    assert plot(hand_made.forecast(adversarial_risk=[1, 0.9, 0.8, 0.7])).axes[0].get_yscale() == "linear"
    assert plot(hand_made.forecast(adversarial_risk=[1, 0.9, 0.8, 0.0])).axes[0].get_yscale() == "linear"


def test_a_divergence_is_drawn_up_to_where_it_is_finite():
    ax = plot(hand_made.forecast(Status.DIVERGED, norm=[1, 2, np.inf, np.inf])).axes[0]
    assert len(ax.get_lines()[0].get_ydata()) == 2
    assert ax.get_xlim()[1] > 4


def test_radii_without_a_finite_value_are_not_drawn():
    told = hand_made.classification()
    told["accuracy_at_radius"] = told["accuracy_at_radius"] * np.inf
    assert "accuracy at time 10" not in [ax.get_ylabel() for ax in plot(told).axes]


def over_radii(figure):
    return sum(ax.get_xlabel().startswith("radius") for ax in figure.axes)


def test_results_at_one_of_the_radii():
    """A radius was chosen with `isel`: what is told at it is no curve over radii any more."""
    told, seen = hand_made.classification(), hand_made.classification(4)
    for one in (told, seen):
        chosen = one.isel(evaluation_radius=0)
        assert over_radii(plot(one)) == 1 and over_radii(plot(chosen)) == 0
        assert plot(chosen, variables=["accuracy_at_radius"]).axes[0].get_xlabel().startswith("time")
    assert over_radii(plot(told.isel(evaluation_radius=0), seen)) == 0
    always = told.assign(accuracy_at_radius=told["accuracy_at_radius"].isel(time=0, drop=True))
    assert over_radii(plot(always)) == 1
    with pytest.raises(InputError, match="same dimensions"):
        plot(told.isel(evaluation_radius=0), seen, variables=["accuracy_at_radius"])


def test_a_constant_learning_rate_is_not_drawn():
    told = hand_made.forecast(norm=[0, 1, 2, 3], learning_rate=[1, 1, 1, 1])
    assert [ax.get_ylabel() for ax in plot(told).axes] == ["norm of the weights"] or len(plot(told).axes) == 1
    told = hand_made.forecast(norm=[0, 1, 2, 3], learning_rate=[1, 0.5, 0.4, 0.3])
    assert plot(told).axes[1].get_ylabel() == "learning rate"


def test_chosen_variables():
    figure = plot(hand_made.classification(), variables=["norm", "accuracy_at_radius"])
    assert [ax.get_ylabel() for ax in figure.axes] == [
        "norm of the weights",
        "adversarial accuracy at the evaluation radius",
    ]
    with pytest.raises(InputError, match="must be in the results.*'nrm'.*Choose from: .*norm"):
        plot(hand_made.classification(), variables=["nrm"])


def test_title():
    told = hand_made.classification()
    assert plot(told).get_suptitle() == "radius 0.5"
    assert plot(told.assign_attrs(title="My study")).get_suptitle() == "My study"


def test_the_gaussian_picture_is_dashed():
    told = hand_made.forecast(adversarial_risk=[1, 0.9, 0.8, 0.7], gaussian_adversarial_risk=[1, 0.8, 0.7, 0.6])
    ax = plot(told).axes[0]
    assert ax.get_lines()[1].get_linestyle() == "--" and "one Gaussian per class" in labels(ax)[1]


def test_nothing_to_draw():
    with pytest.raises(InputError, match="needs a forecast"):
        plot()
    with pytest.raises(InputError, match="second argument of plot must be a simulation"):
        plot(hand_made.forecast(), hand_made.forecast())


def test_several_problems_are_not_one_figure():
    many = xr.concat([hand_made.forecast(), hand_made.forecast()], "point")
    with pytest.raises(InputError, match=r"one problem.*isel\(point=0\)"):
        plot(many)
    with pytest.raises(InputError, match="a report shows"):
        jm.report(many)


def test_curves_in_one_panel_look_different():
    groups = [("adversarial_risk", "clean_risk", "held_out_adversarial_risk", "gaussian_adversarial_risk")]
    for group in groups:
        assert len({COLOURS[name][0] for name in group}) == len(group)
        assert len({COLOURS[name][1:] for name in group}) == len(group)


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_files(tmp_path, ending):
    path = save_figure(plot(hand_made.forecast()), tmp_path / f"figure.{ending}")
    assert path.stat().st_size > 1000


def test_bad_files(tmp_path):
    figure = plot(hand_made.forecast())
    with pytest.raises(InputError, match="must end in a picture format.*png"):
        save_figure(figure, tmp_path / "figure.doc")
    with pytest.raises(InputError, match="folder of the figure must exist"):
        save_figure(figure, tmp_path / "nowhere" / "figure.png")


def test_optima():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(50), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
    risk, norm = plot_optima(problem, title="My study").axes
    assert risk.get_ylabel() == "adversarial risk at the optimum"
    assert "collapse radius: 1.121" in labels(risk)
    assert norm.get_lines()[0].get_ydata()[-1] == 0


def test_a_forecast_band_is_centred_on_the_mean_over_runs_and_has_gaps():
    told = hand_made.forecast(norm=[0, 1, 1, 2], norm_sd=[0.5, 0.1, 0.2, np.inf], norm_bias=[0, 0, 0.3, 1.0])
    (ax,) = plot(told, variables=["norm"]).axes
    edges = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])
    assert np.isclose(edges, [2.0, 1.5]).all(axis=1).any() and np.isclose(edges, [2.0, 1.1]).all(axis=1).any()
    assert np.isfinite(edges).all() and edges[:, 0].max() == 2.0


def test_an_axis_names_what_is_drawn_and_no_more():
    """Where there is no distance to an optimum, as of several classes on many rows, the axis names none."""
    curve = jm.forecast(jm.Problem(jm.LinearTeacher(jm.identity(40)), jm.SquaredLoss(), 0.3), jm.Constant(0.5), time=2)
    labels = [ax.get_ylabel() for ax in jm.plot(curve.drop_vars("distance_to_optimum")).axes]
    assert "norm of the weights" in labels and not any("distance" in label for label in labels)
