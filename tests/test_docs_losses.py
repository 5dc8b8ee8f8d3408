"""The example of docs/losses.md runs as it is printed, and says what it says."""

import re
from pathlib import Path

import pytest

from jominy.cli.options import LOSS_CHOICES
from jominy.losses import ClassLoss
from jominy.study.scenario import Scenario

PAGE = (Path(__file__).parents[1] / "docs" / "losses.md").read_text(encoding="utf-8")


def test_the_huber_example_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    exec(compile(code, "docs/losses.md", "exec"), {})
    error, others = capsys.readouterr().out.strip().splitlines()
    assert float(error) < 0.05
    norm, radius, end = map(float, others.split())
    assert 0.5 < norm < 1 and 0.9 < radius < 1.3 and 0.5 < end < 1


@pytest.mark.parametrize("kind", LOSS_CHOICES)
def test_every_kind_of_loss_builds_from_a_scenario_and_is_on_the_page(kind):
    two = [
        {"weight": 0.5, "mean": m, "covariance": {"kind": "identity"}, "label": y} for m, y in ((1.0, 1), (-1.0, -1))
    ]
    given = {
        "data": {"kind": "mixture", "dimension": 20, "components": two},
        "loss": {"kind": kind},
        "radius": 0.3,
        "schedule": {"kind": "constant", "rate": 0.5},
        "time": 2,
    }
    loss = Scenario.from_mapping(given).loss.build()
    if not isinstance(loss, ClassLoss):
        Scenario.from_mapping(given).problem()
    assert f"| `{type(loss).__name__}()` | `{kind}` |" in PAGE
