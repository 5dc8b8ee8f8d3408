"""A watch on adversarial training, in any loop: what goes wrong is named while it can still be stopped."""

from __future__ import annotations

import logging
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from jominy.errors import InputError
from jominy.networks.classification import check_labels, projected_ascent
from jominy.networks.inputs import LabelledInputs
from jominy.networks.intake import device_of
from jominy.networks.modules import (
    applied,
    as_trained,
    evaluating,
    flat_function,
    gradient,
    normalised,
    random_parts,
    unwrapped,
)
from jominy.networks.threat import Box, Threat, check_radius, seeded
from jominy.networks.vectors import norm
from jominy.networks.watch_rules import RULES, Alarm, Look

SHARE = 0.025
"""Largest share of the passes of training that looks may take: 3 % of its time, with what surrounds the passes."""
EARLY = 100
"""Steps in which collapse is told; looks without attacks come first until then."""
INPUTS, ATTACKED = 100, 50
"""Inputs of a look, and of these those that are attacked."""
FORWARD, BACKWARD = 1.0, 2.0
"""Cost of a pass of one input without and with gradients, in forward passes; a training pass counts 3."""
FEWEST = 5
"""Passes in one mode that are no accident."""
COUNTED, COUNTED_LATER = 4, 24
"""Passes are counted in one of so many steps, at first and later: on a small network that takes as long as looks."""


def watch(
    module: nn.Module,
    data: Any,
    radius: float,
    *,
    p: float = 2,
    box: Box = None,
    held_out: Any = None,
    every: int = 20,
    share: float = SHARE,
    logger: logging.Logger | None = None,
    seed: int = 0,
) -> Watch:
    """Name what goes wrong in adversarial training while it runs: one call per step, in any loop.

    Tells constant logits (collapse), a plateau, divergence and the layer in which NaN came first, catastrophic
    overfitting, gradient masking, robust overfitting with the best weights so far, training or attack in the wrong
    mode, and a loss that ignores the attack. Each alarm has its evidence and what to do, and goes to the logger
    ``jominy.watch`` (or yours) once. Looks are taken every `every` steps as far as their cost stays below `share` of
    the training's, counted in passes of the module; attacks are part of a look less often. Module, running statistics
    and random numbers are left as they were. Rules: theory `trainability_minmax.md` section 5; rates: docs/networks.md.

    Parameters
    ----------
    module
        The module that is trained, before its first step.
    data
        Training inputs with labels, whatever :meth:`LabelledInputs.of` takes; the first 100 are looked at.
    radius, p, box
        The attack of the training.
    held_out
        Inputs with labels that are not trained on, for robust overfitting.
    every, share, logger, seed
        Steps between looks, largest share of the cost, where alarms are written, seed of the noise.

    Returns
    -------
    Watch
        Call ``step(loss)`` after every step; ``alarms``, ``looks`` and ``best_state`` hold what was found;
        ``lightning()`` and ``transformers()`` are callbacks that call it; ``close()`` ends it.

    Examples
    --------
    >>> from jominy.networks import gaussian_classes
    >>> data, _ = gaussian_classes(200, 16, 4, seed=0), torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    >>> steps = torch.optim.SGD(module.parameters(), lr=0.1)
    >>> watched = watch(module, data, 0.5)
    >>> for _ in range(60):
    ...     loss = torch.nn.functional.cross_entropy(module(data.inputs), data.labels)
    ...     steps.zero_grad(); loss.backward(); steps.step()
    ...     watched.step(loss)
    ()
    ...
    >>> watched.alarms, watched.looks[-1].clean > 0.9
    ((), True)
    """
    return Watch(module, data, Threat.of(radius, p, box), held_out, LookPace.of(every, share), logger, seed)


class LookPace(NamedTuple):
    """How often looks are taken: every so many steps, as far as they take this share of the training's passes."""

    every: int
    share: float

    @staticmethod
    def of(every: int, share: float) -> LookPace:
        """The pace a user asks for; InputError where it is none."""
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            raise InputError("the steps between looks must be a whole number, at least 1", every)
        if not isinstance(share, int | float) or not 0 < share <= 1:
            raise InputError("the share of the cost must lie between 0 and 1", share)
        return LookPace(every, float(share))


class Watch:
    """A watch on one training; :func:`watch` makes it. `radius` may be changed as the training's changes."""

    def __init__(
        self,
        module: nn.Module,
        data: Any,
        threat: Threat,
        held_out: Any,
        pace: LookPace,
        logger: logging.Logger | None,
        seed: int,
    ) -> None:
        if not isinstance(module, nn.Module):
            raise InputError("watch takes a torch.nn.Module", type(module).__name__)
        self.module, self.threat, self.pace, self.seed = module, threat, pace, seed
        self.logger = logging.getLogger("jominy.watch") if logger is None else logger
        self.data, self.held_out = self._inputs(data, INPUTS), None
        if held_out is not None:
            self.held_out = self._inputs(held_out, ATTACKED)
        with as_trained(module):
            function, rows = flat_function(module, self.data.inputs)
        with evaluating(module), torch.no_grad():
            check_labels(self.data.labels, function, rows)
            self.chance = math.log(function(rows[:2]).shape[1])
        threat.check(self.data.inputs)
        self.alarms: tuple[Alarm, ...] = ()
        self.looks: list[Look] = []
        self.steps = 0
        self.best_state: dict[str, Tensor] | None = None
        self.best_step: int | None = None
        self._best = -math.inf
        self._losses: list[float] = []
        self._trained, self._spent = 0.0, 0.0
        self._attacks = 0
        self._passes = {"trained in evaluation mode": 0, "trained": 0, "attacked with dropout": 0}
        self._dropout, self._normalised = random_parts(module), normalised(module)
        self._looking = False
        self._hook: Any = None
        self._counted = COUNTED
        self._count_passes(True)
        self._look(attacked=False, paid=False)

    @property
    def radius(self) -> float:
        """The radius of the attacks that looks make."""
        return self.threat.radius

    @radius.setter
    def radius(self, radius: float) -> None:
        self.threat = self.threat.at(check_radius(radius))

    def _inputs(self, source: Any, most: int) -> LabelledInputs:
        found = LabelledInputs.of(source)
        return LabelledInputs(found.inputs[:most], found.labels[:most]).on(device_of(self.module))

    def _count_passes(self, counting: bool) -> None:
        """Whether the passes of the next step are counted."""
        if counting and self._hook is None:
            self._hook = unwrapped(self.module).register_forward_pre_hook(self._count, with_kwargs=True)
        elif not counting and self._hook is not None:
            self._hook.remove()
            self._hook = None

    def _count(self, module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """A pass of the training: what it costs, and in which mode it is made."""
        inputs = next((one for one in (*given, *named.values()) if isinstance(one, Tensor) and one.ndim), None)
        if self._looking or inputs is None:
            return
        rows, attack = self._counted * len(inputs), inputs.requires_grad
        if not torch.is_grad_enabled():
            self._trained += FORWARD * rows
        elif attack:
            self._trained += BACKWARD * rows
            self._passes["attacked with dropout"] += module.training and self._dropout
        else:
            self._trained += 3 * rows
            self._passes["trained"] += 1
            self._passes["trained in evaluation mode"] += not module.training

    def step(self, loss: Any = None) -> tuple[Alarm, ...]:
        """Say that a step was taken, with its loss if there is one; the alarms that are new, usually none."""
        self.steps += 1
        before = self.alarms
        if loss is not None:
            value = float(loss.detach()) if isinstance(loss, Tensor) else float(loss)
            if not math.isfinite(value):
                self._not_finite("the loss")
            else:
                self._losses.append(value)
        if self.steps % self.pace.every == 0:
            self._look(attacked=self._affordable())
        self._counted = COUNTED if self.steps < EARLY else COUNTED_LATER
        self._count_passes(self.steps % self._counted == 0)
        return self.alarms[len(before) :]

    def _affordable(self) -> bool:
        """Whether attacks may be part of this look; the first after as many looks as one of them costs."""
        cost = self._cost(attacked=True)
        return self._spent + cost <= self.pace.share * self._trained

    def _cost(self, attacked: bool) -> float:
        cost = FORWARD * len(self.data.labels)
        if attacked:
            count = min(ATTACKED, len(self.data.labels))
            cost += count * (BACKWARD * 6 + 3 * FORWARD) + self._normalised * FORWARD * len(self.data.labels)
            cost += 0 if self.held_out is None else len(self.held_out.labels) * (BACKWARD * 5 + 2 * FORWARD)
            if self._attacks % 3 == 2:
                cost += count * (BACKWARD * 10 + 3 * FORWARD)
        return cost

    def _look(self, *, attacked: bool, paid: bool = True) -> None:
        cost = self._cost(attacked)
        # Later on half of what may be spent is kept for looks with attacks, which tell what comes late.
        share = self.pace.share * (0.5 if self.steps > EARLY and not attacked else 1.0)
        if paid and self._spent + cost > share * self._trained:
            return
        self._spent += cost if paid else 0.0
        self._looking = True
        try:
            found = self._measured(attacked)
        finally:
            self._looking = False
        self._losses.clear()
        self.looks.append(found)
        if not math.isfinite(found.entropy) or not math.isfinite(found.variation):
            self._not_finite("the scores")
            return
        for rule in RULES:
            alarm = rule(self.looks, self.chance)
            if alarm is not None:
                self._tell(alarm)
        self._modes()

    def _measured(self, attacked: bool) -> Look:
        x, y = self.data.inputs, self.data.labels
        forward = applied(self.module)
        values: dict[str, Any] = {"step": self.steps}
        if self._losses:
            values["loss"] = sum(self._losses) / len(self._losses)
        with as_trained(self.module):
            with torch.no_grad():
                scores = forward(x).flatten(1)
            values["variation"] = float(norm(scores - scores.mean(0), 2).double().mean())
            values |= _told(scores, y, "entropy", "clean")
            if attacked:
                values |= self._attacked(x[:ATTACKED], y[:ATTACKED])
        if attacked and self._normalised:
            with evaluating(self.module), torch.no_grad():
                values["evaluated"] = float((forward(x).flatten(1).argmax(1) == y).double().mean())
        if values.get("held_out", -math.inf) > self._best:
            self._best, self.best_step = values["held_out"], self.steps
            state = unwrapped(self.module).state_dict()
            self.best_state = {name: value.detach().to("cpu", copy=True) for name, value in state.items()}
        self._attacks += attacked
        return Look(**values)

    def _attacked(self, x: Tensor, y: Tensor) -> dict[str, float]:
        """One step, five steps (held-out inputs too); every third time ten steps and random noise."""
        rows, forward = x.flatten(1), applied(self.module)
        _, slopes = gradient(
            lambda e: cross_entropy(forward((rows + e).view_as(x)).flatten(1), y, reduction="none"),
            torch.zeros_like(rows),
        )
        threat = self.threat
        eta = threat.farthest(slopes, rows)
        values = {"flat": float((slopes == 0).all(1).double().mean())}
        values |= self._at(x, y, eta, "fgsm_loss", "fgsm")
        parts = [(x, y)] if self.held_out is None else [(x, y), (self.held_out.inputs, self.held_out.labels)]
        (values["pgd_loss"], values["pgd"]), *held_out = self._robust(parts, 5)
        if held_out:
            values["held_out"] = held_out[0][1]
        if self._attacks % 3 == 2:
            ((values["long_loss"], values["long"]),) = self._robust(parts[:1], 10)
            eta = threat.random_start(rows, seeded(rows, self.seed + self.steps))
            sizes = norm(eta, threat.p).unsqueeze(1).clamp_min(1e-30)
            eta = threat.nearest(eta * (threat.radius / sizes), rows)
            values |= self._at(x, y, eta, "noise_loss", "noise")
        return values

    def _robust(self, parts: list[tuple[Tensor, Tensor]], steps: int) -> list[tuple[float, float]]:
        """Cross-entropy and accuracy of each part under projected ascent.

        All parts at once where rows do not see each other: on small networks each call counts, not its inputs.
        """
        if len(parts) > 1 and self._normalised:
            return [found for part in parts for found in self._robust([part], steps)]
        x, y = (torch.cat(values) for values in zip(*parts, strict=True))
        eta = projected_ascent(self.module, x, y, self.threat, steps=steps)
        with torch.no_grad():
            scores = applied(self.module)(x + eta).flatten(1)
        sizes = [len(labels) for _, labels in parts]
        told = [_told(*both, "loss", "accuracy") for both in zip(scores.split(sizes), y.split(sizes), strict=True)]
        return [(one["loss"], one["accuracy"]) for one in told]

    def _at(self, x: Tensor, y: Tensor, eta: Tensor, loss: str, accuracy: str) -> dict[str, float]:
        with torch.no_grad():
            scores = applied(self.module)((x.flatten(1) + eta).view_as(x)).flatten(1)
        return _told(scores, y, loss, accuracy)

    def _modes(self) -> None:
        """Alarms of the modes in which passes were made, as soon as there are enough."""
        seen = self._passes
        if max(seen["trained"], seen["attacked with dropout"]) < FEWEST:
            return
        if seen["trained"] >= FEWEST and seen["trained in evaluation mode"] == seen["trained"]:
            if self._dropout or self._normalised:
                what = "batch normalisation keeps its statistics" if self._normalised else "dropout does nothing"
                self._tell(
                    Alarm(
                        "wrong mode",
                        self.steps,
                        f"all {seen['trained']} training passes that were looked at were made in evaluation mode, in "
                        f"which {what}",
                        "Call module.train() after the attack; freeze single layers if that is what you want",
                    )
                )
        if seen["attacked with dropout"] >= FEWEST:
            self._tell(
                Alarm(
                    "wrong mode",
                    self.steps,
                    f"{seen['attacked with dropout']} passes of the attack that were looked at were made with dropout",
                    "Call module.eval() before the attack and module.train() after it: the attack is made on another "
                    "network in every step, and comes out weaker",
                )
            )
        self._passes = dict.fromkeys(seen, 0)

    def _not_finite(self, what: str) -> None:
        """The alarm of NaN, with the layer that is the first to have it."""
        if any(alarm.name == "not finite" for alarm in self.alarms):
            return
        self._looking = True
        try:
            first = first_not_finite(self.module, self.data.inputs[:8])
        finally:
            self._looking = False
        self._tell(
            Alarm(
                "not finite",
                self.steps,
                f"{what} is NaN or infinite; {first}",
                "Go back to a checkpoint from before with a smaller learning rate or clipped gradients; in half "
                "precision look for overflow in that layer",
            )
        )

    def _tell(self, alarm: Alarm) -> None:
        """Keep and log an alarm of a name that was not told yet."""
        if all(told.name != alarm.name for told in self.alarms):
            self.alarms += (alarm,)
            self.logger.warning("%s", alarm)

    @property
    def cost(self) -> float:
        """The share of the training's passes that the looks have taken."""
        return self._spent / self._trained if self._trained else 0.0

    def close(self) -> None:
        """Take the watch off the module."""
        self._count_passes(False)

    def lightning(self) -> Any:
        """A callback for Lightning's Trainer; InputError where Lightning is not installed."""
        from jominy.networks.watch_callbacks import lightning_callback

        return lightning_callback(self)

    def transformers(self) -> Any:
        """A callback for the Trainer of Hugging Face; InputError where transformers is not installed."""
        from jominy.networks.watch_callbacks import transformers_callback

        return transformers_callback(self)


def _told(scores: Tensor, labels: Tensor, loss: str, accuracy: str) -> dict[str, float]:
    return {
        loss: float(cross_entropy(scores.double(), labels)),
        accuracy: float((scores.argmax(1) == labels).double().mean()),
    }


def first_not_finite(module: nn.Module, inputs: Tensor) -> str:
    """Which parameter, or else which layer's output, is the first in order that is not finite.

    >>> module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    >>> _ = module[1].weight.data.fill_(float("nan"))
    >>> first_not_finite(module, torch.ones(1, 2))
    'first in the weights of layer 1 (1.weight)'
    """
    found: list[str] = []

    def look(name: str, part: nn.Module) -> Any:
        def after(_: nn.Module, given: Any, made: Any) -> None:
            if found or not isinstance(made, Tensor) or bool(torch.isfinite(made).all()):
                return
            for own, value in part.named_parameters(recurse=False):
                if not bool(torch.isfinite(value).all()):
                    found.append(f"first in the weights of layer {name} ({name}.{own})")
                    return
            found.append(f"first in the output of layer {name} ({type(part).__name__})")

        return after

    leaves = [(name, part) for name, part in unwrapped(module).named_modules() if name and not list(part.children())]
    hooks = [part.register_forward_hook(look(name, part)) for name, part in leaves]
    try:
        with as_trained(module), torch.no_grad():
            applied(module)(inputs)
    except InputError as error:
        return f"the module fails: {error}"
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        found += [
            f"first in the weights {name}"
            for name, value in module.named_parameters()
            if not bool(torch.isfinite(value).all())
        ]
    return found[0] if found else "the module itself is finite at the inputs that are looked at"
