"""Modules of every kind that people write: diagnosed or refused in one line, and left exactly as they were."""

import math
import sys
import warnings
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import jominy as jm  # noqa: E402
from jominy.networks import LabelledInputs, diagnose, measure_trainability, pgd, train  # noqa: E402
from jominy.networks.objectives import CrossEntropyPlus  # noqa: E402

INPUTS = torch.randn(24, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(24) % 3


class Written(nn.Module):
    """A user's module around a small network: `forward` is what they wrote."""

    def __init__(self, forward):
        super().__init__()
        self.net = plain()
        self.written = forward

    def forward(self, x):
        return self.written(self, x)


class Unfinished(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x * 1

    @staticmethod
    def backward(context, slope):
        raise ZeroDivisionError("to be done")


def plain(*first):
    torch.manual_seed(0)
    return nn.Sequential(*first, nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))


def normalised(layer):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), layer, nn.ReLU(), nn.Linear(16, 3))


def raising(error):
    def forward(self, x):
        raise error

    return Written(forward)


def keeping(self, x):
    self.kept = self.net[0](x)  # a tensor of the graph, which cannot be copied
    return self.net[2](torch.relu(self.kept))


def hooked():
    module, seen = plain(), []
    module[0].register_forward_hook(lambda part, given, made: seen.append(made))
    return module


def zero_last():
    module = plain()
    nn.init.zeros_(module[2].weight)
    nn.init.zeros_(module[2].bias)
    return module


def own_eval():
    return type("Own", (nn.Sequential,), {"eval": lambda self: sys.exit(1)})(nn.Linear(6, 3))


class LastState(nn.Module):
    """An LSTM over two steps of three numbers."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.cell, self.head = nn.LSTM(3, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.cell(x.view(len(x), 2, 3))[0][:, -1])


SOUND = {
    "frozen": lambda: plain().requires_grad_(False),
    "in place first": lambda: plain(nn.ReLU(inplace=True)),
    "in place by a function": lambda: Written(lambda self, x: self.net(x.mul_(2).sub_(1))),
    "in place after a weight": lambda: nn.Sequential(nn.Linear(6, 16), nn.ReLU(inplace=True), nn.Linear(16, 3)),
    "no layers": lambda: nn.Sequential(nn.Flatten(), nn.ReLU()),
    "hooks": hooked,
    "keeps a tensor": lambda: Written(keeping),
    "parallel": lambda: nn.DataParallel(plain()),
    "spectral norm": lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(6, 3))),
    "zero at the end": zero_last,
    "random in evaluation": lambda: Written(lambda self, x: self.net(x + 0.01 * torch.randn_like(x))),
    "its own eval": own_eval,
    "batch norm": lambda: normalised(nn.BatchNorm1d(16)),
    "batch norm, cumulative": lambda: normalised(nn.BatchNorm1d(16, affine=False, momentum=None)),
    "batch norm, untracked": lambda: normalised(nn.BatchNorm1d(16, track_running_stats=False)),
    "synchronised": lambda: nn.SyncBatchNorm.convert_sync_batchnorm(normalised(nn.BatchNorm1d(16))),
    "instance norm": lambda: plain(
        nn.Unflatten(1, (2, 3)), nn.InstanceNorm1d(2, track_running_stats=True), nn.Flatten()
    ),
    "group norm": lambda: normalised(nn.GroupNorm(4, 16)),
    "dropout": lambda: normalised(nn.Dropout(0.5)),
    "scores in a dictionary": lambda: Written(lambda self, x: {"loss": None, "logits": self.net(x), "x": x}),
    "scores first": lambda: Written(lambda self, x: (self.net(x), x)),
    "scores as an attribute": lambda: Written(lambda self, x: SimpleNamespace(logits=self.net(x), hidden=x)),
    "compiled": lambda: torch.compile(plain(), backend="eager"),
    "LSTM": LastState,
}
REFUSED = {
    "detached": (lambda: Written(lambda self, x: self.net(x).detach()), "steps that autograd can follow.*detach"),
    "detached inputs": (lambda: Written(lambda self, x: self.net(x.detach())), "steps that autograd can follow"),
    "numpy": (lambda: Written(lambda self, x: torch.tensor(self.net(x).numpy())), "accept the inputs.*numpy"),
    "constant": (lambda: Written(lambda self, x: self.net[2].bias.expand(len(x), 3)), "depend on its inputs"),
    "exit": (lambda: raising(SystemExit(3)), "accept the inputs.*SystemExit: 3"),
    "an assertion": (lambda: raising(AssertionError()), "accept the inputs.*AssertionError"),
    "recursion": (lambda: Written(lambda self, x: self(x)), "accept the inputs.*RecursionError"),
    "one batch size": (lambda: Written(lambda self, x: self.net(x.view(24, 6))), "of any size"),
    "backward fails": (lambda: Written(lambda self, x: self.net(Unfinished.apply(x))), "derivatives.*to be done"),
    "tuple": (lambda: Written(lambda self, x: (None, self.net(x))), "one row of outputs.*tuple.*before any argmax"),
    "dictionary": (lambda: Written(lambda self, x: {"a": self.net(x), "b": x}), "one row of outputs.*dict"),
    "nothing": (lambda: Written(lambda self, x: None), "one row of outputs.*None"),
    "no columns": (lambda: Written(lambda self, x: self.net(x)[:, :0]), "one row of outputs.*(24, 0)"),
    "classes": (lambda: Written(lambda self, x: self.net(x).argmax(1, keepdim=True)), "floating-point.*int64"),
    "complex": (lambda: Written(lambda self, x: self.net(x) + 0j), "floating-point.*complex"),
    "half outputs": (lambda: Written(lambda self, x: self.net(x).half()), "single or double precision"),
    "NaN": (lambda: Written(lambda self, x: self.net(x) * math.nan), "outputs of the module must be finite"),
    "NaN nearby": (lambda: Written(lambda self, x: torch.sqrt(self.net(x) + 0.19)), "must be finite"),
    "overflow nearby": (lambda: Written(lambda self, x: self.net(x * 1e20) * 1e18), "within the radius"),
    "meta": (lambda: plain().to("meta"), "must have values.*meta device"),
    "lazy": (lambda: nn.Sequential(nn.LazyLinear(3)), "must have values.*lazy.*one batch first"),
    "tokens": (lambda: nn.Embedding(5, 3), "accept the inputs.*indices"),
}


def state(module):
    """All that a diagnosis must leave alone: modes, buffers, weights, flags, gradients, random numbers."""
    tensors = {name: value.clone() for name, value in module.state_dict(keep_vars=True).items() if not value.is_meta}
    flags = [(value.requires_grad, value.grad) for value in module.parameters()]
    parts = [
        (part.training, getattr(part, "momentum", 0), getattr(part, "track_running_stats", 0))
        for part in module.modules()
    ]
    return tensors, (flags, parts, {name: id(value) for name, value in module.named_buffers()}), torch.get_rng_state()


def unchanged(module, before):
    tensors, rest, random = state(module)
    same = all(torch.equal(value, before[0][name]) for name, value in tensors.items())
    return same and tensors.keys() == before[0].keys() and rest == before[1] and torch.equal(random, before[2])


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_module_is_diagnosed_and_left_alone(name):
    module, inputs = SOUND[name](), INPUTS.clone()
    module.train()
    before = state(module)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = diagnose(module, inputs, 0.3)
        text = " ".join(found.sentences())
    assert math.isfinite(found.adversarial_loss[0]) and "nan" not in text
    assert unchanged(module, before) and torch.equal(inputs, INPUTS)
    if name not in ("frozen", "no layers"):
        found = diagnose(module, inputs, 0.3, labels=LABELS)
        assert found.trainability is not None and unchanged(module, before) and torch.equal(inputs, INPUTS)


@pytest.mark.parametrize("name", REFUSED)
def test_a_module_that_will_not_do_is_refused_in_one_line(name):
    make, message = REFUSED[name]
    module = make()
    modes = [part.training for part in module.modules()]
    for labels in (None, LABELS):
        with pytest.raises(jm.InputError, match=message) as refused:
            diagnose(module, INPUTS.clone(), 0.3, labels=labels)
        assert "\n" not in str(refused.value) and refused.value.next_step
    assert [part.training for part in module.modules()] == modes


def test_a_module_with_nothing_to_train_has_no_index():
    for module, message in ((plain().requires_grad_(False), "frozen.*requires_grad_"), (nn.Flatten(), "no weights")):
        with pytest.raises(jm.InputError, match=message):
            diagnose(module, INPUTS, 0.3, labels=LABELS)


def test_ctrl_c_in_a_module_stays_ctrl_c():
    with pytest.raises(KeyboardInterrupt):
        diagnose(raising(KeyboardInterrupt()), INPUTS, 0.3)


@pytest.mark.slow
def test_layers_in_place_change_no_number():
    """The same network with its first layer in place and not: every number, in attacks, diagnosis and training."""
    inputs, found = INPUTS.clone(), []
    for in_place in (False, True):
        module = plain(nn.ReLU(inplace=in_place))
        eta = pgd(module, inputs, LABELS, 0.5, 2, steps=3)
        told = diagnose(module, inputs, 0.5, labels=LABELS).describe()
        runs = train(module, LabelledInputs(inputs, LABELS), CrossEntropyPlus(0.5), rate=0.1, steps=4, seed=0)
        found.append((eta.tolist(), told, runs["training_loss"].values.tolist()))
    assert found[0] == found[1] and torch.equal(inputs, INPUTS)


def test_a_batch_of_one_through_batch_normalisation_is_refused_before_training():
    data = LabelledInputs(INPUTS, LABELS)
    with pytest.raises(jm.InputError, match="more than 1 value per channel"):
        train(normalised(nn.BatchNorm1d(16)), data, CrossEntropyPlus(0.5), rate=0.1, steps=2, seed=0, batch_size=1)
    with pytest.raises(jm.InputError, match="more than 1 value per channel"):
        diagnose(normalised(nn.BatchNorm1d(16)), INPUTS[:1], 0.3)
    train(normalised(nn.BatchNorm1d(16)), data, CrossEntropyPlus(0.5), rate=0.1, steps=2, seed=0, batch_size=2)


def test_normalisation_is_measured_with_the_statistics_of_the_batch():
    """The index of a module that normalises by hand, batch by batch: what batch normalisation does in training."""

    class ByHand(nn.Module):
        def forward(self, x):
            return (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5)

    data = LabelledInputs(INPUTS.double(), LABELS)
    names = ["signal_rate", "gradient_power", "adversarial_loss", "trainability_index"]
    want, *found = (
        measure_trainability(normalised(layer).double(), data, 0.3)[names].to_array().values
        for layer in (
            ByHand(),
            nn.BatchNorm1d(16),
            nn.BatchNorm1d(16, affine=False, momentum=None),
            nn.BatchNorm1d(16, track_running_stats=False),
            nn.SyncBatchNorm(16),
        )
    )
    for one in found:
        assert one == pytest.approx(want, rel=1e-9)
    frozen = normalised(nn.BatchNorm1d(16))
    frozen[1].eval()  # on purpose, within a module in training mode: running statistics 0 and 1 are what it trains with
    plainly = normalised(nn.Identity())
    one, other = (
        float(measure_trainability(net, LabelledInputs(INPUTS, LABELS), 0.3)["signal_rate"][0])
        for net in (frozen, plainly)
    )
    assert one == pytest.approx(other, rel=1e-3)


def test_dropout_is_left_out():
    data = LabelledInputs(INPUTS, LABELS)
    with_it, without = (measure_trainability(normalised(p), data, 0.3) for p in (nn.Dropout(0.5), nn.Identity()))
    assert float(with_it["signal_rate"][0]) == float(without["signal_rate"][0])
    told = diagnose(normalised(nn.Dropout(0.5)), INPUTS, 0.3, labels=LABELS).trainability
    assert "dropout (left out of the measurement)" in told.limits
