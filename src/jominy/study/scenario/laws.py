"""Synthetic data laws in a scenario file."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from jominy.data import GaussianMixture, LabelLaw, LinearTeacher, LogisticLabels, ProbitLabels, SignLabels
from jominy.errors import InputError
from jominy.study.scenario.base import Table
from jominy.study.scenario.covariances import Covariance
from jominy.study.scenario.links import LinkTable
from jominy.study.scenario.vectors import Vector, build_vector


def _dimension(value: Any) -> int | float:
    if value == math.inf or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError("must be a whole number >= 1, or inf for the limiting law")


Dimension = Annotated[
    int | float,
    PlainValidator(_dimension),
    # JSON has no infinity; TOML has, and this schema describes TOML files.
    WithJsonSchema({"type": "number", "minimum": 1, "description": "number of coordinates; inf for the limiting law"}),
]
_NOISE = Field(0.0, ge=0, description="variance of the noise on the target")


class LabelLawTable(Table):
    """Random labels -1, +1, drawn with a probability that depends on the teacher's score."""

    kind: Literal["logistic", "probit", "sign"]

    def build(self) -> LabelLaw:
        """The label law."""
        laws: dict[str, type] = {"logistic": LogisticLabels, "probit": ProbitLabels, "sign": SignLabels}
        return laws[self.kind]()


_LABEL_LAW = Field(None, description="labels -1, +1 drawn from the teacher's score, in place of a numerical target")
_TEACHER_LINK = Field(None, description="link of the teacher's score in the target, for the loss link-squared")


class TeacherTable(Table):
    """One centred Gaussian class; the target is a linear teacher plus noise, or a label drawn from its score."""

    kind: Literal["linear-teacher"]
    dimension: Dimension
    covariance: Covariance
    teacher: Vector = Field(1.0, description="the teacher; a number is its norm")
    noise_variance: float = _NOISE
    label_law: LabelLawTable | None = _LABEL_LAW
    teacher_link: LinkTable | None = _TEACHER_LINK

    @property
    def trained_dimension(self) -> int | float:
        """Number of weights."""
        return self.dimension

    def build(self) -> LinearTeacher:
        """The law."""
        return LinearTeacher(
            self.covariance.build(self.dimension),
            teacher=build_vector(self.teacher, self.dimension),
            noise_variance=self.noise_variance,
            label_law=None if self.label_law is None else self.label_law.build(),
            teacher_link=None if self.teacher_link is None else self.teacher_link.build(),
        )


class ComponentTable(Table):
    """One Gaussian component of a mixture."""

    weight: float = Field(gt=0, description="probability; the weights sum to one")
    mean: Vector = Field(0.0, description="centre of the component")
    covariance: Covariance
    label: float | None = Field(None, description="target of this component; -1 and 1 for classes")


class MixtureTable(Table):
    """A mixture of Gaussian components; the target is the label, a linear teacher plus noise, or their sum.

    With a label law it is a label drawn from the teacher's score.
    """

    kind: Literal["mixture"]
    dimension: Dimension
    components: list[ComponentTable] = Field(min_length=1)
    intercept: bool = Field(False, description="one more feature that is 1 everywhere and that no attack can touch")
    teacher: Vector | None = Field(None, description="a linear teacher, if the target has one")
    noise_variance: float = _NOISE
    label_law: LabelLawTable | None = _LABEL_LAW
    teacher_link: LinkTable | None = _TEACHER_LINK

    @property
    def trained_dimension(self) -> int | float:
        """Number of weights, that of the intercept included."""
        return self.dimension + self.intercept

    def build(self) -> GaussianMixture:
        """The law."""
        labels = [component.label for component in self.components if component.label is not None]
        missing = [f"data.components[{k}]" for k, component in enumerate(self.components) if component.label is None]
        if missing and labels:
            raise InputError(
                "either every component has a label or none has",
                f"no label in {', '.join(missing)}",
                "add label = -1 or 1",
            )
        return GaussianMixture(
            weights=[component.weight for component in self.components],
            means=[build_vector(component.mean, self.dimension) for component in self.components],
            covariances=[component.covariance.build(self.dimension) for component in self.components],
            labels=labels or None,
            intercept=self.intercept,
            teacher=None if self.teacher is None else build_vector(self.teacher, self.dimension),
            noise_variance=self.noise_variance,
            label_law=None if self.label_law is None else self.label_law.build(),
            teacher_link=None if self.teacher_link is None else self.teacher_link.build(),
        )
