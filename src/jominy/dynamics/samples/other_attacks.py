"""Samples read out under attacks that they were not trained under, in the features: there every size is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jominy.dynamics.other_attacks import DIMENSION, OtherAttack
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables
from jominy.dynamics.samples.frame import Frame
from jominy.dynamics.samples.law import Spread, as_rows
from jominy.dynamics.samples.readout import read_rows
from jominy.errors import InputError
from jominy.numerics.arrays import Array
from jominy.numerics.precision import as_precise_as

MOST_NUMBERS = 10**8
"""Of the covariances at all times, in the features."""


def in_features(frame: Frame, spreads: Spread) -> Spread:
    """Laws (T, ...) of the weights in the coordinates of the features, with their whole covariances."""
    basis, covariance = frame.basis, spreads.covariance
    if covariance.ndim == 2:
        covariance = covariance[:, :, None] * np.eye(covariance.shape[1])
    turned = basis @ covariance @ basis.T
    for own, seen in frame.parts:
        last = seen.stop - 1
        if not np.any(basis[:, last]):  # this coordinate stands for all that the others of its part leave out
            outside = np.eye(len(own)) - basis[own, seen] @ basis[own, seen].T
            turned[:, own[:, None], own] += (covariance[:, last, last] / frame.copies[last])[:, None, None] * outside
    return Spread(spreads.mean @ basis.T, turned)


def read_rows_under(
    problem: Problem,
    others: Sequence[OtherAttack],
    frame: Frame,
    spreads: Spread,
    test: tuple[np.ndarray, np.ndarray] | None,
    times: np.ndarray,
    rule: Any,
    like: Array,
) -> Variables:
    """Risk and accuracy (T, A) of rows, and of rows held out, under A attacks; immutable features stay so.

    Sums over rows are taken in the precision of the array `like`.
    """
    samples = problem.samples
    if len(times) * samples.dimension**2 > MOST_NUMBERS:
        raise InputError(
            "Evaluation under another attack keeps a whole covariance for each time",
            f"{samples.dimension} features at {len(times)} times",
            "Ask for few times, such as times=[10]",
        )
    laws = in_features(frame, spreads)
    groups = {"": as_rows(samples.features, samples.targets, samples.sample_weights)}
    if test is not None:
        groups["held_out_"] = as_rows(*test)
    groups = {prefix: as_precise_as(like, rows) for prefix, rows in groups.items()}
    parts: dict[str, list[np.ndarray]] = {}
    for other in others:
        form = samples.under(other.attack)
        read, _ = read_rows(problem, groups, laws, times, np.array([other.radius]), rule, form)
        for name, (_, values) in read.items():
            if name.endswith("_at_radius"):
                parts.setdefault(name.replace("_at_radius", "_at_attack"), []).append(values[..., 0])
    return {name: (("time", DIMENSION), np.stack(values, axis=-1)) for name, values in parts.items()}
