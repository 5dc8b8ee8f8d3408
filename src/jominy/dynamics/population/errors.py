"""How far two solves of the same forecasts are apart, as one number for each.

Source: ours. Every reported variable counts, so that none is trusted because another one is right.
"""

import numpy as np

from jominy.dynamics.readout import Variables

PART = 0.1
"""A variable is off in units of itself, or of this share of what it is a part or a remainder of."""
LENGTHS = ("norm", "distance_to_optimum")


def relative_differences(variables: Variables, others: Variables, known: np.ndarray) -> np.ndarray:
    """(P,) the largest relative difference between the variables of P forecasts, at times where `known` (P, T).

    The adversarial risk is measured by itself, the excess risk, its difference from a constant, by it as well, every
    other risk by itself or a tenth of it; norm and distance by themselves or a tenth of the longest of both so far; an
    accuracy or an alignment by one; a rate, and what goes with it, by itself or a tenth of the largest so far.
    """
    risk = np.abs(variables["adversarial_risk"][1])
    length = np.max([_so_far(variables[name][1]) for name in LENGTHS if name in variables], axis=0)
    alike: dict[tuple[int, ...], list[str]] = {}
    for name, (_, values) in variables.items():
        if name != "radius":  # is set
            alike.setdefault(values.shape, []).append(name)
    largest = np.zeros(len(known))
    for shape, names in alike.items():  # together: of short curves the number of operations is what takes the time
        more = (*known.shape, *(1,) * (len(shape) - 2))
        values, other = (np.array([one[name][1] for name in names]) for one in (variables, others))
        size = np.abs(values)
        scale = np.empty_like(size)
        for row, name in enumerate(names):
            if name in ("adversarial_risk", "excess_risk"):
                scale[row] = risk
            elif "risk" in name:
                np.maximum(size[row], PART * risk.reshape(more), out=scale[row])
            elif name in LENGTHS:
                np.maximum(size[row], PART * length, out=scale[row])
            elif name == "alignment" or "accuracy" in name:
                scale[row] = 1.0
            else:
                np.maximum(size[row], PART * _so_far(values[row]), out=scale[row])
        with np.errstate(invalid="ignore"):  # of what is infinite in both, such as an effective ridge at norm zero
            difference = np.abs(values - other)
        seen = known.reshape(more) & np.isfinite(difference)
        relative = np.where(seen, difference, 0.0) / np.maximum(np.where(seen, scale, 1.0), 1e-300)
        largest = np.maximum(largest, np.max(relative, axis=(0, *range(2, relative.ndim)), initial=0.0))
    return largest


def band_difference(bands: Variables, others: Variables) -> float:
    """The largest relative difference between two versions of a forecast's bands, where both are finite.

    A standard deviation or a bias is measured by itself or a tenth of the largest so far.
    """
    largest = 0.0
    for name, (dims, values) in bands.items():
        values, other = (np.moveaxis(one, dims.index("time"), 0)[None] for one in (values, others[name][1]))
        scale = np.maximum(np.maximum(np.abs(values), PART * _so_far(values)), 1e-300)
        known = np.isfinite(values) & np.isfinite(other)
        difference = np.abs(np.where(known, values, 0.0) - np.where(known, other, 0.0))
        largest = max(largest, float(np.max(np.where(known, difference / scale, 0.0), initial=0.0)))
    return largest


def _so_far(values: np.ndarray) -> np.ndarray:
    """(P, T, ...) the largest finite size up to then."""
    return np.maximum.accumulate(np.where(np.isfinite(values), np.abs(values), 0.0), axis=1)
