"""What a scenario builds is what the same call in Python builds."""

import math

import numpy as np
import pytest

import jominy as jm
from jominy import InputError, Scenario
from jominy.study.scenario import from_data_file
from scenario_tables import BASE, mixture


def scenario(**changes):
    return Scenario.from_mapping(BASE | changes)


def law(**data):
    return scenario(data=BASE["data"] | data).problem().data


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"kind": "identity", "scale": 2.0}, jm.identity(40, 2.0)),
        ({"kind": "power-law", "exponent": 1.5}, jm.power_law(40, 1.5)),
        ({"kind": "two-level", "high": 2.0, "low": 0.5, "share": 0.25}, jm.two_level(40, 2.0, 0.5, 0.25)),
        ({"kind": "uniform", "low": 0.2, "high": 1.8}, jm.uniform(40, 0.2, 1.8)),
        ({"kind": "marchenko-pastur", "ratio": 0.5}, jm.marchenko_pastur(40, 0.5)),
        ({"kind": "eigenvalues", "values": list(range(1, 41))}, jm.spectrum(np.arange(1, 41))),
    ],
)
def test_spectra(table, expected):
    built = law(dimension=40, covariance=table).law
    np.testing.assert_array_equal(built.eigenvalues[0], expected.eigenvalues)


def test_infinite_dimension():
    assert math.isinf(law(dimension=math.inf, covariance={"kind": "uniform", "low": 0.2, "high": 1.8}).dimension)


def test_matrix():
    built = law(dimension=2, covariance={"kind": "matrix", "rows": [[2.0, 0.5], [0.5, 1.0]]})
    np.testing.assert_array_equal(built.covariances[0], [[2, 0.5], [0.5, 1]])
    with pytest.raises(InputError, match="as many rows as data.dimension says.*2 rows, dimension 3"):
        law(dimension=3, covariance={"kind": "matrix", "rows": [[2.0, 0.5], [0.5, 1.0]]})
    with pytest.raises(InputError, match="as many eigenvalues as data.dimension says.*1 eigenvalues, dimension 3"):
        law(dimension=3, covariance={"kind": "eigenvalues", "values": [1.0]})
    with pytest.raises(InputError, match="rows of a covariance matrix must have one length"):
        law(dimension=2, covariance={"kind": "matrix", "rows": [[2.0], [0.5, 1.0]]})


def test_rotated_keeps_the_spectrum_and_the_seed_decides():
    table = {"kind": "rotated", "spectrum": {"kind": "uniform", "low": 0.2, "high": 1.8}, "seed": 3}
    matrix = law(dimension=30, covariance=table).covariances[0]
    np.testing.assert_allclose(np.linalg.eigvalsh(matrix), np.sort(jm.uniform(30, 0.2, 1.8).eigenvalues), atol=1e-12)
    assert np.abs(matrix - np.diag(np.diag(matrix))).max() > 0.05
    np.testing.assert_array_equal(matrix, law(dimension=30, covariance=table).covariances[0])
    with pytest.raises(InputError, match="finite dimension"):
        law(dimension=math.inf, covariance=table)


def test_vectors():
    pattern = {"kind": "pattern", "values": [1, -1], "norm": 2.0}
    np.testing.assert_allclose(law(dimension=4, teacher=pattern).teacher, [1, -1, 1, -1])
    direction = law(dimension=50, teacher={"kind": "random-direction", "norm": 0.5, "seed": 1}).teacher
    assert np.linalg.norm(direction) == pytest.approx(0.5)
    np.testing.assert_array_equal(law(dimension=2, teacher=[3, 4]).teacher, [3, 4])
    assert law(teacher=0.7).teacher == 0.7
    with pytest.raises(InputError, match="a value that is not zero"):
        law(teacher={"kind": "pattern", "values": [0.0, 0.0]})
    with pytest.raises(InputError, match="in infinite dimension a vector must be a number"):
        law(dimension=math.inf, teacher=pattern)


def test_mixture():
    data = {
        "kind": "mixture",
        "dimension": 20,
        "components": [
            {"weight": 0.4, "label": 1, "mean": 1.0, "covariance": {"kind": "identity"}},
            {"weight": 0.6, "label": -1, "mean": -1, "covariance": {"kind": "two-level"}},
        ],
    }
    problem = scenario(data=data, loss={"kind": "logistic"}).problem()
    assert problem.data.classification and problem.data.weights.tolist() == [0.4, 0.6]
    del data["components"][0]["label"]
    with pytest.raises(InputError, match=r"no label in data.components\[0\]"):
        scenario(data=data).problem()
    with pytest.raises(InputError, match="sum to one"):
        scenario(data=mixture(weight=0.5, label=1)).problem()


@pytest.mark.parametrize(
    ("table", "described"),
    [
        ({"kind": "constant", "rate": 0.5}, jm.Constant(0.5)),
        ({"kind": "inverse-time", "rate": 1, "decay": 0.5}, jm.InverseTime(1.0, 0.5)),
        ({"kind": "cosine", "rate": 1.0, "horizon": 10, "final": 0.1}, jm.Cosine(1.0, 10.0, 0.1)),
        ({"kind": "piecewise", "times": [5], "rates": [1, 0.1]}, jm.Piecewise([5.0], [1.0, 0.1])),
        ({"kind": "polyak"}, jm.Polyak()),
        ({"kind": "exact-line-search"}, jm.ExactLineSearch()),
    ],
)
def test_schedules(table, described):
    assert scenario(schedule=table).build_schedule().describe() == described.describe()


def test_settings():
    assert scenario().settings() == {"evaluate_at": (), "time": 2}
    settings = scenario(evaluate_at=[0, 1], start=0.7).settings()
    assert settings == {"evaluate_at": (0, 1), "time": 2, "start": 0.7}
    start = scenario(start={"kind": "random", "norm": 0.5}).settings()["start"]
    assert start == jm.RandomStart(0.5)
    given = {key: value for key, value in BASE.items() if key != "time"}
    np.testing.assert_array_equal(Scenario.from_mapping({**given, "times": [0, 1.5]}).settings()["times"], [0, 1.5])


@pytest.mark.parametrize("rtol", [0.0, 1e-16, 0.5, math.nan])
def test_a_tolerance_that_cannot_be(rtol):
    with pytest.raises(InputError, match="'rtol' must be"):
        scenario(rtol=rtol)
    with pytest.raises(InputError, match="rtol must be a relative tolerance from 1e-14 to 0.1"):
        jm.forecast(scenario().problem(), jm.Constant(0.5), time=1, rtol=rtol)


def test_changed():
    first = scenario(title="first")
    second = first.changed(radius=0.1, times=[1.0, 2.0])
    assert (second.radius, second.title, second.time, second.times) == (0.1, "first", None, [1.0, 2.0])
    assert first.radius == 0.5
    with pytest.raises(InputError, match="the settings: 'radius' must be >= 0"):
        first.changed(radius=-1)


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    features = rng.standard_normal((60, 3)) + np.repeat([[1.0], [-1.0]], 30, axis=0)
    rows = [f"{a},{b},{c},{kind}" for (a, b, c), kind in zip(features, ["ill"] * 30 + ["well"] * 30, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,c,state", *rows]))
    return tmp_path


def test_samples_are_read_beside_the_scenario_and_split(table):
    data = {"kind": "file", "path": "table.csv", "target": "state", "held_out": 0.2, "preprocessing": {"clip": "off"}}
    study = Scenario.from_mapping(BASE | {"data": data, "loss": {"kind": "logistic"}}, folder=table)
    problem = study.problem()
    assert problem.data.count == 48 and problem.data.preprocessing.clip is None
    features, targets = study.settings()["held_out"]
    assert features.shape == (12, 3) and sorted(set(targets)) == ["ill", "well"]
    assert study.loaded is study.loaded  # read once


def test_units_of_the_data(table):
    data = {"kind": "file", "path": "table.csv", "target": "state", "preprocessing": {"scaling": "one-factor"}}
    given = BASE | {"data": data, "loss": {"kind": "logistic"}, "units": "data", "evaluate_at": [0.5]}
    study = Scenario.from_mapping(given, folder=table)
    problem = study.problem()
    assert problem.radius == pytest.approx(problem.data.radius_from_data_units(0.5))
    assert study.settings()["evaluate_at"] == (problem.radius,)
    assert study.build_schedule().describe()["rate"] == pytest.approx(problem.data.rate_from_data_units(0.5))
    with pytest.raises(InputError, match="needs one scale for all features.*one-factor"):
        Scenario.from_mapping(given | {"data": data | {"preprocessing": {}}}, folder=table)


def test_too_much_held_out(table):
    data = {"kind": "file", "path": "table.csv", "target": "state", "held_out": 0.99}
    with pytest.raises(InputError, match="at least two samples must be left.*0 of 60 left"):
        Scenario.from_mapping(BASE | {"data": data}, folder=table).problem()


def test_a_target_of_three_words(tmp_path):
    np.savez(tmp_path / "words.npz", X=np.eye(6), y=np.array(["a", "b", "c"] * 2))
    data = {"kind": "file", "path": "words.npz"}
    with pytest.raises(InputError, match="for two classes.*--loss softmax.*--classes a:b"):
        Scenario.from_mapping(BASE | {"data": data}, folder=tmp_path).problem()
    problem = Scenario.from_mapping(BASE | {"data": data, "loss": {"kind": "softmax"}}, folder=tmp_path).problem()
    assert problem.data.classes == ("a", "b", "c")


def test_a_missing_data_file(tmp_path):
    data = {"kind": "file", "path": "table.csv", "target": "state"}
    with pytest.raises(InputError, match="data file must exist.*table.csv"):
        Scenario.from_mapping(BASE | {"data": data}, folder=tmp_path).problem()


def test_from_data_file(table):
    study = from_data_file(table / "table.csv", target="state", radius=0.2, held_out=0.25, seeds=7)
    assert study.problem().data.count == 44 and study.simulation.seeds == 7
    assert study.title == "table.csv: logistic loss, radius 0.2, rate 1"


def test_scikit_learn():
    data = {"kind": "scikit-learn", "name": "digits", "classes": [[3], [8]]}
    assert scenario(data=data, loss={"kind": "logistic"}).problem().data.count == 357


@pytest.mark.parametrize("kind", ["logistic", "probit", "sign"])
def test_random_labels(kind):
    law = {"label_law": {"kind": kind}}
    one = Scenario.from_mapping(CLASSES_FROM_TEACHER | {"data": CLASSES_FROM_TEACHER["data"] | law})
    assert one.problem().data.describe()["label_law"] == {"kind": kind}
    component = {"weight": 1.0, "covariance": {"kind": "identity"}}
    mixture = {"kind": "mixture", "dimension": 100, "components": [component], "teacher": 2.0} | law
    assert Scenario.from_mapping(CLASSES_FROM_TEACHER | {"data": mixture}).problem().data.classification


def test_links():
    link = {"kind": "erf", "gain": 0.7}
    data = CLASSES_FROM_TEACHER["data"] | {"teacher_link": link}
    one = Scenario.from_mapping(CLASSES_FROM_TEACHER | {"data": data, "loss": {"kind": "link-squared", "link": link}})
    described = one.problem().describe()
    assert described["data"]["teacher_link"] == described["loss"]["link"] == link


CLASSES_FROM_TEACHER = {
    "data": {"kind": "linear-teacher", "dimension": 100, "covariance": {"kind": "identity"}},
    "loss": {"kind": "logistic"},
    "radius": 0.3,
    "schedule": {"kind": "constant", "rate": 0.5},
    "time": 2,
}
