"""What stands where in figures, measured in pixels: names beside the data, axes that follow the lines."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import hand_made
import jominy as jm
from figure_zoo import figures


@pytest.fixture(scope="module")
def drawn():
    """Each kind of figure, laid out."""
    found = dict(figures("A title that is long enough to be broken into two lines where the figure is a narrow one"))
    found["advice"] = advice()
    for figure in found.values():
        FigureCanvasAgg(figure).draw()
    return found


def advice():
    from jominy.show.advice import plot_advice

    problem = jm.Problem(jm.LinearTeacher(jm.identity(50), noise_variance=0.25), jm.SquaredLoss(), radius=0.3)
    return plot_advice(jm.advise(problem, jm.Constant(0.5), time=2), title="Advice")


def test_no_legend_is_over_data_or_over_anything_else(drawn):
    legends = 0
    for name, figure in drawn.items():
        everything = figure.bbox.padded(1.0)
        found = [ax.get_legend() for ax in figure.axes if ax.get_legend()] + figure.legends
        legends += len(found)
        for legend in found:
            box = legend.get_window_extent()
            assert everything.x0 <= box.x0 and box.x1 <= everything.x1 and box.y1 <= everything.y1, name
            others = [other.get_window_extent() for other in found if other is not legend]
            others += [figure._suptitle.get_window_extent()] if figure._suptitle else []
            for ax in figure.axes:
                if ax.get_visible():
                    others += [ax.get_window_extent(), ax.xaxis.label.get_window_extent()]
                    others += [text.get_window_extent() for text in ax.get_xticklabels() if text.get_text()]
            for other in others:
                across = min(box.x1, other.x1) - max(box.x0, other.x0)
                along = min(box.y1, other.y1) - max(box.y0, other.y0)
                assert across <= 1 or along <= 1, name
    assert legends >= 8


def test_labels_of_ticks_do_not_touch(drawn):
    for name, figure in drawn.items():
        for ax in figure.axes:
            texts = [text for text in ax.get_xticklabels(which="both") if text.get_text() and text.get_visible()]
            boxes = sorted((text.get_window_extent() for text in texts), key=lambda box: box.x0)
            seen = [box for box in boxes if ax.bbox.x0 - 1 <= (box.x0 + box.x1) / 2 <= ax.bbox.x1 + 1]
            for left, right in zip(seen, seen[1:], strict=False):
                assert left.x1 <= right.x0, (name, [text.get_text() for text in texts])


def heights(figure):
    (ax,) = figure.axes
    return ax.get_ylim()


@pytest.mark.parametrize("spread", [0.01, 5.0, 1e6, np.inf])
@pytest.mark.parametrize("curve", [[1.0, 1.5, 1.8, 2.0], [2.0, 2.0, 2.0, 2.0]])
def test_a_band_does_not_crush_the_axis(curve, spread):
    told = hand_made.forecast(norm=curve, norm_sd=[0, spread, spread, spread])
    low, high = heights(jm.plot(told, variables=["norm"]))
    assert low == 0 and max(curve) < high < 3.0
    runs = np.array([[-1.0], [0.0], [1.0]]) * np.array([0, spread if spread < np.inf else 1, 0, 0]) + np.array(curve)
    seen = hand_made.simulation({"norm": runs})
    low, high = heights(jm.plot(hand_made.forecast(norm=curve), seen, variables=["norm"]))
    assert low <= min(curve) and max(curve) < high < 3.0


def test_a_band_over_decades_is_cut_in_decades():
    told = hand_made.forecast(adversarial_risk=[1, 0.1, 0.01, 1e-3], adversarial_risk_sd=[0, 0.2, 50, 1e-3])
    low, high = heights(jm.plot(told, variables=["adversarial_risk"]))
    assert 1e-6 < low < 1e-3 and 1 < high < 100


def test_lines_and_dots_are_always_in_view():
    rng = np.random.default_rng(5)
    for _ in range(20):
        curve = rng.normal(size=4) * 10.0 ** rng.integers(-12, 12)
        ax = jm.plot(hand_made.forecast(alignment=curve), variables=["alignment"]).axes[0]
        low, high = ax.get_ylim()
        assert low <= curve.min() and curve.max() <= high
