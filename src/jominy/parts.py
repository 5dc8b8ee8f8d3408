"""Losses, schedules, attacks, objectives, optimizers as files, command line, explorer and documentation know them.

Each is declared once, here, in one line or two; from this come its table of a scenario file and the JSON schema, the
choices of the command line, the controls of the explorer, the Python text of a state, and the tables of the
documentation. Nothing is imported until it is used, so that `--help` is quick.

A loss, schedule or attack of your own is a class in a file of yours and one line, before scenarios are first used:

>>> from jominy.parts import LOSSES, Part
>>> LOSSES["logistic"].description
'log(1 + exp(-margin)), for classes.'
>>> mine = Part("sharp", "my_losses:SharpLoss", "A sharper logistic loss, for classes.")
>>> LOSSES.add(mine)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jominy.errors import InputError

REQUIRED: Any = ...
"""The default of a setting that has to be given."""


@dataclass(frozen=True)
class Slider:
    """A number that the explorer moves: where it begins, what is usual, and what is allowed."""

    start: float
    lowest: float
    highest: float
    log: bool = False
    bounds: tuple[float, float] = (0.0, 1e4)


@dataclass(frozen=True)
class Setting:
    """One argument of a part.

    Attributes
    ----------
    name : as the class's constructor and the scenario file call it
    kind : "number", which may be a fraction such as 8/255, "float", "positive", "not-negative", "share" (from 0 to
        below 1), "closed-share" (to 1), "count" (a whole number >= 0), "number of things" (>= 1), "switch"; "floats",
        "numbers", "not-negatives" for lists; "per-feature", a list of numbers >= 0 that is repeated over the features;
        "link"
    description : what it is, with its unit
    default : its value where it is left out; REQUIRED where it must be given
    power : it goes with this power of the factor by which rates (of a radius: radii) in units of the data are scaled
    slider : of the explorer, for a single number that it moves; what others need, it takes from the page or leaves
    """

    name: str
    kind: str = "number"
    description: str = ""
    default: Any = REQUIRED
    power: float = 0.0
    slider: Slider | None = None


@dataclass(frozen=True)
class Part:
    """One loss, schedule or attack.

    Attributes
    ----------
    name : in scenario files and on the command line
    made_by : "module:Class", or the class itself, whose constructor takes the settings by name
    description : one line
    settings : its arguments
    title : what people call it, by default its name
    """

    name: str
    made_by: str | type
    description: str
    settings: tuple[Setting, ...] = ()
    title: str = ""

    def load(self) -> Any:
        """The class."""
        if not isinstance(self.made_by, str):
            return self.made_by
        module, _, name = self.made_by.partition(":")
        return getattr(importlib.import_module(module), name)

    @property
    def class_name(self) -> str:
        """What the class is called."""
        return self.made_by.partition(":")[2] if isinstance(self.made_by, str) else self.made_by.__name__

    @property
    def module(self) -> str:
        """Where the class is."""
        return self.made_by.partition(":")[0] if isinstance(self.made_by, str) else self.made_by.__module__

    def has(self, name: str) -> bool:
        """Whether it has a setting of this name."""
        return any(setting.name == name for setting in self.settings)

    def has_only(self, name: str) -> bool:
        """Whether that is its one setting."""
        return [setting.name for setting in self.settings] == [name]

    @property
    def spoken(self) -> str:
        """What people call it."""
        return self.title or self.name.replace("-", " ")

    @property
    def complete(self) -> bool:
        """Whether it can be made without being told anything."""
        return all(setting.default is not REQUIRED for setting in self.settings)


@dataclass
class Registry:
    """All parts of one sort, by name and in order; the first one is the usual one.

    Attributes
    ----------
    sort : what they are, in one word
    parts : them
    in_use : whether scenarios have been made of them, after which there can be no more
    refused : names that people ask for and that are not here -> why, and what to use
    """

    sort: str
    parts: dict[str, Part] = field(default_factory=dict)
    in_use: bool = False
    refused: dict[str, str] = field(default_factory=dict)

    def add(self, part: Part) -> None:
        """One more. InputError for a name that is taken, and once scenarios have been used."""
        if part.name in self.parts:
            raise InputError(f"A {self.sort} must have a name of its own", part.name, "Choose another name")
        if self.in_use:
            raise InputError(
                f"A {self.sort} must be added before scenarios are first used",
                part.name,
                "Add it right after `import jominy`, before Scenario, sweeps, the command line or the explorer",
            )
        self.parts[part.name] = part

    def used(self) -> tuple[Part, ...]:
        """All of them, for good."""
        self.in_use = True
        return tuple(self.parts.values())

    def __getitem__(self, name: str) -> Part:
        return self.parts[name]

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts.values())


def _registry(sort: str, *parts: Part) -> Registry:
    return Registry(sort, {part.name: part for part in parts})


_RATE = Setting(
    "rate", "number", "step times dimension", power=1, slider=Slider(0.5, 0.02, 4.0, log=True, bounds=(1e-6, 1e3))
)

LOSSES = _registry(
    "loss",
    Part("squared", "jominy.losses:SquaredLoss", "Half the squared error."),
    Part("logistic", "jominy.losses:LogisticLoss", "log(1 + exp(-margin)), for classes."),
    Part("probit", "jominy.losses:ProbitLoss", "-log Phi(margin), Phi the normal distribution function, for classes."),
    Part("hinge", "jominy.losses:HingeLoss", "max(1 - margin, 0), for classes."),
    Part("squared-hinge", "jominy.losses:SquaredHingeLoss", "max(1 - margin, 0)^2 / 2, for classes."),
    Part(
        "smoothed-hinge",
        "jominy.losses:SmoothedHingeLoss",
        "1/2 - margin up to 0, (1 - margin)^2 / 2 up to 1, then 0, for classes.",
    ),
    Part(
        "link-squared",
        "jominy.losses:LinkSquaredLoss",
        "(link(score) - target)^2 / 2: a student with a link, on a mixture or a linear teacher.",
        (Setting("link", "link"),),
    ),
    Part("exponential", "jominy.losses:ExponentialLoss", "exp(-margin), for classes."),
    Part(
        "softmax",
        "jominy.losses:SoftmaxLoss",
        "Cross-entropy of softmax scores, for several classes.",
        (
            Setting(
                "attack_steps",
                "count",
                "of the attack in training: 0 none, 1 FGM, 3 as PGD; unset: the exact maximum",
                None,
            ),
        ),
    ),
    Part(
        "softmax-bound",
        "jominy.losses:SoftmaxBoundLoss",
        "The pairwise bound of the cross-entropy under attack, for several classes.",
    ),
    Part(
        "crammer-singer",
        "jominy.losses:CrammerSingerLoss",
        "max(0, 1 + largest other score - own score), for several classes.",
    ),
    Part(
        "one-versus-rest",
        "jominy.losses:OneVersusRestLoss",
        "The logistic losses of each class against all others, for several classes.",
    ),
)

SCHEDULES = _registry(
    "schedule",
    Part("constant", "jominy.schedules:Constant", "The same learning rate throughout.", (_RATE,)),
    Part(
        "inverse-time",
        "jominy.schedules:InverseTime",
        "rate / (1 + decay * time).",
        (_RATE, Setting("decay", "float", "1 / time", slider=Slider(0.2, 0.0, 2.0))),
    ),
    Part(
        "hill",
        "jominy.schedules:Hill",
        "rate / (1 + (time / half_time)^exponent), which `design` finds.",
        (
            _RATE,
            Setting("half_time", "positive", "when the rate is half", slider=Slider(2.0, 0.1, 50.0, log=True)),
            Setting("exponent", "positive", "how fast it falls then", 1.5, slider=Slider(1.5, 0.2, 10.0)),
        ),
    ),
    Part(
        "knots",
        "jominy.schedules:Knots",
        "The logarithm of the rate is linear between the given times.",
        (
            Setting("times", "floats", "of the knots"),
            Setting("rates", "numbers", "as many as there are times, all > 0", power=1),
        ),
    ),
    Part(
        "cosine",
        "jominy.schedules:Cosine",
        "Half a cosine from `rate` down to `final` at `horizon`.",
        (_RATE, Setting("horizon", "float"), Setting("final", "number", default=0.0, power=1)),
    ),
    Part(
        "piecewise",
        "jominy.schedules:Piecewise",
        "Constant between the given times.",
        (
            Setting("times", "floats", "moments at which the rate changes"),
            Setting("rates", "numbers", "one more than there are times", power=1),
        ),
    ),
    Part(
        "polyak",
        "jominy.schedules:Polyak",
        "The rate that shrinks the distance to the adversarial optimum fastest.",
        title="Polyak",
    ),
    Part(
        "exact-line-search", "jominy.schedules:ExactLineSearch", "The rate that shrinks the adversarial risk fastest."
    ),
    Part(
        "adagrad-norm",
        "jominy.schedules:AdaGradNorm",
        "rate / sqrt(offset^2 + the square norms of all gradients so far, over dimension^2).",
        # Features s times as large have gradients s times as large (and a rate s^2 times as large).
        (
            Setting("rate", "number", "step times dimension", power=1.5),
            Setting("offset", "float", "the larger, the later the rate begins to fall", 1.0, power=0.5),
        ),
    ),
)

RADII = _registry(
    "radius",
    Part(
        "ramp",
        "jominy.schedules:RadiusRamp",
        "From `start` straight to `end` at `time`, then the same.",
        (
            Setting("start", "not-negative", default=0.0, power=1),
            Setting("end", "not-negative", power=1),
            Setting("time", "positive", "in samples / dimension"),
        ),
    ),
    Part(
        "piecewise",
        "jominy.schedules:RadiusPiecewise",
        "Constant between the given times.",
        (
            Setting("times", "floats", "moments at which the radius changes"),
            Setting("radii", "not-negatives", "one more than there are times", power=1),
        ),
    ),
    Part(
        "knots",
        "jominy.schedules:RadiusKnots",
        "Straight between (times, radii), and constant outside.",
        (
            Setting("times", "floats", "of the knots"),
            Setting("radii", "not-negatives", "one at each time", power=1),
        ),
    ),
)

ATTACKS = _registry(
    "attack",
    Part("l2", "jominy.attacks:L2", "Perturbations of l2 norm at most the radius."),
    Part(
        "linf",
        "jominy.attacks:LInf",
        "Every feature is moved on its own, by at most radius * budget / sqrt(dimension).",
        (
            Setting(
                "budget",
                "per-feature",
                "one per feature, repeated over all of them; 0 cannot be touched (default: 1)",
                None,
            ),
        ),
    ),
    Part(
        "lp",
        "jominy.attacks:Lp",
        "Perturbations of l_p norm at most radius * dimension^(1/p - 1/2).",
        (
            Setting("p", "positive", "2 is l2; the larger, the nearer to l_inf"),
            Setting(
                "budget",
                "per-feature",
                "one per feature, repeated over all of them; 0 cannot be touched (default: 1)",
                None,
            ),
        ),
    ),
    Part(
        "block-l2",
        "jominy.attacks:BlockL2",
        "Several budgets at once: within each block of features an l2 norm of at most radius * budget.",
        (
            Setting("block", "per-feature", "the block of each feature, from 0, repeated over all of them"),
            Setting("budget", "not-negatives", "one per block; 0 cannot be touched (default: 1)", None),
        ),
    ),
    Part(
        "mahalanobis",
        "jominy.attacks:Mahalanobis",
        "A budget for each feature, radius * sqrt(weight); weight 0 is a feature that nobody can touch.",
        (Setting("weights", "per-feature", "one per feature, repeated over all of them"),),
    ),
)

ATTACKS.refused["l1"] = (
    "an l1 attack moves scores by the largest weight alone, which has no limit in high dimension; use 'linf', or "
    "'mahalanobis' with a budget for each feature"
)

_CLEAN = Setting(
    "clean",
    "share",
    "share of the clean loss, from 0 to below 1",
    slider=Slider(0.4, 0.0, 0.9, bounds=(0.0, 0.99)),
)

OBJECTIVES = _registry(
    "objective",
    Part("adversarial", "jominy.losses:Adversarial", "The adversarial loss itself."),
    Part("mixed", "jominy.losses:Mixed", "The clean and the adversarial loss of every sample.", (_CLEAN,)),
    Part("coin-flip", "jominy.losses:CoinFlip", "Each sample is left clean by a coin, else attacked.", (_CLEAN,)),
    Part(
        "uniform-radius",
        "jominy.losses:UniformRadius",
        "The radius of each sample is drawn, uniform up to the radius.",
        (Setting("lowest", "share", "in units of the radius", 0.0, slider=Slider(0.0, 0.0, 0.95, bounds=(0.0, 0.99))),),
    ),
    Part(
        "truncated-normal-radius",
        "jominy.losses:TruncatedNormalRadius",
        "The radius of each sample is drawn, half a normal law cut off at the radius.",
        (
            Setting(
                "spread",
                "positive",
                "its standard deviation before it is cut off, in units of the radius",
                0.5,
                slider=Slider(0.5, 0.1, 2.0, bounds=(0.01, 100.0)),
            ),
        ),
    ),
    Part(
        "gaussian-noise",
        "jominy.losses:GaussianNoise",
        "Every input is given normal noise in each feature, then attacked.",
        (
            Setting(
                "variance",
                "not-negative",
                "of the noise in every feature",
                slider=Slider(0.25, 0.0, 2.0, bounds=(0.0, 1e4)),
            ),
        ),
    ),
    Part(
        "trades",
        "jominy.losses:TRADES",
        "The clean loss, and beta times how far the attack moves the prediction.",
        (
            Setting(
                "beta", "not-negative", "weight of the second part", slider=Slider(1.0, 0.0, 10.0, bounds=(0.0, 1e3))
            ),
        ),
    ),
)

OPTIMIZERS = _registry(
    "optimizer",
    Part(
        "sgd",
        "jominy.optimizers:SGD",
        "SGD in the meaning and units of PyTorch: batches whose gradients are averaged, momentum, weight decay.",
        (
            Setting("batch_size", "number of things", "samples per step, whose gradients are averaged", 1),
            Setting("weight_decay", "not-negative", "added to the gradient, times the weights", 0.0),
            Setting("momentum", "share", "of the buffer of gradients", 0.0),
            Setting("nesterov", "switch", "look ahead; needs momentum", False),
            Setting("dampening", "closed-share", "of what a gradient adds to the buffer", 0.0),
            Setting("replacement", "switch", "whether a batch may hold a sample twice", True),
            Setting("decoupled", "switch", "shrink the weights themselves, past the momentum", False),
        ),
    ),
    Part(
        "adam",
        "jominy.optimizers:Adam",
        "Adam in the arithmetic of PyTorch, for real runs on samples; every weight moves by about the learning rate.",
        (
            Setting("batch_size", "number of things", "samples per step, whose gradients are averaged", 1),
            Setting("beta1", "share", "of the average of gradients", 0.9),
            Setting("beta2", "share", "of the average of their squares", 0.999),
            Setting("eps", "not-negative", "added to the root of the average square", 1e-8),
            Setting("weight_decay", "not-negative", "added to the gradient, times the weights", 0.0),
            Setting("replacement", "switch", "whether a batch may hold a sample twice", True),
            Setting("decoupled", "switch", "shrink the weights themselves instead: AdamW", False),
        ),
        title="Adam",
    ),
)

REGISTRIES = (LOSSES, SCHEDULES, RADII, ATTACKS, OBJECTIVES, OPTIMIZERS)

__all__ = [
    "ATTACKS",
    "LOSSES",
    "OBJECTIVES",
    "OPTIMIZERS",
    "RADII",
    "REGISTRIES",
    "REQUIRED",
    "SCHEDULES",
    "Part",
    "Registry",
    "Setting",
    "Slider",
]
