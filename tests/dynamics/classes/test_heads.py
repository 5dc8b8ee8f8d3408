"""Heads on frozen features: against the formulas in NumPy, brute force, and the engine of plain samples."""

import math

import numpy as np
import pytest

import jominy as jm
from jominy.dynamics.engines import row_engines_of
from jominy.dynamics.labelled import Training
from jominy.dynamics.samples.sampling import WithReplacement
from jominy.dynamics.samples.sgd import drawn_rows
from jominy.dynamics.simulation.sgd import RowRuns
from jominy.numerics.precision import double_precision

N, M, P, R, K = 120, 7, 11, 4, 3


def _frozen(classes=K, seed=0):
    g = np.random.default_rng(seed)
    y = g.integers(classes, size=N)
    phi = 1.5 * np.eye(classes, M)[y] + g.standard_normal((N, M)) + 0.7
    directions = np.stack([np.linalg.qr(g.standard_normal((P, R)))[0] for _ in range(N)])
    return jm.FrozenFeatures(phi, 0.4 * g.standard_normal((N, M, R)), directions, y)


def _problem(frozen, norm, radius, **loss):
    return jm.Problem(jm.HeadSamples(frozen, norm=norm), jm.SoftmaxLoss(**loss), radius)


@double_precision
def _weights(problem, time, seeds, optimizer, **settings):
    training = Training(problem, jm.Constant(1.0), settings.pop("start", None), np.zeros(0), optimizer=optimizer)
    runs, weights = row_engines_of(problem).runs(training, RowRuns(np.array([time]), seeds, keep=True))
    return runs, np.asarray(weights)


def _softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def _attacked(W, x, J, label, radius, norm):
    """The features after four steps of the attack on the input, written out."""
    step = np.zeros(P)
    for _ in range(4):
        u = _softmax(W @ (x + J @ step))
        u[label] -= 1
        slope = J.T @ W.T @ u
        step = radius * (np.sign(slope) if norm == math.inf else slope / max(np.linalg.norm(slope), 1e-300))
    return x + J @ step


@pytest.mark.parametrize("norm", [2, math.inf])
def test_training_and_reading_are_the_formulas_written_out(norm):
    frozen, radius, batch = _frozen(), 0.2, 4
    problem = _problem(frozen, norm, radius)
    samples = problem.samples
    scale = samples.fitted.factor
    X = np.column_stack([scale * (frozen.features - frozen.features.mean(axis=0)), np.ones(N)])
    np.testing.assert_allclose(X, samples.features, atol=1e-12)
    J = np.pad(scale * frozen.factors @ frozen.directions.swapaxes(1, 2), ((0, 0), (0, 1), (0, 0)))
    start = 0.3 * np.random.default_rng(3).standard_normal((K, M + 1))
    time = 24 * batch / (M + 1)
    runs, weights = _weights(problem, time, [5], jm.SGD(batch_size=batch, momentum=0.5), start=start)
    rows = drawn_rows(WithReplacement(), 5, 24 * batch, N).reshape(-1, batch)
    W, buffer = start, np.zeros_like(start)
    for chosen in rows:
        gradient = np.zeros_like(W)
        for i in chosen:
            x = _attacked(W, X[i], J[i], frozen.labels[i], radius, norm)
            u = _softmax(W @ x)
            u[frozen.labels[i]] -= 1
            gradient += np.outer(u, x) / batch
        buffer = 0.5 * buffer + gradient
        W = W - buffer / (M + 1)
    np.testing.assert_allclose(weights[0], W, atol=2e-6)
    scores = [W @ _attacked(W, X[i], J[i], frozen.labels[i], radius, norm) for i in range(N)]
    risk = np.mean([-np.log(_softmax(z)[y]) for z, y in zip(scores, frozen.labels, strict=True)])
    assert float(runs.adversarial_risk[0, -1]) == pytest.approx(risk, rel=1e-5)
    right = np.mean([np.argmax(z) == y for z, y in zip(scores, frozen.labels, strict=True)])
    assert float(runs.adversarial_accuracy[0, -1]) == pytest.approx(right, abs=1e-6)
    assert float(runs.clean_risk[0, -1]) < risk


@pytest.mark.parametrize("norm", [2, math.inf])
def test_no_perturbation_of_the_input_raises_the_loss_of_two_classes_further(norm):
    frozen, radius = _frozen(classes=2), 0.3
    runs, weights = _weights(_problem(frozen, norm, radius), 10.0, [0], jm.SGD(batch_size=4))
    samples = _problem(frozen, norm, radius).samples
    w = weights[0, 1] - weights[0, 0]
    sign = 2 * frozen.labels - 1
    margin = sign * (samples.features @ w)
    g = np.random.default_rng(1)
    delta = g.standard_normal((4000, P)) if norm == 2 else np.sign(g.standard_normal((4000, P)))
    delta *= radius / (np.linalg.norm(delta, axis=1, keepdims=True) if norm == 2 else 1.0)
    moved = samples.fitted.factor * np.einsum("m,nmr,npr,qp->nq", w[:-1], frozen.factors, frozen.directions, delta)
    worst = np.mean(np.logaddexp(0, -(margin - np.abs(moved).max(axis=1))))
    told = float(runs.adversarial_risk[0, -1])
    assert worst < told < 1.2 * worst


def test_features_that_move_all_alike_are_plain_samples():
    frozen = _frozen()
    alike = jm.FrozenFeatures(frozen.features, np.tile(np.eye(M), (N, 1, 1)), None, frozen.labels)
    problem = _problem(alike, 2, 0.25, attack_steps=4)
    plain = jm.Samples(
        frozen.features, frozen.labels, jm.Preprocessing(scaling=jm.Scaling.ONE_FACTOR, clip=None), intercept=True
    )
    # The same attack, in units of the scaled features.
    scaled = plain.radius_from_data_units(0.25)
    other = jm.Problem(plain, jm.SoftmaxLoss(attack_steps=4), scaled)
    optimizer = jm.SGD(batch_size=3, weight_decay=0.01)
    mine, weights = _weights(problem, 6.0, [0, 1], optimizer)
    theirs, expected = _weights(other, 6.0, [0, 1], optimizer)
    np.testing.assert_allclose(weights, expected, atol=2e-6)
    # Four steps from the clean row reach what the exact attack does, nearly; the accuracy is that of this attack.
    np.testing.assert_allclose(mine.adversarial_risk, theirs.adversarial_risk, rtol=1e-3)
    assert np.all(mine.adversarial_accuracy.values >= theirs.adversarial_accuracy.values)
    np.testing.assert_allclose(mine.robust_radius * plain.fitted.factor, theirs.robust_radius, rtol=1e-5)


def test_a_forecast_of_a_head_and_its_model():
    frozen = _frozen()
    problem = _problem(frozen[:80], 2, 0.2)
    optimizer = jm.SGD(batch_size=4)
    curve = jm.forecast(
        problem, jm.Constant(1.0), time=8, optimizer=optimizer, held_out=(frozen[80:], None), evaluate_at=[0.1]
    )
    assert curve.sizes["time"] == 9
    assert bool(curve.adversarial_accuracy[-1] < curve.accuracy_at_radius[-1, 0] < curve.clean_accuracy[-1])
    assert "features of a network" in curve.attrs["notes"]
    runs = jm.simulate(
        problem, jm.Constant(1.0), times=curve.time.values, seeds=40, optimizer=optimizer,
        held_out=(frozen[80:], frozen.labels[80:]),
    )  # fmt: skip
    assert float(jm.compare(curve, runs)["largest_z"].max()) < 4.5
    model = jm.fit(problem, jm.Constant(1.0), time=8, optimizer=optimizer, beside_forecast=False)
    share = np.mean(model.predict(frozen.features[:80]) == frozen.labels[:80])
    assert share > 0.6 and f"clean accuracy {share:.3f}" in str(model)
    # A start from a head is that head: without a step it answers alike.
    start = problem.samples.start_from(model.coef_, model.intercept_)
    still, weights = _weights(problem, 0.0, [0], optimizer, start=start)
    np.testing.assert_allclose(weights[0, :, :-1], model.weights, atol=1e-9)
    assert float(still.clean_accuracy[0, -1]) == pytest.approx(share, abs=1e-6)
    with pytest.raises(jm.InputError, match="needs the network"):
        model.robust_radius(frozen.features)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_collapse_radius_of_rows_that_move_alike_is_that_of_samples(classes):
    frozen = _frozen(classes)
    alike = jm.FrozenFeatures(frozen.features, np.tile(np.eye(M), (N, 1, 1)), None, frozen.labels)
    plain = jm.Samples(
        frozen.features, frozen.labels, jm.Preprocessing(scaling=jm.Scaling.ONE_FACTOR, clip=None), intercept=True
    )
    expected = jm.collapse_radius(jm.Problem(plain, jm.SoftmaxLoss(), 0.1)) / plain.fitted.factor
    assert jm.collapse_radius(_problem(alike, 2, 0.1)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("norm", [2, math.inf])
def test_beyond_the_collapse_radius_no_head_is_better_than_the_shares(norm):
    from scipy.optimize import minimize

    frozen = _frozen(2)
    radius = jm.collapse_radius(_problem(frozen, norm, 0.1))
    samples = _problem(frozen, norm, 0.1).samples
    X, sign = samples.features[:, :-1], 2 * frozen.labels - 1
    J = samples.fitted.factor * frozen.factors @ frozen.directions.swapaxes(1, 2)

    def risk(w, size):
        shift = np.einsum("nmp,m->np", J, w[:-1])
        moved = np.abs(shift).sum(axis=1) if norm == math.inf else np.linalg.norm(shift, axis=1)
        return np.mean(np.logaddexp(0, -(sign * (X @ w[:-1] + w[-1]) - size * moved)))

    share = np.mean(frozen.labels)
    zero = -share * np.log(share) - (1 - share) * np.log(1 - share)
    start = np.append(0.05 * (X[sign > 0].mean(axis=0) - X[sign < 0].mean(axis=0)), np.log(share / (1 - share)))
    found = [
        minimize(risk, start, args=(factor * radius,), method="Powell", options={"maxiter": 20}).fun
        for factor in (0.85, 1.1)
    ]
    assert found[0] < zero - 1e-4 and found[1] > zero - 1e-6


def test_features_are_read_again_as_they_were(tmp_path):
    frozen = _frozen()
    again = jm.load_features(frozen.save(tmp_path / "features.npz"))
    for name in ("features", "factors", "directions", "labels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(frozen, name))
    (tmp_path / "other.npz").write_bytes(b"nothing")
    with pytest.raises(jm.InputError, match="Features must be a file"):
        jm.load_features(tmp_path / "other.npz")
    with pytest.raises(jm.InputError, match="no file"):
        jm.load_features(tmp_path / "none.npz")


def test_features_for_inputs_are_warned_of():
    frozen = _frozen()
    assert "off by .2 to .5" in " ".join(jm.Samples(frozen, frozen.labels).report)
    assert "off by" not in " ".join(jm.HeadSamples(frozen).report)


@pytest.mark.parametrize(
    "wrong, told",
    [
        (lambda f: jm.HeadSamples(f.features, f.labels), "needs FrozenFeatures"),
        (lambda f: jm.HeadSamples(jm.FrozenFeatures(f.features), f.labels), "features without factors"),
        (lambda f: jm.HeadSamples(jm.FrozenFeatures(f.features, f.factors), f.labels, norm=math.inf), "directions"),
        (lambda f: jm.HeadSamples(f, norm=1), "2 or infinity"),
        (lambda f: jm.HeadSamples(jm.FrozenFeatures(f.features, f.factors)), "A head needs labels"),
        (lambda f: jm.FrozenFeatures(f.features, f.factors[:5]), "must belong to the features"),
        (lambda f: jm.Problem(jm.HeadSamples(f), jm.LogisticLoss(), 0.1), "score for each class"),
        (lambda f: jm.Problem(jm.HeadSamples(f), jm.SoftmaxLoss(), 0.1, jm.LInf()), "budgets of their own"),
        (lambda f: jm.collapse_radius(jm.Problem(jm.HeadSamples(f), jm.CrammerSingerLoss(), 0.1)), "softmax loss"),
        (lambda f: jm.HeadSamples(f).start_from(np.zeros((2, M))), "one row for each class"),
    ],
)
def test_what_does_not_go(wrong, told):
    with pytest.raises(jm.InputError, match=told):
        wrong(_frozen())
