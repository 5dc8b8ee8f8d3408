"""Is an attack strong: it is tried on problems whose worst case is known."""

from __future__ import annotations

import inspect
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from jominy.audits.adapters import Adapted
from jominy.audits.cases import Case, all_cases, linear_cases
from jominy.audits.findings import Finding, findings
from jominy.audits.paths import Ask, Trial, trial_of
from jominy.audits.threat import Floats, Threat
from jominy.errors import InputError
from jominy.numerics.foreign import as_numpy
from jominy.wording import install

ENOUGH = 0.95
"""Median share of the optimum from which on an attack without mistakes passes."""
NAMES = {"radius": "radius", "eps": "radius", "epsilon": "radius", "p": "p", "norm": "p", "box": "box"}
"""Arguments of an attack that are given by name: what they are of the threat."""


def audit(
    attack: Callable[..., Any],
    radius: float,
    p: float = np.inf,
    *,
    box: tuple[float, float] | None = (0.0, 1.0),
    weights: Sequence[float] | None = None,
    shape: Sequence[int] = (1, 8, 8),
    arrays: str = "torch",
    at_least: float = ENOUGH,
    seed: int = 0,
) -> Audit:
    """Is my attack strong: the share of the known optimum that it reaches, what is wrong with it, what it costs.

    The attack is run on classifiers whose worst case is known: linear ones of two and five classes, inside the box and
    at its edge, a small ReLU network (by exhaustion), a deep one (against a bound by operator norms), and ones that
    hide their gradients on purpose (saturated logits, rounded inputs, a random mask). What it returned and the way it
    took are then read for mistakes. Sources: theory `attacks.md` section 1 for the maximisers; with a box each is a
    linear programme that has a closed form.

    Parameters
    ----------
    attack : a function of (model, inputs, labels) that returns attacked inputs of the same shape, within `radius`;
        arguments called radius, eps, epsilon, p, norm or box are given the threat's. Or what `from_art`,
        `from_foolbox`, `from_torchattacks` or `from_autoattack` makes
    radius, p, box : the threat: largest size, its norm (1, 2 or infinity), range of an entry; box=None for no limit
    weights : (d,) budgets of a Mahalanobis attack, with p=2
    shape : of one input, such as (3, 32, 32)
    arrays : "torch": the models are modules and take tensors; "numpy": linear models only, with `weights` (K, d) and
        `bias` (K,), which take arrays. PyTorch is needed for the first alone
    at_least : the median share below which the attack fails the audit
    seed : of models, inputs and the randomness of PyTorch and NumPy

    Returns
    -------
    Audit
        `findings`, `median`, `worst`, `passed`, `badge`, `trials` case by case, and `describe()` for JSON.

    Raises
    ------
    InputError
        A threat that is none; an attack that fails on every model, or returns no array of that shape.

    Examples
    --------
    >>> import numpy as np
    >>> def fast_gradient(model, inputs, labels, radius):
    ...     slopes = model.weights[1 - labels] - model.weights[labels] if len(model.bias) == 2 else 0 * inputs
    ...     return np.clip(inputs + radius * np.sign(slopes.reshape(inputs.shape)), 0, 1)
    >>> found = audit(fast_gradient, 8 / 255, shape=(64,), arrays="numpy")
    >>> found.share("two classes"), found.passed
    (1.0, False)
    """
    threat = Threat(radius, p, box, None if weights is None else np.asarray(weights, dtype=float))
    shape = _shape(shape, threat)
    if arrays not in ("torch", "numpy"):
        raise InputError("arrays must be 'torch' or 'numpy'", arrays)
    if isinstance(at_least, bool) or not isinstance(at_least, Real) or not 0 <= at_least <= 1:
        raise InputError("at_least is a share of the optimum, from 0 to 1", at_least, "such as 0.95")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise InputError("a seed is a whole number >= 0", seed)
    threat.require_felt(int(np.prod(shape)))
    if not callable(attack):
        raise InputError(
            "an attack is a function of (model, inputs, labels)",
            type(attack).__name__,
            "wrap objects of other libraries: from_art, from_foolbox, from_torchattacks, from_autoattack",
        )
    dimension = int(np.prod(shape))
    cases = all_cases(threat, dimension, seed) if arrays == "torch" else _plain(linear_cases(threat, dimension, seed))
    ask = _by_torch if arrays == "torch" else _by_numpy
    trials, failed = {}, []
    for case in cases:
        try:
            trials[case.name] = ask(attack, case, threat, shape, seed)
        except _Failed as failure:
            failed.append(Finding("fails", case.name, str(failure), "Such a model is nothing unusual", mistake=False))
    if not trials:
        raise InputError("the attack must run on some of the models", failed[0].evidence, CALLED)
    return Audit(_name(attack), threat, trials, (*findings(trials), *failed[:1]), at_least)


CALLED = "it is called as attack(model, inputs, labels); choose `shape` and `box` as it needs them"


class _Failed(Exception):
    """An attack's own error on one model."""


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    attack : its name
    threat : radius, norm and box
    trials : case -> what the attack did there
    findings : what is wrong, mistakes first
    at_least : the median share that it takes to pass
    """

    attack: str
    threat: Threat
    trials: dict[str, Trial]
    findings: tuple[Finding, ...]
    at_least: float

    def share(self, case: str) -> float:
        """Median share of the optimum in a case."""
        return self.trials[case].median

    @property
    def _open(self) -> Floats:
        plain = [trial for trial in self.trials.values() if trial.case.exact and not trial.case.hides] or list(
            self.trials.values()
        )
        return np.concatenate([trial.share[trial.counted] for trial in plain])

    @property
    def median(self) -> float:
        """Median share of the optimum over all inputs of the cases that hide nothing."""
        return float(np.median(self._open))

    @property
    def worst(self) -> float:
        """The smallest of these shares."""
        return float(self._open.min())

    @property
    def passed(self) -> bool:
        """No mistake, and a median share of at least `at_least`: over all, and in every linear case in the open."""
        plain = [trial for trial in self.trials.values() if trial.case.linear is not None and not trial.case.hides]
        enough = min([self.median, *(trial.median for trial in plain)]) >= self.at_least
        return enough and not any(finding.mistake for finding in self.findings)

    @property
    def badge(self) -> str:
        """One line: passed or failed, shares, and the first thing that is wrong."""
        verdict = "strong" if self.passed else "weak"
        first = next((one.name for one in self.findings if one.mistake), None)
        limits = [one.name for one in self.findings if not one.mistake]
        rest = f"; {first}" if first else f"; beware: {', '.join(limits)}" if limits else ""
        return (
            f"attack: {verdict} | {self.median:.3f} of the optimum (worst {self.worst:.3f}), {self.threat.words}{rest}"
        )

    def describe(self) -> dict[str, Any]:
        """As a JSON-able record; `badge` has the fields that shields.io reads from an endpoint."""
        colour = "brightgreen" if self.passed and not self.findings else "yellow" if self.passed else "red"
        return {
            "attack": self.attack,
            "threat": {"radius": self.threat.radius, "p": str(self.threat.p), "box": self.threat.box},
            "passed": self.passed,
            "at_least": self.at_least,
            "median": self.median,
            "worst": self.worst,
            "summary": self.badge,
            "badge": {
                "schemaVersion": 1,
                "label": "attack",
                "message": f"{self.median:.3f} of the optimum",
                "color": colour,
            },
            "findings": [finding.describe() for finding in self.findings],
            "cases": {name: _case(trial) for name, trial in self.trials.items()},
        }


def _case(trial: Trial) -> dict[str, Any]:
    return {
        "shows": trial.case.shows,
        "hides_gradients": trial.case.hides,
        "exact": trial.case.exact,
        "median": trial.median,
        "worst": float(trial.share[trial.counted].min()),
        "broken_of_breakable": trial.broken,
        "passes_per_input": trial.rows / len(trial.case.labels),
        "gradients_per_input": trial.gradient_rows / len(trial.case.labels),
        "seconds_per_input": trial.seconds,
    }


def _plain(cases: list[Case]) -> list[Case]:
    return [case for case in cases if not case.layers]


def _shape(shape: Sequence[int], threat: Threat) -> tuple[int, ...]:
    try:
        sizes = tuple(int(size) for size in shape)
    except (TypeError, ValueError):
        raise InputError("the shape of an input is a list of whole numbers", shape, "such as (3, 32, 32)") from None
    if not sizes or min(sizes) < 1 or np.prod(sizes) < 8:
        raise InputError("an input must have at least 8 entries", shape, "such as (1, 8, 8)")
    if threat.weights is not None and len(threat.weights) != np.prod(sizes):
        raise InputError("there must be one weight for each entry of an input", (len(threat.weights), sizes))
    return sizes


def _by_torch(attack: Any, case: Case, threat: Threat, shape: tuple[int, ...], seed: int) -> Trial:
    try:
        import torch
    except ImportError:
        raise InputError(
            "PyTorch is needed for models that are modules, and is not installed",
            None,
            f"{install('torch')}; or `arrays='numpy'`",
        ) from None
    from jominy.audits.victims import as_tensors, victim

    middle = 0.0 if threat.box is None else sum(threat.box) / 2
    model = victim(case, middle, seed)
    inputs, labels = as_tensors(case, shape)
    numbers = np.random.get_state()  # of NumPy's own generator, which some libraries draw from
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            begun = clock.perf_counter()
            answer = _called(attack, model, inputs, labels, threat, case)
            seconds = (clock.perf_counter() - begun) / len(labels)
    finally:
        np.random.set_state(numbers)
    trace = model.trace
    return trial_of(
        case,
        threat,
        _rows(answer, case),
        trace.asked,
        rows=trace.rows,
        gradient_rows=trace.gradient_rows,
        training_rows=trace.trained,
        seconds=seconds,
        left_training=model.training,
    )


def _by_numpy(attack: Any, case: Case, threat: Threat, shape: tuple[int, ...], seed: int) -> Trial:
    assert case.linear is not None
    asked: list[Ask] = []
    model = _Remembering(case.linear, asked)
    inputs = case.inputs.reshape(-1, *shape).copy()
    begun = clock.perf_counter()
    answer = _called(attack, model, inputs, case.labels.copy(), threat, case)
    seconds = (clock.perf_counter() - begun) / len(case.labels)
    rows = sum(len(ask.inputs) for ask in asked)
    return trial_of(
        case, threat, _rows(answer, case), asked, rows=rows, gradient_rows=0, training_rows=0, seconds=seconds,
        left_training=False,
    )  # fmt: skip


class _Remembering:
    """Linear scores that remember at which inputs they were asked."""

    def __init__(self, scores: Any, asked: list[Ask]) -> None:
        self._scores, self._asked = scores, asked
        self.weights, self.bias, self.classes = scores.weights, scores.bias, len(scores.bias)

    def __call__(self, inputs: Any) -> Floats:
        rows = np.asarray(inputs, dtype=float).reshape(len(inputs), -1)
        self._asked.append(Ask(rows, False, False))
        return self._scores(rows)


def _called(attack: Any, model: Any, inputs: Any, labels: Any, threat: Threat, case: Case) -> Any:
    """The attack's answer. Whatever it raises is the user's own error, told with the case in which it came."""
    try:
        if isinstance(attack, Adapted):
            return attack(model, inputs, labels, threat)
        named = {name: getattr(threat, NAMES[name]) for name in _parameters(attack) if name in NAMES}
        return attack(model, inputs, labels, **named)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        told = (str(error).strip().splitlines() or [""])[0]
        raise _Failed(f"{type(error).__name__}: {told}") from error


def _parameters(attack: Any) -> list[str]:
    try:
        return list(inspect.signature(attack).parameters)
    except (TypeError, ValueError):
        return []


def _rows(answer: Any, case: Case) -> Floats:
    values = as_numpy(answer, "the attacked inputs")
    if values.shape[:1] != case.labels.shape or values.size != case.inputs.size:
        raise InputError(
            "an attack must return attacked inputs of the shape of the inputs",
            f"shape {values.shape} in the case '{case.name}'",
        )
    rows = values.reshape(case.inputs.shape).astype(float)
    if not np.all(np.isfinite(rows)):
        raise InputError("attacked inputs must be finite", f"NaN or infinite entries in the case '{case.name}'")
    return rows


def _name(attack: Any) -> str:
    return str(getattr(attack, "__name__", type(attack).__name__))
