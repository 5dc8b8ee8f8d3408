"""Which features of a table no attack can touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jominy.data.names import columns_named, known_names
from jominy.errors import InputError


def immutable_features(
    immutable: Sequence[str | int], names: Sequence[str], kept: Sequence[int], groups: dict[str, list[int]]
) -> NDArray[np.bool_]:
    """(d,) whether no attack can touch a feature.

    Args:
        immutable: names of columns (one that was encoded stands for all its features; "a,b" are two) or positions among
            `names`.
        names: of all columns, before those without variance were left out.
        kept: (d,) positions of the features that are left.
        groups: encoded column -> its features, by position among those left.

    Raises InputError for a name or position that is not there, and where nothing is left to attack.

    >>> immutable_features(["age", 2], ["age", "pay", "debt"], [0, 1, 2], {}).tolist()
    [True, False, True]
    """
    if isinstance(immutable, str):
        immutable = [immutable]
    untouched = np.zeros(len(kept), dtype=bool)
    place = {j: k for k, j in enumerate(kept)}
    known = [*groups, *names]
    asked = [columns_named(text, known) if isinstance(text, str) else [text] for text in immutable]
    for which in [one for several in asked for one in several]:
        if isinstance(which, str) and which in groups:
            untouched[groups[which]] = True
            continue
        if isinstance(which, str):
            found = [j for j, name in enumerate(names) if name == which]
        else:
            found = [int(which)] if 0 <= int(which) < len(names) else []
        if not found:
            raise InputError(
                "An immutable feature must be one of the table's",
                which,
                known_names("features", which, known),
            )
        untouched[[place[j] for j in found if j in place]] = True
    if len(kept) and np.all(untouched):
        raise InputError(
            "An attack must be able to touch some feature",
            "all features immutable",
            "Leave one out of `immutable`, or say radius=0",
        )
    return untouched
