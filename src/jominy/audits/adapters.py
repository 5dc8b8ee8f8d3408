"""Attacks of other libraries as what an audit calls: (model, inputs, labels) -> attacked inputs.

None of these libraries is needed here unless its adapter is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jominy.audits.threat import Threat
from jominy.errors import InputError


class Adapted:
    """An attack of another library; `call` runs it on a module under the threat of the audit."""

    def __init__(self, call: Callable[[Any, Any, Any, Threat], Any], name: str) -> None:
        self._call, self.__name__ = call, name

    def __call__(self, model: Any, inputs: Any, labels: Any, threat: Threat) -> Any:
        return self._call(model, inputs, labels, threat)


def from_torchattacks(make: Callable[[Any], Any]) -> Adapted:
    """An attack of torchattacks, or any object that is made from a model and called with (inputs, labels).

    >>> adapted = from_torchattacks(lambda model: torchattacks.PGD(model, eps=8 / 255))
    """
    return Adapted(lambda model, inputs, labels, _: make(model)(inputs, labels), _name(make))


def from_autoattack(make: Callable[[Any], Any]) -> Adapted:
    """AutoAttack, or whatever has `run_standard_evaluation(inputs, labels, bs=...)`, made from a model.

    >>> adapted = from_autoattack(lambda model: AutoAttack(model, norm="Linf", eps=8 / 255, verbose=False))
    """

    def call(model: Any, inputs: Any, labels: Any, _: Threat) -> Any:
        return make(model).run_standard_evaluation(inputs, labels, bs=len(inputs))

    return Adapted(call, _name(make))


def from_art(make: Callable[[Any], Any]) -> Adapted:
    """An evasion attack of the Adversarial Robustness Toolbox, made from a classifier of its own kind.

    The classifier is `art.estimators.classification.PyTorchClassifier` on the audit's module with the cross-entropy;
    attacks that are targeted need a wrapper of yours.

    >>> adapted = from_art(lambda classifier: ProjectedGradientDescent(classifier, eps=8 / 255, verbose=False))
    """

    def call(model: Any, inputs: Any, labels: Any, threat: Threat) -> Any:
        try:
            from art.estimators.classification import PyTorchClassifier
        except ImportError:
            raise _missing("adversarial-robustness-toolbox") from None
        import torch

        classifier = PyTorchClassifier(
            model,
            torch.nn.CrossEntropyLoss(),
            tuple(inputs.shape[1:]),
            model.classes,
            clip_values=threat.box,
            device_type="cpu",
        )
        return make(classifier).generate(x=inputs.numpy(), y=labels.numpy())

    return Adapted(call, _name(make))


def from_foolbox(attack: Any) -> Adapted:
    """An attack of Foolbox, such as `foolbox.attacks.LinfPGD()`, run at the radius of the audit.

    >>> adapted = from_foolbox(foolbox.attacks.LinfPGD(steps=40))  # doctest: +SKIP
    """

    def call(model: Any, inputs: Any, labels: Any, threat: Threat) -> Any:
        try:
            import foolbox
        except ImportError:
            raise _missing("foolbox") from None
        bounds = threat.box if threat.box is not None else (-1e6, 1e6)
        wrapped = foolbox.PyTorchModel(model, bounds=bounds, device="cpu")
        return attack(wrapped, inputs, labels, epsilons=threat.radius)[1]

    return Adapted(call, type(attack).__name__)


def _name(make: Any) -> str:
    return str(getattr(make, "__name__", type(make).__name__))


def _missing(package: str) -> InputError:
    return InputError(f"{package} is needed here, and is not installed", None, f"install it: pip install {package}")
