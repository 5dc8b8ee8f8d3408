"""Numbers as people write them where text is read: 0.03, 1e-3, and 8/255 for a radius in steps of a pixel."""

from __future__ import annotations


def number(text: str) -> float:
    """The number that a text says, a fraction of two numbers included. ValueError if it says none.

    >>> number("8/255") == 8 / 255, number("1e-3")
    (True, 0.001)
    """
    above, stroke, below = text.partition("/")
    try:
        return float(above) / float(below) if stroke else float(text)
    except ZeroDivisionError:
        raise ValueError(f"division by zero: {text!r}") from None


__all__ = ["number"]
