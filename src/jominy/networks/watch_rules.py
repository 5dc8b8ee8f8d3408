"""What a watched training can suffer from, by which numbers it is told, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Look:
    """What one look at a training measured, with the statistics of a batch; None where that was not part of the look.

    step : steps taken by then
    variation : v, mean ||f - batch mean||; entropy, clean : cross-entropy and accuracy without attack
    loss : mean of the losses that were handed over since the last look
    fgsm, pgd : accuracy under one and under five steps
    fgsm_loss, pgd_loss : cross-entropy there
    long_loss, noise_loss : cross-entropy under ten steps and under random noise
    flat : share of the attacked inputs at which the gradient of the cross-entropy is zero
    noise : accuracy under random noise; long : under ten steps
    evaluated : accuracy in evaluation mode; held_out : accuracy under five steps on inputs that are not trained on
    """

    step: int
    variation: float
    entropy: float
    clean: float
    loss: float | None = None
    fgsm: float | None = None
    pgd: float | None = None
    fgsm_loss: float | None = None
    pgd_loss: float | None = None
    long: float | None = None
    long_loss: float | None = None
    noise: float | None = None
    noise_loss: float | None = None
    flat: float | None = None
    evaluated: float | None = None
    held_out: float | None = None

    def describe(self) -> dict[str, Any]:
        """What was measured, as a JSON-able record."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


@dataclass(frozen=True)
class Alarm:
    """One verdict on a training: what is wrong, since which step, what shows it, what to do.

    `proposal` says that the rule missed failures when it was tried, or was not tried on enough: take it as a hint.
    """

    name: str
    step: int
    evidence: str
    advice: str
    proposal: bool = False

    def __str__(self) -> str:
        hint = " (a hint, of a rule that was not tried on enough failures)" if self.proposal else ""
        return f"step {self.step}: {self.name}{hint}: {self.evidence}. {self.advice}."


NAMED_FROM = 60
"""Steps before which constant logits are not named: at 20 and 40 steps 2 of 77 that learnt were named too."""
SHRUNK, STUCK = 0.1, 0.95
GROWN, WRONG = 30.0, 3.0
GAP, WIDE = 0.15, 0.25
FELL, ROSE = 0.06, 0.02
MODES = 0.25
FLAT = 0.2
IGNORED, APART = 0.3, 0.3


def alive(now: Look, start: Look, chance: float) -> bool:
    """Whether the network tells classes apart: a dead one has no gradients, and accuracies by chance."""
    return now.clean > 2 * math.exp(-chance) and now.variation > SHRUNK * start.variation


Rule = Callable[[Sequence[Look], float], Alarm | None]
"""From all looks so far (the first is the start) and ln K to an alarm."""


def constant_logits(looks: Sequence[Look], chance: float) -> Alarm | None:
    """v < 0.1 v0 and cross-entropy > 0.95 ln K from step 60 on (theory `trainability_minmax.md` 5, MEASURED)."""
    now, start = looks[-1], looks[0]
    if now.step < NAMED_FROM or not (now.variation < SHRUNK * start.variation and now.entropy > STUCK * chance):
        return None
    return Alarm(
        "constant logits",
        now.step,
        f"the scores vary by {now.variation:.2g} over inputs ({start.variation:.2g} at the start), cross-entropy "
        f"{now.entropy:.3g} (ln K = {chance:.3g})",
        "Stop, or wait for hundreds of steps, after which some get out: raise the radius slowly from zero, take a "
        "smaller one, or a wider network or one with shortcuts; with momentum or Adam try a smaller learning rate",
    )


def plateau(looks: Sequence[Look], chance: float) -> Alarm | None:
    """Cross-entropy > 0.8 ln K and robust loss > 0.95 ln K from step 100 on, not far above: "not yet", not "never"."""
    now = looks[-1]
    near = now.pgd_loss is not None and STUCK * chance < now.pgd_loss < 1.5 * chance
    if now.step < 100 or not (near and 0.8 * chance < now.entropy < 1.2 * chance):
        return None
    return Alarm(
        "plateau",
        now.step,
        f"cross-entropy {now.entropy:.3g} and robust loss {now.pgd_loss:.3g} are still near ln K = {chance:.3g}",
        "Not yet, which is not never: 12 of 77 trainings that learnt later stood so at step 100. A warm-up of the "
        "radius shortens it",
    )


def divergence(looks: Sequence[Look], chance: float) -> Alarm | None:
    """Scores 30 times as far apart as at the start with cross-entropy above ln K, or cross-entropy > 3 ln K."""
    now, start = looks[-1], looks[0]
    far = now.variation > GROWN * start.variation > 0 and now.entropy > chance
    if now.step == 0 or not (far or now.entropy > WRONG * chance + start.entropy):
        return None
    return Alarm(
        "divergence",
        now.step,
        f"cross-entropy {now.entropy:.3g} (ln K = {chance:.3g}), scores {now.variation / start.variation:.3g} times as "
        "far apart as at the start",
        "Lower the learning rate or clip gradients, and go back to a checkpoint from before",
        proposal=True,
    )


def catastrophic_overfitting(looks: Sequence[Look], chance: float) -> Alarm | None:
    """Accuracy under one step above that under five by more than 0.25, or by 0.15 in two looks one after the other."""
    found = [look for look in looks if look.fgsm is not None and look.pgd is not None][-2:]
    gaps = [look.fgsm - look.pgd for look in found]  # type: ignore[operator]
    if not gaps or not (gaps[-1] > WIDE or (len(gaps) == 2 and min(gaps) > GAP)):
        return None
    now = found[-1]
    return Alarm(
        "catastrophic overfitting",
        now.step,
        f"accuracy {now.fgsm:.2f} under one step and {now.pgd:.2f} under five",
        "Train on more steps of attack (MinMax), or on one step with a smaller radius or stride; go back to a "
        "checkpoint from before",
    )


def gradient_masking(looks: Sequence[Look], chance: float) -> Alarm | None:
    """No gradient at more than a fifth of the inputs; proposed: ten steps raise the loss no more than noise does."""
    now = looks[-1]
    if not alive(now, looks[0], chance):
        return None
    if now.flat is not None and now.flat > FLAT:
        return Alarm(
            "gradient masking",
            now.step,
            f"the gradient of the cross-entropy is zero at {now.flat:.0%} of the inputs, where no step can attack",
            "Robust accuracy measured by gradients means nothing here: the scores are saturated; attack their "
            "differences in place of the cross-entropy, in double precision, or divide the scores by a constant",
        )
    if now.long_loss is None or now.noise_loss is None:
        return None
    # Where losses are all but zero a thousandth says nothing; twice that of noise shows that gradients lead on.
    if now.long_loss > min(now.noise_loss * 1.02 + 1e-3, 2 * now.noise_loss):
        return None
    return Alarm(
        "gradient masking",
        now.step,
        f"ten steps of attack reach a loss of {now.long_loss:.3g}, random noise of the same size {now.noise_loss:.3g}",
        "Robust accuracy measured by gradients means nothing here: look for saturated scores (large logits, float16), "
        "rounding or thresholds in the module, and attack without gradients",
        proposal=True,
    )


def robust_overfitting(looks: Sequence[Look], chance: float) -> Alarm | None:
    """Held-out robust accuracy more than 0.06 below its best while that on training inputs rose by 0.02 since."""
    found = [look for look in looks if look.held_out is not None and look.pgd is not None]
    if len(found) < 3:
        return None
    smooth = [sum(x.held_out for x in found[max(0, k - 1) : k + 1]) / min(k + 1, 2) for k in range(len(found))]  # type: ignore[misc]
    best = max(range(len(found)), key=lambda k: smooth[k])
    now, then = found[-1], found[best]
    if not alive(now, looks[0], chance) or best >= len(found) - 2:
        return None
    if not (smooth[best] - smooth[-1] > FELL and now.pgd - then.pgd > ROSE):  # type: ignore[operator]
        return None
    return Alarm(
        "robust overfitting",
        now.step,
        f"robust accuracy on held-out inputs fell from {smooth[best]:.2f} (step {then.step}) to {smooth[-1]:.2f}, and "
        f"rose from {then.pgd:.2f} to {now.pgd:.2f} on training inputs",
        f"Stop, and take the weights of step {then.step} (`best_state`); weight decay, more data or augmentation help",
    )


def wrong_statistics(looks: Sequence[Look], chance: float) -> Alarm | None:
    """Accuracy in evaluation mode below that with batch statistics by more than 0.25, twice."""
    found = [look for look in looks if look.evaluated is not None][-2:]
    if len(found) < 2 or not all(look.clean - look.evaluated > MODES for look in found):  # type: ignore[operator]
        return None
    now = found[-1]
    return Alarm(
        "wrong mode",
        now.step,
        f"accuracy {now.clean:.2f} with the statistics of a batch and {now.evaluated:.2f} in evaluation mode",
        "The running statistics of batch normalisation are not those of the data: run training passes in training "
        "mode, and attacks in evaluation mode",
        proposal=True,
    )


def ignored_attack(looks: Sequence[Look], chance: float) -> Alarm | None:
    """The losses handed over are the clean loss, in three looks in which the attack raises it by more than 0.3."""
    found = [look for look in looks if look.loss is not None and look.pgd_loss is not None][-3:]

    def share(look: Look) -> float:
        assert look.loss is not None and look.pgd_loss is not None
        apart = look.pgd_loss - look.entropy
        return (look.loss - look.entropy) / apart if apart > APART else math.inf

    if len(found) < 3 or not all(share(look) < IGNORED for look in found):
        return None
    now = found[-1]
    return Alarm(
        "loss ignores the attack",
        now.step,
        f"training loss {now.loss:.3g}, clean loss {now.entropy:.3g}, loss under attack {now.pgd_loss:.3g}",
        "The loss seems to be taken on clean inputs: check that the perturbed inputs reach it, and that the radius "
        "told to the watch is that of the training",
        proposal=True,
    )


RULES: tuple[Rule, ...] = (
    constant_logits,
    plateau,
    divergence,
    catastrophic_overfitting,
    gradient_masking,
    robust_overfitting,
    wrong_statistics,
    ignored_attack,
)
