"""Saved designs and fronts, opened again: no figure over time, and one line that says which there is."""

import pytest

import jominy as jm


def test_saved_designs_are_not_drawn_as_trainings():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(20), noise_variance=0.25), jm.SquaredLoss(), radius=0.3)
    saved = jm.pareto(problem, 2, radii=[0.3]).dataset()
    designed = saved.assign_coords(time=[0.0, 2.0])  # the dimensions of a design
    for result in (saved, designed):
        with pytest.raises(jm.InputError, match="plot_design or plot_front"):
            jm.plot(result)
    with pytest.raises(jm.InputError, match="a report shows"):
        jm.report(designed)
    for draw in (jm.plot_design, jm.plot_front):
        with pytest.raises(jm.InputError, match=r"draws what \w+\(...\) returned"):
            draw(saved)
