"""What stands in for this room where PyTorch is not installed: names that say how to install it when they are used."""

from collections.abc import Callable
from typing import Any

from jominy.errors import InputError
from jominy.wording import install


def stand_in(name: str) -> Callable[..., Any]:
    """A function of this name that raises InputError with the command that installs PyTorch.

    >>> stand_in("train")()
    Traceback (most recent call last):
    ...
    jominy.errors.InputError: PyTorch is needed here, and is not installed. Install it, ...: pip install ... '.[torch]'.
    """
    if name.startswith("__"):
        raise AttributeError(name)

    def unavailable(*_: Any, **__: Any) -> Any:
        # Which function asked is told by the traceback, and is none of the business of whoever typed a command.
        raise InputError("PyTorch is needed here, and is not installed", None, install("torch"))

    unavailable.__name__ = unavailable.__qualname__ = name
    return unavailable
