"""Every command on every example that a file of its kind could be given to: it works, or says in one line why not."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from jominy.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"
TRAININGS = (
    "breast_cancer", "four_components", "isotropic_least_squares", "non_commuting", "power_law", "two_class_logistic"
)  # fmt: skip
NETWORKS = ("plain_network",)
SWEPT = ("sweep",)
SHORT = {
    "forecast": ["--time", "0.5"],
    "simulate": ["--time", "0.05", "--seeds", "2"],
    "homogenize": ["--time", "0.1", "--seeds", "2"],
    "compare": ["--time", "0.05", "--seeds", "2"],
    "optimum": [],
    "advise": ["--time", "0.5"],
    "design": ["--time", "0.5", "--no-certificate"],
    "pareto": ["--time", "0.5", "--radii", "0,0.2"],
    "sweep": ["--over", "radius=0.1,0.2", "--store", "none"],
    "phase": ["--x", "radius=0.1,0.2", "--y", "rate=0.1,0.2", "--store", "none"],
    "network": [],
    "report": ["-o", "page.html"],
}
REFUSED = {
    ("homogenize", "breast_cancer"): "for Gaussian mixtures",
    **{(command, name): "must be a scenario of a training" for command in SHORT for name in NETWORKS},
    **{("network", name): "must be a scenario of a network" for name in (*TRAININGS, *SWEPT)},
    **{("report", name): "a report is made of results" for name in (*TRAININGS, *SWEPT, *NETWORKS)},
}
for works in (("network", "plain_network"), ("sweep", "plain_network")):
    del REFUSED[works]
QUICK = {"optimum", "network", "report"}  # the others compile for seconds each: with `make test-slow`
CELLS = [
    pytest.param(
        command, name,
        marks=[] if command in QUICK or (command, name) in REFUSED else [pytest.mark.slow],
        id=f"{command}-{name}",
    )
    for command in SHORT
    for name in (*TRAININGS, *SWEPT, *NETWORKS)
]  # fmt: skip


def test_no_example_is_left_out():
    assert {path.stem for path in EXAMPLES.glob("*.toml")} == {*TRAININGS, *SWEPT, *NETWORKS}


@pytest.mark.parametrize(("command", "name"), CELLS)
def test_a_command_on_an_example(command, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([command, str(EXAMPLES / f"{name}.toml"), *SHORT[command]])
    if (command, name) in REFUSED:
        assert code == 2 and REFUSED[command, name] in err.getvalue()
        assert err.getvalue().count("\n") == 1 and not list(tmp_path.iterdir())
    else:
        assert code == 0, err.getvalue()
        assert len(out.getvalue().splitlines()) > 3 and "nan" not in out.getvalue()
