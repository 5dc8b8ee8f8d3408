import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jominy import InputError
from jominy.cli.main import main

COMMANDS = [
    *("forecast", "simulate", "homogenize", "compare", "optimum", "advise", "design", "pareto"),
    *("network", "diagnose", "audit", "check", "claims", "sweep", "schema"),
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


def test_python_runs_the_package():
    done = subprocess.run([sys.executable, "-m", "jominy", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("jominy ")


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
        (["forcast"], ["invalid choice: 'forcast' (did you mean 'forecast'?)"]),
        (["zebra"], ["invalid choice: 'zebra' (choose from forecast, simulate, "]),
        (["--versoin"], ["no option --versoin (did you mean '--version'?)"]),
        (["forecast", "a.toml", "--raduis", "0.2"], ["jominy forecast:", "no option --raduis (did you mean '--rad"]),
        (["forecast", "--raduis=0.2", "a.toml"], ["jominy forecast:", "no option --raduis (did you mean '--radius'?)"]),
        (["diagnose", "m.py:build", "--inptus", "x.npy"], ["no option --inptus (did you mean '--inputs'?)"]),
        (["forecast", "a.csv", "--loss", "logstic"], ["--loss: invalid choice: 'logstic' (did you mean 'logistic'?)"]),
        (["forecast", "a.toml", "b.toml"], ["unexpected argument 'b.toml'"]),
        (["network", "a.csv"], ["network scenario (.toml)", "`jominy forecast`"]),
        (["sweep", "a.npz"], ["scenario file (.toml)", "`jominy forecast`"]),
        (["forecast", "a.nc"], ["SOURCE must be", "`jominy report` reads results"]),
        (["simulate", "model.py"], ["SOURCE must be", "`jominy diagnose FILE.py:NAME` reads modules"]),
        (["pareto", "nowhere.toml", "--radii", "-1,2"], ["scenario file must exist"]),
        (["report", "a.toml"], ["made of results", "`jominy forecast`"]),
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
        (["schema", "--out", "nowhere/out.json"], ["folder of --out must exist"]),
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


def test_a_scenario_of_the_other_kind_names_the_command_that_reads_it(capsys, tmp_path):
    (tmp_path / "training.toml").write_text('radius = 0.5\n[loss]\nkind = "squared"\n')
    (tmp_path / "network.toml").write_text("radius = 0.5\n[network]\ndepth = 3\n")
    told = refused(capsys, "network", str(tmp_path / "training.toml"))
    assert "must be a scenario of a network" in told and "`jominy forecast`" in told
    for command in ("forecast", "compare", "advise", "design", "pareto", "optimum", "simulate", "homogenize", "phase"):
        told = refused(capsys, command, str(tmp_path / "network.toml"))
        assert "must be a scenario of a training" in told and "`jominy network`" in told


def test_what_installs_an_extra_works_from_a_copy_of_the_repository():
    """The package is on no index, so that `pip install 'jominy[...]'` installs nothing."""
    root = Path(__file__).parents[2]
    texts = [*(root / "src").rglob("*.py"), *(root / "docs").rglob("*.md"), *(root / "examples").rglob("*.py")]
    assert not [str(path) for path in texts if "jominy[" in path.read_text(encoding="utf-8")]
    extras = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = [name for path in texts for name in re.findall(r"""install\("(\w+)"\)""", path.read_text(encoding="utf-8"))]
    assert {"torch", "explore", "cluster", "examples"} <= set(named) <= set(extras)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["sweep", "study.toml", "--over", "radius=0.1,0.2", "--workers", "-1"], 2),
        (["sweep", "study.toml", "--over", "radius=0.1,0.2", "--engine", "homogenize", "--workers", "0"], 1),
        (["sweep", "study.toml", "--over", "radius=0.1,0.2", "--store", "runs/of/today", "--workers", "-1"], 2),
        (["claims", "networks", "--only", "a", "--out", "figures/a"], 2),
    ],
)
def test_a_command_that_fails_leaves_no_folder(arguments, code, tmp_path, monkeypatch, capsys):
    def absent(*_, **__):
        raise InputError("PyTorch is needed here, and is not installed")
        yield

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jominy_reproduce.measure", absent)
    (tmp_path / "study.toml").write_text(
        'radius = 0.3\ntime = 1\nbatch_size = 2\ndata = { kind = "linear-teacher", dimension = 20, covariance = '
        '{ kind = "identity" } }\nloss = { kind = "squared" }\nschedule = { kind = "constant", rate = 0.5 }\n'
    )
    assert main(arguments) == code
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


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
