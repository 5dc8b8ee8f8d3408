"""Where a sweep keeps its results: a folder, or memory."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from jominy.errors import InputError
from jominy.results.folders import make_folder, remove_unused
from jominy.study.sweeps.chunks import ENDING, PART, DamagedError, place, read_chunk, write_chunks
from jominy.study.sweeps.point_locks import PointLocks
from jominy.study.sweeps.records import Record

VERSION = 1
_ABOUT = "store.json"
_CLAIMS = "claims.lock"
_SAFE = "what was stored before is safe; put that right, and the same sweep goes on where it stopped"
_STALE = 600.0  # seconds after which a half-written file has no writer any more


class MemoryStore:
    """Results of one sweep in memory: nothing is kept."""

    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def refresh(self) -> None:
        """Nobody else writes here."""

    def __contains__(self, key: str) -> bool:
        return key in self._records

    def get(self, key: str) -> Record | None:
        """The record of a key."""
        return self._records.get(key)

    def claim(self, keys: Iterable[str]) -> list[str]:
        """All of the keys."""
        return list(keys)

    def give_back(self, keys: Iterable[str]) -> None:
        """Nobody waits for them."""

    def write(self, records: Mapping[str, Record]) -> None:
        """Keep records."""
        self._records |= records

    def require_writable(self) -> None:
        """Memory is."""

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FolderStore(MemoryStore):
    """Results in a folder, each under its key, shared by any number of sweeps and processes.

    The folder holds NetCDF files (`chunks`), what it is (`store.json`) and the claims of running processes. It is made
    when it does not exist. Raises `InputError` for a folder that is something else, or is newer than this jominy.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__()
        self.folder = Path(folder)
        self._seen: set[str] = set()
        self._damaged: list[str] = []
        self._claims: PointLocks | None = None
        self._made: list[Path] = []
        self._open()
        self.refresh()

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """What a reader should know of the store."""
        if not self._damaged:
            return ()
        return (
            f"Damaged files in {self.folder} were put aside, and their points computed again: "
            f"{', '.join(self._damaged)}.",
        )

    def refresh(self) -> None:
        """Read what has been stored since."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.folder))
        except OSError as error:
            raise _failed("read", self.folder, error) from error
        for name in names:
            if name.endswith(ENDING) and not name.startswith(".") and name not in self._seen:
                self._read(name)

    def claim(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that are neither stored nor being computed by another process."""
        if self._claims is None:
            try:
                self._claims = PointLocks(self.folder / _CLAIMS)
            except OSError as error:
                raise _failed("written", self.folder, error) from error
        mine = self._claims.take(keys)
        self.refresh()  # another process stores a point before it ends its claim, so this is the last word
        stored = [key for key in mine if key in self]
        self._claims.give_back(stored)
        return [key for key in mine if key not in self]

    def give_back(self, keys: Iterable[str]) -> None:
        """End claims."""
        if self._claims is not None:
            self._claims.give_back(keys)

    def write(self, records: Mapping[str, Record]) -> None:
        """Store records that are not there yet. Raises `InputError` where they cannot be written."""
        self.refresh()
        new = {key: record for key, record in records.items() if key not in self}
        try:
            paths = write_chunks(self.folder, new)
        except InputError as error:
            raise InputError(error.rule, error.received, _SAFE) from error
        self._seen |= {path.name for path in paths}
        self._records |= new

    def require_writable(self) -> None:
        """Find out before hours of computing, not after, whether results can be stored."""
        try:
            place(self.folder, f".probe-{os.getpid()}", b"").unlink()
        except InputError as error:
            raise InputError(error.rule, error.received, _SAFE) from error
        except OSError as error:
            raise _failed("written", self.folder, error) from error

    def close(self) -> None:
        """End all claims."""
        if self._claims is not None:
            self._claims.close()
            self._claims = None

    def __exit__(self, *_: object) -> None:
        """Close it; a folder that was made for it, and in which nothing came to be stored, goes again."""
        if self._made and not self._records:
            claims = self._claims or PointLocks(self.folder / _CLAIMS)
            if claims.alone():
                remove_unused(self._made, (_ABOUT, _CLAIMS))
            claims.close()
            self._claims = None
        self.close()

    def _open(self) -> None:
        about = self.folder / _ABOUT
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise InputError("a store must be a folder", str(self.folder), "name another one")
            self._made = make_folder(self.folder)
            found = {entry.name for entry in os.scandir(self.folder)}
            if _ABOUT not in found:
                foreign = {name for name in found if not name.startswith(".") and name != _CLAIMS}
                if foreign:
                    raise InputError(
                        "a store must be a folder that a sweep made, or an empty one",
                        f"{self.folder}, which holds {sorted(foreign)[0]}",
                        "name another one",
                    )
                place(self.folder, _ABOUT, _about())
            else:
                self._check(about)
            self._sweep_up(found)
        except InputError:
            raise
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise _failed("opened", self.folder, error) from error

    def _check(self, about: Path) -> None:
        try:
            version = json.loads(about.read_text(encoding="utf-8"))["version"]
            newer = version > VERSION
        except (ValueError, KeyError, TypeError, RecursionError):
            # The results do not depend on it: every one of them says itself what it is.
            place(self.folder, _ABOUT, _about())
            return
        if newer:
            raise InputError(
                f"this store was written by a newer jominy (this one knows stores of version {VERSION})",
                f"version {version} in {self.folder}",
                "upgrade jominy, or name another store",
            )

    def _sweep_up(self, found: set[str]) -> None:
        """Remove what killed processes left half-written."""
        for name in found:
            if name.startswith(".") and name.endswith(PART):
                path = self.folder / name
                try:
                    if time.time() - path.stat().st_mtime > _STALE:
                        path.unlink()
                except OSError:
                    continue  # another process was faster, or the folder is not ours to tidy

    def _read(self, name: str) -> None:
        path = self.folder / name
        try:
            records = read_chunk(path)
        except DamagedError:
            self._put_aside(path)
            return
        except FileNotFoundError:  # put aside by another process a moment ago
            return
        except OSError as error:
            raise _failed("read", path, error) from error
        self._seen.add(name)
        for key, record in records.items():
            self._records.setdefault(key, record)

    def _put_aside(self, path: Path) -> None:
        self._seen.add(path.name)
        self._damaged.append(path.name)
        try:
            path.rename(path.with_suffix(".damaged"))
        except OSError:
            pass  # a read-only store: its damaged file is passed over each time


def open_store(store: Any) -> MemoryStore:
    """A store for a sweep: a folder's, or memory where none is named."""
    if store is None:
        return MemoryStore()
    if isinstance(store, MemoryStore):
        return store
    if not isinstance(store, (str, os.PathLike)):
        raise InputError("a store must be the path of a folder", type(store).__name__, 'store="runs"')
    return FolderStore(store)


def _about() -> bytes:
    return json.dumps({"format": "jominy sweep store", "version": VERSION}).encode() + b"\n"


def _failed(what: str, path: Path, error: OSError | ValueError) -> InputError:
    return InputError(
        f"the store could not be {what}: {getattr(error, 'strerror', None) or error}",
        str(path),
        _SAFE,
    )
