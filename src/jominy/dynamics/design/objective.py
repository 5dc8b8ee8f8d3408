"""What a design minimises at the end of training: a risk or an error under the attack of the test, and clean.

Source: theory `design.md` section 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jominy.attacks import Attack
from jominy.dynamics.engines import Endings, engines_of
from jominy.dynamics.problem import Problem
from jominy.errors import InputError
from jominy.losses import Adversarial, Mixed
from jominy.schedules import require_radius

MEASURES = ("risk", "error")


@dataclass(frozen=True)
class Objective:
    """(1 - clean) times the adversarial risk (or error) of the test, plus `clean` times the clean one.

    Attributes
    ----------
    radius : of the attack in the test
    attack : of the test, where it differs from that of the training; else None
    clean : weight of the clean risk or error, from 0 to 1
    measure : "risk" or "error" (1 - accuracy)
    held_out : whether it is that of held-out rows
    floor : the least value that any weights have, where that is known; excesses are above it
    """

    radius: float
    attack: Attack | None
    clean: float
    measure: str
    held_out: bool
    floor: float | None

    @property
    def title(self) -> str:
        """What it is called."""
        where = "held-out " if self.held_out else ""
        under = f"at radius {self.radius:g}" + ("" if self.attack is None else f" of {self.attack!r}")
        if self.clean == 1:
            return f"{where}clean {self.measure}"
        adversarial = f"{where}adversarial {self.measure} {under}"
        return adversarial if self.clean == 0 else f"{adversarial} (weight {1 - self.clean:g}; clean {self.clean:g})"

    @property
    def evaluate_at(self) -> list[Any]:
        """What forecasts have to be read out at."""
        return [self.radius if self.attack is None else (self.attack, self.radius)]

    def parts(self, endings: Endings) -> tuple[np.ndarray, np.ndarray]:
        """(P,) adversarial and clean values of P forecasts."""
        kind = "risk" if self.measure == "risk" else "accuracy"
        prefix, place = "held_out_" if self.held_out else "", "radius" if self.attack is None else "attack"
        told = endings[f"{prefix}{kind}_at_{place}"][:, 0], endings[f"{prefix}clean_{kind}"]
        return told if self.measure == "risk" else (1 - told[0], 1 - told[1])

    def values(self, endings: Endings) -> np.ndarray:
        """(P,) of P forecasts; infinite where training diverged."""
        adversarial, clean = self.parts(endings)
        with np.errstate(invalid="ignore"):
            mixed = (1 - self.clean) * adversarial + self.clean * clean
        return np.where(np.isfinite(endings["norm"]), mixed, np.inf)

    def excess(self, values: np.ndarray) -> np.ndarray:
        """The values above the floor, or, where there is none, themselves."""
        return values - (self.floor or 0.0)

    def describe(self) -> dict[str, Any]:
        """The objective as a JSON-able record."""
        told = {name: getattr(self, name) for name in ("radius", "clean", "measure", "held_out", "floor")}
        return told | {"title": self.title, "attack": None if self.attack is None else self.attack.describe()}


def objective_of(
    problem: Problem, test_radius: Any, test_attack: Any, clean: Any, measure: Any, held_out: bool
) -> Objective:
    """The objective that a user's settings ask for, checked, with the least value that it can have."""
    radius = problem.final_radius if test_radius is None else require_radius(test_radius)
    if test_attack is not None and not isinstance(test_attack, Attack):
        raise InputError("The attack of the test must be an attack object", test_attack, "Such as `LInf()`")
    same = test_attack is None or test_attack.describe() == problem.attack.describe()
    attack = None if same else test_attack
    if not isinstance(clean, int | float) or isinstance(clean, bool) or not 0 <= clean <= 1:
        raise InputError("The weight of the clean part must be a number from 0 to 1", clean, "0 is adversarial alone")
    if measure not in MEASURES:
        raise InputError("A design minimises a 'risk' or an 'error'", measure, "Give measure='risk' or measure='error'")
    if measure == "error" and not problem.has_accuracy:
        raise InputError("An error belongs to classes", "targets that are numbers", "Give measure='risk'")
    plain = Objective(radius, attack, float(clean), measure, held_out, None)
    return plain if measure == "error" or held_out else replace(plain, floor=_floor(problem, plain))


def _floor(problem: Problem, objective: Objective) -> float | None:
    """The least weighted risk of any weights, where it can be found."""
    told: dict[str, Any] = {} if objective.attack is None else {"attack": objective.attack}
    if problem.objective == Adversarial():
        if objective.clean == 1:
            told["radius"] = 0.0
        else:
            told["radius"] = objective.radius
            if objective.clean > 0:
                told["objective"] = Mixed(clean=objective.clean)
    elif objective.clean > 0 or objective.radius != problem.final_radius or objective.attack is not None:
        return None  # what is read out is in terms of the objective that is trained
    try:
        tested = replace(problem, **told) if told else problem
        best = engines_of(tested).optimum(tested)
        return float(best.adversarial_risk) if best.found else None
    except InputError:
        return None
