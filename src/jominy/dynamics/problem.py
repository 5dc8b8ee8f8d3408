"""The problem: data, loss and radius. Every engine starts from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jominy.data import GaussianMixture, Samples
from jominy.errors import InputError
from jominy.losses import Loss
from jominy.schedules import FixedRadius, RadiusSchedule, require_radius


@dataclass(frozen=True)
class Problem:
    """Adversarial training of x -> <X, x> on `data` with `loss` under attacks of l2 norm at most `radius`.

    Minimises R(X) = E max_{||delta|| <= radius} loss(<X, x + delta>, y).

    Parameters
    ----------
    data : GaussianMixture, LinearTeacher or Samples
    loss : a loss object, such as SquaredLoss() or LogisticLoss()
    radius : float, the l2 norm of the attack in the data's scaled units (||x||^2 ~ d); or a schedule of it over time,
        RadiusRamp(0.0, 0.5, time=5), RadiusPiecewise or RadiusFunction. Then risks and accuracies are those at the
        radius of the moment (a result's `radius`), while the optimum, and with it distance, excess risk, Polyak's
        rate and the collapse, refer to the final radius

    Raises
    ------
    InputError
        Negative radius; data or loss of the wrong kind; a classification loss without labels -1, +1.

    Examples
    --------
    >>> import jominy as jm
    >>> Problem(jm.LinearTeacher(jm.identity(100)), jm.SquaredLoss(), radius=0.5).radius
    0.5
    """

    data: GaussianMixture | Samples
    loss: Loss
    radius: float | RadiusSchedule

    def __post_init__(self) -> None:
        if not isinstance(self.data, GaussianMixture | Samples):
            raise InputError(
                "The data of a problem must be a GaussianMixture, a LinearTeacher or Samples",
                type(self.data).__name__,
                "Wrap your own arrays as Samples(X, y)",
            )
        if not isinstance(self.loss, Loss):
            raise InputError(
                "The loss of a problem must be a loss object",
                self.loss,
                "Use for instance `SquaredLoss()` or `LogisticLoss()`",
            )
        if not isinstance(self.radius, RadiusSchedule):
            object.__setattr__(self, "radius", require_radius(self.radius))
        if self.loss.needs_classes and not self.data.classification:
            raise InputError(
                f"{type(self.loss).__name__} is a classification loss and needs labels -1 and +1",
                "targets without such labels",
                "Give `labels=[...]` for the components (or two kinds of targets of samples), or use `SquaredLoss()`",
            )

        self.loss.check(self.data)

    @cached_property
    def radius_schedule(self) -> RadiusSchedule:
        """The radius as a function of time."""
        return self.radius if isinstance(self.radius, RadiusSchedule) else FixedRadius(self.radius)

    @property
    def final_radius(self) -> float:
        """The radius that training ends with."""
        return self.radius_schedule.final

    def describe(self) -> dict[str, Any]:
        """The problem as a JSON-able record."""
        return dict(self._record)

    @cached_property
    def _record(self) -> dict[str, Any]:  # every result carries it, and a law may have many numbers
        return {"data": self.data.describe(), "loss": self.loss.describe(), "radius": self.radius_schedule.describe()}
