"""Advice against independent searches, closed forms and SGD."""

import json

import numpy as np
import pytest

import jominy as jm
from jominy.cli.main import main
from jominy.dynamics import rate_limits
from jominy.errors import InputError
from jominy.losses import LogisticLoss, MarginLoss, SquaredLoss


@pytest.fixture(scope="module")
def problem():
    return jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), SquaredLoss(), radius=0.5)


@pytest.fixture(scope="module")
def told(problem):
    return jm.advise(problem, jm.Constant(1.5), time=4)


def test_best_rate_is_that_of_a_plain_scan(problem, told):
    rates = np.geomspace(0.1, 1.5, 60)
    risks = [float(jm.forecast(problem, jm.Constant(rate), times=[4.0]).adversarial_risk[-1]) for rate in rates]
    assert told.best_rate == pytest.approx(rates[int(np.argmin(risks))], rel=0.05)
    assert told.best_risk <= min(risks) * (1 + 1e-5)


def test_advice_says_rate_radius_and_stray(problem, told):
    text = " ".join(told.sentences())
    assert "Rates below 2 are stable, rates above it diverge" in text
    assert "45 % of the collapse radius 1.121" in text
    assert "The rate 1.5 gives" in text and "% above that" in text
    runs = jm.simulate(problem, jm.Constant(1.5), times=[4.0], seeds=400)
    spread = float(runs.adversarial_risk.std("seed", ddof=1)[-1])  # its own relative error is 1/sqrt(800) = 3.5 %
    assert told.stray == pytest.approx(spread, rel=0.2)  # at 3/4 of the critical rate the band is some 10 % short


def test_critical_rate_is_where_sgd_diverges(problem):
    below, above = (jm.simulate(problem, jm.Constant(rate), times=[20.0], seeds=20) for rate in (1.8, 2.6))
    assert float(below.adversarial_risk.median("seed")[-1]) < 20
    assert float(above.adversarial_risk.median("seed")[-1]) > 1e3
    assert jm.critical_rate(problem) == pytest.approx(2.0, rel=1e-12)


class Steep(MarginLoss):
    """exp(-z): the slope grows faster than linearly."""

    def profile(self, margin):
        import jax.numpy as jnp

        return jnp.exp(-margin)


class FlatTwice(MarginLoss):
    """Twice a squared hinge, smoothed: curvature 2 far out."""

    def profile(self, margin):
        import jax

        return jax.nn.softplus(1 - margin) ** 2


@pytest.mark.parametrize(
    ("loss", "critical", "says"),
    [
        (LogisticLoss(), np.inf, "No constant rate diverges"),
        (FlatTwice(), 2 / (2 * 1.5), "Rates below 0.6667 are stable, those above 1 diverge"),
        (Steep(), 0.0, "not known"),
    ],
)
def test_limits_follow_the_growth_of_the_loss(loss, critical, says):
    data = jm.GaussianMixture([0.5, 0.5], [1.0, -1.0], [jm.identity(50), jm.identity(50, 1.5)], labels=[1, -1])
    limits = rate_limits(jm.Problem(data, loss, radius=0.5))
    assert limits.critical == pytest.approx(critical, rel=1e-3)
    assert says in limits.sentence()


@pytest.mark.slow
def test_advice_on_samples_and_beyond_collapse():
    random = np.random.default_rng(1)
    y = np.where(random.random(300) < 0.5, 1, -1)
    samples = jm.Samples(random.standard_normal((300, 10)) + 0.3 * y[:, None], y)
    told = jm.advise(jm.Problem(samples, LogisticLoss(), radius=9.0), jm.Constant(0.1), time=2)
    assert "reaches the collapse radius" in " ".join(told.sentences())
    assert told.stray is not None and told.stray > 0


def test_command_prints_json_and_draws(tmp_path, capsys):
    scenario = tmp_path / "s.toml"
    scenario.write_text(
        """
        radius = 0.5
        time = 2
        [data]
        kind = "linear-teacher"
        dimension = 100
        covariance = { kind = "identity" }
        [loss]
        kind = "squared"
        [schedule]
        kind = "constant"
        rate = 0.5
        """
    )
    assert (
        main(["advise", str(scenario), "--json", "--plot", str(tmp_path / "a.png"), "--out", str(tmp_path / "a.json")])
        == 0
    )
    told = json.loads(capsys.readouterr().out)["advice"]
    assert told["limits"]["critical"] == pytest.approx(2.0) and (tmp_path / "a.png").exists()
    assert json.loads((tmp_path / "a.json").read_text())["best_rate"] == told["best_rate"]
    assert main(["advise", str(scenario), "--out", str(tmp_path)]) == 2


def test_bad_requests_are_refused(problem):
    with pytest.raises(InputError):
        jm.advise(problem, jm.Constant(0.5), time=-1)


def test_inputs_that_do_not_vary_are_refused():
    data = jm.LinearTeacher(jm.identity(6, 0.0), 1.0, noise_variance=0.1)
    with pytest.raises(jm.InputError, match="inputs that vary"):
        jm.advise(jm.Problem(data, jm.SquaredLoss(), 0.2), jm.Constant(0.5), 1.0)
