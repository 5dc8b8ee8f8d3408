"""Saved designs and fronts, opened again: the same figures, a report, and one line where there is none."""

import numpy as np
import pytest

import jominy as jm
from jominy.cli.main import main
from jominy.show.design import front_rows


@pytest.fixture(scope="module")
def front():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(20), noise_variance=0.25), jm.SquaredLoss(), radius=0.3)
    return jm.pareto(problem, 2, radii=[0.3])


@pytest.fixture(scope="module")
def designed():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(20), noise_variance=0.25), jm.SquaredLoss(), radius=0.3)
    return jm.design(problem, 2, jm.Constant(0.5), certificate=False)


def numbers_of(figure):
    """All that is drawn: points, and words."""
    lines = [np.nan_to_num(line.get_xydata()).round(9).tolist() for ax in figure.axes for line in ax.lines]
    return lines, [text.get_text() for ax in figure.axes for text in (*ax.get_yticklabels(), ax.xaxis.label, *ax.texts)]


def test_what_is_saved_is_drawn_again(front, designed, tmp_path):
    for made, draw in ((front, jm.plot_front), (designed, jm.plot_design)):
        jm.save(made.dataset(), tmp_path / "saved.nc")
        assert numbers_of(draw(jm.load(tmp_path / "saved.nc"))) == numbers_of(draw(made))
    rows = front_rows(front.dataset())
    assert len(rows) == 2 and float(rows[1][2]) == pytest.approx(front.designed[0, 1], rel=1e-3)


def test_what_is_saved_has_a_report_and_a_command(front, designed, tmp_path, capsys):
    for name, made in (("front.nc", front), ("design.nc", designed)):
        jm.save(made.dataset(), tmp_path / name)
        assert main(["plot", str(tmp_path / name), "--plot", str(tmp_path / "again.png")]) == 0
        assert (tmp_path / "again.png").stat().st_size > 1000
        page = jm.report(jm.load(tmp_path / name)).html
        assert page.count("<figure>") == 1 and ("Ways to train" in page) is (name == "design.nc")
    capsys.readouterr()
    assert main(["plot", *(str(tmp_path / name) for name in ("front.nc", "design.nc")), "--plot", "no.png"]) == 2
    assert "a figure is of one result" in capsys.readouterr().err


def test_forecast_and_simulation_are_drawn_by_the_command(tmp_path):
    problem = jm.Problem(jm.LinearTeacher(jm.identity(20), noise_variance=0.25), jm.SquaredLoss(), radius=0.3)
    told = jm.forecast(problem, jm.Constant(0.5), times=[0.0, 1.0, 2.0])
    jm.save(told, tmp_path / "told.nc")
    runs = jm.simulate(problem, jm.Constant(0.5), times=[0.0, 1.0, 2.0], seeds=3, progress=False)
    jm.save(runs, tmp_path / "seen.nc")
    for names in (("told.nc",), ("told.nc", "seen.nc"), ("seen.nc", "told.nc")):
        figure = tmp_path / f"{len(names)}.svg"
        assert main(["plot", *(str(tmp_path / name) for name in names), "--plot", str(figure)]) == 0
        assert figure.exists()


def test_they_are_not_drawn_as_trainings(front):
    saved = front.dataset()
    for result in (saved, saved.assign_coords(time=[0.0, 2.0])):  # the dimensions of a design
        with pytest.raises(jm.InputError, match="plot_design or plot_front"):
            jm.plot(result)
    with pytest.raises(jm.InputError, match=r"draws what \w+\(...\) returned"):
        jm.plot_design(saved)
    with pytest.raises(jm.InputError, match=r"draws what \w+\(...\) returned"):
        jm.plot_front(3)
