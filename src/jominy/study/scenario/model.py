"""A scenario: one study, in a TOML file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, PrivateAttr

from jominy.data import GaussianMixture, Samples
from jominy.dynamics import (
    Design,
    Front,
    Problem,
    RandomStart,
    design,
    fit,
    forecast,
    gaussian_picture,
    homogenize,
    pareto,
    simulate,
)
from jominy.errors import InputError
from jominy.schedules import averaged
from jominy.study.advise import Advice, advise
from jominy.study.advise_table import TableAdvice, advise_table
from jominy.study.checking import Verdict, check
from jominy.study.scenario.base import NotNegative, ScenarioFile
from jominy.study.scenario.class_groups import as_option, as_toml
from jominy.study.scenario.heads import HeadTable
from jominy.study.scenario.laws import MixtureTable, TeacherTable
from jominy.study.scenario.parts import Attack, EvaluatedAttack, Loss, Objective, Optimizer, RadiusTable, Schedule
from jominy.study.scenario.samples import FileTable, Loaded, ScikitLearnTable
from jominy.study.scenario.simulation import SimulationTable
from jominy.study.scenario.sweep_table import SweepTable
from jominy.study.scenario.vectors import RandomStartTable, Start, build_vector

if TYPE_CHECKING:
    import xarray as xr

    from jominy.models import FittedModel


Data = Annotated[TeacherTable | MixtureTable | FileTable | ScikitLearnTable | HeadTable, Field(discriminator="kind")]
ROWS = (FileTable, ScikitLearnTable, HeadTable)


class Scenario(ScenarioFile):
    """One study: data, loss, radius, learning rate and time, checked as it is read.

    Examples
    --------
    >>> scenario = Scenario.from_mapping({
    ...     "data": {"kind": "linear-teacher", "dimension": 100, "covariance": {"kind": "identity"}},
    ...     "loss": {"kind": "squared"}, "radius": 0.5, "schedule": {"kind": "constant", "rate": 0.5}, "time": 2,
    ... })
    >>> scenario.problem().radius
    0.5
    >>> Scenario.from_mapping({"radios": 1})
    Traceback (most recent call last):
    ...
    jominy.errors.InputError: the scenario: there is no key 'radios' (received: 1). Did you mean 'radius'? ...
    """

    kind_of_file = "a scenario of a training"
    told_by = frozenset({"loss", "schedule", "start", "simulation"})
    read_by = "`jominy forecast`, `jominy compare`, ... (jominy.Scenario)"

    title: str = Field("", description="one line that says what this is; heads tables and figures")
    data: Data
    loss: Loss
    radius: NotNegative | RadiusTable = Field(
        description="size of the attack in training (in l2 its norm), or a schedule of it"
    )
    attack: Attack = Field(default={"kind": "l2"}, validate_default=True, description="what the radius is a size of")
    objective: Objective = Field(
        default={"kind": "adversarial"}, validate_default=True, description="what is minimised, in terms of the loss"
    )
    schedule: Schedule
    time: float | None = Field(None, gt=0, description="train until this time, in samples / dimension")
    times: list[float] | None = Field(None, min_length=1, description="report at exactly these times instead")
    start: Start = Field(0.0, description="where training starts; a number is the norm")
    evaluate_at: list[NotNegative] = Field(
        default_factory=list, description="further radii at which risk and accuracy are reported"
    )
    evaluate_under: list[EvaluatedAttack] = Field(
        default_factory=list, description="further attacks under which a forecast is looked at"
    )
    units: Literal["scaled", "data"] = Field(
        "scaled",
        description="whether radius and rate are for scaled features, or for the features as they are in the data",
    )
    bands: bool = Field(False, description="also forecast the bias and the standard deviation of one run")
    dimension: float | None = Field(
        None, ge=1, description="dimension of the run that the bands are for (default: the data's own)"
    )
    batch_size: int = Field(
        1, ge=1, description="samples per step; a step is rate / dimension times the sum of their gradients"
    )
    rtol: float = Field(
        1e-9, ge=1e-14, le=0.1, description="relative tolerance of the forecast's integrator; not for samples"
    )
    optimizer: Optimizer = Field(
        default={"kind": "sgd"}, validate_default=True, description="what a step does with a gradient"
    )
    average_from: float | None = Field(
        None, ge=0, description="report the mean of all weights since this time instead of the last ones"
    )
    runs: int | None = Field(
        None, ge=2, description="of a forecast by real runs: exactly so many (unset: as many as precision takes)"
    )
    precision: float = Field(
        0.005, gt=0, description="of a forecast by real runs: relative standard error of the risk that is wanted"
    )
    method: Literal["recursion", "ensemble"] | None = Field(
        None,
        description="how a forecast of samples is made: by the recursion, or by real runs (unset: what is cheaper)",
    )
    simulation: SimulationTable = Field(default_factory=lambda: SimulationTable())
    sweep: SweepTable | None = Field(None, description="what `jominy sweep` varies")

    _remarks: tuple[str, ...] = PrivateAttr(default=())

    def _check(self, source: str) -> None:
        if (self.time is None) == (self.times is None):
            raise InputError(
                f"{source}: exactly one of 'time' and 'times' must be there",
                "both" if self.time is not None else "neither",
                "write time = 10 to train until time 10",
            )
        if "rtol" in self.model_fields_set and isinstance(self.data, ROWS):
            raise InputError(
                f"{source}: rtol goes with a Gaussian law; a forecast of samples takes the steps themselves", self.rtol
            )
        if self.units == "data":
            if not isinstance(self.data, (FileTable, ScikitLearnTable)):
                raise InputError(
                    f"{source}: units = 'data' needs samples, of kind 'file' or 'scikit-learn'", self.data.kind
                )
            if self.data.preprocessing.scaling == "per-feature":
                raise InputError(
                    f"{source}: units = 'data' needs one scale for all features, so that a ball stays a ball",
                    "scaling = 'per-feature'",
                    "set data.preprocessing.scaling (--scaling) to one-factor",
                )

    def changed(self, **changes: Any) -> Scenario:
        """This scenario with some top-level keys replaced, checked again as a whole.

        Examples
        --------
        >>> scenario = Scenario.from_mapping({
        ...     "data": {"kind": "linear-teacher", "dimension": 100, "covariance": {"kind": "identity"}},
        ...     "loss": {"kind": "squared"}, "radius": 0.5, "schedule": {"kind": "polyak"}, "time": 2,
        ... })
        >>> scenario.changed(radius=0.2).radius
        0.2
        """
        given = self.model_dump(exclude_unset=True) | changes
        for one, other in (("time", "times"), ("times", "time")):
            if one in changes and other not in changes:
                given.pop(other, None)
        made = type(self).from_mapping(given, folder=self._folder, source="the settings")
        made._remarks = self._remarks
        if made.data == self.data and "loaded" in vars(self):  # a data file is read once
            vars(made)["loaded"] = vars(self)["loaded"]
        return made

    def with_data(self, data: dict[str, Any], loaded: Loaded) -> Scenario:
        """This scenario with another table of data, which is read already."""
        made = self.changed(data=data)
        vars(made)["loaded"] = loaded
        return made

    def remarking(self, remarks: Sequence[str]) -> Scenario:
        """This scenario, whose results say so in their notes."""
        made = self.changed()
        made._remarks = (*self._remarks, *remarks)
        return made

    @property
    def remarks(self) -> tuple[str, ...]:
        """What there is to say about how the scenario came to be."""
        return self._remarks

    @cached_property
    def loaded(self) -> Loaded | None:
        """The samples and what is held out of them; ``None`` for a synthetic law."""
        return self.data.build(self._folder) if isinstance(self.data, ROWS) else None

    def problem(self) -> Problem:
        """Data, loss and radius."""
        if isinstance(self.data, (TeacherTable, MixtureTable)):
            return self.problem_on(self.data.build())
        assert self.loaded is not None
        loss = self.loss.build()
        several = loss.several
        if loss.needs_classes and not several and not self.loaded.samples.classification:
            raise InputError(
                f"the {self.loss.kind} loss needs a target of two kinds, which are the classes",
                "a target of more than two different numbers",
                "use the squared loss (--loss squared), for several classes the softmax loss (--loss softmax), or "
                "choose two groups of values with classes (--classes 0:1)",
            )
        kinds = list(self.loaded.samples.classes or ())
        if len(kinds) > 2 and not several:
            raise InputError(
                f"the {self.loss.kind} loss is for two classes, or for numbers",
                f"{len(kinds)} kinds: {kinds}",
                "use the softmax loss (--loss softmax), or choose two groups: "
                f"classes = [[{as_toml(kinds[0])}], [{as_toml(kinds[1])}]], "
                f"or --classes {as_option(kinds[:1], kinds[1:2])}",
            )
        return self.problem_on(self.loaded.samples)

    def problem_on(self, data: GaussianMixture | Samples) -> Problem:
        """The problem on data that are there already."""
        attack = self.attack.build(dimension=data.dimension)
        return Problem(data, self.loss.build(), self._radius(), attack, self.objective.build())

    def build_schedule(self) -> Any:
        """The learning-rate schedule, in scaled units, with the average of the weights where there is one."""
        return averaged(self.schedule.build(self._scaled_rate), self.average_from)

    def settings(self) -> dict[str, Any]:
        """Keyword arguments that forecast and simulate share."""
        settings: dict[str, Any] = {"evaluate_at": tuple(self._scaled_radius(radius) for radius in self.evaluate_at)}
        if self.times is not None:
            settings["times"] = np.asarray(self.times)
        else:
            settings["time"] = self.time
        if (start := self._start()) is not None:
            settings["start"] = start
        if self.loaded is not None and self.loaded.held_out is not None:
            settings["held_out"] = self.loaded.held_out
        return settings

    def forecast(self, *, progress: bool = True) -> xr.Dataset:
        """The forecast of this scenario."""
        more: dict[str, Any] = {
            "bands": self.bands, "dimension": self.dimension, "batch_size": self.batch_size, "rtol": self.rtol,
            "progress": progress, "optimizer": self.optimizer.build(), "runs": self.runs, "precision": self.precision,
            "method": self.method,
        }  # fmt: skip
        settings = self.settings()
        settings["evaluate_at"] = (*settings["evaluate_at"], *self._other_attacks())
        return self._titled(forecast(self.problem(), self.build_schedule(), **settings, **more))

    def _other_attacks(self) -> list[tuple[Any, float]]:
        """Pairs of an attack and its radius, in scaled units."""
        dimension = self._trained_dimension()
        made = [(one.attack.build(dimension=dimension), one.radius) for one in self.evaluate_under]
        return [(attack, self._scaled(attack, radius)) for attack, radius in made]

    def simulate(self, *, progress: bool = True) -> xr.Dataset:
        """SGD itself on this scenario."""
        further: dict[str, Any] = {"seeds": self.simulation.seeds, "progress": progress, "batch_size": self.batch_size}
        further["optimizer"] = self.optimizer.build()
        if self.loaded is not None and "sampling" in self.simulation.model_fields_set:
            further["sampling"] = self.simulation.build_sampling()
        if self.simulation.full_vectors is not None:
            further["full_vectors"] = self.simulation.full_vectors
        return self._titled(simulate(self.problem(), self.build_schedule(), **self.settings(), **further))

    def fit(self, seed: int = 0, *, progress: bool = True) -> FittedModel:
        """The model of one run with this seed, on this scenario's samples."""
        self._require_single("a model")
        told = self.settings()
        told.pop("evaluate_at")
        times = told.pop("times", None)
        time = told.pop("time", None) if times is None else times[-1]
        chosen = self.loaded is not None and "sampling" in self.simulation.model_fields_set
        more: dict[str, Any] = {"sampling": self.simulation.build_sampling()} if chosen else {}
        more["optimizer"] = self.optimizer.build()
        return fit(self.problem(), self.build_schedule(), time, seed=seed, progress=progress, **told, **more)

    def homogenize(self, *, progress: bool = True) -> xr.Dataset:
        """Paths of homogenized SGD on this scenario, as many as there are seeds."""
        self._require_single("homogenized SGD")
        settings = {"paths": self.simulation.seeds, "progress": progress} | self.settings()
        settings.pop("held_out", None)  # of samples, which are refused whether or not some are held out
        return self._titled(homogenize(self.problem(), self.build_schedule(), **settings))

    def advise(self, *, progress: bool = True) -> Advice:
        """What to know before training as this scenario plans: rate, radius, stray."""
        self._require_single("advice")
        settings = self.settings()
        settings.pop("evaluate_at")
        times = settings.pop("times", None)
        horizon = float(settings.pop("time") if times is None else times[-1])
        return advise(self.problem(), self.build_schedule(), horizon, progress=progress, **settings)

    def advise_table(self, radii: Sequence[float], *, design: bool = False, progress: bool = True) -> TableAdvice:
        """What each training radius buys on this scenario's samples, when to stop, and what to change first.

        With `design` also what the schedule gains that is designed for the plan's time, which takes longer.
        """
        self._require_single("advice")
        settings = self.settings()
        settings.pop("evaluate_at")
        times = settings.pop("times", None)
        horizon = float(settings.pop("time") if times is None else times[-1])
        rate = self.build_schedule().describe().get("rate")
        if rate is None:
            raise InputError("advice on a table is about a constant rate", self.schedule.kind, "give a rate")
        scaled = [self._scaled_radius(radius) for radius in radii]
        designed = self.design(certificate=False, progress=progress) if design else None
        return advise_table(self.problem(), rate, horizon, scaled, designed=designed, progress=progress, **settings)

    def design(
        self,
        *,
        test_radius: float | None = None,
        dimension: float | None = None,
        progress: bool = True,
        **asked: Any,
    ) -> Design:
        """The schedule that ends this training with the lowest risk; the scenario's own is compared with it.

        Further arguments are those of `jominy.design`; the radius of the test is in the scenario's units.
        """
        self._require_single("a design")
        settings = self.settings()
        settings.pop("evaluate_at")
        times = settings.pop("times", None)
        horizon = float(settings.pop("time") if times is None else times[-1])
        return design(
            self.problem(),
            horizon,
            self.build_schedule(),
            test_radius=None if test_radius is None else self._scaled_radius(test_radius),
            dimension=self.dimension if dimension is None else dimension,
            optimizer=self.optimizer.build(),
            runs=self.runs,
            rtol=self.rtol,
            progress=progress,
            **settings,
            **asked,
        )

    def pareto(
        self,
        radii: Sequence[float] | None = None,
        *,
        test_radius: float | None = None,
        progress: bool = True,
        **asked: Any,
    ) -> Front:
        """Clean against adversarial risk over the training radius; further arguments are those of `jominy.pareto`."""
        self._require_single("a front")
        settings = self.settings()
        settings.pop("evaluate_at")
        times = settings.pop("times", None)
        horizon = float(settings.pop("time") if times is None else times[-1])
        scaled = self._scaled_radius
        return pareto(
            self.problem(),
            horizon,
            None if radii is None else [scaled(radius) for radius in radii],
            test_radius=None if test_radius is None else scaled(test_radius),
            optimizer=self.optimizer.build(),
            runs=self.runs,
            progress=progress,
            **settings,
            **asked,
        )

    def check(self, log: Any, **asked: Any) -> Verdict:
        """Whether the run of a log is normal, of this scenario; further arguments are those of `jominy.check`."""
        start = self.settings().get("start")
        return check(log, self.problem(), self.build_schedule(), start=start, batch_size=self.batch_size, **asked)

    def gaussian_picture(self) -> xr.Dataset | None:
        """What one Gaussian per class would forecast; ``None`` for a synthetic law."""
        ensemble = not self.optimizer.build().plain or self.average_from is not None
        if self.loaded is None or self.loss.build().several or ensemble:
            return None
        shared = {key: value for key, value in self.settings().items() if key in ("time", "times", "start")}
        return self._titled(gaussian_picture(self.problem(), self.build_schedule(), **shared))

    def _require_single(self, what: str) -> None:
        """InputError for batches where they would be passed over."""
        if self.batch_size != 1:
            raise InputError(f"{what} is for single samples", f"batch_size = {self.batch_size}", "leave batch_size out")

    def _titled(self, result: xr.Dataset) -> xr.Dataset:
        if self._remarks:
            notes = [*self._remarks, *json.loads(result.attrs["notes"])]
            result = result.assign_attrs(notes=json.dumps(notes, ensure_ascii=False))
        return result.assign_attrs(title=self.title) if self.title else result

    def _trained_dimension(self) -> int | float:
        """Of what is trained on, an intercept included."""
        if isinstance(self.data, (TeacherTable, MixtureTable)):
            return self.data.trained_dimension
        assert self.loaded is not None
        return self.loaded.samples.dimension

    def _start(self) -> Any:
        if isinstance(self.start, RandomStartTable):
            return RandomStart(self.start.norm)
        if isinstance(self.start, float) and self.start == 0:
            return None
        dimension = self._trained_dimension()
        return build_vector(self.start, dimension)

    def _radius(self) -> Any:
        if isinstance(self.radius, float):
            return self._scaled_radius(self.radius)
        return self.radius.build(self._scaled_radius)

    def _scaled_radius(self, radius: float) -> float:
        if self.units == "scaled" or self.loaded is None:
            return radius
        return self._scaled(self.attack.build(dimension=self.loaded.samples.dimension), radius)

    def _scaled(self, attack: Any, radius: float) -> float:
        """A radius of an attack, for scaled features."""
        if self.units == "scaled" or self.loaded is None:
            return radius
        samples = self.loaded.samples
        return float(samples.radius_from_data_units(radius)) * attack.data_units(samples.dimension)

    def _scaled_rate(self, rate: float) -> float:
        if self.units == "scaled" or self.loaded is None:
            return rate
        return float(self.loaded.samples.rate_from_data_units(rate))
