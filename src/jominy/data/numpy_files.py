"""Arrays in .npy and .npz files, with a bound on what a packed file may become."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED

import numpy as np
from numpy.typing import NDArray

from jominy.data.damage import damage_reported
from jominy.errors import InputError

LARGEST = 2**30  # bytes that a packed array may unpack to, as it is stored and as float64: a small file can hold much


@dataclass(frozen=True)
class Archive:
    """The arrays of an .npz file while it is open: each is read when it is asked for."""

    file: Path
    stored: Any
    rule: str
    next_step: str

    @property
    def names(self) -> list[str]:
        """What the arrays are called."""
        return list(self.stored.files)

    def __getitem__(self, name: Any) -> NDArray[Any]:
        """The array of this name. InputError if it is no array, holds Python objects, or is larger than LARGEST."""
        if name not in self.names:
            raise InputError(self.rule, f"{self.file.name} with the arrays {self.names}", self.next_step)
        members = {entry.filename: entry for entry in self.stored.zip.infolist()}
        entry = members.get(f"{name}.npy") or members[name]
        packed = entry.compress_type != ZIP_STORED
        if packed and entry.file_size > LARGEST:
            raise _too_large(self.file, name, entry.file_size)
        try:
            array = self.stored[name]
        except ValueError as error:
            if "pickle" not in str(error) and "Object" not in str(error):
                raise
            step = "Save numbers or strings."
            raise InputError(f"array {name!r} must not hold Python objects", str(error), step) from None
        if not isinstance(array, np.ndarray):
            raise InputError(f"{name!r} in {self.file.name} must be an array", f"{len(array)} bytes of something else")
        if packed and 8 * array.size > LARGEST:
            raise _too_large(self.file, name, 8 * array.size)
        return array


@contextmanager
def opened(file: str | Path, rule: str = "", next_step: str = "") -> Iterator[NDArray[Any] | Archive]:
    """The array in an .npy file, or the arrays in an .npz; the file is closed afterwards, however that went.

    rule, next_step: of the InputError for what is no such file.
    """
    path = Path(file)
    rule = rule or f"{path.name} must be a sound NumPy file without Python objects"
    next_step = next_step or "Save arrays of numbers or strings."
    with damage_reported(path, rule, next_step), open(path, "rb") as handle:
        content = np.load(handle, allow_pickle=False)
        if isinstance(content, np.ndarray):
            yield content
        else:
            with content:
                yield Archive(path, content, rule, next_step)


def _too_large(file: Path, name: str, size: int) -> InputError:
    rule = f"array {name!r} of {file.name} must unpack to at most {LARGEST / 2**30:g} GiB"
    return InputError(rule, f"{size / 2**30:.3g} GiB", "Save it unpacked, with numpy.save or numpy.savez.")


__all__ = ["LARGEST", "Archive", "opened"]
