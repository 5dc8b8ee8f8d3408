"""The diagnosis of a module: theory against measurement for modules of PyTorch's own making, words, files, messages."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

import jominy as jm  # noqa: E402
from jominy.cli.main import main  # noqa: E402
from jominy.networks import diagnose  # noqa: E402

MODEL = """
from torch import nn
def build():
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
broken = 1 / 1
def fails():
    raise RuntimeError("no data here")
def leaves():
    raise SystemExit("no licence")
def chatty():
    print("a word from build")
    return build()
def half():
    return build().bfloat16()
def lazy():
    return nn.Sequential(nn.LazyLinear(32), nn.ReLU(), nn.LazyLinear(3))
def meta():
    return build().to("meta")
def stopped():
    raise KeyboardInterrupt
"""


def mlp():
    widths = (50, 400, 300, 200, 10)
    layers = [nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)]
    return nn.Sequential(*(part for layer in layers[:-1] for part in (layer, nn.ReLU())), layers[-1])


@pytest.mark.parametrize(("p", "q"), [(2, 2), (np.inf, 1), (1, 2)])
def test_a_random_module_answers_as_predicted(p, q):
    """Six modules with PyTorch's own uniform initialisation and unequal widths, seed 1: within 8 %.

    Spread between modules is 1/sqrt(2 d_eff), about 9 %, so 4 % for the mean of six.
    """
    torch.manual_seed(1)
    x = torch.randn(32, 50)
    found = [diagnose(mlp(), x, 0.05, p, q) for _ in range(6)]
    for name in ("norm", "loss"):
        measured = {"norm": "operator_norm", "loss": "adversarial_loss"}[name]
        ratios = [getattr(one, measured)[0] / getattr(one, f"predicted_{name}") for one in found]
        assert abs(np.mean(ratios) - 1) < 0.04 + 3 * np.std(ratios, ddof=1) / np.sqrt(6) < 0.25, (name, ratios)


def test_gradients_are_those_of_the_loss_at_the_attack():
    """Finite differences of the adversarial loss at a fixed attack, along the gradient of one layer."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, 20), nn.ReLU(), nn.Linear(20, 3)).double()
    x = torch.randn(8, 5, dtype=torch.float64)
    found = diagnose(module, x, 0.4)
    eta = jm.networks.strongest_perturbation(module, x, 0.4, 2, 2, seed=0).eta
    weight = module[0].weight

    def loss():
        return (module(x + eta) - module(x)).norm(dim=1).mean()

    (slope,) = torch.autograd.grad(loss(), weight)
    with torch.no_grad():
        before, step = loss().item(), 1e-6
        weight += step * slope / slope.norm()
        after = loss().item()
    assert (after - before) / step == pytest.approx(found.layers[0].gradient, rel=1e-3)


def test_training_is_seen_against_initialisation():
    torch.manual_seed(0)
    initial = mlp()
    grown = mlp()
    with torch.no_grad():
        grown[0].weight.mul_(3)
    found = diagnose(grown, torch.randn(8, 50), 0.1, initial=initial)
    assert found.layers[0].variance / found.layers[0].initial_variance == pytest.approx(9, rel=0.1)
    record = json.loads(json.dumps(found.describe()))
    assert record["p"] == "2" and len(record["layers"]) == 4 and record["said"]


def test_a_convolutional_module_is_measured_and_not_predicted():
    module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 5))
    found = diagnose(module, torch.randn(4, 1, 8, 8), 0.1)
    assert found.predicted_loss is None and found.adversarial_loss[0] > 0
    assert any("does not apply, because of: convolution" in sentence for sentence in found.sentences())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radius": -1.0}, "radius"),
        ({"radius": 0.0}, "above zero"),
        ({"p": 3}, "p must be 1, 2 or infinity"),
        ({"inputs": torch.zeros(4, 7)}, "the module must accept the inputs"),
        ({"inputs": torch.full((4, 6), float("nan"))}, "inputs must be finite"),
        ({"module": "resnet"}, "takes a torch.nn.Module"),
    ],
)
def test_bad_input(change, message):
    call = {"module": nn.Linear(6, 2), "inputs": torch.zeros(4, 6), "radius": 0.1} | change
    with pytest.raises(jm.InputError, match=message):
        diagnose(**call)


def test_weights_that_are_not_finite():
    module = nn.Linear(6, 2)
    module.weight.data[0, 0] = float("nan")
    with pytest.raises(jm.InputError, match="weight"):
        diagnose(module, torch.zeros(4, 6), 0.1)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A model, its inputs, weights that fit, weights that do not, and files of ill will."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_model.py").write_text(MODEL)
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "unclear.py").write_text("def build(:\n")
    (tmp_path / "chatty.py").write_text("print('a word at import')\n" + MODEL)
    np.save("x.npy", np.random.default_rng(0).standard_normal((9, 6)))
    module = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    save_file(module.state_dict(), "good.safetensors")
    torch.save(module.state_dict(), "good.pt")
    torch.save(module, "pickled.pt")
    save_file(nn.Linear(2, 2).state_dict(), "other.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes((tmp_path / "good.safetensors").read_bytes()[:300])
    return tmp_path


@pytest.mark.parametrize(
    "more", [[], ["--weights", "good.safetensors"], ["--weights", "good.pt", "--p", "inf", "--q", "1"]]
)
def test_the_command(files, capsys, more):
    assert main(["diagnose", "my_model.py:build", "--inputs", "x.npy", "--radius", "0.1", *more]) == 0
    told = capsys.readouterr().out
    assert "2 fully connected layers" in told and "adversarial loss" in told and "0.weight" in told
    assert ("at initialisation" in told) == bool(more)
    assert main(["diagnose", "my_model.py:build", "--inputs", "x.npy", "--radius", "0.1", "--json", *more]) == 0
    assert json.loads(capsys.readouterr().out)["diagnosis"]["count"] == 9


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nowhere.py:build"], "the file of the module must exist"),
        (["my_model.py"], "named by its file and a name in it"),
        (["my_model.py:missing"], "must define missing"),
        (["my_model.py:fails"], "RuntimeError: no data here"),
        (["my_model.py:leaves"], "without an error or an exit (received: SystemExit: no licence)"),
        (["leaves.py:build"], "without an error or an exit (received: SystemExit: 3)"),
        (["unclear.py:build"], "SyntaxError"),
        (["my_model.py:lazy"], "lazy and has no shape yet"),
        (["my_model.py:meta"], "on the meta device"),
        (["my_model.py:broken"], "must be or return a torch.nn.Module"),
        (["my_model.py:build", "--inputs", "no.npy"], "the file of inputs must exist"),
        (["my_model.py:build", "--inputs", "my_model.py"], "inputs must be a .npy or .npz file"),
        (["my_model.py:build", "--weights", "damaged.safetensors"], "weights must be a sound safetensors file"),
        (["my_model.py:build", "--limit", "0"], "limit on the number of inputs must be >= 1"),
        (["my_model.py:build", "--weights", "pickled.pt"], "weights must be a sound safetensors file"),
        (["my_model.py:build", "--weights", "other.safetensors"], "the weights must fit the module"),
    ],
)
def test_bad_files(files, capsys, argv, message):
    usual = [] if "--inputs" in argv else ["--inputs", "x.npy"]
    assert main(["diagnose", *argv, *usual, "--radius", "0.1"]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_what_a_file_prints_is_not_the_answer(files, capsys):
    assert main(["diagnose", "chatty.py:chatty", "--inputs", "x.npy", "--radius", "0.1", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["diagnosis"]["count"] == 9
    assert "a word at import" in said.err and "a word from build" in said.err


def test_modules_that_get_their_numbers_on_the_way(files, capsys):
    """Half precision is measured in single; weights from a file fill a module that had none."""
    call = ["diagnose", "--inputs", "x.npy", "--radius", "0.1"]
    assert main([*call, "my_model.py:half"]) == 0
    capsys.readouterr()
    told = []
    for name in ("build", "lazy", "meta"):
        assert main([*call, f"my_model.py:{name}", "--weights", "good.safetensors", "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out)["diagnosis"])
    assert told[0]["adversarial_loss"] == told[1]["adversarial_loss"] == told[2]["adversarial_loss"]
    assert told[1]["layers"][0]["initial_variance"] is None


def test_ctrl_c_in_a_file(files, capsys):
    assert main(["diagnose", "my_model.py:stopped", "--inputs", "x.npy", "--radius", "0.1"]) == 130
    assert capsys.readouterr().err == "jominy diagnose: interrupted\n"
