"""Real random networks beside the theory of a scenario, in the same variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jominy.meanfield import Architecture
from jominy.results import CITE_NETWORKS, Status, make_result

if TYPE_CHECKING:
    import xarray as xr

    from jominy.study.scenario import NetworkScenario

_INDEX = ("trainability_index", "collapse_time", "signal_time", "signal_rate", "gradient_power")


def measure_network(study: NetworkScenario, *, progress: bool = True) -> xr.Dataset:
    """Measure the networks of a scenario at initialisation, at every point of what varies.

    Dimension ``network``, then those of `study.theory()`: the affine law, operator norms, radial moments, adversarial
    loss and rate of the weight variance, on the first inputs of the data (noise without data); with data also the
    trainability index. On Ctrl-C the points (of a single one, the networks) finished so far are returned.

    Raises InputError where PyTorch is missing, and as the measurements of :mod:`jominy.networks` do.
    """
    points = _Points(study, progress)
    found = points.along(list(study.varied), {})
    status = Status.INTERRUPTED if points.interrupted else Status.COMPLETED
    result = make_result(
        {str(name): (tuple(map(str, values.dims)), values.values) for name, values in found.data_vars.items()},
        {str(name): coordinate.values for name, coordinate in found.coords.items()},
        engine="measure network",
        scenario=json.loads(study.theory().attrs["scenario"]) | {"inputs": study.measure.inputs},
        status=status,
        advice="All networks were measured." if status is Status.COMPLETED else None,
        seed=study.measure.seed,
        notes=["Random networks before training; an attack gives a lower bound of the adversarial loss."],
        cite=CITE_NETWORKS,
    )
    return result.assign_attrs(title=study.title) if study.title else result


class _Points:
    """Walks over all combinations of what varies."""

    def __init__(self, study: NetworkScenario, progress: bool) -> None:
        self.study = study
        self.progress = progress
        self.interrupted = False

    def along(self, names: list[str], place: dict[str, Any]) -> xr.Dataset:
        """The measurements along the axes `names`, the other fields being those of `place`."""
        import xarray as xr

        if not names:
            return self.at(place)
        name = names[0]
        parts: list[xr.Dataset] = []
        for value in self.study.varied[name]:
            try:
                part = self.along(names[1:], place | {name: value})
            except KeyboardInterrupt:
                if not parts:
                    raise
                self.interrupted = True
                break
            if self.interrupted and parts:
                break  # a point that is not finished would stand beside finished ones
            parts.append(part)
            if self.interrupted:
                break
        axis = xr.DataArray(self.study.varied[name][: len(parts)], dims=name, name=name)
        # Layers beyond the depth of a network hold zeros, as in the theory.
        return xr.concat(parts, dim=axis, join="outer", fill_value=0.0)

    def at(self, place: Mapping[str, Any]) -> xr.Dataset:
        """Everything measured of one architecture at one radius."""
        import xarray as xr

        from jominy.networks import measure_affine_law, measure_operator_norms, measure_radial_moments

        study = self.study
        fields = {key: value for key, value in place.items() if key not in ("radius", "adversarial_weight")}
        network = replace(study.architecture(), **fields)
        radius = place.get("radius", study.first_radius)
        data = study.labelled(network)
        inputs = study.noise(network) if data is None else data.inputs[: study.measure.inputs]
        given: dict[str, Any] = {"networks": study.measure.networks, "seed": study.measure.seed}
        given["progress"] = self.progress
        parts = [
            measure_affine_law(network, inputs, **given),
            self._norms(measure_operator_norms(network, inputs, **given)),
            measure_radial_moments(network, inputs, **given).drop_vars("output_variance"),
            self._losses(network, inputs, radius, given),
        ]
        if data is not None and study.index_norm is not None and study.has_classes:
            weight = place.get("adversarial_weight", study.training.adversarial_weight)
            parts.append(self._index(network, data, radius, weight))
        self.interrupted |= any(part.attrs.get("status") == Status.INTERRUPTED.label for part in parts)
        return xr.merge(parts, join="inner", combine_attrs="drop", compat="override")

    def _norms(self, nine: xr.Dataset) -> xr.Dataset:
        """The pairs asked for."""
        p, q = self.study.norms
        return nine.sel(p=p, q=q).drop_vars([name for name, norm in (("p", p), ("q", q)) if not np.ndim(norm)])

    def _losses(self, network: Architecture, inputs: Any, radius: float, given: dict[str, Any]) -> xr.Dataset:
        """Adversarial loss and the rate of the weight variance, for each pair."""
        import xarray as xr

        from jominy.networks import measure_weight_rate

        p, q = self.study.norms
        rows = [
            [
                measure_weight_rate(network, inputs, radius, a, b, **given)[
                    ["adversarial_loss", "weight_variance_rate"]
                ]
                for b in np.atleast_1d(q)
            ]
            for a in np.atleast_1d(p)
        ]
        table = xr.combine_nested(rows, concat_dim=["p", "q"], join="inner", combine_attrs="override")
        for name, norm in (("p", p), ("q", q)):
            table = table.assign_coords({name: norm}) if isinstance(norm, list) else table.isel({name: 0})
        return table

    def _index(self, network: Architecture, data: Any, radius: float, weight: float) -> xr.Dataset:
        """The trainability index of the same networks, in the output norm l2 for which it was fitted."""
        from jominy.networks import LabelledInputs, RandomNetwork, measure_trainability
        from jominy.networks.measure import LARGE

        seeds = range(self.study.measure.seed, self.study.measure.seed + self.study.measure.networks)
        if radius > LARGE * float(data.inputs.norm(dim=1).max()):
            data = LabelledInputs(data.inputs.double(), data.labels, data.name)
        several = [RandomNetwork(network, seed=seed, dtype=data.inputs.dtype) for seed in seeds]
        found = measure_trainability(
            several, data, radius, p=self.study.index_norm or 2, adversarial_weight=weight, seed=seeds[0]
        )
        return found[list(_INDEX)].assign_coords(network=list(seeds))
