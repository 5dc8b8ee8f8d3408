"""A result file that was edited is refused when it is loaded, in one line that says what is wrong; never later."""

import numpy as np
import pytest

import figure_zoo
import hand_made
import jominy as jm
from fuzz_results import run, zoo
from jominy import InputError, load
from jominy.cli.main import main
from jominy.cli.output import as_json
from jominy.results.checks import check_result
from jominy.show.network_tables import mean_and_error
from jominy.show.sweep_text import at_end

ATTRIBUTES = {
    "scenario": ["{", "[]", "3", "", 3], "notes": ["{}", "text", '[{"a": 1}]', 2.5, "["],
    "versions": ["[]", '{"a": 1}'],
    "numerical_error": ["small", np.arange(3)], "status": ["fine", "", 1], "seed": ["one", '{"a": 1}'],
    "title": [3, np.arange(2)], "engine": [1], "sweep": ["{}", '{"fields": ["a"]}', '{"fields": {"a": "a"}}'],
    "advice": [0], "collapse_radius": ["large"], "format": ["jominy result 2", "text", 3, np.arange(3)],
}  # fmt: skip
CHANGES = {
    "no times": (lambda told: told.isel(time=slice(0, 0)), "at least one time"),
    "no runs": (lambda told: told.isel(seed=slice(0, 0)), "at least one seed"),
    "times backwards": (lambda told: told.isel(time=slice(None, None, -1)), "increasing"),
    "a time twice": (lambda told: told.isel(time=[0, 0, 1]), "increasing"),
    "times that are words": (lambda told: told.assign_coords(time=told.time.values.astype(str)), "time must be real"),
    "no word of the times": (lambda told: told.drop_vars("time"), "at which time"),
    "text": (lambda told: told.assign(norm=told.norm.astype(str)), "norm must be real numbers"),
    "one more dimension": (lambda told: told.assign(norm=told.norm.expand_dims("extra")), "dimension 'extra'"),
    "a foreign dimension": (lambda told: told.assign(norm=told.norm.expand_dims("layer")), "one of the whole model"),
    "units": (lambda told: told.assign(norm=told.norm.assign_attrs(units=3)), "units of a result's norm"),
}


def written(result, path):
    result.to_netcdf(path, engine="netcdf4")
    return str(path)


def test_attributes_that_cannot_be_read(tmp_path, capsys):
    for name, values in ATTRIBUTES.items():
        for number, value in enumerate(values):
            path = written(hand_made.forecast().assign_attrs({name: value}), tmp_path / f"{name}{number}.nc")
            with pytest.raises(InputError, match=f"{name}{number}.nc: .*(must be|must have|must say)") as refused:
                load(path)
            assert "\n" not in str(refused.value)
    assert main(["report", path, "-o", str(tmp_path / "a.html")]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "a.html").exists()


@pytest.mark.parametrize("change", CHANGES)
def test_variables_and_dimensions_that_are_none_of_a_result(change, tmp_path):
    do, message = CHANGES[change]
    with pytest.raises(InputError, match=message):
        load(written(do(hand_made.simulation({"norm": [[0, 1, 2, 3], [0, 1, 2, 4]]})), tmp_path / "a.nc"))


def test_a_newer_format_says_to_upgrade(tmp_path):
    with pytest.raises(InputError, match="jominy result 2.*Upgrade jominy"):
        load(written(hand_made.forecast().assign_attrs(format="jominy result 2"), tmp_path / "a.nc"))


@pytest.mark.parametrize("verb", [jm.plot, jm.report, lambda told: jm.compare(told, hand_made.classification(3))])
def test_a_result_edited_in_memory_is_checked_too(verb):
    with pytest.raises(InputError, match="status must be one of"):
        verb(hand_made.classification().assign_attrs(status="fine"))


def test_complex_numbers():
    told = hand_made.forecast()
    with pytest.raises(InputError, match="norm must be real numbers .received: .*complex"):
        jm.plot(told.assign(norm=told.norm * 1j))


def test_what_is_computed_with_is_still_a_result():
    told = hand_made.forecast()
    for fine in (told, told.drop_attrs(), told.isel(time=slice(1, 3)), told.assign(mine=("time", np.ones(4)))):
        assert check_result(fine) is fine


@pytest.mark.parametrize("count", [6, pytest.param(150, marks=pytest.mark.slow)])
def test_a_few_mutated_files(count):
    """A seeded piece of `fuzz_results.py`, whose main counts as many as are wanted."""
    found = run(count, seed=1)
    assert not [fault for fault in found if fault.startswith("FAULT")], found
    assert found["refused"] and found["accepted"]


def test_places_that_are_there_twice():
    """As `isel` with a list makes them: what is looked up at such a place is two numbers."""
    curve = hand_made.classification()
    with pytest.raises(InputError, match="evaluation_radius must have each value once"):
        check_result(curve.isel(evaluation_radius=[0, 1, 1]))
    theory = jm.network_theory(figure_zoo.NETWORK, 0.4, vary={"width": [100, 200]})
    with pytest.raises(InputError, match="width must have each value once"):
        check_result(theory.isel(width=[1, 1]))
    check_result(theory.isel(width=[1, 0]))
    shortcuts = jm.network_theory(figure_zoo.NETWORK, 0.4, vary={"shortcut": [False, True]})
    with pytest.raises(InputError, match="shortcut must have each value once"):
        check_result(shortcuts.assign_coords(shortcut=[-np.inf, -np.inf]))
    with pytest.raises(InputError, match="each value of width may be there once"):
        jm.network_theory(figure_zoo.NETWORK, 0.4, vary={"width": [100, 100]})


def test_one_network_of_those_measured():
    """A network was chosen with `isel`: it is told without a spread."""
    assert mean_and_error(np.array(2.0)) == (2.0, 0.0)


def test_runs_of_which_nothing_is_told():
    """A sweep that has runs, but no variable over them any more: it is told as it is at its last time."""
    line = zoo()["line"]
    assert at_end(line.assign_coords(seed=[0, 1])).identical(line.isel(time=-1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: told.drop_attrs(deep=False).assign_attrs({k: told.attrs[k] for k in told.attrs if k != "sweep"}),
         "which fields it varies"),
        (lambda told: told.assign(rate_over_stable=("point", np.full(told.sizes["point"], b"1"))), "numbers or text"),
        (lambda told: told.assign(reason=told.reason.expand_dims(seed=[0])), "a reason for each status"),
    ],
    ids=["no fields", "bytes", "reasons of runs"],
)  # fmt: skip
def test_sweeps_that_were_edited(change, message, tmp_path):
    with pytest.raises(InputError, match=message):
        load(written(change(zoo()["points"]), tmp_path / "a.nc"))


def test_words_of_runs_are_not_averaged():
    told = hand_made.simulation({"norm": [[0, 1, 2, 3], [0, 1, 2, 4]]})
    told = told.assign(end=("seed", np.array(["here", "there"])))
    assert as_json(told)["variables"]["end"]["values"] == ["here", "there"]
    assert as_json(told)["variables"]["norm"]["mean"] == [0, 1, 2, 3.5]


def test_places_in_a_table_are_refused(tmp_path):
    told = zoo()["phase"]
    told = told.drop_vars("radius").assign_coords(
        radius=(("radius", "rate"), np.ones((told.sizes["radius"], told.sizes["rate"])))
    )
    with pytest.raises(InputError, match="radius must be one row"):
        check_result(told)


def test_a_verdict_without_its_number_or_words_is_refused():
    told = zoo()["trainability"]
    assert check_result(told).attrs["verdict"]
    with pytest.raises(InputError, match="no slowdown"):
        check_result(told.drop_vars("slowdown"))
    words = {name: value for name, value in told.attrs.items() if name != "advice"}
    with pytest.raises(InputError, match="come with advice"):
        check_result(told.drop_attrs(deep=False).assign_attrs(words))


def test_a_curve_without_its_times_is_refused():
    told = hand_made.classification()
    with pytest.raises(InputError, match=r"must have its times \(choose one with isel\(time=\[-1\]\)"):
        jm.report(told.isel(time=0))
    jm.report(told.isel(time=[-1]))


def test_a_theory_without_its_bound_is_refused(tmp_path):
    theories = jm.network_theory(figure_zoo.NETWORK, 0.4, vary={"width": [100, 200]})
    with pytest.raises(InputError, match="theory of a network must be complete .received: .*adversarial_loss_bound"):
        check_result(theories.drop_vars("adversarial_loss_bound"))
