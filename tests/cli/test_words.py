"""The command line speaks in its options, and in keys of a scenario; Python is for those who write Python."""

import json
import re

import numpy as np
import pytest

from jominy.cli.main import main
from jominy.wording import Reader, said

# keyword=value without spaces, a call, a dotted name of the package, a class of ours
PYTHON = re.compile(r"(?<![\w-])[a-z_]+=[\w('\"\[]|\b[A-Za-z_]+\([^)]*\)|\bjominy\.[a-z]\w+|\bScaling\.|\bSamples\b")
UNSTABLE = ["forecast", "numbers.npz", "--loss", "squared", "--clip", "off", "--rate", "0.9", "--radius", "0.2"]
SCENARIO = """
radius = 0.3
time = 1
data = { kind = "linear-teacher", dimension = 40, covariance = { kind = "identity" } }
loss = { kind = "squared" }
schedule = { kind = "constant", rate = 0.5 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("words")
    rng = np.random.default_rng(3)
    X = rng.standard_normal((60, 4)) ** 3
    np.savez(path / "numbers.npz", X=X, y=X[:, 0] + rng.standard_normal(60))
    np.savez(path / "classes.npz", X=X, y=X[:, 0] + rng.standard_normal(60) > 0)
    np.savez(path / "digits.npz", X=X, y=rng.integers(0, 10, 60))
    path.joinpath("study.toml").write_text(SCENARIO)
    changes = {
        "stuck": ('kind = "constant", rate = 0.5', 'kind = "exact-line-search"'),
        "label_law": ('identity" }', 'identity" }, label_law = { kind = "logistic" }'),
        "link": ('identity" }', 'identity" }, teacher_link = { kind = "erf" }'),
        "hinge": ('"squared"', '"hinge"'),
        "endless": ("dimension = 40", 'dimension = "infinite"'),
        "pass": ("radius", 'simulation = { sampling = "one-pass" }\nradius'),
    }
    for name, (old, new) in changes.items():
        path.joinpath(f"{name}.toml").write_text(SCENARIO.replace(old, new))
    samples = '{ kind = "file", path = "classes.npz" }'
    text = path.joinpath("pass.toml").read_text()
    text = re.sub(r"data = .*", f"data = {samples}", text).replace("time = 1", "time = 100")
    path.joinpath("pass.toml").write_text(text)
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (UNSTABLE, "(`--clip 3`)"),
        (["forecast", "classes.npz", "--time", "1", "--test-fraction", "0"], "give `--test-fraction 0.25`"),
        (["forecast", "classes.npz", "--data-units"], "--scaling"),
        (["forecast", "digits.npz", "--loss", "logistic"], "--classes"),
        (["compare", "study.toml", "--seeds", "1"], "`--seeds 20`"),
        (["simulate", "study.toml", "--seeds", "0"], "`--seeds 50`"),
        (["forecast", "study.toml", "--dimension", "9"], "`--bands`"),
        (["homogenize", "classes.npz"], "`jominy forecast`"),
        (["forecast", "stuck.toml"], "(`start = 0.1`), or use `schedule"),
        (["forecast", "label_law.toml"], "label_law"),
        (["forecast", "link.toml"], "teacher"),
        (["forecast", "hinge.toml"], "labels"),
        (["simulate", "pass.toml"], 'sampling = "reshuffled-epochs"'),
    ],
)
def test_messages(arguments, words, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    if arguments[0] == "forecast" and arguments[1].endswith(".npz") and "--radius" not in arguments:
        arguments = [*arguments, "--radius", "0.2"]
    main(arguments)
    out, err = capsys.readouterr()
    said_so = [line.strip() for line in (out + err).splitlines() if not line.startswith(("time", " ")) or "`" in line]
    told = re.sub(r"\(received: .*?\)\. ", "", " ".join(said_so))  # a value may be shown as Python shows it
    assert words in told and not PYTHON.findall(told)


def test_json_says_the_same(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    main([*UNSTABLE, "--json"])
    assert "`--clip 3`" in json.loads(capsys.readouterr().out)["forecast"]["attributes"]["advice"]


def test_python_is_told_python_and_files_keep_it(folder, capsys, monkeypatch):
    import jominy as jm

    monkeypatch.chdir(folder)
    main([*UNSTABLE, "--out", "a.nc"])
    assert "`Preprocessing(clip=3)`" in jm.load("a.nc").attrs["advice"]


def test_what_is_not_code_stays_as_it_is():
    text = "rates below 2 d / tr K (see `jominy advise`)"
    assert [said(text, reader) for reader in Reader] == [text] * 3
