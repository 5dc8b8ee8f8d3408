"""`jominy network` from end to end."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jominy as jm
from jominy.cli.main import main

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "plain_network.toml")
SMALL = """
title = "A small network"
radius = 0.5
[network]
depth = 3
width = 64
input_dim = 20
output_dim = 4
weight_variance = 2.0
[data]
kind = "gaussian-classes"
count = 60
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def row(text, start):
    """The last cells of the line that starts so."""
    return next(line for line in text.splitlines() if line.startswith(start)).split("  ")


def test_the_example(capsys, tmp_path):
    pytest.importorskip("sklearn")
    assert main(["network", EXAMPLE, "--out", str(tmp_path / "a.nc")]) == 0
    captured = capsys.readouterr()
    text = captured.out
    assert text.startswith("12 ReLU layers of 128 units, no shortcuts, digits, radius 1.3\n")
    expected = jm.adversarial_loss(jm.Architecture(12, 128, 64, 10, weight_variance=2.0), 1.3, 2, 2)
    assert float(row(text, "adversarial loss")[-1]) == pytest.approx(expected, abs=1e-4)
    tau = float(row(text, "trainability index tau")[-1])
    assert tau == pytest.approx(float(jm.load(tmp_path / "a.trainability.nc")["trainability_index"]), abs=1e-4)
    assert 0.05 < tau < 0.25 and "Adversarial collapse" in text and "87 %" in text and "`" not in text
    assert jm.load(tmp_path / "a.nc").attrs["engine"] == "network theory"
    assert captured.err.splitlines() == [f"saved {tmp_path / 'a.nc'}", f"saved {tmp_path / 'a.trainability.nc'}"]


def test_a_sweep_has_a_row_for_each_value(small, capsys):
    assert main(["network", str(small), "--radius", "0.1,0.2,0.4", "--width", "512"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("A small network [changed: radius 0.1, 0.2, 0.4; width 512]\n")
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("radius"))
    body = np.array([[float(cell) for cell in line.split()[:2]] for line in lines[start + 1 : start + 4]])
    np.testing.assert_allclose(body[:, 0], [0.1, 0.2, 0.4])
    network = jm.Architecture(3, 512, 20, 4, weight_variance=2.0)
    np.testing.assert_allclose(body[:, 1], jm.adversarial_loss(network, body[:, 0], 2, 2), atol=1e-4)


def test_pairs_of_norms_have_a_row_each(small, capsys):
    small.write_text('p = [2, "inf"]\nq = [1, 2]\n' + SMALL)
    assert main(["network", str(small)]) == 0
    network = jm.Architecture(3, 64, 20, 4, weight_variance=2.0)
    told = row(capsys.readouterr().out, "operator norm of J, p = inf, q = 1")[-1]
    assert float(told) == pytest.approx(jm.adversarial_loss(network, 1.0, np.inf, 1), abs=1e-4)


def test_as_json(small, capsys):
    assert main(["network", str(small), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"theory", "trainability"}
    network = jm.Architecture(3, 64, 20, 4, weight_variance=2.0)
    found = told["theory"]["variables"]["adversarial_loss"]["values"]
    assert found == pytest.approx(jm.adversarial_loss(network, 0.5, 2, 2))
    assert told["trainability"]["attributes"]["verdict"] in ("collapse", "borderline", "safe")


def test_without_data_there_is_no_verdict(small, capsys):
    small.write_text(SMALL.partition("[data]")[0])
    assert main(["network", str(small)]) == 0
    text = capsys.readouterr().out
    assert "No word on trainability" in text and "tau" not in text


def test_every_field_can_vary(small, capsys, tmp_path):
    fields = {
        "depth": "[1, 2]", "width": "[30, 60]", "input_dim": "[10, 20]", "output_dim": "[2, 4]", "radius": "[0.0, 0.4]",
        "weight_variance": "[1.0, 2.0]", "bias_variance": "[0.0, 0.1]", "shortcut": "[false, true]",
        "adversarial_weight": "[0.0, 1.0]",
    }  # fmt: skip
    for name, values in fields.items():
        small.write_text(SMALL + f"[vary]\n{name} = {values}\n")
        assert main(["network", str(small), "--plot", str(tmp_path / "a.png")]) == 0
        text = capsys.readouterr().out
        assert "nan" not in text and "tau" in text
        assert len(jm.NetworkScenario.load(small).theory()[name]) == 2


def test_one_line_says_what_is_wrong(small, capsys):
    for options, words in (
        (["--depth", "0"], "'network.depth' must be >= 1"),
        (["--radius", "-1"], "'radius' must be >= 0"),
        (["--radius", "a"], "invalid list of numbers"),
        (["--out", "/nowhere/a.nc"], "the folder of --out must exist"),
    ):
        assert main(["network", str(small), *options]) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1
    assert main(["network", "none.toml"]) == 2
    assert "must exist" in capsys.readouterr().err


def test_measured_beside_the_theory(small, tmp_path, capsys):
    """12 networks, seeds 0 to 11: within 25 % and three standard errors; the ratio printed is that of the file."""
    pytest.importorskip("torch")
    files = ["--out", str(tmp_path / "a.nc"), "--plot", str(tmp_path / "a.png")]
    small.write_text(SMALL.replace("width = 64", "width = 400").replace("radius = 0.5", "radius = 0.2"))
    assert main(["network", str(small), "--measure", "--networks", "12", *files]) == 0
    text = capsys.readouterr().out
    told, seen = jm.load(tmp_path / "a.nc"), jm.load(tmp_path / "a.measured.nc")
    assert (tmp_path / "a.png").stat().st_size > 5000
    assert seen.sizes["network"] == 12 and seen.attrs["title"] == "A small network"
    for name, start in (
        ("jacobian_variance", "variance of an entry of J "),
        ("operator_norm", "operator norm of J"),
        ("adversarial_loss", "adversarial loss"),
    ):
        found = seen[name].values / float(told[name])
        mean, error = found.mean(), found.std(ddof=1) / np.sqrt(12)
        assert abs(mean - 1) < min(3 * error + 0.03, 0.25), name
        assert f"{mean:.3f} ± {error:.3f}" in row(text, start)[-1]
    direct = jm.measure_affine_law(
        jm.Architecture(3, 400, 20, 4, weight_variance=2.0),
        jm.gaussian_classes(60, 20, 4, seed=0).inputs[:32],
        networks=12,
        progress=False,
    )
    np.testing.assert_array_equal(seen["jacobian_variance"], direct["jacobian_variance"])


def test_a_measured_sweep_has_the_shape_of_its_theory(small, tmp_path, capsys):
    """Without shortcuts and bias the rate is -(2/N) times the loss in every layer: exact, at every depth and pair."""
    pytest.importorskip("torch")
    small.write_text(
        'p = [2, "inf"]\n' + SMALL + "[vary]\ndepth = [1, 3]\nradius = [0.1, 0.4]\n[measure]\nnetworks = 2\n"
    )
    assert main(["network", str(small), "--measure", "--out", str(tmp_path / "a.nc")]) == 0
    assert "measured ± standard error (measured / theory)" in capsys.readouterr().out
    told, seen = jm.load(tmp_path / "a.nc"), jm.load(tmp_path / "a.measured.nc")
    for name in set(told) & set(seen):
        assert set(seen[name].dims) == {"network", *told[name].dims}, name
    for depth, layers in ((1, 1), (3, 3)):
        one = seen.sel(depth=depth)
        for layer in (1, 2, 3):
            expected = -2 / 64 * one["adversarial_loss"] * (layer <= layers)
            found = one["weight_variance_rate"].sel(layer=layer)
            np.testing.assert_allclose(found, expected.transpose(*found.dims), rtol=1e-6, atol=1e-12)


def test_ctrl_c_keeps_the_points_that_are_done(small, tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch")
    from jominy.study.measure_network import _Points

    whole = _Points.at

    def stops(self, place):
        if place["radius"] == 0.3:
            raise KeyboardInterrupt
        return whole(self, place)

    monkeypatch.setattr(_Points, "at", stops)
    options = ["--radius", "0.1,0.2,0.3,0.4", "--networks", "2"]
    assert main(["network", str(small), "--measure", "--out", str(tmp_path / "a.nc"), *options]) == 130
    seen = jm.load(tmp_path / "a.measured.nc")
    assert seen["radius"].values.tolist() == [0.1, 0.2] and seen.attrs["status"] == "interrupted"
    assert "0.3" in capsys.readouterr().out


def test_the_theory_needs_no_pytorch(small):
    """In a process where torch cannot be imported; --measure says what to install."""
    block = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'safetensors'):\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from jominy.cli.main import main\n"
        f"codes = main(['network', {str(small)!r}]), main(['network', {str(small)!r}, '--measure'])\n"
        "assert codes == (0, 2), codes\n"
    )
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "trainability index tau" in done.stdout and "pip install -c constraints.txt '.[torch]'" in done.stderr
