"""Models of several classes: against SGD written out, attacks found by search, and a process that has NumPy alone."""

import json
import subprocess
import sys

import numpy as np
import pytest

import jominy as jm
from softmax_oracle import plain_run

RNG = np.random.default_rng(4)
KINDS = np.array(["cat", "dog", "elk", "fox"])
NUMBERS = RNG.integers(4, size=240)
Y = KINDS[NUMBERS]
X = (
    2.0 * RNG.standard_normal((4, 6))[NUMBERS]
    + RNG.standard_normal((240, 6)) * [1, 2, 0.5, 1, 1, 3]
    + [0, 2, 1, 0, -3, 9]
)
SETTINGS = {"plain": {}, "intercept": {"intercept": True}, "immutable": {"immutable": [1, 5]}}


def trained(name="plain", loss=None, attack=None, **more):
    data = jm.Samples(X, Y, **SETTINGS[name])
    problem = jm.Problem(data, loss or jm.SoftmaxLoss(), 0.3, attack or jm.L2())
    return data, jm.fit(problem, jm.Constant(0.5), 8, seed=3, **{"beside_forecast": False, **more})


def _whole(model, data):
    """(K, d) with the intercept as the last column where there is one."""
    return np.column_stack([model.weights, model.intercept]) if data.intercept else model.weights


def test_the_weights_are_those_of_sgd_written_out():
    from jominy.dynamics.samples.sampling import WithReplacement
    from jominy.numerics.streams import stream

    data, model = trained(loss=jm.SoftmaxLoss(attack_steps=3))
    rows = WithReplacement().rows(stream(3, 0), 8 * 6, 240)
    W = plain_run(data.features, NUMBERS, rows, np.zeros((4, 6)), 0.5, 0.3, 3)
    np.testing.assert_allclose(model.weights, W, atol=1e-12)
    distances = np.linalg.norm(W[:, None] - W, axis=2)
    np.testing.assert_allclose(model.size, distances, atol=1e-12)


@pytest.mark.parametrize("name", SETTINGS)
def test_predictions_are_in_data_units(name):
    data, model = trained(name)
    scores = data.features @ _whole(model, data).T
    np.testing.assert_allclose(model.decision_function(X), scores, rtol=1e-9, atol=1e-12)
    assert model.predict(X).tolist() == KINDS[np.argmax(scores, axis=1)].tolist()
    assert model.score(X, Y) == np.mean(model.predict(X) == Y) > 0.8
    likely = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), likely, rtol=1e-9)
    inside = np.sum(data.fitted.scaling.standardised(X) ** 2, axis=1) <= data.fitted.cap
    np.testing.assert_allclose((X @ model.coef_.T + model.intercept_)[inside], scores[inside], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("attack", [jm.L2(), jm.LInf(), jm.Mahalanobis([1.0, 2.0, 0.5, 1.0, 1.0, 0.1])], ids=repr)
@pytest.mark.parametrize("name", ["plain", "intercept", pytest.param("immutable", marks=pytest.mark.slow)])
def test_no_attack_within_the_robust_radius_and_one_just_beyond(name, attack):
    if name == "intercept" and isinstance(attack, jm.Mahalanobis):
        attack = jm.Mahalanobis([1.0, 2.0, 0.5, 1.0, 1.0, 0.1, 0.0])
    data, model = trained(name, attack=attack)
    W, features = _whole(model, data), data.features[:40]
    d, allowed = data.dimension, ~data.untouched
    if isinstance(attack, jm.LInf):

        def strongest(gain):
            return np.sign(gain) * allowed / np.sqrt(d)
    else:
        form = np.ones(d) if attack.isotropic else attack.weights

        def strongest(gain):
            return form * allowed * gain / np.sqrt(np.sum(form * allowed * gain**2))

    scores, radii = features @ W.T, model.robust_radius(X[:40])
    answers = np.argmax(scores, axis=1)
    for x, answer, radius in zip(features, answers, radii, strict=True):
        pushes = [strongest(W[k] - W[answer]) for k in range(4) if k != answer]
        pushes += [strongest(gain) for gain in RNG.standard_normal((300, d))]
        moved = (x + 0.999 * radius * np.array(pushes)) @ W.T
        assert np.all(np.argmax(moved, axis=1) == answer)
        moved = (x + 1.001 * radius * np.array(pushes[:3])) @ W.T
        assert np.any(np.argmax(moved, axis=1) != answer)
    shares = model.certified_accuracy(X[:40], Y[:40], [0.0, 0.3, 1.0])
    right = answers == NUMBERS[:40]
    np.testing.assert_allclose(shares, [np.mean(right & (radii > r)) for r in (0.0, 0.3, 1.0)], atol=1e-12)
    assert model.certified_accuracy(X[:40], Y[:40], 0.3) == shares[1]


def test_a_saved_model_predicts_the_same_where_there_is_numpy_alone(tmp_path):
    _, model = trained("intercept", optimizer=jm.SGD(batch_size=2, momentum=0.5))
    file = model.save(tmp_path / "model.npz")
    np.savez(tmp_path / "rows.npz", X=X)
    program = f"""
import sys, json
for name in ("jax", "jaxlib", "scipy", "equinox", "torch", "sklearn"):
    sys.modules[name] = None
import numpy as np, jominy
model = jominy.load_model({str(file)!r})
X = np.load({str(tmp_path / "rows.npz")!r})["X"]
print(json.dumps([model.predict(X).tolist(), model.robust_radius(X).tolist(), model.classes, repr(model)]))
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    answers, radii, classes, said = json.loads(out)
    assert answers == model.predict(X).tolist() and radii == model.robust_radius(X).tolist()
    assert tuple(classes) == tuple(KINDS) and said == "FittedModel(6 columns, 4 classes)"
    record = jm.load_model(file).record
    assert record["optimizer"] == {"kind": "SGD", "batch_size": 2, "momentum": 0.5}


@pytest.mark.slow
def test_it_says_where_the_run_ended_beside_the_ensemble():
    _, model = trained(beside_forecast=True, held_out=(X[:50], Y[:50]))
    told = model.record["forecast"]
    assert told["adversarial_risk_sd"] > 0 and abs(told["deviations"]) < 4
    assert "for one run" in str(model) and "held out adversarial accuracy" in str(model)


def test_two_classes_have_one_score_after_softmax_too():
    rows = NUMBERS < 2
    data = jm.Samples(X[rows], Y[rows])
    model = jm.fit(jm.Problem(data, jm.SoftmaxLoss(), 0.3), jm.Constant(0.4), 6, beside_forecast=False)
    binary = jm.fit(jm.Problem(data, jm.LogisticLoss(), 0.3), jm.Constant(0.8), 6, beside_forecast=False)
    np.testing.assert_allclose(model.decision_function(X), binary.decision_function(X), rtol=1e-9)
    np.testing.assert_allclose(model.predict_proba(X), binary.predict_proba(X), rtol=1e-9)
    np.testing.assert_allclose(model.robust_radius(X), binary.robust_radius(X), rtol=1e-9)


def test_losses_without_probabilities_say_so_and_ties_are_drawn():
    _, model = trained(loss=jm.CrammerSingerLoss())
    with pytest.raises(jm.InputError, match="logistic loss, or that of softmax"):
        model.predict_proba(X)
    with pytest.raises(jm.InputError, match="one of the classes"):
        model.certified_accuracy(X[:2], ["cat", "emu"], 0.1)
    nothing = jm.FittedModel(np.zeros((4, 6)), np.zeros(4), np.zeros((4, 4)), classes=tuple(KINDS))
    assert nothing.certified_accuracy(X, Y, 0.2) == 0.25 and np.all(nothing.robust_radius(X) == 0)
