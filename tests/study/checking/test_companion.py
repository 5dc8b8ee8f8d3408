"""The companion: live verdicts of real SGD, what is to come, callbacks of training loops."""

import logging
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import jominy as jm

D, RADIUS, TIME = 100, 0.3, 8.0
PROBLEM = jm.Problem(jm.LinearTeacher(jm.identity(D), noise_variance=0.25), jm.SquaredLoss(), radius=RADIUS)


def trained(rate, seed, step, count=int(TIME * D)):
    """Streaming SGD as a user writes it, in NumPy; `step` is called with the weights after each step."""
    draw, weights, teacher = np.random.default_rng(seed), np.zeros(D), np.full(D, D**-0.5)
    for _ in range(count):
        x = draw.standard_normal(D)
        error = weights @ x - teacher @ x - 0.5 * draw.standard_normal()
        size = np.linalg.norm(weights)
        slope = abs(error) + RADIUS * size
        pull = RADIUS * slope / size if size else 0.0
        weights = weights - rate / D * (np.sign(error) * slope * x + pull * weights)
        step(weights)
    return weights


@pytest.fixture(scope="module")
def measured():
    return jm.Companion(PROBLEM, jm.Constant(0.5), TIME, runs=300)


@pytest.fixture
def companion(measured):
    """A new one with the healthy runs of the first."""
    made = jm.Companion.__new__(jm.Companion)
    made.__dict__.update(measured.__dict__)
    return made


def test_a_healthy_training_is_normal_and_its_end_is_forecast(companion, caplog):
    with caplog.at_level(logging.INFO, logger="jominy.companion"):
        weights = trained(0.5, 0, companion.step)
    assert companion.verdict.normal and len(companion.verdict.times) == 16 == len(caplog.records)
    assert all(record.levelname == "INFO" for record in caplog.records)
    # Risk and norm that it has computed against those of the weights, by their formulas.
    assert np.isclose(companion.verdict.logged[-1, 2], np.linalg.norm(weights), rtol=1e-9)
    sigma = np.sqrt(0.25 + np.sum((weights - D**-0.5) ** 2))
    assert np.isclose(companion.verdict.logged[-1, 1], sigma**2 / 2, rtol=1e-9)


def test_a_wrong_rate_is_told_while_it_runs(companion, caplog):
    with caplog.at_level(logging.WARNING, logger="jominy.companion"):
        trained(0.9, 1, companion.step)
    verdict = companion.verdict
    assert not verdict.normal and verdict.step < 400 and verdict.cause.name == "rate"
    assert abs(verdict.cause.value - 0.9) < 4 * verdict.cause.error
    assert len(caplog.records) == 2 and "not normal from step" in caplog.text  # when it left, and at the end
    panels = jm.plot_verdict(verdict, companion.ahead()).axes
    assert len(panels) == 4 and "ahead" in [line.get_label() for line in panels[0].get_lines()]


def test_what_is_ahead_begins_at_the_present_weights(companion):
    trained(0.5, 2, companion.step, count=400)
    told = companion.ahead()
    begun = float(companion.verdict.times[-1])
    assert np.isclose(float(told.time[0]), begun) and np.isclose(float(told.time[-1]), TIME)
    assert np.isclose(float(told.norm[0]), companion.verdict.logged[-1, 2], rtol=1e-6)
    whole = jm.forecast(PROBLEM, jm.Constant(0.5), TIME)
    assert abs(float(told.adversarial_risk[-1]) / float(whole.adversarial_risk[-1]) - 1) < 0.05


def test_values_may_be_given_and_are_asked_for_at_looks_only(companion):
    calls = []

    def values():
        calls.append(companion.calls + 1)  # the one that is being made
        return {"adversarial_risk": 0.6, "clean_risk": 0.5, "norm": 0.1}

    for _ in range(20):
        companion.step(values)
    assert calls == [int(step) for step in companion.verdict.steps]
    with pytest.raises(jm.InputError, match="needs weights"):
        companion.ahead()


def test_bad_input(companion):
    with pytest.raises(jm.InputError, match="one entry per input dimension"):
        trained(0.5, 0, lambda weights: companion.step(weights[:3]))
    with pytest.raises(jm.InputError, match="every variable"):
        trained(0.5, 0, lambda weights: companion.step({"norm": 1.0}))
    with pytest.raises(jm.InputError, match="two calls"):
        jm.Companion(PROBLEM, jm.Constant(0.5), 0.01)
    with pytest.raises(jm.InputError, match="among those"):
        jm.Companion(PROBLEM, jm.Constant(0.5), 1.0, names=("loss",))


@pytest.mark.parametrize("kind", ["lightning", "transformers"])
def test_callbacks(companion, kind, monkeypatch):
    """What the loops call, by stand-ins of the same interface; the real ones run where they are installed."""
    base = type("Callback", (), {})
    if kind == "lightning":
        module = ModuleType("lightning.pytorch")
        module.Callback = base
        monkeypatch.setitem(sys.modules, "lightning", ModuleType("lightning"))
        monkeypatch.setitem(sys.modules, "lightning.pytorch", module)
        callback = companion.lightning(lambda model: model.weights)
        trained(0.5, 3, lambda w: callback.on_train_batch_end(None, SimpleNamespace(weights=w), None, None, 0), 100)
    else:
        module = ModuleType("transformers")
        module.TrainerCallback = base
        monkeypatch.setitem(sys.modules, "transformers", module)
        callback = companion.transformers(lambda model: model.weights)
        trained(0.5, 3, lambda w: callback.on_step_end(None, None, None, model=SimpleNamespace(weights=w)), 100)
    assert companion.calls == 100 and companion.verdict.normal


def test_lightning_itself(companion):
    lightning = pytest.importorskip("lightning.pytorch")
    torch = pytest.importorskip("torch")

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False
            self.layer = torch.nn.Linear(D, 1, bias=False)
            torch.nn.init.zeros_(self.layer.weight)

        def training_step(self, batch, number):
            error = (self.layer(batch[0]).squeeze(1) - batch[1])[0]
            weights = self.layer.weight
            size = weights.norm()
            loss = (error.abs() + RADIUS * size) ** 2 / 2 if size > 0 else error**2 / 2
            optimizer = self.optimizers()
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.5 / D)

    draw = np.random.default_rng(5)
    x = draw.standard_normal((200, D))
    y = x @ np.full(D, D**-0.5) + 0.5 * draw.standard_normal(200)
    rows = torch.utils.data.TensorDataset(torch.tensor(x).float(), torch.tensor(y).float())
    trainer = lightning.Trainer(
        max_epochs=1, callbacks=[companion.lightning(lambda model: model.layer.weight)], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu",
    )  # fmt: skip
    trainer.fit(Model(), torch.utils.data.DataLoader(rows, batch_size=1))
    assert companion.calls == 200 and companion.verdict.normal


@pytest.mark.parametrize(
    ("data", "time", "words"),
    [
        (jm.LinearTeacher(jm.identity(20)), "long", "time of a training must be a finite number"),
        (jm.LinearTeacher(jm.power_law(np.inf, 1.5)), 4.0, "finite dimension"),
    ],
)
def test_plans_that_no_run_follows(data, time, words):
    with pytest.raises(jm.InputError, match=words):
        jm.Companion(jm.Problem(data, jm.SquaredLoss(), 0.3), jm.Constant(0.5), time)


def test_weights_that_are_words():
    companion = jm.Companion(
        jm.Problem(jm.LinearTeacher(jm.identity(8)), jm.SquaredLoss(), 0.3), jm.Constant(0.5), 0.5, names=("norm",),
        runs=20,
    )  # fmt: skip
    with pytest.raises(jm.InputError, match="weights must be numbers"):
        companion.step("words")
