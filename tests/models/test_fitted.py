"""Trained models: against plain SGD in NumPy, scikit-learn's own arithmetic, and attacks found by search."""

import json
import subprocess
import sys

import numpy as np
import pytest

import jominy as jm

RNG = np.random.default_rng(4)
X = RNG.standard_normal((240, 6)) * [1, 5, 0.2, 1, 1, 30] + [0, 2, 1, 0, -3, 100]
Y = np.where((X - [0, 2, 1, 0, -3, 100]) @ [1, 0.2, 2, 0, 0.5, 0.01] + RNG.standard_normal(240) > 0.3, "ill", "well")
SETTINGS = {"plain": {}, "intercept": {"intercept": True}, "immutable": {"immutable": [1, 5]}}


def trained(name="plain", loss=None, radius=0.3, **more):
    data = jm.Samples(X, Y, **SETTINGS[name])
    return data, jm.fit(jm.Problem(data, loss or jm.LogisticLoss(), radius), jm.Constant(0.4), 8, seed=3, **more)


def by_hand(data, rows, radius, rate):
    """SGD on the rows of these numbers, written out: the l2 attack on what may be touched."""
    x, y, d = data.features, data.targets, data.dimension
    touched, w = ~data.untouched, np.zeros(data.dimension)
    for i in rows:
        size = np.linalg.norm(w[touched])
        slope = -1 / (1 + np.exp(y[i] * (w @ x[i]) - radius * size))
        pull = -radius * slope * np.where(touched, w, 0.0) / size if size > 0 else 0.0
        w = w - rate / d * (slope * y[i] * x[i] + pull)
    return w, np.linalg.norm(w[touched])


@pytest.mark.parametrize("name", SETTINGS)
def test_the_weights_are_those_of_sgd_written_out(name):
    from jominy.dynamics.samples.sampling import WithReplacement
    from jominy.numerics.streams import stream

    data, model = trained(name)
    steps = 8 * data.dimension
    weights, size = by_hand(data, WithReplacement().rows(stream(3, 0), steps, data.count), 0.3, 0.4)
    ours = np.append(model.weights, model.intercept) if name == "intercept" else model.weights
    np.testing.assert_allclose(ours, weights, rtol=1e-10, atol=1e-13)
    assert model.size == pytest.approx(size, rel=1e-10)
    np.testing.assert_allclose(model.decision_function(X), data.features @ weights, rtol=1e-9, atol=1e-12)


def test_predictions_are_classes_in_data_units():
    data, model = trained("intercept")
    scores = data.features @ np.append(model.weights, model.intercept)
    assert model.predict(X).tolist() == np.where(scores > 0, "well", "ill").tolist()
    assert model.score(X, Y) == np.mean(model.predict(X) == Y) > 0.7
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-scores)), rtol=1e-12)
    inside = np.sum(data.fitted.scaling.standardised(X) ** 2, axis=1) <= data.fitted.cap
    np.testing.assert_allclose((X @ model.coef_ + model.intercept_)[inside], scores[inside], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", SETTINGS)
def test_no_attack_within_the_robust_radius_and_one_just_beyond(name):
    """Attacks on the features trained on: 2,000 random directions find none within, the gradient's finds one beyond."""
    data, model = trained(name)
    features, weights = data.features[:40], np.append(model.weights, model.intercept)[: data.dimension]
    if name == "intercept":
        weights = np.append(model.weights, model.intercept)
    scores, radii = features @ weights, model.robust_radius(X[:40])
    allowed = np.where(data.untouched, 0.0, 1.0)
    tries = RNG.standard_normal((2000, data.dimension)) * allowed
    tries /= np.linalg.norm(tries, axis=1, keepdims=True)
    reached = np.abs(tries @ weights).max()
    assert np.all(0.999 * radii * reached < np.abs(scores))
    best = -np.sign(scores)[:, None] * weights * allowed / np.linalg.norm(weights * allowed)
    moved = np.sum((features + 1.001 * radii[:, None] * best) * weights, axis=1)
    assert np.all(np.sign(moved) == -np.sign(scores))
    margins = data.targets * (data.features @ weights)
    shares = model.certified_accuracy(X, Y, [0.0, 0.3, 1.0])
    np.testing.assert_allclose(shares, [np.mean(margins > r * model.size) for r in (0.0, 0.3, 1.0)], atol=1e-12)


def test_a_regression_predicts_in_units_of_its_target():
    target = 1e3 * (X[:, 0] + 0.3 * X[:, 1]) + 5e4
    data = jm.Samples(X, target)
    model = jm.fit(jm.Problem(data, jm.SquaredLoss(), 0.0), jm.Constant(0.2), 60)
    assert model.score(X, target) > 0.9
    np.testing.assert_allclose(np.mean(model.predict(X)), np.mean(target), rtol=0.02)
    for verb in (model.robust_radius, model.predict_proba):
        with pytest.raises(jm.InputError):
            verb(X)


def test_a_saved_model_is_read_without_the_engines(tmp_path):
    _, model = trained("intercept")
    path = model.save(tmp_path / "model.npz")
    np.save(tmp_path / "x.npy", X)
    program = (
        "import sys, json, numpy as np; from jominy.models import load_model; "
        f"m = load_model({str(path)!r}); x = np.load({str(tmp_path / 'x.npy')!r}); "
        "print(json.dumps([m.predict(x).tolist(), m.robust_radius(x).tolist(), "
        "[n for n in ('jax', 'equinox', 'scipy', 'xarray', 'pandas') if n in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    classes, radii, loaded = json.loads(done.stdout)
    assert classes == model.predict(X).tolist() and not loaded
    np.testing.assert_array_equal(radii, model.robust_radius(X))
    assert str(jm.load_model(path)) == str(model)


def test_words_are_encoded_and_saved(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"]).assign(town=np.where(X[:, 3] > 0, "north", "south"))
    frame.loc[3, "a"] = np.nan
    data = jm.Samples(frame, Y, transform=jm.Encoder(), intercept=True)
    model = jm.fit(jm.Problem(data, jm.LogisticLoss(), 0.1), jm.Constant(0.4))
    again = jm.load_model(model.save(tmp_path / "m.npz"))
    other = frame.iloc[:9, ::-1]
    np.testing.assert_array_equal(again.decision_function(other), model.decision_function(frame.iloc[:9]))
    beside = frame.assign(ill=Y, number=3)  # a table as it was read, with its target
    np.testing.assert_array_equal(again.decision_function(beside), model.decision_function(frame))
    with pytest.raises(jm.InputError):
        again.predict(frame[["a", "b"]])


def test_where_the_run_ended_beside_its_forecast():
    """100 runs: the z that models state have a standard deviation near one (standard error .07)."""
    told = [trained(radius=0.2, progress=False)[1].record]
    data = jm.Samples(X, Y)
    problem = jm.Problem(data, jm.LogisticLoss(), 0.2)
    told += [jm.fit(problem, jm.Constant(0.4), 8, seed=seed, progress=False).record for seed in range(100)]
    away = np.array([one["forecast"]["deviations"] for one in told])
    assert 0.7 < np.std(away) < 1.3 and abs(np.mean(away)) < 0.5
    assert told[0]["end"]["adversarial_risk"] == pytest.approx(
        float(jm.simulate(problem, jm.Constant(0.4), 8, seeds=[3]).adversarial_risk[0, -1]), rel=1e-12
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: b[:200], "file that FittedModel.save wrote"),
        (lambda b: b"", "file that FittedModel.save wrote"),
    ],
)
def test_damaged_files_are_refused(change, words, tmp_path):
    _, model = trained()
    path = model.save(tmp_path / "m.npz")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(jm.InputError, match=words):
        jm.load_model(path)
    arrays = dict(np.load(model.save(path)))
    np.savez(path, **arrays | {"told": np.array(str(arrays["told"]).replace("jominy model 1", "jominy model 2"))})
    with pytest.raises(jm.InputError, match="jominy model 2.*Upgrade"):
        jm.load_model(path)
    with pytest.raises(jm.InputError, match="no file"):
        jm.load_model(tmp_path / "none.npz")


def test_bad_rows_and_problems():
    _, model = trained()
    for bad in (X[:, :4], X[0], X * np.nan, [["a"] * 6]):
        with pytest.raises(jm.InputError):
            model.predict(bad)
    with pytest.raises(jm.InputError, match="one of the classes"):
        model.certified_accuracy(X, np.repeat("sick", len(X)), 0.1)
    with pytest.raises(jm.InputError, match="fitted to samples"):
        jm.fit(jm.Problem(jm.LinearTeacher(jm.identity(9)), jm.SquaredLoss(), 0.1), jm.Constant(0.1))
    with pytest.raises(jm.InputError, match="diverges leaves no model"):
        jm.fit(jm.Problem(jm.Samples(X, Y), jm.SquaredLoss(), 0.1), jm.Constant(60.0), 40)


def test_the_command_line_saves_what_python_fits(tmp_path, capsys):
    from jominy.cli.main import main

    table = tmp_path / "patients.csv"
    rows = "\n".join(",".join(map(str, [*row, y])) for row, y in zip(X.tolist(), Y, strict=True))
    table.write_text("a,b,c,d,e,f,state\n" + rows)
    out = tmp_path / "model.npz"
    argv = ["fit", str(table), "--target", "state", "--radius", "0.2", "--intercept", "--out", str(out), "--seed", "1"]
    assert main(argv) in (None, 0)
    shown = capsys.readouterr().out
    assert "forecast" in shown and "radius 0.2" in shown and "for one run" in shown
    model = jm.load_model(out)
    assert model.columns == ("a", "b", "c", "d", "e", "f") and model.score(X, Y) > 0.7
    assert main([*argv, "--json"]) in (None, 0)
    assert set(json.loads(capsys.readouterr().out)["model"]["weights"]) == set("abcdef")
    assert main(["fit", "examples/power_law.toml"]) == 2
    assert "samples" in capsys.readouterr().err


@pytest.mark.parametrize("several", [False, True])
def test_a_model_as_safetensors_is_what_the_package_reads(several, tmp_path):
    g = np.random.default_rng(0)
    weights = g.standard_normal((3, 4)) if several else g.standard_normal(4)
    size = np.abs(g.standard_normal((3, 3))) if several else 0.7
    scaling = jm.Samples(g.standard_normal((9, 5)), g.standard_normal(9)).fitted.scaling
    scaling = scaling._replace(kept=np.array([True, True, False, True, True]), scale=scaling.scale[:4])
    classes = ("a", "b", "c") if several else ("a", "b")
    model = jm.FittedModel(
        weights, g.standard_normal(3) if several else 0.25, size, scaling, classes, columns=("u", "v", "w", "x", "y"),
        probabilistic=True, record={"report": ["so"]},
    )  # fmt: skip
    file = model.save(tmp_path / "model.safetensors")
    again, rows = jm.load_model(file), g.standard_normal((20, 5))
    np.testing.assert_array_equal(again.decision_function(rows), model.decision_function(rows))
    np.testing.assert_array_equal(again.robust_radius(rows), model.robust_radius(rows))
    assert again.classes == classes and again.record == model.record and again.columns == model.columns
    safetensors = pytest.importorskip("safetensors.numpy")
    np.testing.assert_array_equal(safetensors.load_file(file)["weights"], weights)
    for broken in (b"", b"1234567", file.read_bytes()[:-9], b"\xff" * 40):
        (tmp_path / "broken.safetensors").write_bytes(broken)
        with pytest.raises(jm.InputError, match="must be a file that FittedModel.save wrote"):
            jm.load_model(tmp_path / "broken.safetensors")
