"""Whatever a reader makes of a damaged file: one sentence that names the file, instead of its traceback."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jominy.errors import InputError


@contextmanager
def damage_reported(file: str | Path, rule: str, next_step: str = "") -> Iterator[None]:
    """Inside, a library reads a file of the user's: what it raises becomes one InputError, what it warns of is dropped.

    Readers fail on damaged, encrypted, truncated or hostile files in any way there is (BadZipFile, zlib.error,
    RuntimeError, TokenError, MemoryError, ...), and the file is at fault each time. A package that is missing is not.

    >>> with damage_reported("x.npy", "x.npy must be sound"):
    ...     raise KeyError("header")
    Traceback (most recent call last):
    ...
    jominy.errors.InputError: x.npy must be sound (received: KeyError: 'header')
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (InputError, ImportError):
            raise
        except MemoryError:
            raise InputError(f"{Path(file).name} must fit into memory", None, "Keep fewer rows or columns.") from None
        except Exception as error:
            text = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ").split(". ")[0]
            told = text if isinstance(error, (ValueError, OSError)) and text else f"{type(error).__name__}: {text}"
            raise InputError(rule, told.rstrip(": "), next_step) from None


__all__ = ["damage_reported"]
