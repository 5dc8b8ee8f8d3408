"""A network scenario: one architecture, an attack, perhaps data and a training, in a TOML file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from jominy.errors import InputError
from jominy.meanfield import Architecture, InputGeometry, network_theory, trainability
from jominy.study.measure_network import measure_network
from jominy.study.scenario.base import NotNegative, ScenarioFile
from jominy.study.scenario.network_data import NetworkData
from jominy.study.scenario.network_tables import (
    Exponent,
    MeasureTable,
    NetworkTable,
    NetworkTrainingTable,
    VaryTable,
    exponents,
)
from jominy.study.scenario.sweep_table import SweepTable

if TYPE_CHECKING:
    import xarray as xr

    from jominy.networks import LabelledInputs


class NetworkScenario(ScenarioFile):
    """One study of a random network, checked as it is read.

    Examples
    --------
    >>> study = NetworkScenario.from_mapping({
    ...     "network": {"depth": 12, "width": 128, "input_dim": 64, "output_dim": 10, "weight_variance": 2.0},
    ...     "radius": 1.3, "data": {"kind": "gaussian-classes", "cosine": 0.5},
    ... })
    >>> study.trainability().attrs["verdict"]
    'collapse'
    >>> NetworkScenario.from_mapping({"radios": 1})
    Traceback (most recent call last):
    ...
    jominy.errors.InputError: the scenario: there is no key 'radios' (received: 1). Did you mean 'radius'? ...
    """

    kind_of_file = "a scenario of a network"
    told_by = frozenset({"network", "p", "q", "training", "vary", "measure"})
    read_by = "`jominy network`, `jominy sweep`, `jominy explore` (jominy.NetworkScenario)"

    title: str = Field("", description="one line that says what this is; heads tables and figures")
    network: NetworkTable
    radius: NotNegative | list[NotNegative] = Field(description="norm of the attack, or several")
    p: Exponent | list[Exponent] = Field(2, description='norm of the attack: 1, 2, "inf", or several')
    q: Exponent | list[Exponent] = Field(2, description='norm of the change of the output: 1, 2, "inf", or several')
    data: NetworkData | None = Field(None, description="what is learned; the trainability index needs it")
    training: NetworkTrainingTable = Field(default_factory=lambda: NetworkTrainingTable())
    vary: VaryTable = Field(default_factory=lambda: VaryTable())
    measure: MeasureTable = Field(default_factory=lambda: MeasureTable())
    sweep: SweepTable | None = Field(None, description="what `jominy sweep` varies")

    def _check(self, source: str) -> None:
        for name in ("radius", "p", "q"):
            if getattr(self, name) == []:
                raise InputError(f"{source}: {name!r} must have at least one value", "[]")
        several = {name: values for name, values in (("p", self.p), ("q", self.q)) if isinstance(values, list)}
        for name, values in (self.varied | several).items():
            if len(set(values)) < len(values):
                raise InputError(f"{source}: each value of {name!r} may be there once", values)
        if isinstance(self.radius, list) and self.vary.radius is not None:
            raise InputError(f"{source}: the radius varies twice", "radius and vary.radius", "keep one of them")
        training = self.training
        if (training.learning_rate is None) != (training.steps is None):
            raise InputError(
                f"{source}: 'training.learning_rate' and 'training.steps' go together",
                f"learning_rate {training.learning_rate}, steps {training.steps}",
            )
        _ = self.architecture()

    def changed(self, **changes: Any) -> NetworkScenario:
        """This scenario with another radius, or other fields of the network or the measurement; checked again.

        What is set no longer varies.

        >>> study = NetworkScenario.from_mapping({
        ...     "network": {"depth": 12, "width": 128, "input_dim": 64, "output_dim": 10, "weight_variance": 2.0},
        ...     "radius": 1.3, "vary": {"width": [128, 256]},
        ... })
        >>> study.changed(width=512).theory()["effective_dimension"].dims
        ()
        """
        given = self.model_dump(exclude_unset=True)
        for name, value in changes.items():
            table = next((t for t in ("network", "measure") if name in type(getattr(self, t)).model_fields), None)
            if table is None:
                given[name] = value
            else:
                given[table] = given.get(table, {}) | {name: value}
            given.get("vary", {}).pop(name, None)
        return type(self).from_mapping(given, folder=self._folder, source="the settings")

    def architecture(self) -> Architecture:
        """The network, with the first value of what varies left as [network] says."""
        sizes = None if self.data is None else self.data.sizes(self._folder)
        given = [self.network.input_dim, self.network.output_dim]
        for k, name in enumerate(("input_dim", "output_dim")):
            if sizes is not None and (given[k] not in (None, sizes[k]) or getattr(self.vary, name) is not None):
                varied = getattr(self.vary, name)
                raise InputError(
                    f"network.{name} must be that of the data, {sizes[k]}", given[k] if varied is None else varied
                )
            if sizes is None and given[k] is None:
                raise InputError(f"the key 'network.{name}' is missing", next_step="only data of fixed size sets it")
        dim, classes = given if sizes is None else sizes
        return Architecture(
            self.network.depth,
            self.network.width,
            dim,
            classes,
            self.network.build_activation(),
            weight_variance=self.network.build_variance(),
            bias_variance=self.network.bias_variance,
            shortcut=self.network.shortcut,
        )

    @property
    def has_classes(self) -> bool:
        """Whether every network has two outputs or more."""
        return min(self.vary.output_dim or [self.architecture().output_dim]) > 1

    @property
    def varied(self) -> dict[str, list]:
        """Field -> values, of everything that varies."""
        found = {name: values for name, values in self.vary if values is not None}
        return {"radius": self.radius} | found if isinstance(self.radius, list) else found

    @property
    def first_radius(self) -> float:
        """The radius, or the first of several."""
        return self.radius[0] if isinstance(self.radius, list) else self.radius

    @property
    def norms(self) -> tuple[float | list[float], float | list[float]]:
        """p and q as numbers."""
        return exponents(self.p), exponents(self.q)  # type: ignore[arg-type]

    @property
    def index_norm(self) -> float | None:
        """The norm p for which the trainability index is told: 2 where it is among them, else infinity; none for 1."""
        p = self.norms[0]
        several = p if isinstance(p, list) else [p]
        return next((norm for norm in (2.0, float("inf")) if norm in several), None)

    def geometry(self) -> InputGeometry | None:
        """Lengths and angles of the data; None without data."""
        return None if self.data is None else self.data.geometry(self._folder)

    def theory(self) -> xr.Dataset:
        """What the mean-field theory says (`network_theory`)."""
        p, q = self.norms
        return self._titled(network_theory(self.architecture(), self.first_radius, p, q, vary=self.varied))

    def trainability(self) -> xr.Dataset | None:
        """Whether it can be trained (`trainability`); None without data, with one output, or where p is 1 alone."""
        geometry = self.geometry()
        if geometry is None or self.index_norm is None or not self.has_classes:
            return None
        return self._titled(
            trainability(
                self.architecture(),
                self.first_radius,
                geometry,
                p=self.index_norm,
                adversarial_weight=self.training.adversarial_weight,
                vary=self.varied,
                learning_rate=self.training.learning_rate,
                steps=self.training.steps,
            )
        )

    def measure_real(self, *, progress: bool = True) -> xr.Dataset:
        """Real networks in the variables of `theory()` and `trainability()`, with a ``network`` dimension (PyTorch)."""
        return measure_network(self, progress=progress)

    def labelled(self, architecture: Architecture) -> LabelledInputs | None:
        """The data for a network to be measured on; None without data."""
        if self.data is None:
            return None
        return self.data.inputs(self._folder, architecture.input_dim, architecture.output_dim, self.measure.seed)

    def noise(self, architecture: Architecture) -> Any:
        """Random inputs, for a network without data."""
        from jominy.networks import noise

        return noise(self.measure.inputs, architecture.input_dim, seed=self.measure.seed)

    def _titled(self, result: xr.Dataset) -> xr.Dataset:
        return result.assign_attrs(title=self.title) if self.title else result
