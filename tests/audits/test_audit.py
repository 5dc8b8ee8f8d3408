"""Audits: the closed form gets 1.000, every broken attack its name, every exact optimum an oracle of its own."""

import json
from pathlib import Path

import numpy as np
import pytest

import jominy as jm
from jominy.audits.cases import all_cases, linear_cases, linear_optimum, margins_of
from jominy.audits.threat import Threat
from jominy.cli.main import main

torch = pytest.importorskip("torch")
from broken_attacks import L2, LINF, fgsm, pgd  # noqa: E402

RADIUS = 8 / 255


def closed_form(p):
    """The best attack of a linear model, from its weights as autograd sees them; none of the audit's own."""

    def attack(model, inputs, labels, radius, box):
        rows = inputs.flatten(1)
        slopes = torch.autograd.functional.jacobian(lambda x: model(x.view(1, *inputs.shape[1:]))[0], rows[0]).double()
        with torch.no_grad():
            rest = model(inputs[:1]).double()[0] - slopes @ rows[0].double()
        scale = float(slopes.abs().max()) or 1.0  # nothing has a slope where inputs are rounded
        weights, offset = (slopes / scale).numpy(), (rest / scale).numpy()
        linear = jm.audits.cases.LinearScores(weights, offset)
        at = rows.double().numpy()
        delta = linear_optimum(linear, Threat(radius, p, box), at, labels.numpy())[1]
        return torch.tensor(at + delta, dtype=torch.float32).view_as(inputs)

    return attack


@pytest.mark.parametrize(("radius", "p"), [(RADIUS, np.inf), (0.5, 2), (1.0, 1)])
def test_the_closed_form_gets_all_of_it(radius, p):
    told = jm.audit(closed_form(p), radius, p)
    for name in ("two classes", "five classes", "at the edge of the box", "evaluation mode", "saturated logits"):
        assert round(told.share(name), 3) == 1.0 and round(float(told.trials[name].share.min()), 3) == 1.0
        assert told.trials[name].broken == 1.0


@pytest.mark.parametrize("name", LINF)
def test_what_is_broken_is_named(name):
    told = jm.audit(LINF[name], RADIUS)
    assert told.findings[0].name == name and told.findings[0].mistake and not told.passed
    assert told.findings[0].case in told.trials


@pytest.mark.parametrize("name", L2)
def test_what_is_broken_is_named_in_l2(name):
    told = jm.audit(L2[name], 0.5, 2)
    assert told.findings[0].name == name and told.findings[0].mistake and not told.passed


@pytest.mark.parametrize(("radius", "p"), [(RADIUS, np.inf), (0.3, np.inf), (0.5, 2)])
def test_a_sound_attack_has_no_mistakes_and_known_limits(radius, p):
    told = jm.audit(lambda model, x, y, radius: pgd(model, x, y, radius, kind="inf" if p > 2 else "l2"), radius, p)
    assert told.passed and told.median > 0.99 and not any(finding.mistake for finding in told.findings)
    assert "cross-entropy saturated" in {finding.name for finding in told.findings}
    assert "gradient masked" in {finding.name for finding in told.findings} or p == 2


def test_one_step_is_enough_where_nothing_is_bent_and_blind_to_randomness():
    told = jm.audit(fgsm, RADIUS)
    assert told.share("two classes") > 0.999 and told.share("random mask") < 0.7 and told.passed


@pytest.mark.parametrize(
    ("radius", "p"), [(RADIUS, np.inf), (0.5, 2), pytest.param(0.3, np.inf, marks=pytest.mark.slow), (2.0, 1)]
)
def test_exhaustion_finds_what_a_fine_net_finds(radius, p):
    """The optimum of the ReLU network against a net of the ball of the plane: never above it, and close below."""
    case = {case.name: case for case in all_cases(Threat(radius, p, (0, 1)), 64, 3)}["bent"]
    plane = case.plane
    steps = np.stack(np.meshgrid(np.linspace(-1, 1, 401), np.linspace(-1, 1, 401)), axis=-1).reshape(-1, 2)
    steps = steps[np.linalg.norm(steps, ord=p, axis=1) <= 1]
    size = float(np.abs(np.gradient(plane.at(steps[:401]))).max())
    for point, label, least in list(zip(plane.points(case.inputs), case.labels, case.least, strict=True))[:12]:
        net = ((1.0 if label == 0 else -1.0) * plane.at(point + steps)).min()
        assert least <= net + 1e-9 and net - least < max(0.05, 4 * size) * 4


@pytest.mark.parametrize(("radius", "p"), [(RADIUS, np.inf), (0.5, 2), (1.0, 1)])
def test_no_random_perturbation_beats_the_optimum(radius, p):
    """The least margins are bounds, hidden gradients or not, and half of the inputs can be misclassified."""
    threat, draw = Threat(radius, p, (0, 1)), np.random.default_rng(0)
    for case in all_cases(threat, 64, 1):
        for _ in range(30):
            delta = threat.within(
                case.inputs, radius * draw.standard_normal(case.inputs.shape) * draw.choice([0.1, 1, 50])
            )
            assert np.all(case.margins(case.inputs + delta) >= case.least - 1e-4 * np.abs(case.least).max())
        assert np.all(case.margins(case.inputs) > 0) and np.all(threat.outside(case.inputs) == 0)
        if case.name not in ("bent", "deep"):
            assert 0.4 < (case.least > 0).mean() < 0.6


@pytest.mark.parametrize(("radius", "p"), [(RADIUS, np.inf), (0.25, 2), (0.5, 1)])
def test_the_bound_of_the_deep_network_holds_and_is_nearly_reached(radius, p):
    """No step along the exact gradient, nor any vertex of the ball, gets below it; on average they get near."""
    threat = Threat(radius, p, None)
    case = {case.name: case for case in all_cases(threat, 64, 2)}["deep"]
    assert not case.exact
    found, each = case.margins(case.inputs), np.arange(len(case.labels))
    for other in range(4):
        for size in (0.5, 1.0):
            slopes = np.zeros_like(case.inputs)
            for place in range(64):  # by differences of the scores
                step = 1e-6 * np.eye(64)[place]
                change = (case.scores(case.inputs + step) - case.scores(case.inputs - step)) / 2e-6
                slopes[:, place] = change[:, other] - change[each, case.labels]
            moved = case.margins(case.inputs + size * threat.best(slopes, case.inputs))
            assert np.all(moved >= case.least - 1e-9)
            found = np.minimum(found, moved)
    before = case.margins(case.inputs)
    assert np.median((before - found) / (before - case.least)) > 0.6


def test_the_modules_are_the_cases():
    from jominy.audits.victims import as_tensors, victim

    for case in all_cases(Threat(RADIUS, np.inf, (0, 1)), 64, 0):
        inputs, _ = as_tensors(case, (1, 8, 8))
        module = victim(case, 0.5, 0)
        with torch.no_grad():
            scores = np.mean(
                [module(inputs).double().numpy() for _ in range(400 if case.name == "random mask" else 1)], 0
            )
        scale = np.abs(case.scores(case.inputs)).max()
        assert np.abs(scores - case.scores(case.inputs)).max() < (0.2 if case.name == "random mask" else 2e-5) * scale
        assert module.trace.rows == len(inputs) * (400 if case.name == "random mask" else 1)


def test_numpy_attacks_need_no_module():
    threat = Threat(RADIUS, np.inf, (0, 1))

    def exact(model, inputs, labels):
        delta = linear_optimum(model, threat, inputs.reshape(len(inputs), -1), labels)[1]
        return inputs + delta.reshape(inputs.shape)

    told = jm.audit(exact, RADIUS, arrays="numpy")
    assert told.passed and round(told.median, 3) == round(told.worst, 3) == 1.0 and not told.findings
    assert set(told.trials) == {"two classes", "five classes", "at the edge of the box"}


def test_an_attack_that_hands_back_what_it_cannot_break_is_judged_by_the_rest():
    def stops(model, x, y, radius):
        found = pgd(model, x, y, radius)
        with torch.no_grad():
            broken = model(found).argmax(1) != y
        return torch.where(broken.view(-1, 1, 1, 1), found, x)

    told = jm.audit(stops, RADIUS)
    assert told.passed and told.share("two classes") > 0.999


def test_an_error_on_some_models_is_a_finding_and_on_all_of_them_bad_input():
    def two_classes_only(model, x, y, radius):
        assert model.classes == 5, "five classes, please"
        return pgd(model, x, y, radius)

    told = jm.audit(two_classes_only, RADIUS)
    assert any(finding.name == "fails" and "five classes, please" in finding.evidence for finding in told.findings)
    with pytest.raises(jm.InputError, match="must run on some of the models"):
        jm.audit(lambda model, x, y: 1 / 0, RADIUS)


@pytest.mark.parametrize(
    ("attack", "more", "words"),
    [
        (3, {}, "a function of"),
        (lambda model, x, y: x[:3], {}, "shape of the inputs"),
        (lambda model, x, y: x * np.nan, {}, "finite"),
        (fgsm, {"shape": (2,)}, "at least 8 entries"),
        (fgsm, {"shape": "ab"}, "whole numbers"),
        (fgsm, {"arrays": "jax"}, "'torch' or 'numpy'"),
        (fgsm, {"p": 2, "weights": [1.0]}, "one weight for each"),
    ],
)
def test_bad_input_is_told_in_one_message(attack, more, words):
    with pytest.raises(jm.InputError, match=words):
        jm.audit(attack, RADIUS, **more)


def test_other_libraries_are_wrapped():
    """What their adapters call, by stand-ins of the same interface; the real ones run where they are installed."""

    class Bound:
        def __init__(self, model):
            self.model = model

        def __call__(self, inputs, labels):
            return pgd(self.model, inputs, labels, RADIUS)

        def run_standard_evaluation(self, inputs, labels, bs):
            assert bs == len(inputs)
            return self(inputs, labels)

    assert jm.audit(jm.from_torchattacks(Bound), RADIUS).passed
    assert jm.audit(jm.from_autoattack(Bound), RADIUS).attack == "Bound"


@pytest.mark.slow
def test_art():
    pytest.importorskip("art")
    from art.attacks.evasion import ProjectedGradientDescent

    made = jm.from_art(
        lambda c: ProjectedGradientDescent(c, eps=RADIUS, eps_step=RADIUS / 4, max_iter=20, verbose=False)
    )
    told = jm.audit(made, RADIUS)
    assert told.passed and told.share("two classes") > 0.999


def test_foolbox():
    attacks = pytest.importorskip("foolbox").attacks
    assert jm.audit(jm.from_foolbox(attacks.LinfPGD(rel_stepsize=0.1)), RADIUS).passed
    # Its defaults, 40 steps of a thirtieth of the radius, do not lead from one side of the ball to the other.
    assert jm.audit(jm.from_foolbox(attacks.LinfPGD()), RADIUS).findings[0].name == "step too small"


def test_torchattacks():
    torchattacks = pytest.importorskip("torchattacks")
    made = jm.from_torchattacks(lambda model: torchattacks.PGD(model, eps=RADIUS, alpha=2 / 255, steps=20))
    assert jm.audit(made, RADIUS).passed


FILE = """
import torch

def attack(model, inputs, labels, eps):
    at = inputs.clone().requires_grad_()
    slope, = torch.autograd.grad(torch.nn.functional.cross_entropy(model(at), labels), at)
    return (inputs + SIGN * eps * slope.sign()).clamp(0, 1)
"""


@pytest.mark.parametrize(("sign", "code"), [(1, 0), (-1, 1)])
def test_the_command_says_so_by_its_exit_code(sign, code, tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(FILE.replace("SIGN", str(sign)))
    assert main(["audit", f"{file}:attack", "--radius", "8/255", "--json", "--out", str(tmp_path / "a.json")]) == code
    told = json.loads(capsys.readouterr().out)["audit"]
    assert told["passed"] is (code == 0) and told == json.loads((tmp_path / "a.json").read_text())
    assert main(["audit", f"{file}:attack", "--radius", "8/255"]) == code
    text = capsys.readouterr().out
    assert "two classes" in text and ("sign mistaken" in text) is (sign < 0)


def test_the_example(capsys):
    file = Path(__file__).parents[2] / "examples" / "my_attack.py"
    assert main(["audit", f"{file}:attack", "--radius", "8/255"]) == 0
    assert main(["audit", f"{file}:too_small", "--radius", "8/255"]) == 1
    assert "step too small" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nowhere.py:attack"], "file of the attack must exist"),
        (["nowhere"], "named by its file"),
        (["FILE:other"], "must define other"),
        (["FILE:attack", "--box", "1,0"], "lower bound"),
    ],
)
def test_bad_arguments_are_one_line(argv, words, tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(FILE)
    argv = [word.replace("FILE", str(file)) for word in argv]
    assert main(["audit", *argv, "--radius", "0.03"]) == 2
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1


def test_linear_cases_alone_are_exact_for_mahalanobis():
    weights = np.random.default_rng(0).uniform(0.1, 2, 64)
    threat = Threat(0.5, 2, (0, 1), weights)
    for case in linear_cases(threat, 64, 0):
        if case.linear is not None and not case.layers:
            least, delta = linear_optimum(case.linear, threat, case.inputs, case.labels)
            assert np.allclose(margins_of(case.linear(case.inputs + delta), case.labels), least)
            assert np.all(threat.size(delta) <= 0.5 * (1 + 1e-9))
