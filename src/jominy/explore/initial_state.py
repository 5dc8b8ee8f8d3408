"""What the page opens on: defaults, a scenario of the user's, or a network scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jominy.errors import InputError
from jominy.explore.curves_state import Curves
from jominy.explore.networks_state import Networks
from jominy.explore.server import Explorer


def explorer_for(path: Path | None) -> Explorer:
    """The explorer of a scenario file, checked as a command checks it.

    Raises InputError where it is no scenario, or one that the page's controls cannot say.
    """
    if path is None:
        return Explorer()
    from jominy.explore.scenario_controls import own_numbers
    from jominy.study.scenario import NetworkScenario, Scenario
    from jominy.study.scenario.from_data_file import DATA_FILES
    from jominy.study.scenario.toml_file import read_toml

    if path.suffix in DATA_FILES and path.exists():
        table = f'data = {{ kind = "file", path = "{path.name}", target = "..." }}'
        raise InputError(
            "the explorer opens a scenario, not a data file",
            path.name,
            f"write a file mine.toml of the lines: radius = 0.2; time = 10; {table}; "
            'loss = { kind = "logistic" }; schedule = { kind = "constant", rate = 1.0 }',
        )
    try:
        if "network" in read_toml(path):
            return Explorer(networks=_networks(NetworkScenario.load(path)))
        scenario = Scenario.load(path)
        start = Curves.of_scenario(scenario.model_dump(exclude_unset=True))
        return Explorer(own=path, start=start, numbers=[one.control() for one in own_numbers(scenario)])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(
            f"the page's controls cannot say this scenario: {first['loc'][0]}: {first['msg']}", first["input"]
        ) from None


def _networks(study: Any) -> Networks:
    """The controls' values for a network scenario; the first of several where something varies."""
    network = study.architecture()
    if network.has_own_variances or network.bias_variance or network.activation.v or network.activation.u != 1:
        raise InputError("the page is for ReLU layers of one weight variance, without biases", study.title or None)
    geometry = study.geometry()
    p, q = (one[0] if isinstance(one, list) else one for one in (study.p, study.q))
    found: dict[str, Any] = {
        "depth": network.depth,
        "width": network.width,
        "input_dim": network.input_dim,
        "output_dim": network.output_dim,
        "weight_variance": float(network.weight_variance),
        "shortcut": network.shortcut,
        "radius": float(study.first_radius),
        "p": str(p),
        "q": str(q),
    }
    if geometry is not None:
        found["cosine"] = min(max(float(geometry.within), 0.0), 1.0)
    if study.training.learning_rate is not None:
        found |= {"learning_rate": study.training.learning_rate, "steps": study.training.steps}
    return Networks.model_validate(found)
