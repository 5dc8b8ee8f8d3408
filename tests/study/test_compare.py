import json

import numpy as np
import pytest

import hand_made
import jominy as jm
from jominy import InputError, Status, compare
from jominy.show.agreement import comparison, in_words


def at(report, name, variable="norm", **where):
    return float(report[name].sel(variable=variable, **where))


def test_numbers_by_hand():
    # At time 4: runs 1, 2, 3: mean 2, sample variance 1, standard error 1 / sqrt(3); forecast 2.5.
    told = hand_made.forecast(norm=[0, 1, 1, 2.5])
    seen = hand_made.simulation({"norm": [[0, 1, 1, 1], [0, 1, 1, 2], [0, 1, 1, 3]]})
    report = compare(told, seen)
    assert at(report, "forecast", time=4.0) == 2.5
    assert at(report, "mean", time=4.0) == 2.0
    assert at(report, "standard_error", time=4.0) == pytest.approx(1 / np.sqrt(3))
    assert at(report, "difference", time=4.0) == 0.5
    assert at(report, "z", time=4.0) == pytest.approx(0.5 * np.sqrt(3))
    assert at(report, "largest_z") == pytest.approx(0.5 * np.sqrt(3))
    assert at(report, "largest_relative_error") == pytest.approx(0.25)
    assert at(report, "rms_relative_error") == pytest.approx(np.sqrt(0.25 / (1 + 1 + 4)))
    assert report.attrs["seeds"] == 3
    assert report.attrs["status"] == "completed"


def test_equal_values_without_spread_agree():
    report = compare(hand_made.forecast(norm=[0, 1, 1, 1]), hand_made.simulation({"norm": [[0, 1, 1, 1]] * 2}))
    assert at(report, "largest_z") == 0 == at(report, "largest_relative_error")


def test_a_difference_without_spread_is_far_off():
    report = compare(hand_made.forecast(norm=[0, 1, 1, 1.01]), hand_made.simulation({"norm": [[0, 1, 1, 1]] * 2}))
    assert at(report, "largest_z") > 1e4


def test_where_nothing_is_random_z_says_nothing():
    """A start is the same in every run, but for rounding; single precision makes a difference of some 1e-7."""
    runs = np.array([[0.6931472, 0.61, 0.52, 0.48], [0.6931472, 0.63, 0.50, 0.44]])
    runs[1, 0] += 1e-16
    told = hand_made.forecast(adversarial_risk=[0.6931469, 0.62, 0.51, 0.46])
    report = compare(told, hand_made.simulation({"adversarial_risk": runs}))
    z = report["z"].sel(variable="adversarial_risk").values
    assert np.isnan(z[0]) and np.isfinite(z[1:]).all() and "do not differ" in report["z"].attrs["comment"]
    assert at(report, "largest_z", "adversarial_risk") == np.max(np.abs(z[1:])) < 1e-9
    assert at(report, "difference", "adversarial_risk", time=0.0) == pytest.approx(-3e-7, rel=0.01)
    words = in_words(report)
    assert "Over the whole of training" in words and "there is none" in words
    first = comparison(report).splitlines()[2].split()
    assert first == ["0", "0.6931", "0.6931", "-", "0.00", "%"]


@pytest.mark.parametrize("off", [1e-4, 1.0])
def test_a_real_difference_where_nothing_is_random_is_told(off):
    runs = [[0.5, 0.61, 0.52, 0.48], [0.5, 0.63, 0.50, 0.44], [0.5, 0.62, 0.51, 0.46]]
    told = hand_made.forecast(adversarial_risk=[0.5 + off, 0.62, 0.51, 0.46])
    report = compare(told, hand_made.simulation({"adversarial_risk": runs}))
    assert at(report, "z", "adversarial_risk", time=0.0) > 100 and at(report, "largest_z", "adversarial_risk") > 100
    told = hand_made.forecast(norm=[off, 0, 0, 0])
    assert at(compare(told, hand_made.simulation({"norm": [[0, 0, 0, 0]] * 3})), "largest_z") > 1e5


def test_small_values_that_are_random_are_compared():
    """A risk that falls over decades is as random at its end as at its beginning."""
    runs = np.array([[1.0, 1e-3, 1e-6, 1.0e-7], [1.0, 1.1e-3, 1.2e-6, 1.2e-7]])
    report = compare(hand_made.forecast(norm=[1, 1e-3, 1e-6, 2.1e-7]), hand_made.simulation({"norm": runs}))
    assert at(report, "z", time=4.0) == pytest.approx(10.0)


def test_rounding_does_not_count_as_a_difference():
    report = compare(hand_made.forecast(norm=[0, 1, 1, 1 + 1e-12]), hand_made.simulation({"norm": [[0, 1, 1, 1]] * 2}))
    assert at(report, "largest_z") < 1e-4


def test_only_common_variables_are_compared():
    told = hand_made.forecast(norm=[0, 1, 2, 3], clean_risk=[1, 1, 1, 1])
    seen = hand_made.simulation({"norm": [[0, 1, 2, 3]] * 2, "excess_risk": [[1, 1, 1, 1]] * 2})
    assert list(compare(told, seen)["variable"].values) == ["norm"]


def test_forecast_is_interpolated_where_times_differ():
    times = np.linspace(0, 4, 41)
    told = hand_made.forecast(times=times, norm=times**3)
    seen = hand_made.simulation(
        {"norm": [[0.1, 1, 8.1, 60], [0, 1.1, 8, 70]]}, times=np.array([0.03, 1.01, 2.02, 3.99])
    )
    report = compare(told, seen)
    np.testing.assert_allclose(report["forecast"].sel(variable="norm"), seen["time"].values ** 3, atol=1e-12)


def test_forecast_is_not_extrapolated():
    with pytest.raises(InputError, match="must cover the times of the simulation.*forecast 0 to 4, simulation 0 to 5"):
        compare(
            hand_made.forecast(), hand_made.simulation({"norm": [[0, 1, 2, 3]] * 2}, times=np.array([0, 1, 2, 5.0]))
        )


def test_one_seed_is_not_enough():
    with pytest.raises(InputError, match="one run has no standard error.*received: 1"):
        compare(hand_made.forecast(), hand_made.simulation({"norm": [[0, 1, 2, 3]]}))


def test_wrong_order_and_wrong_kind():
    seen = hand_made.simulation({"norm": [[0, 1, 2, 3]] * 2})
    with pytest.raises(InputError, match="forecast first"):
        compare(seen, hand_made.forecast())
    with pytest.raises(InputError, match="must be a simulation"):
        compare(hand_made.forecast(), hand_made.forecast())


def test_nothing_in_common():
    with pytest.raises(InputError, match="in common"):
        compare(hand_made.forecast(), hand_made.simulation({"clean_risk": [[0, 1, 2, 3]] * 2}))


def test_after_a_divergence_nothing_is_compared_and_it_is_said():
    told = hand_made.forecast(Status.DIVERGED, norm=[1, 2, np.inf, np.inf])
    seen = hand_made.simulation({"norm": [[1, 2, 9, np.inf], [1, 2, 9, 70]]}, Status.DIVERGED)
    with np.errstate(all="raise"):
        report = compare(told, seen)
    assert np.isnan(report["z"].sel(variable="norm").values[2:]).all()
    assert at(report, "mean", time=4.0) == np.inf
    assert at(report, "largest_z") == 0 and np.isfinite(at(report, "rms_relative_error"))
    assert report.attrs["status"] == "diverged"
    assert "2 of 4 times are not compared" in json.loads(report.attrs["notes"])[0]


def test_an_interrupted_simulation_is_compared_up_to_its_end():
    times = hand_made.TIMES[:2]
    report = compare(
        hand_made.forecast(), hand_made.simulation({"norm": [[0, 0.4], [0, 0.6]]}, Status.INTERRUPTED, times=times)
    )
    assert report.sizes["time"] == 2 and report.attrs["status"] == "interrupted"


def test_the_advice_is_that_of_the_result_that_needs_it():
    told = hand_made.forecast(Status.UNSTABLE).assign_attrs(advice="use a rate below 0.3")
    report = compare(told, hand_made.simulation({"norm": [[0, 1, 2, 3]] * 2}))
    assert (report.attrs["status"], report.attrs["advice"]) == (Status.UNSTABLE.label, "use a rate below 0.3")
    report = compare(told, hand_made.simulation({"norm": [[0, 1, 2, 3]] * 2}, Status.INTERRUPTED))
    assert report.attrs["status"] == "interrupted"
    assert "forecast ended as: unstable tail events. use a rate below 0.3" in json.loads(report.attrs["notes"])[0]


def test_each_evaluation_radius_is_a_variable_of_its_own():
    report = compare(hand_made.classification(), hand_made.classification(8))
    names = list(report["variable"].values)
    assert [name for name in names if "[" in name] == [f"accuracy_at_radius[{r:g}]" for r in (0, 0.25, 0.5, 0.75, 1)]
    assert float(report["largest_z"].max()) < 6


def test_a_variable_without_seeds_is_known_exactly():
    told = hand_made.forecast(norm=[0, 1, 2, 3], learning_rate=[1, 1, 0.5, 0.5])
    seen = hand_made.simulation({"norm": [[0, 1, 2, 3]] * 2})
    seen["learning_rate"] = told["learning_rate"]
    assert at(compare(told, seen), "largest_z", "learning_rate") == 0


def test_a_known_bias_belongs_to_the_forecast_of_the_mean():
    told = hand_made.forecast(norm=[0, 1, 1, 2.5], norm_sd=[0, 1, 1, np.inf], norm_bias=[0, 0, 0, -0.5])
    told.attrs["band_dimension"] = 400.0
    report = compare(told, hand_made.simulation({"norm": [[0, 1, 1, 1], [0, 1, 1, 2], [0, 1, 1, 3]]}))
    assert at(report, "forecast", time=4.0) == 2.0 and at(report, "z", time=4.0) == 0
    assert list(report["variable"].values) == ["norm"]
    assert "the curve plus its 1/d bias at dimension 400" in " ".join(json.loads(report.attrs["notes"]))


def test_results_of_different_studies_are_said_to_be_so():
    problem = jm.Problem(jm.LinearTeacher(jm.identity(60), noise_variance=0.25), jm.SquaredLoss(), radius=0.3)
    told = jm.forecast(problem, jm.Constant(0.5), time=2, start=0.8)
    runs = jm.simulate(problem, jm.Constant(0.5), time=2, seeds=4, progress=False)
    report = jm.compare(told, runs)
    assert report.attrs["different"] == "start" and "not the same start" in in_words(report)
    same = jm.compare(jm.forecast(problem, jm.Constant(0.5), time=2), runs)
    assert same.attrs["different"] == "" and "different studies" not in in_words(same)
