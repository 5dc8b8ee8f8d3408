"""What the page is told, against the public verbs themselves, which know nothing of the page."""

import io
import tomllib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tomli_w")

import jominy as jm
from jominy.errors import InputError
from jominy.explore.asked import Drawn, File, Map, Run, Text
from jominy.explore.curves_state import Curves
from jominy.explore.initial_state import explorer_for
from jominy.explore.networks_state import Networks
from jominy.explore.request_handler import RequestHandler
from jominy.results import load

SMALL = Curves(dimension=200, spectrum="two-level", horizon=4.0)
CLASSES = SMALL.model_copy(update={"problem": "two-class", "separation": 3.0, "radius": 0.3})


@pytest.fixture(scope="module")
def desk():
    return RequestHandler(None, lambda told: None, lambda: False)


def told_by_jominy(state, **more):
    """The same forecast by the public verbs."""
    covariance = jm.two_level(state.dimension, state.high, 2 - state.high)
    if state.problem == "two-class":
        half = state.separation / 2
        data = jm.GaussianMixture([0.5, 0.5], [half, -half], [covariance] * 2, labels=[1.0, -1.0])
        problem = jm.Problem(data, jm.LogisticLoss(), state.radius)
    else:
        problem = jm.Problem(jm.LinearTeacher(covariance, noise_variance=state.noise), jm.SquaredLoss(), state.radius)
    return problem, jm.forecast(problem, jm.Constant(state.rate), time=state.horizon, **more)


@pytest.mark.parametrize("state", [SMALL, pytest.param(CLASSES, marks=pytest.mark.slow)], ids=["squares", "classes"])
def test_curve_and_band_are_the_forecasts(desk, state):
    problem, curve = told_by_jominy(state, bands=True)
    told, band = desk.curve(state), desk.band(state)
    assert told["status"] == "completed" and told["time"][-1] == state.horizon
    for name, values in told["variables"].items():
        assert values[-1] == pytest.approx(float(curve[name][-1]), rel=1e-6), name
    for name in ("adversarial_risk_sd", "adversarial_risk_bias", "norm_sd"):
        assert band["variables"][name][-1] == pytest.approx(float(curve[name][-1]), rel=1e-3), name
    assert told["optimum_risk"] == pytest.approx(jm.optimum(problem).adversarial_risk, rel=1e-6)
    assert told["collapse_radius"] == pytest.approx(jm.collapse_radius(problem), rel=1e-6)
    assert band["end"]["adversarial_risk"] == pytest.approx(
        jm.stationary(problem, state.rate).adversarial_risk, rel=1e-6
    )
    critical = jm.critical_rate(problem)
    assert told["critical_rate"] == (pytest.approx(critical) if np.isfinite(critical) else None)


def test_a_rate_that_is_drawn_is_forecast(desk):
    """At first at the knots of the state's own rate, which is told too; a script computes the same."""
    first = desk.answer("drawn", Drawn(state=SMALL))
    assert len(first["knots"]) == len(first["rates"]) == 9 and first["rates"] == [SMALL.rate] * 9
    own = first["own"]["variables"]["adversarial_risk"]
    assert np.allclose(own, first["variables"]["adversarial_risk"], rtol=1e-6)
    rates = [SMALL.rate / (1 + place) for place in range(9)]
    told = desk.answer("drawn", Drawn(state=SMALL, rates=rates))
    text = desk.answer("text", Text(form="toml", curves=SMALL, rates=rates))["text"]
    curve = jm.Scenario.from_mapping(tomllib.loads(text)).forecast()
    assert np.isclose(told["variables"]["adversarial_risk"][-1], curve.adversarial_risk[-1], rtol=1e-5)
    assert told["own"] is None and told["variables"]["adversarial_risk"][-1] < own[-1]
    assert '"kind": "knots"' in desk.answer("text", Text(form="python", curves=SMALL, rates=rates))["text"].replace(
        "'", '"'
    )
    with pytest.raises(jm.InputError, match="9 knots"):
        desk.answer("drawn", Drawn(state=SMALL, rates=[0.1]))


def test_divergence_and_collapse_are_told_with_advice(desk):
    lost = desk.curve(SMALL.model_copy(update={"rate": 3.0, "horizon": 20.0}))
    assert lost["status"] == "diverged" and "Use a rate below it" in lost["advice"]
    assert lost["variables"]["adversarial_risk"][-1] is None  # what is infinite is no number of JSON
    gone = desk.curve(SMALL.model_copy(update={"radius": 1.5}))
    assert gone["status"] == "collapsed" and gone["radius"] / gone["collapse_radius"] > 1


@pytest.mark.parametrize(
    "state",
    [
        SMALL,
        pytest.param(CLASSES.model_copy(update={"schedule": "cosine"}), marks=pytest.mark.slow),
        pytest.param(SMALL.model_copy(update={"schedule": "polyak", "start": 0.3}), marks=pytest.mark.slow),
    ],
    ids=["constant", "cosine", "polyak"],
)
def test_texts_are_the_scenario_and_a_script_that_compute_the_same(desk, state, tmp_path, capsys):
    last = desk.curve(state)["variables"]["adversarial_risk"][-1]
    toml = desk.text(Text(form="toml", curves=state))["text"]
    scenario = jm.Scenario.from_mapping(tomllib.loads(toml))
    assert float(scenario.forecast().adversarial_risk[-1]) == pytest.approx(last, rel=1e-6)
    exec(desk.text(Text(form="python", curves=state))["text"], {})
    status, risk = capsys.readouterr().out.split()
    assert status == "completed" and float(risk) == pytest.approx(last, rel=1e-6)


def test_texts_of_a_network(desk, capsys):
    state = Networks(width=100)
    scenario = jm.NetworkScenario.from_mapping(tomllib.loads(desk.text(Text(form="toml", networks=state))["text"]))
    told = desk.network(state)["numbers"]
    assert float(scenario.theory().adversarial_loss) == pytest.approx(told["adversarial_loss"], rel=1e-6)
    exec(desk.text(Text(form="python", networks=state))["text"], {})
    loss, bound, verdict, tau = capsys.readouterr().out.split()
    assert float(loss) == pytest.approx(told["adversarial_loss"], rel=1e-6) and verdict == "collapse"
    assert float(bound) == pytest.approx(told["adversarial_loss_bound"], rel=1e-6)
    assert float(tau) == pytest.approx(told["trainability_index"], rel=1e-6)


def test_network_numbers_are_those_of_the_verbs(desk):
    state = Networks(width=200, shortcut=True, weight_variance=0.2)
    network = jm.Architecture(12, 200, 64, 10, weight_variance=0.2, shortcut=True)
    geometry = jm.InputGeometry(power=1.0, within=0.5, between=0.0)
    told = jm.trainability(network, 1.3, geometry, learning_rate=0.008, steps=200)
    found, advice = desk.network(state)["numbers"], desk.network_advice(state)
    for name in ("trainability_index", "slowdown", "learning_time", "training_score"):
        assert found[name] == pytest.approx(float(told[name]), rel=1e-6), name
    assert advice["verdict"] == told.attrs["verdict"]
    assert advice["numbers"]["safe_radius"] == pytest.approx(float(told.safe_radius), rel=1e-6)
    for p in ("1", "inf"):  # no index for p = 1; both have a theory and a curve
        answer = desk.network(state.model_copy(update={"p": p, "q": "1"}))
        assert answer["numbers"]["adversarial_loss"] > 0 and len(answer["curve"]["step"]) == 81
    assert desk.network_advice(state.model_copy(update={"p": "1"}))["verdict"] is None


def test_map_has_the_theorys_borders_and_agrees_with_single_forecasts(desk):
    told = desk.map(Map(state=SMALL, points=4))
    problem, _ = told_by_jominy(SMALL)
    assert told["lines"]["collapse_radius"] == pytest.approx(jm.collapse_radius(problem), rel=1e-6)
    assert told["lines"]["stable_rate"] == pytest.approx(jm.critical_rate(problem), rel=1e-6)
    state = SMALL.model_copy(update={"radius": told["radius"][1], "rate": told["rate"][2]})
    curve = desk.curve(state)
    assert told["status"][1][2] == curve["status"]
    assert told["risk"][1][2] == pytest.approx(curve["variables"]["adversarial_risk"][-1], rel=1e-5)
    assert told["status"][3][0] == "collapsed" and told["status"][0][3] == "diverged"


@pytest.mark.slow
def test_runs_are_told_moment_by_moment_and_compared_at_the_end():
    """Ten seeds, seed 0 to 9: the forecast lies within five standard errors of their mean, and within 3 %."""
    moments = []
    desk = RequestHandler(None, moments.append, lambda: False)
    told = desk.run(Run(state=SMALL, seeds=10))
    assert len(moments) == 41 and moments[0]["time"] == 0.0 and moments[-1]["time"] == pytest.approx(4.0)
    risk = told["agreement"]["adversarial_risk"]
    assert told["status"] == "completed" and risk["largest_z"] < 5 and risk["rms_relative_error"] < 0.03
    runs = jm.simulate(told_by_jominy(SMALL)[0], jm.Constant(SMALL.rate), times=[4.0], seeds=10, progress=False)
    assert moments[-1]["variables"]["norm"][0] == pytest.approx(float(runs.norm.mean()), rel=1e-5)
    assert desk.file(File(what="runs", form="png", curves=SMALL)).startswith(b"\x89PNG")
    with pytest.raises(InputError, match="no runs of SGD at these settings"):
        desk.file(File(what="runs", form="nc", curves=CLASSES))


def test_runs_stop_when_asked_and_keep_what_they_have():
    moments = []
    told = RequestHandler(None, moments.append, lambda: len(moments) >= 5).run(Run(state=SMALL, seeds=3))
    assert told["status"] == "interrupted" and len(moments) == 5
    with pytest.raises(InputError, match="at most 2e\\+08 steps"):
        RequestHandler(None, moments.append, lambda: False).run(
            Run(state=SMALL.model_copy(update={"horizon": 500.0, "dimension": 20_000}), seeds=40)
        )


@pytest.mark.parametrize("what", ["curves", "networks", pytest.param("map", marks=pytest.mark.slow)])
def test_files_hold_what_the_tab_shows(desk, what, tmp_path):
    (tmp_path / "told.nc").write_bytes(desk.file(File(what=what, form="nc", curves=SMALL)))
    result = load(tmp_path / "told.nc")
    assert {"curves": "norm_sd", "networks": "trainability_index", "map": "radius_over_collapse"}[what] in result
    picture = desk.file(File(what=what, form="png", curves=SMALL))
    assert picture.startswith(b"\x89PNG") and len(io.BytesIO(picture).getvalue()) > 10_000


@pytest.mark.slow
def test_page_opens_on_a_scenario_and_keeps_what_its_controls_cannot_say(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'radius = 0.4\ntime = 3\n[data]\nkind = "linear-teacher"\ndimension = 100\ncovariance = { kind = "uniform", '
        'low = 0.5, high = 1.5 }\nnoise_variance = 0.1\n[loss]\nkind = "squared"\n'
        '[schedule]\nkind = "adagrad-norm"\nrate = 1.0\n'
    )
    explorer = explorer_for(path)
    assert (explorer.start.problem, explorer.start.schedule, explorer.start.radius) == ("own", "own", 0.4)
    desk = RequestHandler(path, lambda told: None, lambda: False)
    expected = float(jm.Scenario.load(path).forecast().adversarial_risk[-1])
    assert desk.curve(explorer.start)["variables"]["adversarial_risk"][-1] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(InputError, match="without a scenario of yours"):
        RequestHandler(None, lambda told: None, lambda: False).curve(explorer.start)


def test_page_opens_on_the_example_scenarios():
    assert explorer_for(Path("examples/plain_network.toml")).networks.depth == 12
    assert explorer_for(Path("examples/power_law.toml")).start.schedule == "polyak"
    assert explorer_for(Path("examples/four_components.toml")).start.decay == 0.2
    assert explorer_for(None).start == Curves()
    with pytest.raises(InputError, match="must exist"):
        explorer_for(Path("nothing.toml"))


def test_a_data_file_is_told_how_to_become_a_scenario(tmp_path):
    np.savetxt(tmp_path / "mine.csv", np.arange(40.0).reshape(20, 2), delimiter=",", header="a,b", comments="")
    with pytest.raises(InputError, match="Write a file mine.toml") as told:
        explorer_for(tmp_path / "mine.csv")
    lines = str(told.value).split("lines: ")[1].removesuffix(".").replace("...", "b").split("; ")
    (tmp_path / "mine.toml").write_text("\n".join(lines))
    assert explorer_for(tmp_path / "mine.toml").start.radius == 0.2
