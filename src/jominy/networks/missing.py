"""What stands in for this room where PyTorch is not installed: names that say how to install it when they are used."""

from collections.abc import Callable
from typing import Any

from jominy.errors import InputError


def stand_in(name: str) -> Callable[..., Any]:
    """A function of this name that raises InputError with the command that installs PyTorch.

    >>> stand_in("train")()
    Traceback (most recent call last):
    ...
    jominy.errors.InputError: jominy.train needs PyTorch, ... Install it: pip install 'jominy[torch]'.
    """
    if name.startswith("__"):
        raise AttributeError(name)

    def unavailable(*_: Any, **__: Any) -> Any:
        raise InputError(
            f"jominy.{name} needs PyTorch, which is not installed", None, "Install it: pip install 'jominy[torch]'"
        )

    unavailable.__name__ = unavailable.__qualname__ = name
    return unavailable
