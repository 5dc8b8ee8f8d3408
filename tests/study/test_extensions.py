"""A loss, a schedule and an attack of a user's own: one file and one line each, and then they go everywhere."""

import subprocess
import sys
import textwrap

import pytest

MODULE = '''
from typing import ClassVar

import jax.numpy as jnp
import numpy as np

from jominy.attacks import Attack
from jominy.losses import MarginLoss
from jominy.optimizers import SGD
from jominy.parts import ATTACKS, LOSSES, OPTIMIZERS, SCHEDULES, Part, Setting, Slider
from jominy.schedules import Schedule


class SteepLoss(MarginLoss):
    """log(1 + exp(-2 z)) / 2."""

    def profile(self, margin):
        return jnp.logaddexp(0.0, -2 * margin) / 2


class Powered(Schedule):
    """rate / (1 + time)^power."""

    start: float
    power: float

    def __init__(self, rate, power):
        self.start, self.power = rate, power

    def rate(self, time, descent):
        return self.start / (1 + time) ** self.power

    def describe(self):
        return {"kind": "powered", "rate": self.start, "power": self.power}


class FirstHalf(Attack):
    """l2 on the first half of the features."""

    def form(self, dimension):
        return np.where(np.arange(dimension) < dimension / 2, 1.0, 0.0)

    def describe(self):
        return {"kind": "FirstHalf"}

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return 1


class Halved(SGD):
    """SGD whose steps are half as long."""

    def step(self, weights, gradient, buffer, step_size, first):
        return super().step(weights, gradient, buffer, step_size / 2, first)

    @property
    def plain(self):
        return False


OPTIMIZERS.add(Part("halved", Halved, "SGD whose steps are half as long."))
LOSSES.add(Part("steep", SteepLoss, "A logistic loss twice as steep."))
RATE = Setting("rate", "number", "step times dimension", power=1, slider=Slider(0.5, 0.02, 4.0, log=True))
POWER = Setting("power", "float", slider=Slider(0.5, 0.0, 1.0))
SCHEDULES.add(Part("powered", Powered, "rate / (1 + time)^power.", (RATE, POWER)))
ATTACKS.add(Part("first-half", FirstHalf, "l2 on the first half of the features."))
'''

SCENARIO = """
time = 4
radius = 0.3
data = { kind = "mixture", dimension = 200, components = [
    { weight = 0.5, label = 1, mean = 1.0, covariance = { kind = "identity" } },
    { weight = 0.5, label = -1, mean = -1.0, covariance = { kind = "identity" } },
] }
loss = { kind = "steep" }
schedule = { kind = "powered", rate = 1.0, power = 0.5 }
attack = { kind = "first-half" }
simulation = { seeds = 40 }
"""

SCRIPT = """
import json, sys
import numpy as np
import my_parts
import jominy as jm
from jominy.cli.main import main
from jominy.explore.curves_state import Curves
from jominy.explore.fields import controls
from jominy.explore.texts import python_text

scenario = jm.Scenario.load("own.toml")
told = scenario.forecast()
# The same in terms of what was there before.
half = jm.Mahalanobis(np.where(np.arange(200) < 100, 1.0, 0.0))
loss = jm.CustomMarginLoss(my_parts.SteepLoss().profile, name="steep")
same = jm.Problem(scenario.problem().data, loss, 0.3, half)
rate = jm.FromFunction(lambda time: 1.0 / (1 + time) ** 0.5)
other = jm.forecast(same, rate, time=4)
assert np.allclose(told.adversarial_risk, other.adversarial_risk, rtol=1e-8)
best, known = jm.optimum(scenario.problem()), jm.optimum(same)
assert abs(best.adversarial_risk - known.adversarial_risk) < 1e-9

assert main(["forecast", "own.toml", "--json", "--out", "told.nc"]) == 0
assert Curves.of_scenario(scenario.model_dump()).schedule == "powered"
state = Curves(schedule="powered", power=0.3, horizon=2.0)
names = {one["name"]: one for one in controls(Curves)}
assert "power" in names and ["powered", "powered"] in names["schedule"]["words"]
assert names["schedule"]["shows"]["powered"] == ["rate", "power"]
assert jm.Scenario.from_mapping(state.mapping()).build_schedule().power == 0.3
space = {}
exec(python_text(state, state.mapping()), space)
assert space["schedule"].power == 0.3

from jominy.study.scenario import json_schema
assert "powered" in json.dumps(json_schema())
"""

SLOW_SCRIPT = """
import sys
import numpy as np
import my_parts
import jominy as jm
from jominy.cli.main import main

scenario = jm.Scenario.load("own.toml")
told = scenario.forecast()
runs = scenario.simulate(progress=False)
z = (runs.adversarial_risk[:, -1].mean() - told.adversarial_risk[-1]) / (runs.adversarial_risk[:, -1].std() / 40**0.5)
assert abs(float(z)) < 4, float(z)

assert main(["compare", "own.toml", "--out", "compared.nc"]) == 0
g = np.random.default_rng(0)
X = g.standard_normal((200, 6))
np.savez("rows.npz", X=X, y=np.where(X[:, 0] + g.standard_normal(200) > 0, 1, 0))
arguments = ["--loss", "steep", "--attack", "first-half", "--radius", "0.2", "--time", "2"]
assert main(["forecast", "rows.npz", *arguments, "--out", "rows.nc"]) == 0

# An optimizer of one's own: the runs of half the rate.
mapping = {
    "data": {"kind": "file", "path": "rows.npz"}, "loss": {"kind": "logistic"}, "radius": 0.2, "time": 2.0,
    "schedule": {"kind": "constant", "rate": 1.0}, "simulation": {"seeds": 4}, "optimizer": {"kind": "halved"},
}
mine = jm.Scenario.from_mapping(mapping).simulate(progress=False)
half = mapping | {"schedule": {"kind": "constant", "rate": 0.5}, "optimizer": {"kind": "sgd", "momentum": 0.0}}
theirs = jm.Scenario.from_mapping(half).simulate(progress=False)
assert np.allclose(mine.adversarial_risk, theirs.adversarial_risk, rtol=1e-6)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "my_parts.py").write_text(textwrap.dedent(MODULE))
    (tmp_path / "own.toml").write_text(SCENARIO)
    return tmp_path


def test_loss_schedule_and_attack_of_ones_own_go_everywhere(folder):
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_they_are_run_and_compared_and_tables_take_them(folder):
    done = subprocess.run([sys.executable, "-c", SLOW_SCRIPT], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_names_are_taken_once_and_in_time(folder):
    script = """
import jominy as jm
from jominy.parts import LOSSES, Part
try:
    LOSSES.add(Part("hinge", jm.HingeLoss, "again"))
except jm.InputError as error:
    print(error)
jm.Scenario
try:
    LOSSES.add(Part("late", jm.HingeLoss, "late"))
except jm.InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    taken, late = done.stdout.strip().splitlines()
    assert "a name of its own" in taken and "before scenarios are first used" in late
