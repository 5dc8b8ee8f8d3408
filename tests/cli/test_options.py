import shlex

import numpy as np
import pytest

from jominy import InputError
from jominy.cli.main import main, parser
from jominy.cli.options import scenario

SCENARIO = """
title = "A study"
radius = 0.5
time = 2
loss = { kind = "squared" }
schedule = { kind = "polyak" }
data = { kind = "linear-teacher", dimension = 50, covariance = { kind = "identity" } }
simulation = { seeds = 3, full_vectors = true }
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "study.toml").write_text(SCENARIO)
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    np.savez(tmp_path / "data.npz", X=rng.standard_normal((60, 4)) + labels[:, None], y=labels)
    return tmp_path


def read(folder, command, source, *options):
    return scenario(parser().parse_args([command, str(folder / source), *options]))


def test_a_scenario_as_it_is(folder):
    study = read(folder, "forecast", "study.toml")
    assert (study.title, study.radius, study.schedule.kind) == ("A study", 0.5, "polyak")


def test_settings_replace_those_of_the_scenario(folder):
    study = read(folder, "compare", "study.toml", "--radius", "0.1", "--rate", "0.3", "--time", "4", "--seeds", "9")
    assert (study.radius, study.schedule.rate, study.time) == (0.1, 0.3, 4)
    assert study.title == "A study [changed: radius 0.1, rate 0.3, time 4, seeds 9]"
    assert (study.simulation.seeds, study.simulation.full_vectors) == (9, True)
    assert read(folder, "forecast", "study.toml", "--evaluate-at", "0,0.5").evaluate_at == [0, 0.5]


def test_fractions_and_lists_of_them(folder):
    options = ("--radius", "8/255", "--evaluate-at", "0,4/255", "--rate", "1/3", "--time", "5/2")
    for source in (["study.toml"], ["data.npz", "--loss", "squared"]):
        study = read(folder, "compare", *source, *options)
        assert (study.radius, study.evaluate_at, study.schedule.rate, study.time) == (8 / 255, [0, 4 / 255], 1 / 3, 2.5)
    for wrong in ("8/0", "8/", "a"):
        with pytest.raises(SystemExit) as stop:
            read(folder, "compare", "study.toml", "--radius", wrong)
        assert stop.value.code == 2


def test_tables_as_people_write_them(folder):
    kinds = ["low, or less", "mid:dle", 'h"igh']
    lines = "".join(f'{j};{j % 7},5;"{kinds[j % 3].replace(chr(34), 2 * chr(34))}"\n' for j in range(60))
    (folder / "t.csv").write_text('"a,b";c;y\n' + lines)
    assert read(folder, "forecast", "t.csv", "--target", "y").loss.kind == "softmax"
    with pytest.raises(InputError, match="the logistic loss is for two classes") as caught:
        read(folder, "forecast", "t.csv", "--target", "y", "--loss", "logistic").problem()
    suggested = shlex.split(str(caught.value)[str(caught.value).index("--classes") : -1])
    assert suggested[0] == "--classes" and len(suggested) == 2
    data = read(folder, "forecast", "t.csv", "--target", "y", *suggested).problem().data
    assert data.classes == (-1, 1) and data.count == 30 and data.feature_names == ("a,b", "c", "intercept")
    assert sum("separated by semicolons" in line or "decimals" in line for line in data.report) == 2
    given = ("--target", "y", "--separator", ";", "--decimal", ",", "--drop", "a,b", *suggested)
    data = read(folder, "forecast", "t.csv", *given).problem().data
    assert data.feature_names == ("c", "intercept") and not any("separated" in line for line in data.report)
    (folder / "t.csv").write_text("a\tb\tc\ty\n" + "".join(f"{j}\t{-j}\t{j * j}\t{j % 2}\n" for j in range(40)))
    for separator in ("tab", "\\t", "\t"):
        given = ("--target", "y", "--separator", separator, "--drop", "a", "--drop", "b")
        study = read(folder, "forecast", "t.csv", *given)
        assert study.problem().data.feature_names == ("c", "intercept")


def test_words_and_holes_are_encoded_where_asked_for(folder, capsys):
    rows = [f"{j},{j % 5 if j % 9 else ''},{'abc'[j % 3]},{'yes' if j % 4 else 'no'}\n" for j in range(80)]
    (folder / "t.csv").write_text("nr,dose,town,ill\n" + "".join(rows))
    assert main(["forecast", str(folder / "t.csv"), "--target", "ill"]) == 2
    assert "Encode them (`--encode`)" in capsys.readouterr().err
    data = read(folder, "forecast", "t.csv", "--target", "ill", "--encode").problem().data
    assert data.feature_names == ("nr", "dose", "town=a", "town=b", "town=c", "intercept")
    assert data.groups == {"town": [2, 3, 4]} and data.untouched.tolist() == [False] * 2 + [True] * 4
    assert any("'nr' seems to number the rows" in line and "--drop nr" in line for line in data.report)
    assert any("missing numbers with the median: 'dose'" in line for line in data.report)
    with pytest.raises(InputError, match="--encode goes with a data file"):
        read(folder, "forecast", "study.toml", "--encode")


def test_bad_settings_name_the_rule(folder):
    with pytest.raises(InputError, match="'radius' must be >= 0.*-1"):
        read(folder, "forecast", "study.toml", "--radius", "-1")
    with pytest.raises(InputError, match="--classes must be two groups.*3-8.*0,2:1,3"):
        read(folder, "forecast", "data.npz", "--classes", "3-8")


def test_a_data_file(folder):
    study = read(folder, "compare", "data.npz", "--classes", "0:1,2", "--radius", "0.2", "--seeds", "5")
    assert study.problem().data.count == 45  # a quarter is held out
    assert study.problem().data.classification
    assert study.settings()["held_out"][0].shape == (15, 4)
    assert study.simulation.seeds == 5 and study.radius == 0.2
    assert study.evaluate_at == [0, 0.25, 0.5, 0.75, 1]


def test_columns_that_are_no_features(folder):
    study = read(folder, "forecast", "data.npz", "--drop", "0,2", "--loss", "squared")
    assert study.problem().data.dimension == 2
    with pytest.raises(InputError, match="--drop goes with a data file"):
        read(folder, "forecast", "study.toml", "--drop", "id")


def test_choices_for_a_data_file(folder):
    study = read(
        folder, "forecast", "data.npz", "--loss", "squared", "--test-fraction", "0", "--clip", "off",
        "--scaling", "one-factor", "--target", "y", "--data-units", "--radius", "0.1", "--rate", "0.01",
    )  # fmt: skip
    problem = study.problem()
    assert problem.data.count == 60 and not problem.data.classification
    assert problem.data.preprocessing.clip is None
    assert problem.radius == pytest.approx(problem.data.radius_from_data_units(0.1))
    assert "held_out" not in study.settings()


def test_a_wrong_clip(folder):
    with pytest.raises(InputError, match="'data.preprocessing.clip' must be a number or 'off'.*'no'"):
        read(folder, "forecast", "data.npz", "--clip", "no")
