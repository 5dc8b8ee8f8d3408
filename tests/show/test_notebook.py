"""What notebooks show. A real IPython shell is used where it is installed."""

import subprocess
import sys

import pytest
import xarray as xr

import hand_made
import jominy as jm
from jominy.errors import InputError
from jominy.notebooks import _SHOWN, load_into
from jominy.show.notebook import as_html


class Formatter:
    """The one method of IPython's formatter that is used."""

    def __init__(self):
        self.known = {}

    def for_type_by_name(self, module, name, function):
        self.known[module, name] = function

    def __call__(self, thing):
        return self.known[type(thing).__module__, type(thing).__name__](thing)


@pytest.fixture
def shown():
    class Shell:
        class display_formatter:
            formatters = {"text/html": Formatter()}

    load_into(Shell)
    return Shell.display_formatter.formatters["text/html"]


@pytest.fixture(scope="module")
def problem():
    return jm.Problem(jm.LinearTeacher(jm.identity(400), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)


def test_results_show_a_figure_and_a_table(shown):
    html = shown(hand_made.classification())
    assert html.count("<figure>") == 1 and "<caption>Forecast</caption>" in html and "forecast: completed" in html
    assert "<style>\n.jominy" in html and "\nbody" not in html.partition("<details>")[0]


def test_other_datasets_stay_as_they_are(shown):
    other = xr.Dataset({"a": ("x", [1.0])})
    assert shown(other).partition("<")[2][:3] == other._repr_html_().partition("<")[2][:3]
    assert "jominy" not in shown(other)
    assert (
        "jominy" not in shown(hand_made.forecast().rename(time="step").assign_attrs(engine="train")).split("<style>")[0]
    )


def test_problems_optima_and_networks(shown, problem):
    assert '<th scope="row">radius</th><td class="words">0.5</td>' in shown(problem)
    found = jm.optimum(problem)
    assert f"{found.collapse_radius:.4g}" in shown(found)
    assert f"{jm.stationary(problem, 0.5).norm:.4g}" in shown(jm.stationary(problem, 0.5))
    assert '<th scope="row">depth</th><td class="words">5</td>' in shown(
        jm.Architecture(5, 200, 784, 10, weight_variance=2.0)
    )
    advice = shown(jm.advise(problem, jm.Constant(0.5), time=2))
    assert advice.count("<figure>") == 1 and "<li>" in advice


def test_every_type_is_where_it_is_looked_for():
    import importlib

    for module, name in _SHOWN:
        assert getattr(importlib.import_module(module), name).__module__ == module


def test_views_elsewhere():
    result = hand_made.forecast()
    made = jm.view(result)
    assert made._repr_html_().partition("<details>")[0] == as_html(result).partition("<details>")[0] and repr(
        made
    ) == repr(result)
    with pytest.raises(InputError, match="have a view"):
        jm.view(3)


def test_a_running_shell_is_told():
    pytest.importorskip("IPython")
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import jominy as jm
data, metadata = shell.display_formatter.format(jm.Architecture(5, 200, 784, 10, weight_variance=2.0))
assert "<td class=\\"words\\">784</td>" in data["text/html"]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
