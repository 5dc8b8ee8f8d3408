"""Features of a frozen network in a scenario file: a head on them, under attacks on the network's input."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from jominy.data import FrozenFeatures, HeadSamples, load_features
from jominy.errors import InputError
from jominy.study.scenario.base import Table
from jominy.study.scenario.samples import Loaded
from jominy.study.split import split


class HeadTable(Table):
    """Features that `linearised(module, inputs).save(file)` wrote; the radius is that of the network's input."""

    kind: Literal["head"]
    path: str = Field(description="the features (.npz), relative to this scenario file")
    labels: str | None = Field(None, description="labels of the inputs (.npy); unset: those saved with the features")
    norm: Literal[2, "inf"] = Field(
        2, description="of attacks on the input; 'inf' needs features that were made for it"
    )
    held_out: float = Field(0.0, ge=0, lt=1, description="share of the inputs held out from training")
    split_seed: int = Field(0, ge=0, description="seed of the held-out split")
    class_weight: Literal["balanced"] | dict[str, float] | None = Field(
        None, description="what an input of each class counts in the loss: 'balanced', or a weight for each class"
    )

    def build(self, folder: Path) -> Loaded:
        """Read and split. Paths are relative to ``folder``."""
        frozen = load_features(folder / self.path)
        labels = self._labels(folder, frozen)
        if labels.shape != (len(frozen),):
            raise InputError(
                "there must be one label for each input", f"labels of shape {labels.shape}, {len(frozen)} inputs"
            )
        train, test = split(labels, self.held_out, seed=self.split_seed)
        norm = math.inf if self.norm == "inf" else 2
        samples = HeadSamples(frozen[train], labels[train], norm=norm, class_weight=self.class_weight)
        return Loaded(samples, (frozen[test], labels[test]) if len(test) else None)

    def _labels(self, folder: Path, frozen: FrozenFeatures) -> np.ndarray:
        if self.labels is None:
            if frozen.labels is None:
                raise InputError(
                    "a head needs labels", f"{self.path} without any", "set data.labels to a .npy file of them"
                )
            return frozen.labels
        try:
            return np.load(folder / self.labels, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(
                "labels must be a sound .npy file", f"{self.labels}: {type(error).__name__}", "numpy.save(file, labels)"
            ) from None
