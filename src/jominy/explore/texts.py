"""A state as a scenario file, and as a Python script that computes the same."""

from __future__ import annotations

import pprint
from typing import TYPE_CHECKING, Any

from jominy.explore.curves_state import OWN, TWO_CLASS, Curves
from jominy.explore.part_choices import PAGE_OBJECTIVES, PAGE_SCHEDULES
from jominy.parts import ATTACKS

if TYPE_CHECKING:
    from jominy.explore.networks_state import Networks

_SPECTRA = {
    "identity": "jm.identity({dimension})",
    "power-law": "jm.power_law({dimension}, {exponent!r})",
    "marchenko-pastur": "jm.marchenko_pastur({dimension}, {ratio!r})",
    "two-level": "jm.two_level({dimension}, {high!r}, {low!r})",
}


def toml_text(mapping: dict[str, Any]) -> str:
    """A scenario file; what TOML has no word for (None) is left out.

    >>> print(toml_text({"radius": 0.5, "loss": {"kind": "squared", "link": None}}))
    radius = 0.5
    <BLANKLINE>
    [loss]
    kind = "squared"
    <BLANKLINE>
    """
    import tomli_w

    return tomli_w.dumps(_without_none(mapping))


def python_text(state: Curves, mapping: dict[str, Any]) -> str:
    """A script that makes the forecast of a state and prints its end."""
    if OWN in (state.problem, state.schedule) or mapping["schedule"]["kind"] not in PAGE_SCHEDULES.moved:
        made = f"scenario = jm.Scenario.from_mapping(\n{_indented(mapping)}\n)\ncurve = scenario.forecast()\n"
        return f"import jominy as jm\n\n{made}{_END}"
    values = state.model_dump() | {"low": 2.0 - state.high}
    covariance = _SPECTRA[state.spectrum].format(**values)
    if state.problem == TWO_CLASS:
        half = state.separation / 2
        data = (
            "data = jm.GaussianMixture(\n"
            "    weights=[0.5, 0.5],\n"
            f"    means=[{half!r}, {-half!r}],\n"
            "    covariances=[covariance, covariance],\n"
            "    labels=[1.0, -1.0],\n"
            ")\n"
        )
        loss = "jm.LogisticLoss()"
    else:
        data = f"data = jm.LinearTeacher(covariance, teacher=1.0, noise_variance={state.noise!r})\n"
        loss = "jm.SquaredLoss()"
    start = f", start={state.start!r}" if state.start else ""
    schedule, imported = PAGE_SCHEDULES.as_python(state.schedule, values)
    further = ""
    if "attack" in mapping:
        further += f", attack={_attack_text(mapping['attack'], state.dimension)}"
        if len(mapping["attack"]) > 1:
            imported += "import numpy as np\n"
    if "objective" in mapping:
        objective, more = PAGE_OBJECTIVES.as_python(state.objective, values)
        further, imported = f"{further}, objective={objective}", imported + more
    return (
        f"import jominy as jm\n{imported}\ncovariance = {covariance}\n{data}"
        f"problem = jm.Problem(data, {loss}, radius={state.radius!r}{further})\n"
        f"schedule = {schedule}\n"
        f"curve = jm.forecast(problem, schedule, time={state.horizon!r}{start})\n{_END}"
    )


def _attack_text(table: dict[str, Any], dimension: int) -> str:
    """An attack in Python, with one number for each feature where a file repeats a few over all of them.

    >>> _attack_text({"kind": "linf", "budget": [1.0, 0.0]}, 100), _attack_text({"kind": "linf"}, 100)
    ('jm.LInf(budget=np.resize([1.0, 0.0], 100))', 'jm.LInf()')
    """
    given = ", ".join(f"{name}=np.resize({value!r}, {dimension})" for name, value in table.items() if name != "kind")
    return f"jm.{ATTACKS[table['kind']].class_name}({given})"


def network_python_text(state: Networks) -> str:
    """A script that prints the theory of a network and whether it can be trained."""
    return (
        "import jominy as jm\n\n"
        f"network = jm.Architecture(\n    {state.depth}, {state.width}, {state.input_dim}, {state.output_dim},\n"
        f"    weight_variance={state.weight_variance!r}, shortcut={state.shortcut!r},\n)\n"
        f'theory = jm.network_theory(network, {state.radius!r}, p=float("{state.p}"), q=float("{state.q}"))\n'
        "print(float(theory.adversarial_loss), float(theory.adversarial_loss_bound))\n"
        + (
            f"data = jm.InputGeometry(power=1.0, within={state.cosine!r}, between=0.0)\n"
            f'told = jm.trainability(\n    network, {state.radius!r}, data, p=float("{state.p}"),\n'
            f"    learning_rate={state.learning_rate!r}, steps={state.steps},\n)\n"
            "print(told.attrs['verdict'], float(told.trainability_index))\n"
            if state.p != "1" and state.output_dim > 1
            else ""
        )
    )


_END = "print(curve.attrs['status'], float(curve.adversarial_risk[-1]))\n"


def _indented(mapping: dict[str, Any]) -> str:
    text = pprint.pformat(_without_none(mapping), width=100, sort_dicts=False)
    return "\n".join(f"    {line}" for line in text.splitlines())


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value
