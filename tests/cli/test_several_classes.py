"""A table with several classes on the command line: answers, and what is asked of optimizer and ensemble."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_wine

import jominy as jm
from jominy.cli.main import main, parser
from jominy.cli.options import scenario

WORDS = ["red", "rose", "white"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("classes")
    X, y = load_wine(return_X_y=True)
    names = ",".join(f"f{j}" for j in range(X.shape[1]))
    for name, target in (("words", [WORDS[k] for k in y]), ("numbers", y)):
        rows = "\n".join(",".join(map(str, [*x, kind])) for x, kind in zip(X[:, :4], target, strict=True))
        (path / f"{name}.csv").write_text(",".join(names.split(",")[:4]) + f",y\n{rows}\n")
    return path


@pytest.mark.parametrize("name", ["words", "numbers"])
def test_a_table_with_several_classes_is_forecast(name, folder, capsys):
    out = folder / "told.nc"
    options = ["--target", "y", "--radius", "0.2", "--time", "2", "--runs", "20", "--evaluate-at", "0.5"]
    code = main(["forecast", str(folder / f"{name}.csv"), *options, "--out", str(out), "--plot", str(folder / "a.png")])
    said = capsys.readouterr().out
    assert code == 0 and "softmax loss" in said and "mean of 20 real runs" in said
    assert "accuracy of each class on rows held out of training, at time 2" in said and "taken for" in said
    told = jm.load(out)
    assert told["class"].values.tolist() == (WORDS if name == "words" else ["0", "1", "2"])
    assert told.attrs["runs"] == 20 and float(told["clean_accuracy"][-1]) > 0.6
    if name == "numbers":
        assert "3 whole numbers, taken for classes" in " ".join(said.split())
    assert main(["report", str(out), "--out", str(folder / "page.html")]) == 0


def test_a_model_of_several_classes_is_saved(folder, capsys):
    file = folder / "model.npz"
    options = ["--target", "y", "--radius", "0.2", "--time", "3", "--momentum", "0.5", "--out", str(file), "--json"]
    assert main(["fit", str(folder / "words.csv"), *options]) == 0
    told = json.loads(capsys.readouterr().out)["model"]
    assert told["optimizer"] == {"kind": "SGD", "momentum": 0.5} and list(told["weights"]) == WORDS
    assert list(told["weights"]["red"]) == ["f0", "f1", "f2", "f3"] and set(told["intercept"]) == set(WORDS)
    model = jm.load_model(file)
    assert set(model.predict(load_wine().data[:, :4])) <= set(WORDS)


def test_options_of_the_optimizer_change_a_scenario(folder):
    def read(*words):
        return scenario(parser().parse_args(["forecast", *words]))

    options = [
        "--batch-size",
        "8",
        "--momentum",
        "0.9",
        "--nesterov",
        "--weight-decay",
        "1/1000",
        "--precision",
        "0.02",
    ]
    study = read(str(folder / "words.csv"), "--target", "y", "--radius", "0.2", *options)
    assert study.optimizer.build() == jm.SGD(8, 1e-3, 0.9, True) and study.precision == 0.02
    path = folder / "study.toml"
    path.write_text(
        'data = { kind = "scikit-learn", name = "wine", held_out = 0.25 }\n'
        'loss = { kind = "softmax", attack_steps = 1 }\n'
        'radius = 0.2\nschedule = { kind = "constant", rate = 0.5 }\ntime = 1\noptimizer = { momentum = 0.5 }\n'
    )
    study = read(str(path), "--batch-size", "4")
    assert study.optimizer.build() == jm.SGD(4, momentum=0.5)
    assert study.problem().loss == jm.SoftmaxLoss(attack_steps=1) and study.problem().data.classes == (0, 1, 2)


def test_class_weights_count_in_the_risk(folder):
    X, y = load_wine(return_X_y=True)
    plain, weighted = (jm.Samples(X, [WORDS[k] for k in y], class_weight=w) for w in (None, {"red": 3.0}))
    runs = [
        jm.simulate(jm.Problem(data, jm.SoftmaxLoss(), 0.2), jm.Constant(0.5), times=[0.0, 4.0], seeds=1)
        for data in (plain, weighted)
    ]
    weight = 1 + 2 * np.mean(y == 0)
    assert float(runs[1]["clean_risk"][0, 0]) == pytest.approx(weight * np.log(3))
    red = [float(run["adversarial_class_accuracy"][0, -1, 0]) for run in runs]
    assert red[1] >= red[0]
    balanced = jm.Samples(X, [WORDS[k] for k in y], class_weight="balanced").class_weights
    np.testing.assert_allclose(balanced, len(y) / (3 * np.bincount(y)))
