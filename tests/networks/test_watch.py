"""The watch: each failure provoked once, healthy trainings, what a look costs, what it leaves alone, callbacks."""

import copy
import logging
import math
import sys
from types import ModuleType, SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

import jominy as jm  # noqa: E402
from jominy.networks import LabelledInputs, watch  # noqa: E402
from jominy.networks.threat import seeded  # noqa: E402
from jominy.networks.watch import first_not_finite  # noqa: E402
from jominy.networks.watch_rules import (  # noqa: E402
    Look,
    catastrophic_overfitting,
    constant_logits,
    divergence,
    gradient_masking,
    ignored_attack,
    plateau,
    robust_overfitting,
    wrong_statistics,
)

DATA = jm.gaussian_classes(300, 16, 4, seed=0)
REST = LabelledInputs(DATA.inputs[200:], DATA.labels[200:])
TRAINED = LabelledInputs(DATA.inputs[:200], DATA.labels[:200])
LN = math.log(10)


def network(*between, depth=2, width=32, seed=0):
    torch.manual_seed(seed)
    parts, inputs = [], 16
    for _ in range(depth - 1):
        parts += [nn.Linear(inputs, width), *(copy.deepcopy(part) for part in between), nn.ReLU()]
        nn.init.kaiming_normal_(parts[-2 - len(between)].weight, nonlinearity="relu")
        inputs = width
    return nn.Sequential(*parts, nn.Linear(inputs, 4))


def fit(net, objective, steps, *, rate=0.05, watched=None, attack="eval", train="train", clean=False, **more):
    """A loop of one's own under a watch."""
    watched = watch(net, TRAINED, objective.radius, p=objective.p, **more) if watched is None else watched
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    draw = torch.Generator().manual_seed(1)
    for _ in range(steps):
        batch = torch.randint(200, (50,), generator=draw)
        x, y = TRAINED.inputs[batch], TRAINED.labels[batch]
        net.train(attack == "train")
        eta = objective.perturb(net, x, y, seeded(x, 0))
        net.train(train == "train")
        loss = objective.losses(net, x, y, 0 * eta if clean else eta).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        watched.step(loss)
    return watched


def names(watched):
    return [alarm.name for alarm in watched.alarms]


def test_collapse_is_named_by_step_60():
    watched = fit(network(depth=12, width=16), jm.MinMax(3.0, restarts=0), 60)
    assert names(watched)[0] == "constant logits" and watched.alarms[0].step == 60
    assert "ln K = 1.39" in watched.alarms[0].evidence and "Stop" in watched.alarms[0].advice


@pytest.mark.parametrize("objective", [jm.MinMax(0.5), jm.FGSM(0.1), jm.NetworkTRADES(0.5), jm.MART(0.5)])
def test_a_healthy_training_is_not_alarmed(objective):
    watched = fit(network(nn.BatchNorm1d(32)), objective, 120, rate=0.02, held_out=REST)
    assert watched.alarms == () and len(watched.looks) >= 4 and 0 < watched.cost <= 0.03


def test_nan_names_the_layer():
    net = network(depth=3)
    watched = watch(net, TRAINED, 0.5)
    with torch.no_grad():
        net[2].bias[3] = float("nan")
    (alarm,) = watched.step(float("nan"))
    assert alarm.name == "not finite" and "layer 2 (2.bias)" in alarm.evidence
    assert watched.step(float("inf")) == ()  # told once

    class Root(nn.Module):
        def forward(self, x):
            return (x - 100).log()

    assert "output of layer 1 (Root)" in first_not_finite(nn.Sequential(nn.Linear(16, 4), Root()), TRAINED.inputs)
    assert "finite at the inputs" in first_not_finite(network(), TRAINED.inputs)


def test_dropout_in_the_attack_and_evaluation_left_on():
    watched = fit(network(nn.Dropout(0.2)), jm.FGSM(0.1), 20, attack="train", share=1.0)
    assert names(watched) == ["wrong mode"] and "dropout" in watched.alarms[0].evidence
    assert names(fit(network(nn.Dropout(0.2)), jm.FGSM(0.1), 20, share=1.0)) == []
    watched = fit(network(nn.BatchNorm1d(32)), jm.FGSM(0.1), 20, train="eval", share=1.0)
    assert names(watched) == ["wrong mode"] and "evaluation mode" in watched.alarms[0].evidence


def test_a_loss_that_ignores_the_attack():
    watched = fit(network(), jm.MinMax(1.6, restarts=0), 240, rate=0.02, clean=True, share=1.0)
    assert "loss ignores the attack" in names(watched)
    assert "loss ignores the attack" not in names(fit(network(), jm.MinMax(1.6, restarts=0), 240, rate=0.02, share=1.0))


def test_robust_overfitting_keeps_the_best_weights():
    net, watched = network(), None
    watched = fit(net, jm.MinMax(0.5), 60, held_out=REST, share=1.0)
    best = max(look.held_out for look in watched.looks if look.held_out is not None)
    step = next(look.step for look in watched.looks if look.held_out == best)
    assert watched.best_step == step
    fresh = network()
    fresh.load_state_dict(watched.best_state)
    held = watch(fresh, TRAINED, 0.5, held_out=REST, every=1, share=1.0)
    fit(fresh, jm.MinMax(0.5), 3, rate=1e-9, watched=held)
    again = [look.held_out for look in held.looks if look.held_out is not None]
    assert again and again[-1] == pytest.approx(best, abs=0.021)


def look(step=200, **more):
    return Look(**{"step": step, "variation": 1.0, "entropy": 0.5, "clean": 0.9} | more)


START = look(0, entropy=LN, clean=0.1)


@pytest.mark.parametrize(
    ("rule", "fires", "silent"),
    [
        (constant_logits, [look(60, variation=0.05, entropy=2.29)], [look(40, variation=0.05, entropy=2.29)]),
        (constant_logits, [look(80, variation=0.09, entropy=2.25)], [look(80, variation=0.2, entropy=2.29)]),
        (plateau, [look(entropy=2.2, pgd_loss=2.4)], [look(entropy=1.5, pgd_loss=2.4)]),
        (plateau, [look(entropy=2.2, pgd_loss=2.4)], [look(80, entropy=2.2, pgd_loss=2.4)]),
        (divergence, [look(entropy=10.0)], [look(entropy=2.6)]),
        (divergence, [look(entropy=3.0, variation=40.0)], [look(entropy=0.1, variation=40.0)]),
        (catastrophic_overfitting, [look(fgsm=0.9, pgd=0.1)], [look(fgsm=0.9, pgd=0.8)]),
        (
            catastrophic_overfitting,
            [look(fgsm=0.9, pgd=0.7), look(fgsm=0.9, pgd=0.7)],
            [look(fgsm=0.9, pgd=0.8), look(fgsm=0.9, pgd=0.7)],
        ),
        (gradient_masking, [look(flat=0.5)], [look(flat=0.1), look(flat=0.9, clean=0.15)]),
        (
            gradient_masking,
            [look(flat=0.0, long_loss=0.5, noise_loss=0.5, fgsm=0.9, noise=0.9)],
            [
                look(flat=0.0, long_loss=0.9, noise_loss=0.5, fgsm=0.7, noise=0.9),
                look(flat=0.0, long_loss=1.3e-3, noise_loss=3.4e-4, fgsm=1.0, noise=1.0),  # all but fitted
            ],
        ),
        (
            robust_overfitting,
            [look(held_out=h, pgd=p) for h, p in ((0.4, 0.4), (0.6, 0.6), (0.6, 0.7), (0.4, 0.9), (0.4, 0.95))],
            [look(held_out=h, pgd=p) for h, p in ((0.4, 0.4), (0.6, 0.6), (0.6, 0.7), (0.57, 0.9), (0.56, 0.95))],
        ),
        (wrong_statistics, [look(evaluated=0.4)] * 2, [look(evaluated=0.8)] * 2),
        (ignored_attack, [look(loss=0.52, pgd_loss=2.0)] * 3, [look(loss=1.8, pgd_loss=2.0)] * 3),
        (ignored_attack, [look(loss=0.52, pgd_loss=2.0)] * 3, [look(loss=0.52, pgd_loss=0.7)] * 3),
    ],
)
def test_rules(rule, fires, silent):
    alarm = rule([START, *fires], LN)
    assert alarm is not None and alarm.evidence and alarm.advice and str(alarm).startswith("step ")
    assert rule([START, *silent], LN) is None and rule([START], LN) is None


def test_alarms_go_to_the_logger_once(caplog):
    with caplog.at_level(logging.WARNING, logger="jominy.watch"):
        fit(network(depth=12, width=16), jm.MinMax(3.0, restarts=0), 100)
    assert [r.message.split(": ")[1] for r in caplog.records].count("constant logits") == 1


def test_the_training_is_the_same_with_and_without_a_watch():
    """Bit for bit: weights, running statistics, random numbers."""
    found = []
    for watched in (True, False):
        net = network(nn.BatchNorm1d(32), nn.Dropout(0.1))
        torch.manual_seed(3)
        silent = SimpleNamespace(step=lambda loss: ())
        one = None if watched else silent
        fit(net, jm.MinMax(0.5), 40, watched=one, **({"held_out": REST, "share": 1.0} if watched else {}))
        found.append((net.state_dict(), torch.rand(2)))
    assert all(torch.equal(a, b) for a, b in zip(found[0][0].values(), found[1][0].values(), strict=True))
    assert torch.equal(found[0][1], found[1][1])


def test_looks_keep_to_their_share():
    """Counted by hooks of the test's own: passes inside looks over all passes, weighted as documented."""
    net, passes = network(), {True: 0.0, False: 0.0}
    watched = watch(net, TRAINED, 0.5, share=0.03)

    def count(module, given):
        attack = given[0].requires_grad
        passes[watched._looking] += len(given[0]) * (1 if not torch.is_grad_enabled() else 2 if attack else 3)

    net.register_forward_pre_hook(count)
    fit(net, jm.MinMax(0.5), 400, watched=watched)
    assert 0.01 < passes[True] / passes[False] <= 0.03
    assert any(one.pgd is not None for one in watched.looks)
    watched.close()
    before = len(watched.looks)
    fit(net, jm.MinMax(0.5), 20, watched=SimpleNamespace(step=lambda loss: ()))
    assert len(watched.looks) == before


def test_training_and_held_out_inputs_are_attacked_as_each_would_be_alone():
    net = network(depth=3)
    watched = watch(net, TRAINED, 0.5, held_out=REST)
    look = watched._measured(attacked=True)
    for part, accuracy in ((TRAINED, look.pgd), (REST, look.held_out)):
        x, y = part.inputs[:50], part.labels[:50]
        eta = jm.pgd(net, x, y, 0.5, 2, steps=5, restarts=0)
        assert accuracy == float((net(x + eta).argmax(1) == y).double().mean())
    # Rows that are normalised together see each other: then each part is attacked by itself.
    net = network(nn.BatchNorm1d(32))
    alone, both = watch(net, TRAINED, 0.5), watch(net, TRAINED, 0.5, held_out=REST)
    assert alone._measured(attacked=True).pgd_loss == both._measured(attacked=True).pgd_loss


def test_callbacks(monkeypatch):
    """By stand-ins with the interfaces of Lightning and transformers."""
    base = ModuleType("lightning.pytorch")
    base.Callback = object
    monkeypatch.setitem(sys.modules, "lightning", ModuleType("lightning"))
    monkeypatch.setitem(sys.modules, "lightning.pytorch", base)
    face = ModuleType("transformers")
    face.TrainerCallback = object
    monkeypatch.setitem(sys.modules, "transformers", face)
    watched = watch(network(), TRAINED, 0.5)
    one = watched.lightning()
    one.on_train_batch_end(None, None, {"loss": torch.tensor(1.0)}, None, 0)
    one.on_train_batch_end(None, None, torch.tensor(2.0), None, 1)
    other = watched.transformers()
    other.on_log(None, None, None, logs={"loss": 3.0})
    other.on_step_end(None, None, None)
    assert watched.steps == 3 and watched._losses == [1.0, 2.0, 3.0]


def test_callbacks_without_their_libraries(monkeypatch):
    watched = watch(network(), TRAINED, 0.5)
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(jm.InputError, match="pip install lightning"):
        watched.lightning()
    with pytest.raises(jm.InputError, match="pip install transformers"):
        watched.transformers()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"module": "net"}, "takes a torch.nn.Module"),
        ({"every": 0}, "at least 1"),
        ({"share": 0}, "between 0 and 1"),
        ({"radius": -1}, "radius"),
        ({"box": (0, 1)}, "must hold the inputs"),
        ({"data": LabelledInputs(DATA.inputs, DATA.labels + 3)}, "labels must lie between 0 and 3"),
        ({"data": LabelledInputs(DATA.inputs[:, :5], DATA.labels)}, "accept the inputs"),
    ],
)
def test_refusals(change, message):
    call = {"module": network(), "data": TRAINED, "radius": 0.5} | change
    with pytest.raises(jm.InputError, match=message):
        watch(**call)


def test_data_may_come_from_a_loader():
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(DATA.inputs, DATA.labels), batch_size=64)
    net = network()
    watched = watch(net, loader, 0.5)
    assert len(watched.data.labels) == 100
    for _ in range(20):
        watched.step(cross_entropy(net(DATA.inputs), DATA.labels))
    assert len(watched.looks) == 2


def test_models_called_by_name_count_too():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, pixel_values=None, labels=None):
            return {"logits": self.net(pixel_values)}

    net = Named()
    watched = watch(net, TRAINED, 0.5)
    for _ in range(20):
        watched.step(cross_entropy(net(pixel_values=DATA.inputs, labels=DATA.labels)["logits"], DATA.labels))
    assert len(watched.looks) == 2 and watched.cost == pytest.approx(100 / (3 * 300 * 20))
