"""Targets g(<X*, x>) + noise of a teacher with a link, and the moments of a student with one.

Source: theory `dynamics.md` section 2.4. Outside an integral over the student's score r, inside one over the teacher's
score given it; the noise is integrated in closed form. Panels narrow around the places where the worse end changes,
so that the noiseless and the nearly aligned student are as accurate as any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jax.scipy.stats import norm

from jominy.data.links import Link
from jominy.errors import InputError
from jominy.losses.expectations import Moments, OrderParameters
from jominy.losses.random_labels import TeacherGiven
from jominy.losses.targets import Targets
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import REACH, GaussianRule
from jominy.numerics.panels import OFFSETS, around, normal_panels

if TYPE_CHECKING:
    from jominy.losses.base import Loss
    from jominy.losses.link_squared import LinkSquaredLoss

LEAST_SD = 1e-7
"""Noise below this counts as this: an error of its square."""
MOST_STEPS = 2000
"""A step takes a tenth of a second; usual forecasts take some hundred."""
CROSSINGS = 3
"""How many scores are sought at which the typical target crosses the middle of the two ends."""
CORNER = np.array([-0.3, -0.1, -0.03, -0.01, -3e-3, -1e-3, 0.0, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3])
"""Edges around a score beyond which no target reaches the middle, in units of the way on which that moves by 1."""
SEARCH = np.linspace(-REACH, REACH, 130)


class AttackEndpoints(NamedTuple):
    """The student's output at both ends of the attack, r + eps rho and r - eps rho, with two derivatives."""

    upper: Array
    lower: Array
    upper_slope: Array
    lower_slope: Array
    upper_bend: Array
    lower_bend: Array

    @staticmethod
    def of(link: Link, score: Array, shift: Array) -> AttackEndpoints:
        up, down = link.derivatives(score + shift), link.derivatives(score - shift)
        return AttackEndpoints(up[0], down[0], up[1], down[1], up[2], down[2])

    @property
    def middle(self) -> Array:
        """Targets below are attacked upwards."""
        return (self.upper + self.lower) / 2

    @property
    def middle_slope(self) -> Array:
        """Derivative of `middle` in the score."""
        return (self.upper_slope + self.lower_slope) / 2

    @property
    def jump(self) -> Array:
        """Jump of Psi_r where the target is the middle."""
        return self.middle_slope * (self.upper - self.lower)


class LinkTargets(Targets):
    """The target is `labels[component] + link(r*) + N(0, noise_variance)`."""

    link: Link
    labels: Array
    noise_variance: Array
    panels: int = eqx.field(static=True, default=5)
    """Of r* given r, on each side of the kink: 3 + the largest standard deviation of the link's argument, and twice
    that where the kink can be so far out that one side is the whole line."""
    shifted: bool = eqx.field(static=True, default=False)
    """Whether some label is not zero: the middle of the ends can then be beyond every target."""

    @property
    def random(self) -> bool:
        return bool(self.noise_variance > 0)

    def draw(self, component: Array, teacher_score: Array, noise: Array) -> Array:
        return self.labels[component] + self.link(teacher_score) + jnp.sqrt(self.noise_variance) * noise

    def accuracy(self, order: OrderParameters, shift: Array, rule: GaussianRule) -> Array:
        raise InputError("An accuracy needs targets that are classes", "targets of a teacher with a link")

    def most_steps(self, loss: Loss) -> int:
        return MOST_STEPS

    def logit_sd(self, loss: Loss, order: OrderParameters) -> Array:
        return jnp.maximum(loss.logit_sd(order), self.link.gain * order.teacher_variance**0.5)

    def moments(self, loss: LinkSquaredLoss, order: OrderParameters, shift: Array, rule: GaussianRule) -> Moments:  # type: ignore[override]
        given = TeacherGiven.of(order)
        given = given._replace(variance=jnp.maximum(given.variance, LEAST_SD**2))
        sd_noise = jnp.sqrt(jnp.maximum(self.noise_variance, LEAST_SD**2))
        labels = self.labels[:, None]

        def ends_at(u: Array) -> AttackEndpoints:
            return AttackEndpoints.of(loss.link, order.margin_mean[:, None] + given.sd[:, None] * u, shift)

        u, outer = self._outer_panels(ends_at, given, sd_noise, rule)
        ends = ends_at(u)
        s, inner = self._inner_panels(ends.middle - labels, u, given, sd_noise)
        score = (given.mean[:, None] + given.pull[:, None] * u)[..., None] + jnp.sqrt(given.variance)[:, None, None] * s
        target, rise = jax.jvp(self.link, (score,), (jnp.ones_like(score),))
        # Measured from the middle of the ends, so that small errors stay accurate; the upper end is attacked below it.
        beyond = target + (labels - ends.middle)[..., None]
        noise = -beyond / sd_noise
        over = jnp.stack([jnp.ones_like(beyond), beyond, beyond**2, rise], axis=-1)
        all_, below, bump = (
            jnp.moveaxis(jnp.einsum("nqm,nqmk->nqk", weights, over), -1, 0)
            for weights in (inner, inner * ndtr(noise), inner * norm.pdf(noise))
        )
        above, half = all_ - below, (ends.upper - ends.lower) / 2
        # First and second moments of (end - y) over the targets on its side of the middle, exact in the noise.
        first_up = half * below[0] - below[1] + sd_noise * bump[0]
        first_down = -half * above[0] - above[1] - sd_noise * bump[0]
        kick = sd_noise * (2 * half * bump[0] - bump[1])
        second_up = (half**2 + sd_noise**2) * below[0] - 2 * half * below[1] + below[2] + kick
        kick = sd_noise * (2 * half * bump[0] + bump[1])
        second_down = (half**2 + sd_noise**2) * above[0] + 2 * half * above[1] + above[2] + kick

        slope_up, slope_down = ends.upper_slope * first_up, ends.lower_slope * first_down
        square_up, square_down = ends.upper_slope**2 * second_up, ends.lower_slope**2 * second_down
        curved = ends.upper_bend * first_up + ends.lower_bend * first_down
        curved += ends.upper_slope**2 * below[0] + ends.lower_slope**2 * above[0]
        curved += ends.jump * ends.middle_slope * bump[0] / sd_noise
        teacher = -(ends.upper_slope * below[3] + ends.lower_slope * above[3] + ends.jump * bump[3] / sd_noise)

        def total(values: Array) -> Array:
            return jnp.sum(outer * values, axis=-1)

        square = total(square_up + square_down)
        return Moments(
            value=total(second_up + second_down) / 2,
            slope=total(slope_up + slope_down),
            curvature=total(curved),
            teacher_curvature=total(teacher),
            shift_slope=total(slope_up - slope_down),
            slope_squared=square,
            slope_shift_slope=total(square_up - square_down),
            shift_slope_squared=square,
        )

    def _outer_panels(self, ends_at, given: TeacherGiven, sd_noise: Array, rule: GaussianRule) -> tuple[Array, Array]:
        """Nodes (n, N) of u: even panels, and narrow ones where g(E[r* | u]) crosses the middle of the ends."""

        def gap(u: Array) -> Array:
            return self.link(given.mean[:, None] + given.pull[:, None] * u) + self.labels[:, None] - ends_at(u).middle

        centre = _crossings(gap, len(given.mean), CROSSINGS)
        _, steep = jax.jvp(gap, (centre,), (jnp.ones_like(centre),))
        score = given.mean[:, None] + given.pull[:, None] * centre
        _, rise = jax.jvp(self.link, (score,), (jnp.ones_like(score),))
        spread = jnp.sqrt(given.variance[:, None] * rise**2 + sd_noise**2)
        width = spread / jnp.maximum(jnp.abs(steep), 1e-12)
        narrow = jnp.clip(centre[..., None] + width[..., None] * np.asarray(OFFSETS), -REACH, REACH)
        line = np.linspace(-REACH, REACH, math.ceil(4 * rule.logit_scale) + 1)
        edges: list[Array] = [
            jnp.broadcast_to(line, (*given.mean.shape, line.size)),
            narrow.reshape(*given.mean.shape, -1),
        ]
        if self.shifted:
            edges += [self._corner(ends_at, len(given.mean), jnp.asarray(end)) for end in (-np.inf, np.inf)]
        return normal_panels(jnp.sort(jnp.concatenate(edges, axis=1), axis=1))

    def _corner(self, ends_at, count: int, end: Array) -> Array:
        """Edges (n, E) ever narrower towards the u beyond which the middle of the ends is out of the targets' range."""

        def gap(u: Array) -> Array:
            return ends_at(u).middle - self.labels[:, None] - self.link(end)

        centre = _crossings(gap, count, 1)
        _, steep = jax.jvp(gap, (centre,), (jnp.ones_like(centre),))
        return jnp.clip(centre + CORNER / jnp.maximum(jnp.abs(steep), 1.0), -REACH, REACH)

    def _inner_panels(self, middle: Array, u: Array, given: TeacherGiven, sd_noise: Array) -> tuple[Array, Array]:
        """Nodes (n, N, M) of r* given r in standard units, narrow around the score whose target is `middle` (n, N)."""
        sd = jnp.sqrt(given.variance)[:, None]
        here = given.mean[:, None] + given.pull[:, None] * u
        kink = jnp.clip(self.link.inverse(middle), here - 2 * REACH * sd, here + 2 * REACH * sd)
        _, rise = jax.jvp(self.link, (kink,), (jnp.ones_like(kink),))
        width = sd_noise / jnp.maximum(sd * rise, 1e-12)
        return normal_panels(around((kink - here) / sd, width, self.panels))


def _crossings(gap: Callable[[Array], Array], count: int, most: int) -> Array:
    """(count, most) places where each of the functions `gap` (count, N) -> (count, N) changes its sign.

    The first few; where there are fewer, places at the end of the line.
    """
    values = gap(jnp.broadcast_to(SEARCH, (count, SEARCH.size)))
    crosses = (values[:, :-1] < 0) != (values[:, 1:] < 0)
    found = jnp.sort(jnp.where(crosses, np.arange(SEARCH.size - 1), SEARCH.size - 2), axis=1)[:, :most]
    low, high = jnp.asarray(SEARCH)[found], jnp.asarray(SEARCH)[found + 1]
    rising = gap(high) > gap(low)

    def halve(_, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        before = (gap(middle) < 0) == rising
        return jnp.where(before, middle, low), jnp.where(before, high, middle)

    low, high = jax.lax.fori_loop(0, 45, halve, (low, high))
    return (low + high) / 2
