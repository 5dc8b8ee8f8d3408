import json
import re
import subprocess
import sys

import pytest

from jominy.cli.main import main

COMMANDS = [
    *("forecast", "simulate", "homogenize", "compare", "optimum", "advise"),
    *("network", "diagnose", "claims", "sweep", "schema"),
]


def refused(capsys, *argv):
    """The one message of a command that refuses its input."""
    assert main(list(argv)) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


def test_help_lists_the_commands(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in COMMANDS) and "examples:" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_an_example(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"jominy {command}" in capsys.readouterr().out.rpartition("\nexample")[2]


def test_version(capsys):
    import jominy

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"jominy {jominy.__version__}\n"


def test_help_imports_nothing_heavy():
    """What makes it instant; `benchmarks/command_line.py` measures the time."""
    code = "import sys; from jominy.cli.main import main; main(['--help']); print(len(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "jax", "xarray", "pydantic", "matplotlib"):
        assert not re.search(rf"\| +{heavy}\n", done.stderr)
    assert int(done.stderr.splitlines()[-1]) < 200


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        ([], ["COMMAND"]),
        (["forecst"], ["invalid choice"]),
        (["forecast"], ["SOURCE"]),
        (["forecast", "a.toml", "--radius", "big"], ["--radius", "'big'"]),
        (["forecast", "a.toml", "--evaluate-at", "0,x"], ["invalid list of numbers value: '0,x'"]),
        (["forecast", "a.toml", "--evaluate-at", ""], ["invalid list of numbers value: ''"]),
        (["forecast", "a.toml", "--fast"], ["--fast"]),
        (["claims", "dynamics", "--only", ""], ["no such claim (received: '')", "a, b, c"]),
        (["forecast", "nowhere.toml"], ["scenario file must exist", "nowhere.toml"]),
        (["forecast", "nowhere.csv", "--target", "y"], ["data file must exist", "nowhere.csv"]),
        (["forecast", "picture.png"], ["SOURCE must be a scenario (.toml) or a data file"]),
        (["forecast", "a.toml", "--target", "y"], ["--target goes with a data file"]),
        (["forecast", "a.toml", "--out", "nowhere/out.nc"], ["folder of --out must exist"]),
        (["compare", "a.toml", "--plot", "nowhere/out.png"], ["folder of --plot must exist"]),
        (["schema", "--out", "nowhere/out.json"], ["could not be written"]),
    ],
)
def test_bad_arguments(argv, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refused(capsys, *argv)
    assert message.startswith("jominy") and all(part in message for part in parts)


def test_a_mistake_in_a_scenario(capsys, tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('radios = 0.5\n[loss]\nkind = "squared"\n')
    assert "study.toml: there is no key 'radios'" in refused(capsys, "forecast", str(path))


def test_schema(capsys, tmp_path):
    assert main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert main(["schema", "--out", str(tmp_path / "schema.json")]) == 0
    assert json.loads((tmp_path / "schema.json").read_text()) == printed


def test_ctrl_c(capsys, monkeypatch):
    from jominy.cli import schema

    def interrupt(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "run", interrupt)
    assert main(["schema"]) == 130
    assert capsys.readouterr().err == "jominy schema: interrupted\n"


def test_a_reader_that_leaves():
    done = subprocess.run(
        f"{sys.executable} -c 'import sys; from jominy.cli.main import main; sys.exit(main([\"schema\"]))' | head -1",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "{\n" and done.stderr == ""


def test_ctrl_c_while_python_tidies_up_is_not_lost():
    """What is raised in a __del__ or a callback of the garbage collector is thrown away; the command still ends."""
    code = """
import os, signal, sys, time
from jominy.cli.main import _interrupt_again
sys.unraisablehook = _interrupt_again
class Tidy:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
try:
    Tidy()
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
class Wrong:
    def __del__(self):
        raise ValueError("as ever")
Wrong()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert done.stdout == "interrupted\n"
    assert "KeyboardInterrupt" not in done.stderr and "as ever" in done.stderr
