"""Trained under one attack and looked at under others: `theory attacks.md` section 6."""

import numpy as np
import pytest
import scipy.stats

import jominy as jm

C = np.sqrt(2 / np.pi)
RNG = np.random.default_rng(8)
X = RNG.standard_normal((120, 5)) @ (np.eye(5) + 0.4 * RNG.standard_normal((5, 5)))
Y = np.where(X @ [1.0, -0.6, 0.4, 0.2, 0.0] + RNG.standard_normal(120) > 0, 1.0, -1.0)
OTHERS = [
    (jm.L2(), 0.3),
    (jm.LInf(), 0.5),
    (jm.LInf([1.0, 2.0, 0.0, 1.0, 1.0]), 0.4),
    (jm.Mahalanobis(np.eye(5) + 1), 0.2),
]


def size(attack, x):
    """In NumPy, over the last axis."""
    if isinstance(attack, jm.LInf):
        return np.abs(x) @ (np.ones(5) if attack.budget is None else attack.budget) / np.sqrt(5)
    form = np.eye(5) if isinstance(attack, jm.L2) else attack.weights
    return np.sqrt(np.einsum("...i,ij,...j->...", x, form, x))


def risk_and_accuracy(attack, radius, x):
    margin = x @ X.T * Y - radius * size(attack, x)[..., None]
    return np.logaddexp(0, -margin).mean(axis=-1), (margin > 0).mean(axis=-1)


def trained(attack, **how):
    problem = jm.Problem(jm.Samples(X, Y, preprocessing=None), jm.LogisticLoss(), 0.4, attack)
    return jm.forecast(problem, evaluate_at=[0.1, *OTHERS], **how)


@pytest.mark.parametrize("attack", [jm.L2(), jm.LInf(), jm.Mahalanobis([1.0, 0.0, 2.0, 1.0, 0.5])])
def test_weights_that_stand_still_have_the_risk_of_numpy(attack):
    start = np.array([0.5, -0.3, 0.2, 0.0, 0.1])
    told = trained(attack, schedule=jm.Constant(0.0), times=[1.0], start=start)
    assert told.evaluation_attack.values[1] == "LInf 0.5" and told.evaluation_radius.values.tolist() == [0.1]
    for place, (other, radius) in enumerate(OTHERS):
        risk, accuracy = risk_and_accuracy(other, radius, start)
        assert float(told.risk_at_attack[0, place]) == pytest.approx(risk, rel=1e-6)
        assert float(told.accuracy_at_attack[0, place]) == pytest.approx(accuracy, abs=1e-6)


@pytest.mark.parametrize("attack", [jm.L2(), jm.LInf()])
def test_sgd_in_numpy_has_these_risks(attack):
    """300 runs from a random start, standard error .3 to 1 %; the attacks' risks differ by up to 10 %."""
    told = trained(attack, schedule=jm.Constant(0.3), times=[2.0, 8.0], start=jm.RandomStart(0.5))
    rng = np.random.default_rng(1)
    x, seen = 0.5 / np.sqrt(5) * rng.standard_normal((300, 5)), []
    for step in range(41):
        if step in (10, 40):
            seen.append(x)
        rows, labels = X[which := rng.integers(0, 120, 300)], Y[which]
        slope = -1 / (1 + np.exp(labels * np.sum(rows * x, axis=1) - 0.4 * size(attack, x)))
        unit = np.sign(x) / np.sqrt(5) if isinstance(attack, jm.LInf) else x / size(attack, x)[:, None]
        x = x - 0.3 / 5 * slope[:, None] * (labels[:, None] * rows - 0.4 * unit)
    for place, (other, radius) in enumerate(OTHERS):
        for time in (0, 1):
            risks = risk_and_accuracy(other, radius, seen[time])[0]
            error = risks.std() / np.sqrt(300)
            assert abs(float(told.risk_at_attack[time, place]) - risks.mean()) < 3 * error + 0.008 * risks.mean()
    assert np.ptp(told.risk_at_attack.values[1]) > 0.05


def test_few_rows_are_seen_in_all_their_features():
    """More features than rows, random start: the attack of the training, asked for in the features, is what it was."""
    data = jm.Samples(X[:3], Y[:3], preprocessing=None)
    for attack in (jm.L2(), jm.LInf(), jm.Mahalanobis([1.0, 0.5, 1.0, 1.0, 0.5])):
        told = jm.forecast(
            jm.Problem(data, jm.LogisticLoss(), 0.4, attack), jm.Constant(0.3), times=[1.0, 5.0],
            start=jm.RandomStart(0.6), evaluate_at=[(attack, 0.4)], held_out=(X[3:], Y[3:]),
        )  # fmt: skip
        for prefix in ("", "held_out_"):
            other, own = told[f"{prefix}risk_at_attack"][:, 0], told[f"{prefix}adversarial_risk"]
            np.testing.assert_allclose(other, own, rtol=2e-5)


def test_mixtures_trained_under_l_inf_know_l2():
    """Least squares: R = (sigma^2 + 2 c eps rho sigma + eps^2 rho^2) / 2, sigma^2 twice the clean risk, rho ||X||."""
    data = jm.LinearTeacher([1.6, 0.4], [0.9, -0.4], noise_variance=0.25)
    problem = jm.Problem(data, jm.SquaredLoss(), 0.5, jm.LInf())
    told = jm.forecast(
        problem, jm.Constant(0.6), times=[0.5, 2.0], start=jm.RandomStart(0.7),
        evaluate_at=[(jm.L2(), 0.3), (jm.LInf(), 0.5)],
    )  # fmt: skip
    sigma, rho = np.sqrt(2 * told.clean_risk.values), told.norm.values
    wanted = (sigma**2 + 2 * C * 0.3 * rho * sigma + (0.3 * rho) ** 2) / 2
    np.testing.assert_allclose(told.risk_at_attack[:, 0], wanted, rtol=2e-4)
    np.testing.assert_allclose(told.risk_at_attack[:, 1], told.adversarial_risk, rtol=2e-4)
    with pytest.raises(jm.InputError, match="in l2, and with the same budgets"):
        jm.forecast(problem, jm.Constant(0.6), time=1, evaluate_at=[(jm.LInf([1.0, 2.0]), 0.2)])


@pytest.mark.parametrize("rotated", [False, True])
def test_mixtures_trained_in_l2_know_every_weight(rotated):
    """The attack of the training, asked for as another one, has its risk; SGD in NumPy has those of the others: 400
    runs at d = 60, standard errors .2 to .5 %, the attacks' risks differing by 20 %."""
    d, g = 60, np.random.default_rng(0)
    k, teacher = np.linspace(0.3, 1.7, d), np.where(np.arange(d) % 3 == 0, 1.6, -0.4) / np.sqrt(d)
    turn = np.linalg.qr(g.standard_normal((d, d)))[0] if rotated else np.eye(d)
    data = jm.LinearTeacher(turn @ np.diag(k) @ turn.T if rotated else jm.spectrum(k), turn @ teacher, 0.25)
    budget = np.where(np.arange(d) % 2 == 0, 2.0, 0.5)
    others = [(jm.L2(), 0.5), (jm.LInf(), 0.8), (jm.LInf(budget), 0.8), (jm.Mahalanobis(budget), 0.5)]
    how = {"times": [1.0, 4.0], "start": jm.RandomStart(0.7)}
    told = jm.forecast(jm.Problem(data, jm.SquaredLoss(), 0.5), jm.Constant(0.6), evaluate_at=[0.1, *others], **how)
    np.testing.assert_allclose(told.risk_at_attack[:, 0], told.adversarial_risk, rtol=1e-7)
    x = 0.7 / np.sqrt(d) * g.standard_normal((400, d))
    covariance, seen = turn @ np.diag(k) @ turn.T, {}
    for step in range(4 * d + 1):
        if step in (d, 4 * d):
            seen[step] = x
        rows = (np.sqrt(k) * g.standard_normal((400, d))) @ turn.T
        error = np.sum(rows * (x - turn @ teacher), axis=1) - 0.5 * g.standard_normal(400)
        size = np.linalg.norm(x, axis=1)
        slope = error + 0.5 * size * np.sign(error)
        along = 0.5 * np.abs(error) + 0.25 * size
        x = x - 0.6 / d * (slope[:, None] * rows + (along / size)[:, None] * x)
    for row, x in enumerate(seen.values()):
        off = x - turn @ teacher
        sigma = np.sqrt(0.25 + np.einsum("ri,ij,rj->r", off, covariance, off))
        sizes = [
            np.linalg.norm(x, axis=1), np.abs(x).mean(axis=1) * np.sqrt(d), np.abs(x) @ budget / np.sqrt(d),
            np.sqrt(x**2 @ budget),
        ]  # fmt: skip
        for place, (size, (_, radius)) in enumerate(zip(sizes, others, strict=True)):
            risk = (sigma**2 + 2 * C * radius * size * sigma + (radius * size) ** 2) / 2
            error = risk.std() / 20
            assert abs(float(told.risk_at_attack[row, place]) - risk.mean()) < 3.5 * error + 1.4 / d * risk.mean()


def test_classes_and_an_intercept_are_seen_under_l_inf_after_l2():
    """At rate zero and a fixed start: scores written out in NumPy."""
    mean, k = np.array([0.6, -0.3, 0.2]), np.array([0.5, 1.0, 2.0])
    data = jm.GaussianMixture([0.3, 0.7], [mean, -mean], [k, k[::-1]], labels=[1, -1], intercept=True)
    x = np.array([0.5, -0.4, 0.1, -0.3])
    told = jm.forecast(
        jm.Problem(data, jm.LogisticLoss(), 0.2), jm.Constant(0.0), times=[1.0], start=x, evaluate_at=[(jm.LInf(), 0.6)]
    )
    shift = 0.6 * np.abs(x[:3]).sum() / 2
    z = np.array(
        [
            (x[:3] @ mean + x[3] - shift) / np.sqrt(k @ x[:3] ** 2),
            (x[:3] @ mean - x[3] - shift) / np.sqrt(k[::-1] @ x[:3] ** 2),
        ]
    )
    wanted = np.array([0.3, 0.7]) @ scipy.stats.norm.cdf(z)
    assert float(told.accuracy_at_attack[0, 0]) == pytest.approx(wanted, abs=1e-9)


def test_what_is_not_known_is_refused(tmp_path):
    data = jm.LinearTeacher([1.6, 0.4], [0.9, -0.4], noise_variance=0.25)
    problem, asked = jm.Problem(data, jm.SquaredLoss(), 0.5), {"time": 1, "evaluate_at": [0.1, (jm.LInf(), 0.2)]}
    endless = jm.Problem(jm.LinearTeacher(jm.identity(np.inf)), jm.SquaredLoss(), 0.5)
    with pytest.raises(jm.InputError, match="where every weight is"):
        jm.forecast(endless, jm.Constant(0.5), **asked)
    with pytest.raises(jm.InputError, match="given in advance"):
        jm.forecast(problem, jm.Polyak(), **asked)
    for engine in (jm.simulate, jm.homogenize):
        with pytest.raises(jm.InputError, match="under another attack"):
            engine(problem, jm.Constant(0.5), **asked)
    with pytest.raises(jm.InputError, match="has a radius"):
        jm.forecast(problem, jm.Constant(0.5), time=1, evaluate_at=[jm.LInf()])
    with pytest.raises(jm.InputError, match="must differ"):
        jm.forecast(problem, jm.Constant(0.5), time=1, evaluate_at=[(jm.LInf(), 0.2)] * 2)


def test_a_result_is_drawn_and_stored(tmp_path):
    told = trained(jm.L2(), schedule=jm.Constant(0.3), times=[1.0, 2.0])
    path = tmp_path / "curve.nc"
    told.to_netcdf(path)
    assert jm.load(path).risk_at_attack.dims == ("time", "evaluation_attack") if hasattr(jm, "load") else True
    assert jm.plot(told) is not None


def test_a_scenario_and_the_command_line_tell_of_other_attacks(tmp_path, capsys):
    """The table is that of `evaluate_at` in Python, in compare and report too."""
    from jominy.cli.main import main

    g = np.random.default_rng(0)
    X = g.standard_normal((120, 5))
    np.savez(tmp_path / "rows.npz", X=X, y=np.where(X[:, 0] + g.standard_normal(120) > 0, 1, 0))
    file, out = str(tmp_path / "rows.npz"), str(tmp_path / "told.nc")
    common = ["--radius", "0.2", "--time", "2", "--evaluate-under", "linf:1/5,l2:0.5"]
    assert main(["compare", file, *common, "--seeds", "3", "--out", out]) == 0
    printed = capsys.readouterr().out
    assert "under other attacks, at time 2" in printed and "LInf 0.2" in printed and "L2 0.5" in printed
    scenario = jm.Scenario.from_mapping(
        {
            "data": {"kind": "file", "path": "rows.npz", "held_out": 0.25, "intercept": True},
            "loss": {"kind": "logistic"}, "radius": 0.2, "schedule": {"kind": "constant", "rate": 1.0}, "time": 2.0,
            "evaluate_under": [{"attack": {"kind": "linf"}, "radius": 0.2}],
        },
        folder=tmp_path,
    )  # fmt: skip
    told = scenario.forecast(progress=False)
    pair = (jm.LInf(), 0.2)
    held_out = scenario.loaded.held_out
    same = jm.forecast(scenario.problem(), jm.Constant(1.0), time=2.0, evaluate_at=[pair], held_out=held_out)
    np.testing.assert_allclose(told.accuracy_at_attack, same.accuracy_at_attack)
    assert "LInf 0.2" in jm.report(told).html
    assert main(["forecast", file, "--evaluate-under", "l1:0.2"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "must be one of 'l2', 'linf', 'lp', " in told and "largest weight alone" in told
