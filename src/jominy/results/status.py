"""How a run ended, in a word for programs and in a sentence for people."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """How a forecast or a simulation ended.

    ``label`` is the word stored in the result's attributes, ``advice`` says what it means and what to do.

    Examples
    --------
    >>> Status.DIVERGED.label
    'diverged'
    >>> Status.of("completed") is Status.COMPLETED
    True
    """

    COMPLETED = ("completed", "The run reached the last time that was asked for.")
    DIVERGED = (
        "diverged",
        "The learning rate is above the stability threshold, so the risk grows without bound; values after that moment "
        "are infinite. Lower the learning rate (for least squares below 2 d / trace of the covariance).",
    )
    COLLAPSED = (
        "collapsed",
        "The radius is at or above the collapse radius: the adversarial optimum is the zero vector, and training "
        "shrinks the weights towards it. Lower the radius.",
    )
    STUCK = (
        "stuck at zero",
        "Exact line search never leaves a start at zero (of all weights, or of a block) when the radius is positive: "
        "its learning rate vanishes there. Start elsewhere (`start=0.1`), or use `Polyak()` or `Constant(0.5)`.",
    )
    UNSTABLE = (
        "unstable tail events",
        "The learning rate is too large for the largest samples: single large samples dominate the mean over runs, so "
        "a mean forecast does not describe a typical run. Lower the rate, or clip the row norms "
        "(`Preprocessing(clip=3)`).",
    )
    UNSOUND = (
        "numerical failure",
        "Some numbers of this result are missing or contradict each other; its notes say which. The fault is jominy's: "
        "please report it, with the scenario.",
    )
    INTERRUPTED = (
        "interrupted",
        "The run was stopped before its end; what was done until then is kept.",
    )
    STEP_LIMIT = (
        "step limit reached",
        "The integrator used all its steps before the last time; the values up to there are valid. Shorten the time, "
        "or loosen the tolerance.",
    )

    label: str
    advice: str

    def __init__(self, label: str, advice: str) -> None:
        self.label = label
        self.advice = advice

    @classmethod
    def of(cls, label: str) -> Status:
        """The status with this label; ``KeyError`` if there is none."""
        for status in cls:
            if status.label == label:
                return status
        raise KeyError(label)
