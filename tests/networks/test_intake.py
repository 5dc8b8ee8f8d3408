"""What people bring: loaders, data sets, wrapped weights, half precision; and no tensor made on another device."""

import copy
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset  # noqa: E402

import jominy as jm  # noqa: E402
from jominy.networks import LabelledInputs, diagnose, load_weights, measure_chi, measure_trainability, train  # noqa: E402

DATA = jm.gaussian_classes(120, 12, 3, seed=0)


def network(seed=1):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(12, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 3))


class Named(Dataset):
    """As data sets of Hugging Face give their examples."""

    def __len__(self):
        return len(DATA.labels)

    def __getitem__(self, place):
        if place >= len(self):
            raise IndexError(place)
        return {"pixel_values": DATA.inputs[place].tolist(), "label": int(DATA.labels[place])}


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(DATA.inputs, DATA.labels, strict=True))


class Failing(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, place):
        raise FileNotFoundError("image_3.png")


SOURCES = {
    "loader": lambda: DataLoader(TensorDataset(DATA.inputs, DATA.labels), batch_size=50),
    "loader of dictionaries": lambda: DataLoader(Named(), batch_size=32, collate_fn=lambda rows: {
        "pixel_values": torch.tensor([row["pixel_values"] for row in rows]),
        "labels": torch.tensor([row["label"] for row in rows]),
    }),
    "data set": lambda: TensorDataset(DATA.inputs, DATA.labels),
    "examples with names": Named,
    "stream": Stream,
    "pair": lambda: (DATA.inputs.numpy(), DATA.labels.numpy()),
    "dictionary of arrays": lambda: {"x": DATA.inputs.numpy(), "y": DATA.labels.numpy()},
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_gives_the_same_inputs(name):
    found = LabelledInputs.of(SOURCES[name]())
    torch.testing.assert_close(found.inputs, DATA.inputs)
    assert torch.equal(found.labels, DATA.labels)
    assert len(LabelledInputs.of(SOURCES[name](), limit=70).labels) == 70
    if name != "pair":
        one, other = diagnose(network(), SOURCES[name](), 0.5), diagnose(network(), DATA, 0.5)
        assert one.outlook.chi == pytest.approx(other.outlook.chi) and one.count == 120


def test_sources_go_wherever_data_goes():
    loader = SOURCES["loader"]()
    assert float(measure_chi(network(), loader, 0.5)["chi"][0]) == float(measure_chi(network(), DATA, 0.5)["chi"][0])
    measure_trainability(network(), loader, 0.5)
    train(network(), loader, jm.FGSM(0.1), rate=0.1, steps=2, seed=0, progress=False)


def test_images_of_pil():
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    rows = [{"image": image.fromarray(one), "label": k % 2} for k, one in enumerate(pixels)]
    found = LabelledInputs.of(rows)
    np.testing.assert_allclose(found.inputs, pixels.transpose(0, 3, 1, 2) / 255, atol=1e-7)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (lambda: DataLoader(Failing(), batch_size=2), "without an error .*FileNotFoundError: image_3.png"),
        (lambda: DataLoader(DATA.inputs, batch_size=20), "inputs and labels"),
        (lambda: [{"text": "a", "label": 1}], "examples must have one of pixel_values.*keys text, label"),
        (lambda: [], "must give inputs"),
        (lambda: 5, "inputs with labels"),
        (lambda: [(torch.zeros(2), 0), (torch.zeros(3), 1)], "of one shape"),
    ],
)
def test_sources_that_will_not_do(source, message):
    with pytest.raises(jm.InputError, match=message):
        LabelledInputs.of(source())


def test_a_loader_that_ends_early():
    with pytest.raises(jm.InputError, match="120 before it ended, 400 asked for"):
        LabelledInputs.of(SOURCES["loader"](), limit=400)


@pytest.mark.parametrize("wrapped", ["module.", "_orig_mod.", "module._orig_mod.", "model."])
@pytest.mark.parametrize("holder", [None, "state_dict", "model_state_dict", "model"])
def test_weights_of_wrappers(tmp_path, wrapped, holder):
    source, module = network(3), network(4)
    state = {wrapped + name: value for name, value in source.state_dict().items()}
    path = tmp_path / "weights.pt"
    torch.save(state if holder is None else {"epoch": 3, holder: state, "lr": 0.1}, path)
    load_weights(module, str(path))
    assert all(
        torch.equal(a, b) for a, b in zip(source.state_dict().values(), module.state_dict().values(), strict=True)
    )
    save_file({name: value.contiguous() for name, value in state.items()}, tmp_path / "weights.safetensors")
    module = network(4)
    load_weights(module, str(tmp_path / "weights.safetensors"))
    assert torch.equal(module[0].weight, source[0].weight)


def test_weights_of_another_module_are_still_refused(tmp_path):
    torch.save({"other.0.weight": torch.zeros(2, 2), "other.b": torch.zeros(2)}, tmp_path / "weights.pt")
    with pytest.raises(jm.InputError, match="weights must fit the module"):
        load_weights(network(), str(tmp_path / "weights.pt"))


def test_half_precision_is_measured_in_single():
    half = network().bfloat16()
    single = copy.deepcopy(half).float()
    data = LabelledInputs(DATA.inputs.bfloat16(), DATA.labels)
    rounded = LabelledInputs(data.inputs.float(), DATA.labels)
    for measure in (measure_chi, measure_trainability):
        one, other = measure(half, data, 0.5), measure(single, rounded, 0.5)
        assert all(float(one[name][0]) == float(other[name][0]) for name in one.data_vars)
    found = diagnose(half, data.inputs, 0.5, labels=data.labels)
    assert found.adversarial_loss == diagnose(single, rounded.inputs, 0.5).adversarial_loss
    assert "half precision" in " ".join(found.sentences()) and half[0].weight.dtype is torch.bfloat16


def test_training_in_bfloat16(tmp_path):
    data = LabelledInputs(DATA.inputs.bfloat16(), DATA.labels)
    call = {"rate": 0.1, "batch_size": 40, "seed": 0, "progress": False, "record_every": 15}
    net = network().bfloat16().train()
    seen = train(net, data, jm.MinMax(0.5, attack_steps=2), steps=30, checkpoints=tmp_path, **call)
    assert seen.attrs["status"] == "completed" and float(seen["clean_accuracy"][0, -1]) > 0.6
    again = train(
        network().bfloat16().train(), data, jm.MinMax(0.5, attack_steps=2), steps=30, checkpoints=tmp_path, **call
    )
    assert seen.identical(again)


def test_arrays_of_numpy_take_the_precision_of_the_module():
    one = diagnose(network().double(), DATA.inputs.numpy(), 0.5, labels=DATA.labels.numpy())
    other = diagnose(network().double(), DATA.inputs.double(), 0.5, labels=DATA.labels)
    assert one.adversarial_loss == other.adversarial_loss and one.outlook.chi == other.outlook.chi


def test_quantised_modules_are_refused_plainly():
    with pytest.warns(DeprecationWarning):
        module = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(12, 3)), {nn.Linear})
    with pytest.raises(jm.InputError) as refused:
        diagnose(module, DATA.inputs, 0.5, labels=DATA.labels)
    assert "\n" not in str(refused.value) and "quantised" in str(refused.value)


class Elsewhere(TorchFunctionMode):
    """Fails where a tensor or a source of random numbers is made without a word on which device."""

    MAKERS = ("arange", "empty", "eye", "full", "linspace", "ones", "rand", "randint", "randn", "randperm", "tensor",
              "zeros")  # fmt: skip

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(function, "__name__", "") in self.MAKERS and kwargs.get("device") is None:
            raise AssertionError(f"torch.{function.__name__} without a device")
        return function(*args, **kwargs)


@pytest.mark.parametrize(
    "objective",
    [jm.MinMax(0.5), jm.FGSM(0.2), jm.NetworkTRADES(0.5), jm.MART(0.5), jm.CrossEntropyPlus(0.5, p=math.inf, q=1)],
    ids=lambda objective: type(objective).__name__,
)
def test_no_tensor_is_made_without_a_device(objective):
    """On an accelerator each would be a copy, or an error. Data may stay on the CPU: only batches move."""
    net = network().train()
    with Elsewhere():
        train(net, DATA, objective, rate=0.01, steps=2, seed=0, progress=False)
        measure_chi(net, DATA, 0.5, p=objective.p)
        measure_trainability(net, DATA, 0.5)
        jm.pgd(net, DATA.inputs, DATA.labels, 0.5, objective.p)
        jm.strongest_perturbation(net, DATA.inputs[:8], 0.5, objective.p, objective.q)
        diagnose(net, DATA.inputs, 0.5, objective.p, objective.q, labels=DATA.labels)


def test_many_inputs_are_attacked_in_parts(monkeypatch):
    """The answers of parts are those of the whole: rows do not see each other in evaluation mode."""
    import jominy.networks.threat as room

    x, y, net = DATA.inputs, DATA.labels, network().eval()
    calls = [
        lambda: jm.pgd(net, x, y, 0.5, 2, restarts=0),
        lambda: jm.fgsm(net, x, y, 0.2, math.inf),
        lambda: jm.strongest_perturbation(net, x, 0.5, 2, 2).eta,
    ]
    whole = [call() for call in calls]
    monkeypatch.setattr(room, "CHUNK", 12 * 50)
    seen = []
    net.register_forward_hook(lambda module, given, made: seen.append(len(given[0])))
    parts = [call() for call in calls]
    assert max(seen) <= 5 * 50
    torch.testing.assert_close(parts[0], whole[0])
    torch.testing.assert_close(parts[1], whole[1])
    assert parts[2].norm(dim=1).max() <= 0.5001
