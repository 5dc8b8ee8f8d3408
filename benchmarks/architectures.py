"""Theory of ten thousand architectures at once, against a Python loop over single ones."""

import time

import numpy as np

import jominy as jm
from benchmarks.timing import Row, race
from jominy.meanfield import longest_time, trainability_index

COUNT, SINGLE = 10_000, 100
GEOMETRY = jm.InputGeometry(power=1.0, within=0.5, between=0.0)


def _theory(networks: jm.Architecture, radius) -> None:
    jm.adversarial_loss_bound(networks, radius, 2, 2)
    jm.adversarial_loss(networks, radius, 2, 2)
    trainability_index(networks, radius, GEOMETRY)
    longest_time(networks, radius, 2, 2)


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table."""
    rng = np.random.default_rng(0)
    sizes = [rng.integers(low, high, COUNT) for low, high in ((1, 20), (50, 2000), (10, 1000), (2, 50))]
    variance, shortcut = rng.uniform(0.1, 2.2, COUNT), rng.random(COUNT) < 0.5
    radius = rng.uniform(0.1, 3, COUNT)
    sweep = jm.Architecture(*sizes, weight_variance=variance, shortcut=shortcut)
    singles = [
        jm.Architecture(*(int(size[k]) for size in sizes), weight_variance=variance[k], shortcut=bool(shortcut[k]))
        for k in range(SINGLE)
    ]
    begin = time.perf_counter()
    _theory(sweep, radius)
    first = time.perf_counter() - begin
    timed = race(
        3 if quick else 5,
        sweep=lambda: _theory(sweep, radius),
        loop=lambda: [_theory(network, radius[k]) for k, network in enumerate(singles)],
    )
    return [
        Row(
            f"{COUNT} architectures: bound, loss, trainability index, longest time",
            f"{timed['sweep']} (first call {first:.2f} s)",
            f"the same functions one by one, {SINGLE} of them: {timed['loop']}",
            timed["loop"].over(timed["sweep"]) * COUNT / SINGLE,
            "< 1 s",
            timed["sweep"].median < 1,
        )
    ]
