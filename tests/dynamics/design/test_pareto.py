"""The front of clean against adversarial risk, against the reference values of theory `design.md` section 2."""

import dataclasses

import numpy as np
import pytest

import jominy as jm
import zoo

D = 400
# training radius; clean and adversarial (test radius .6) of the design, of the best constant, of the optimum
REFERENCE = [
    (0.3, 0.1499, 0.4120, None, None, 0.1419, 0.4007),
    (0.4, 0.1571, 0.3999, 0.1670, 0.4143, 0.1506, 0.3895),
    (0.5, 0.1663, 0.3928, 0.1757, 0.4055, 0.1608, 0.3836),
    (0.6, 0.1781, 0.3897, 0.1880, 0.4012, 0.1735, 0.3817),
]


def test_reference_values(tmp_path):
    spectrum = np.where(np.arange(D) < D / 2, 32 / 17, 2 / 17)
    problem = jm.Problem(jm.LinearTeacher(spectrum, zoo.teacher(D), noise_variance=0.25), jm.SquaredLoss(), 0.6)
    front = jm.pareto(problem, 20, [row[0] for row in REFERENCE], start=zoo.start(D))
    told = np.column_stack([front.radii, front.designed, front.constants, front.endless])
    for row, numbers in zip(REFERENCE, told, strict=True):
        for reference, number in zip(row, numbers, strict=True):
            assert reference is None or number == pytest.approx(reference, abs=2e-4)
    assert np.all(front.best) and not front.is_point
    result = front.dataset()
    assert jm.load(jm.save(result, tmp_path / "front.nc")).identical(result)
    assert result.objective_clean.sel(alternative="designed").values.tolist() == front.designed[:, 0].tolist()


@pytest.mark.slow
def test_of_two_classes_the_front_is_a_point():
    problem = zoo.two_classes(D).problem(jm.LogisticLoss(), 0.3)
    front = jm.pareto(problem, 20, [0.1, 0.2, 0.3], start=zoo.start(D), measure="error")
    assert front.is_point and "all but a point" in " ".join(front.sentences())
    curve = jm.forecast(
        jm.Problem(problem.data, problem.loss, 0.2), front.schedules[1], times=[20.0], start=zoo.start(D),
        evaluate_at=[0.3],
    )  # fmt: skip
    assert front.designed[1] == pytest.approx(
        [1 - float(curve.clean_accuracy[-1]), 1 - float(curve.accuracy_at_radius[-1, 0])], rel=1e-5
    )


def test_trainings_that_all_diverge_are_no_point():
    """Without a warning of infinity minus infinity."""
    problem = jm.Problem(jm.LinearTeacher(jm.identity(50), noise_variance=0.1), jm.SquaredLoss(), 0.2)
    front = jm.pareto(problem, 1.0, [0.1, 0.2])
    beyond = dataclasses.replace(front, designed=np.full_like(front.designed, np.inf))
    with np.errstate(all="raise"):
        assert not beyond.is_point and beyond.sentences()


def test_bad_radii_are_refused():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(50), noise_variance=0.1), jm.SquaredLoss(), 0.2)
    with pytest.raises(jm.InputError, match="radius"):
        jm.pareto(problem, 5, [-0.1])
    with pytest.raises(jm.InputError, match="radii"):
        jm.pareto(problem, 5, [])


def test_radii_beyond_the_collapse_are_refused_before_any_search():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(100), noise_variance=0.25), jm.SquaredLoss(), 0.3)
    with pytest.raises(jm.InputError, match="below the collapse radius.*received: 9"):
        jm.pareto(problem, 5, radii=[0.2, 9.0])
