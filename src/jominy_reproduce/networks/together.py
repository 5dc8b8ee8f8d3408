"""The work of the claims about networks, on all cores: one network is too small a job for two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar

from jominy.meanfield import Architecture
from jominy.numerics.cores import cores
from jominy.study.sweeps.workers import LocalProcesses

if TYPE_CHECKING:
    import xarray as xr

T = TypeVar("T")

MOST = 8
"""Processes, however many cores there are: each holds PyTorch and a few networks."""

_open: list[LocalProcesses] = []


@contextmanager
def processes() -> Iterator[None]:
    """Keep the processes from one claim to the next; they end with the block, at once if it is left by Ctrl-C."""
    workers = LocalProcesses(min(cores(), MOST))
    _open.append(workers)
    try:
        yield
    finally:
        _open.remove(workers)
        workers.shutdown(cancel_futures=True)


def on_all_cores(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """The answers of all the jobs, in their order; put the longest first."""
    if not _open:
        with processes():
            return on_all_cores(jobs)
    return [future.result() for future in [_open[-1].submit(_alone, job) for job in jobs]]


@dataclass(frozen=True)
class OnNoise:
    """A measurement, by name, of several networks on some noise: `measure(architecture, inputs, *arguments)`."""

    measure: str
    architecture: Architecture
    arguments: tuple[Any, ...]
    inputs: int
    inputs_seed: int
    networks: int
    seed: int

    def one(self, index: int) -> xr.Dataset:
        """The measurement of one of the networks."""
        from jominy import networks

        rows = networks.noise(self.inputs, int(self.architecture.input_dim), seed=self.inputs_seed)
        measure = getattr(networks, self.measure)
        found: xr.Dataset = measure(
            self.architecture, rows, *self.arguments, networks=1, seed=self.seed + index, progress=False
        )
        return found


def measured(jobs: Sequence[OnNoise]) -> list[xr.Dataset]:
    """The measurements, network by network on all cores; dimension ``network`` and what they have besides."""
    import xarray as xr

    single = on_all_cores([partial(job.one, index) for job in jobs for index in range(job.networks)])
    ends = list(accumulate(job.networks for job in jobs))
    return [
        xr.concat(single[end - job.networks : end], "network", combine_attrs="override")
        for job, end in zip(jobs, ends, strict=True)
    ]


@dataclass(frozen=True)
class OnLoss:
    """A training of one network on the adversarial loss (l2, l2) alone, on some noise."""

    architecture: Architecture
    radius: float
    attack_steps: int
    inputs: int
    inputs_seed: int
    rate: float
    steps: int
    record_every: int

    def run(self, seed: int) -> xr.Dataset:
        """Train the network of a seed."""
        from jominy.networks import AdversarialLoss, LabelledInputs, RandomNetwork, noise, train

        rows = noise(self.inputs, int(self.architecture.input_dim), seed=self.inputs_seed)
        return train(
            RandomNetwork(self.architecture, seed=seed),
            LabelledInputs(rows, [0] * self.inputs),
            AdversarialLoss(self.radius, attack_steps=self.attack_steps),
            rate=self.rate,
            steps=self.steps,
            seed=seed,
            record_every=self.record_every,
            progress=False,
        )


def trained(trainings: Sequence[OnLoss], seeds: Sequence[int]) -> list[xr.Dataset]:
    """Each training with the networks of all the seeds."""
    import xarray as xr

    single = on_all_cores([partial(training.run, seed) for training in trainings for seed in seeds])
    return [
        xr.concat(single[start : start + len(seeds)], "network", combine_attrs="override")
        for start in range(0, len(single), len(seeds))
    ]


def _alone(job: Callable[[], T]) -> T:
    """In a worker, where threads would only be in each other's way."""
    from jominy.networks import one_thread

    one_thread()
    return job()
