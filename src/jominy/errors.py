"""The one exception that jominy raises for bad input, and text of the user's as it may be shown."""

from __future__ import annotations

import re

_LONGEST = 160  # characters of the received value that a message quotes
# What a terminal obeys instead of showing it, what turns the order of letters around, what no encoding has.
UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    r"""Text with its control characters written out, so that it can be shown anywhere: a title, a file's name.

    >>> print(printable("a \x1b[31mred\x1b[0m title"))
    a \x1b[31mred\x1b[0m title
    """
    return UNSHOWN.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


class InputError(ValueError):
    """Bad input: the rule that was broken, the value that came, and what to do next.

    The message is ``rule (received: ...). next step``. The command line prints it on one line and exits with code 2.

    Parameters
    ----------
    rule
        What must hold, in words: ``"the radius must be zero or positive"``.
    received
        The offending value, shown by ``repr`` and shortened, or words that describe it, shown as they are. ``None``
        leaves it out.
    next_step
        What the user can do about it. Empty leaves it out.

    Examples
    --------
    >>> str(InputError("the radius must be zero or positive", -0.5, "use radius=0 for clean training"))
    'the radius must be zero or positive (received: -0.5). Use radius=0 for clean training.'
    """

    def __init__(self, rule: str, received: object = None, next_step: str = "") -> None:
        self.rule = rule
        self.received = received
        self.next_step = next_step
        super().__init__(_sentence(rule, received, next_step))

    def __reduce__(self) -> tuple[type[InputError], tuple[str, object, str]]:
        # The default would rebuild from the finished message, and so lose the parts on their way between processes.
        return type(self), (self.rule, self.received, self.next_step)


def _sentence(rule: str, received: object, next_step: str) -> str:
    text = rule.strip().rstrip(".")
    if received is not None:
        text += f" (received: {_quote(received)})"
    step = next_step.strip()
    if step:
        step = step[0].upper() + step[1:] if step[0].islower() and not _starts_with_code(step) else step
        text += f". {step}" + ("" if step.endswith((".", "!", "?")) else ".")
    return re.sub(r"\s*[\t\n]\s*", " ", printable(text))


def _starts_with_code(step: str) -> bool:
    """Whether the first word is a name from code (``radius=0``, ``jominy.load``), which keeps its case."""
    first = step.split()[0]
    return any(mark in first for mark in "=._(`/")


def _quote(value: object) -> str:
    # Text with a space in it describes what came ("shape (3, 2)"); a single word is a value that came.
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # what NumPy or torch wrapped around it
        value = value.item()
    described = isinstance(value, str) and " " in value.strip()
    text = " ".join((str(value) if described else repr(value)).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
