"""What is wrong with an attack, told from its answers and from the way it took: one rule for each mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jominy.audits.paths import Trial
from jominy.audits.threat import ROUNDING, Floats, Threat


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with an attack: its name, the case that shows it, the evidence, what to do.

    `mistake`: whether it is an error of the attack. Otherwise it is a limit of its kind, such as that of all attacks
    by gradients where there are none.
    """

    name: str
    case: str
    evidence: str
    advice: str
    mistake: bool = True

    def __str__(self) -> str:
        return f"{self.name} ({self.case}): {self.evidence}. {self.advice}."

    def describe(self) -> dict[str, Any]:
        """As a JSON-able record."""
        return dict(self.__dict__)


Trials = Mapping[str, Trial]
OPEN, CLASSES, BENT = "two classes", "five classes", "bent"
GOOD = 0.97
"""Median share above which a case counts as solved."""


def _open(trials: Trials) -> Trial:
    """The plainest case that the attack has answered."""
    return next(trials[name] for name in (OPEN, CLASSES, *trials) if name in trials)


def moved(trials: Trials) -> Finding | None:
    """Nothing was changed, or the answer is the change itself."""
    trial = _open(trials)
    if not np.any(trial.deltas):
        passes = trial.rows / len(trial.case.labels)
        blind = trial.rows > 0 and not trial.gradient_rows
        return Finding(
            "no effect",
            trial.case.name,
            f"after {passes:.0f} passes {'without gradients ' if blind else ''}for each, no input has changed",
            "Give a search without gradients more queries"
            if blind and passes > 100
            else "Look for a gradient that is detached or zero, and for a step that is not added",
        )
    size = trial.threat.size(trial.case.inputs + trial.deltas)
    if (
        np.all(size <= trial.threat.radius * (1 + 1e-3))
        and np.median(trial.threat.size(trial.deltas)) > 2 * trial.threat.radius
    ):
        return Finding(
            "perturbation returned",
            trial.case.name,
            f"what comes back has size {np.median(size):.3g}, and is no neighbour of the inputs",
            "Return inputs + perturbation",
        )
    return None


def budget(trials: Trials) -> Finding | None:
    """Perturbations larger than the radius."""
    for name, trial in trials.items():
        ratio = trial.threat.size(trial.deltas) / trial.threat.radius
        over = ratio > 1 + ROUNDING + trial.threat.rounding(trial.deltas.shape[1]) / trial.threat.radius
        if not over.any():
            continue
        other = _ball_of(trial.threat, trial.deltas[over])
        if other is not None:
            return Finding(
                "norm mistaken",
                name,
                f"{over.sum()} of {len(over)} perturbations exceed the radius, up to {ratio.max():.3g} times, and keep "
                f"to that radius in {other}",
                f"The threat is {trial.threat.words}: project on its ball",
            )
        steady = np.ptp(ratio[over]) < 0.02 * ratio.max() and over.all()
        words = f"all by the factor {np.median(ratio):.3g}" if steady else f"up to {ratio.max():.3g} times"
        return Finding(
            "budget exceeded",
            name,
            f"{over.sum()} of {len(over)} perturbations exceed the radius, {words}",
            "Give the radius in the units of the inputs as the model takes them, and project after the last step",
        )
    return None


def box(trials: Trials) -> Finding | None:
    """Attacked inputs outside the box."""
    for name, trial in trials.items():
        bounds = trial.threat.box
        if bounds is None:
            continue
        out = trial.threat.outside(trial.case.inputs + trial.deltas)
        bad = out > ROUNDING * (bounds[1] - bounds[0])
        if bad.any():
            return Finding(
                "box left",
                name,
                f"{bad.sum()} of {len(bad)} attacked inputs leave [{bounds[0]:g}, {bounds[1]:g}], by up "
                f"to {out.max():.3g}",
                "Clip the attacked inputs to the range of the data after every step",
            )
    return None


def normalisation(trials: Trials) -> Finding | None:
    """The model is asked at inputs that are rescaled."""
    trial = _open(trials)
    firsts = [ask.inputs for ask in trial.asked if len(ask.inputs) == len(trial.case.labels)]
    if firsts:
        first, inputs = firsts[0], trial.case.inputs
        slope = float(((first - first.mean()) * (inputs - inputs.mean())).sum() / ((inputs - inputs.mean()) ** 2).sum())
        offset = float(first.mean() - slope * inputs.mean())
        rest = first - slope * inputs - offset
        near = np.median(trial.threat.size(rest)) < 1.5 * trial.threat.radius * abs(slope)
        if near and np.median(trial.threat.size(first - inputs)) > 1.5 * trial.threat.radius:
            return Finding(
                "wrong normalisation",
                OPEN,
                f"the model is asked at {slope:.3g} x {offset:+.3g} where the input is x",
                "Hand inputs to the model as they come: normalisation belongs into the model, once",
            )
    return None


def units(trials: Trials) -> Finding | None:
    """The radius is rescaled."""
    trial = _open(trials)
    count, stride = trial.strides()
    total = count * stride
    if not len(trial.reach) or not (count < 2 or total > 1.2 * np.median(trial.reach)):
        return None
    reach = float(np.median(trial.reach))
    if not 0 < reach < GOOD or np.ptp(trial.reach) > 0.02 * reach:
        return None
    return Finding(
        "wrong normalisation",
        trial.case.name,
        f"every perturbation has {reach:.3g} times the radius, and the steps add up to {total:.3g}",
        "The radius is converted where it should not be: give it in the units of the inputs",
    )


def sign(trials: Trials) -> Finding | None:
    """The margin grows."""
    trial = _open(trials)
    if trial.median > -0.1:
        return None
    return Finding(
        "sign mistaken",
        trial.case.name,
        f"margins grow, by {-trial.median:.3g} of what the best attack takes from them: it makes inputs easier",
        "Ascend the loss of the true label; `targeted=True` with true labels does the opposite",
    )


def target(trials: Trials) -> Finding | None:
    """Always towards some class, though another one is nearer."""
    trial = trials.get(CLASSES)
    if trial is None or trial.case.linear is None:
        return None
    linear, labels = trial.case.linear, trial.case.labels
    scores, each = linear(trial.case.inputs), np.arange(len(labels))
    progress, ahead = np.full(scores.shape, -np.inf), np.full(scores.shape, np.inf)
    for other in range(scores.shape[1]):
        slopes = linear.weights[other] - linear.weights[labels]
        most = (slopes * trial.threat.best(slopes, trial.case.inputs)).sum(axis=1)
        went, own = (slopes * trial.used).sum(axis=1), labels == other
        progress[:, other] = np.where(own, -np.inf, went / np.maximum(most, 1e-300))
        ahead[:, other] = np.where(own, np.inf, scores[each, labels] - scores[:, other] - most)
    goal, others = progress.argmax(axis=1), np.where(labels[:, None] == np.arange(scores.shape[1]), np.nan, scores)
    near = (goal == np.nanargmax(others, axis=1)) | (goal == ahead.argmin(axis=1))
    shift = (goal - labels) % scores.shape[1]
    if np.median(progress[each, goal]) < 0.9 or near.mean() > 0.6:
        return None
    least = np.nanargmin(others, axis=1)
    steady = np.bincount(shift).argmax()
    if np.mean(shift == steady) > 0.9:
        words = f"class label + {steady}"
    else:
        words = "the least likely class" if np.mean(goal == least) > 0.9 else "classes that are not the nearest"
    return Finding(
        "targeted",
        CLASSES,
        f"it goes {100 * np.median(progress[each, goal]):.0f} % of the way towards {words}, whichever is near; the "
        f"nearest class is its goal for {100 * near.mean():.0f} % of the inputs",
        "An untargeted attack lets the loss choose the class, or tries all of them",
    )


def norm(trials: Trials) -> Finding | None:
    """The direction is the best one of another norm."""
    trial = _open(trials)
    linear, threat = trial.case.linear, trial.threat
    used = trial.deltas[trial.held]
    if linear is None or not np.any(used) or trial.median > GOOD or trial.median < 0:
        return None
    inputs, labels = trial.case.inputs[trial.held], trial.case.labels[trial.held]
    moved_scores = linear(inputs + trial.used[trial.held])
    moved_scores[np.arange(len(labels)), labels] = -np.inf
    slopes = linear.weights[moved_scores.argmax(axis=1)] - linear.weights[labels]
    fits = {"the threat's own": _cosine(used, threat.best(slopes, inputs))}
    for p, name in ((1.0, "l1"), (2.0, "l2"), (np.inf, "l_inf")):
        if p != threat.p or threat.weights is not None:
            size = float(np.median(np.linalg.norm(used, ord=p, axis=1)))
            fits[name] = _cosine(used, Threat(size, p, threat.box).best(slopes, inputs))
    best, own = max(fits, key=lambda name: fits[name]), fits["the threat's own"]
    if best == "the threat's own" or fits[best] < 0.95 or own > 0.95:
        return None
    return Finding(
        "norm mistaken",
        trial.case.name,
        f"perturbations point where those of {best} do (cosine {fits[best]:.2f}; {own:.2f} with the best "
        f"of the threat), and reach {trial.median:.2f} of the optimum",
        f"The threat is {threat.words}: take the step that is steepest in its norm",
    )


def steps(trials: Trials) -> Finding | None:
    """The way ends before the optimum, which is in its direction."""
    trial = _open(trials)
    count, stride = trial.strides()
    total = count * stride
    if count < 2 or not 0 < trial.median < GOOD or total > 2 or total == 0:
        return None
    many = count >= 10
    return Finding(
        "step too small" if many else "too few steps",
        trial.case.name,
        f"{count:.0f} steps of {stride:.3g} radii add up to {total:.3g}, and end at {trial.median:.2f} of the optimum; "
        "from the far side of a random start it is two radii",
        f"Take steps of at least {2.5 / count:.2g} radii, or more of them"
        if many
        else "Take at least ten steps of 0.25 radii",
    )


def reset(trials: Trials) -> Finding | None:
    """Steps follow the sum of all gradients so far, where that and the gradient differ."""
    trial = trials.get(BENT)
    if trial is None or trial.case.plane is None or trial.threat.p == 1:
        return None
    plane, turned, told = trial.case.plane, [], []
    for number, way in enumerate(trial.ways()):
        points = plane.points(trial.case.inputs[number] + way)
        if len(points) < 3:
            continue
        side = 1.0 if trial.case.labels[number] == 0 else -1.0
        # Cross-entropy of scores (g, -g)/2: its slope is -side * (1 - p) times that of g.
        weight = 1 / (1 + np.exp(np.clip(side * plane.at(points), -500, 500)))
        slopes = -side * weight[:, None] * plane.gradient(points)
        lengths = np.abs(slopes).sum(axis=1, keepdims=True).clip(1e-300)
        here, centre = points[:-1], plane.points(trial.case.inputs[number])
        stride = float(np.linalg.norm(np.diff(points, axis=0), axis=1).max())

        def ahead(guides: Floats, here: Floats = here, centre: Floats = centre, stride: float = stride) -> Floats:
            """Where a step along the guides leads."""
            if trial.threat.p == 2:
                steps = here + stride * guides[:-1] / np.linalg.norm(guides[:-1], axis=1, keepdims=True).clip(1e-300)
                return centre + (steps - centre) / np.linalg.norm(steps - centre, axis=1, keepdims=True).clip(1.0)
            return centre + np.clip(here + stride * np.sign(guides[:-1]) / np.sqrt(2) - centre, -1, 1)

        fresh, sums = ahead(slopes), ahead(np.cumsum(slopes, axis=0))
        momentum = ahead(np.cumsum(slopes / lengths, axis=0))  # which divides by the lengths first
        misses = [np.linalg.norm(points[1:] - guess, axis=1) for guess in (fresh, sums, momentum)]
        turned += list((misses[1] < misses[0])[np.linalg.norm(fresh - sums, axis=1) > 0.5 * stride])
        told += list((misses[1] < misses[2])[np.linalg.norm(momentum - sums, axis=1) > 0.5 * stride])
    if len(turned) < 10 or np.mean(turned) < 0.8 or len(told) < 2 or np.mean(told) < 0.8:
        return None
    return Finding(
        "gradient not reset",
        BENT,
        f"in {sum(turned)} of {len(turned)} steps where the gradient and the sum of all so far point apart, it follows "
        "the sum",
        "Set the gradient of the input to zero (or take torch.autograd.grad) in every step",
    )


def mode(trials: Trials) -> Finding | None:
    """Passes in training mode, or a model that is left in it."""
    for name in ("evaluation mode", *trials):
        trial = trials.get(name)
        if trial is None:
            continue
        if trial.training_rows:
            return Finding(
                "training mode",
                name,
                f"the model is handed over in evaluation mode, and {trial.training_rows} of {trial.rows} "
                f"inputs go through it in training mode (share {trial.median:.2f})",
                "Call model.eval() for the attack: dropout makes it an attack on another network",
            )
        if trial.left_training:
            return Finding(
                "training mode",
                name,
                "the model is handed over in evaluation mode and comes back in training mode",
                "Restore the mode that the model had",
            )
    return None


def direction(trials: Trials) -> Finding | None:
    """Whatever else keeps it from the optimum of a linear model."""
    trial = _open(trials)
    if trial.median > GOOD or not np.any(trial.deltas):
        return None
    blind = trial.median < 0.6
    sizes = trial.threat.size(trial.deltas) / trial.threat.radius
    return Finding(
        "gradient not followed" if blind else "short of the optimum",
        trial.case.name,
        f"perturbations of {np.median(sizes):.2f} radii reach {trial.median:.2f} of the optimum of a linear model",
        "Random directions do as much: look for a gradient of something else, or of nothing"
        if blind
        else "On a linear model one step is enough: look for steps that are undone, or taken from the wrong point",
    )


MISTAKES: tuple[Callable[[Trials], Finding | None], ...] = (
    moved, budget, box, normalisation, sign, mode, norm, units, steps, target, reset, direction,
)  # fmt: skip
EXPLAINS = {
    "no effect",
    "perturbation returned",
    "sign mistaken",
    "wrong normalisation",
    "norm mistaken",
    "step too small",
    "too few steps",
}
"""Mistakes after which the others say nothing."""


def _limit(name: str, case: str, beside: str, advice: str) -> Callable[[Trials], Finding | None]:
    def rule(trials: Trials) -> Finding | None:
        trial, open_one = trials.get(case), trials.get(beside)
        if trial is None or open_one is None or trial.median > min(GOOD, open_one.median - 0.03):
            return None
        evidence = f"median share {trial.median:.2f}, where the same model in the open gives {open_one.median:.2f}"
        return Finding(name, case, evidence, advice, mistake=False)

    return rule


def _few_steps(trials: Trials) -> Finding | None:
    trial = trials.get(BENT)
    if trial is None or _open(trials).median < GOOD:
        return None
    count, _ = trial.strides()
    low, stuck = trial.median, float(np.mean(trial.share[trial.counted] < 0.9))
    if count and count < 5 and low < 0.99:
        return Finding(
            "too few steps",
            BENT,
            f"{count:.0f} step{' reaches' if count == 1 else 's reach'} {low:.2f} of the optimum of a small ReLU "
            "network, and all of that of a linear model",
            "Take at least ten steps: after the first one the gradient has changed",
            mistake=False,
        )
    if stuck > 0.1:
        return Finding(
            "local maxima",
            BENT,
            f"{100 * stuck:.0f} % of the inputs stay below 0.9 of the optimum of a small ReLU network",
            "Restart from several random points of the ball and keep the best",
            mistake=False,
        )
    return None


LIMITS: tuple[Callable[[Trials], Finding | None], ...] = (
    _few_steps,
    _limit(
        "cross-entropy saturated", "saturated logits", CLASSES,
        "Take a loss of the margin (that of Carlini and Wagner, or DLR), which keeps its slope whatever the scale",
    ),
    _limit(
        "gradient masked", "quantised input", OPEN,
        "Rounding has no slope: differentiate as if it were not there (BPDA), or search without gradients",
    ),
    _limit(
        "randomness not averaged", "random mask", OPEN,
        "Average the gradient over several passes in every step (EOT)",
    ),
    _limit("wrong class", CLASSES, OPEN, "Try each of the nearest classes as a target and keep the best"),
    _limit("box ignored", "at the edge of the box", OPEN, "Plan steps within the box, and do not only clip at its end"),
)  # fmt: skip


def findings(trials: Trials) -> tuple[Finding, ...]:
    """All that is wrong, mistakes first; what a mistake already explains is left out."""
    found: list[Finding] = []
    for rule in MISTAKES:
        if found and rule is direction:
            break  # it says what none of the others explains
        one = rule(trials)
        if one is not None and one.name not in {other.name for other in found}:
            found.append(one)
            if one.name in EXPLAINS:
                return tuple(found)
    if not found:
        found = [one for rule in LIMITS if (one := rule(trials)) is not None]
    return tuple(found)


def _cosine(one: Floats, other: Floats) -> float:
    sizes = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    kept = sizes > 0
    return float(np.median((one * other).sum(axis=1)[kept] / sizes[kept])) if kept.any() else 0.0


def _ball_of(threat: Threat, deltas: Floats) -> str | None:
    """The other norm to whose ball of that radius the perturbations keep."""
    for p, name in ((1.0, "l1"), (2.0, "l2"), (np.inf, "l_inf")):
        if p != threat.p and threat.weights is None:
            sizes = np.linalg.norm(deltas, ord=p, axis=1)
            if np.all(sizes <= threat.radius * (1 + 1e-3)) and np.median(sizes) > 0.9 * threat.radius:
                return name
    return None
