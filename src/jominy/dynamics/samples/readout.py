"""Risks and accuracies of the recursion's students on the rows that they are trained on, and on rows held out."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jominy.attacks import Reach
from jominy.dynamics.problem import Problem
from jominy.dynamics.readout import Variables, radius_at
from jominy.dynamics.samples.law import Rows, Spread, noise_in_scores, rule_for_rows, sample_order, weighed
from jominy.losses import Loss
from jominy.losses.targets import fixed_accuracy
from jominy.numerics.arrays import Array
from jominy.numerics.gaussian import gaussian_rule
from jominy.numerics.precision import as_precise_as
from jominy.numerics.programs import compile_beside, jit_lightly
from jominy.schedules import FixedRadius


class Radii(NamedTuple):
    """At which radii rows are read out, each once: that of training first, then `others` (K - 1,), of which 0 is first.

    `evaluation` and `final` say which of the K answer for the evaluation radii and for the radius that training ends
    with.
    """

    others: np.ndarray
    evaluation: np.ndarray
    final: int

    @property
    def trained(self) -> np.ndarray:
        """(K,) which are radii of the training: that of the moment, and the final one."""
        found = np.zeros(1 + len(self.others), bool)
        found[[0, self.final]] = True
        return found

    @classmethod
    def of(cls, problem: Problem, evaluate_at: np.ndarray) -> "Radii":
        """What a problem and its evaluation radii ask for."""
        positive = evaluate_at > 0
        others = [0.0, *evaluate_at[positive]]
        fixed = isinstance(problem.radius_schedule, FixedRadius)
        return cls(
            np.array(others if fixed else [*others, problem.final_radius]),
            np.where(positive, 1 + np.cumsum(positive), 1),
            0 if fixed else -1,
        )

    def named(self, risk: Array, accuracy: Array | None, dims: tuple[str, ...], prefix: str) -> Variables:
        """Risks and accuracies (*dims, K) as variables."""
        variables: Variables = {}
        found = {"risk": risk} if accuracy is None else {"risk": risk, "accuracy": accuracy}
        for name, values in found.items():
            variables[f"{prefix}adversarial_{name}"] = (dims, values[..., 0])
            variables[f"{prefix}clean_{name}"] = (dims, values[..., 1])
            if self.evaluation.size:
                variables[f"{prefix}{name}_at_radius"] = ((*dims, "evaluation_radius"), values[..., self.evaluation])
        return variables


class _Read(NamedTuple):
    """Of G groups of rows at T times and K radii: risk and accuracy (T, K, G), and the largest logit's scale (G,)."""

    risk: Array
    accuracy: Array
    logit: Array


def read_rows(
    problem: Problem,
    groups: dict[str, Rows],
    spreads: Spread,
    times: np.ndarray,
    evaluate_at: np.ndarray,
    rule: Any,
    form: Array | Reach | None = None,
    noise: Array | None = None,
) -> tuple[Variables, np.ndarray]:
    """What is reported of students with laws `spreads` (T, ...) on groups of rows, in one pass over all of them.

    Args:
        groups: rows by the prefix of the variables' names; those trained on first.
        times: (T,) of the students.
        form: that of the attack, in the coordinates of the rows; None for the identity.
        noise: (d,) on the inputs in training there; the risks trained for are those of the first group with it.
        rule: good for the logits of the first group; where those of another are beyond it, that one gets a finer one.

    Returns the variables, and the (T,) risk of the first group at the final radius.
    """
    statement = _statement(problem, groups, spreads, times, evaluate_at, form, noise)
    rows, classification = statement[1], problem.data.classification
    asked = Radii.of(problem, evaluate_at)
    read = [jax.tree.map(np.asarray, _read(*statement, rule, classification))] * len(groups)
    for group, scale in enumerate(read[0].logit):
        if group and scale > rule.logit_scale:
            finer = as_precise_as(rows.columns, gaussian_rule(float(scale)))
            read[group] = jax.tree.map(np.asarray, _read(*statement, finer, classification))
    variables: Variables = {}
    for group, prefix in enumerate(groups):
        accuracy = read[group].accuracy[..., group] if classification else None
        variables |= asked.named(read[group].risk[..., group], accuracy, ("time",), prefix)
    return variables, read[0].risk[:, asked.final, 0]


def compile_reading(
    problem: Problem,
    groups: dict[str, Rows],
    spreads: Spread,
    times: np.ndarray,
    evaluate_at: np.ndarray,
    form: Array | Reach | None = None,
    noise: Array | None = None,
) -> Callable[[], None]:
    """Compile `read_rows` for arguments like these beside other work; returns what waits for the end."""

    def arguments() -> tuple[Any, ...]:
        rows = next(iter(groups.values()))
        rule = as_precise_as(rows.columns, rule_for_rows(problem.loss, 0.0))
        statement = _statement(problem, groups, spreads, times, evaluate_at, form, noise)
        return (*statement, rule, problem.data.classification)

    return compile_beside(_read, arguments)


def _statement(
    problem: Problem,
    groups: dict[str, Rows],
    spreads: Spread,
    times: np.ndarray,
    evaluate_at: np.ndarray,
    form: Array | Reach | None,
    noise: Array | None,
) -> tuple[Any, ...]:
    """What `_read` is asked, but for the quadrature."""
    everything = _together(list(groups.values()))
    counts = [len(rows.targets) for rows in groups.values()]
    shares = np.repeat(np.diag([1 / count for count in counts]), counts, axis=1)
    asked = Radii.of(problem, evaluate_at)
    radii = np.column_stack([radius_at(problem, times), np.tile(asked.others, (len(times), 1))])
    noisy = None if noise is None else Noisy(noise, asked.trained, np.repeat(np.eye(len(counts))[0], counts) > 0)
    return problem.loss, everything, shares, spreads, radii, form, noisy


class Noisy(NamedTuple):
    """Noise (d,) on inputs, and where it is: at which of the radii (K,), of which rows (n,)."""

    noise: Array
    radii: np.ndarray
    rows: np.ndarray


def _together(groups: list[Rows]) -> Rows:
    """All rows; those of groups without weights count one."""
    if any(rows.weights is not None for rows in groups):
        groups = [
            rows if rows.weights is not None else rows._replace(weights=np.ones_like(rows.targets)) for rows in groups
        ]
        return Rows(*(np.concatenate(parts, axis=-1) for parts in zip(*groups, strict=True)))
    parts = zip(*((rows.columns, rows.squares, rows.targets) for rows in groups), strict=True)
    return Rows(*(np.concatenate(part, axis=-1) for part in parts))


@partial(jit_lightly, loops=True, static_argnames="classification")
def _read(
    loss: Loss,
    rows: Rows,
    shares: Array,
    spreads: Spread,
    radii: Array,
    form: Array | Reach | None,
    noisy: Noisy | None,
    rule: Any,
    classification: bool,
) -> _Read:
    """`shares` (G, n) weigh the rows of each group; `radii` (T, K)."""
    radii, rule = as_precise_as(rows.columns, (radii, rule))

    def at_time(both: tuple[Spread, Array]) -> _Read:
        spread, radii = both
        order = sample_order(rows, spread, form)
        more = jnp.zeros_like(rows.targets)
        if noisy is not None:
            told, noise = as_precise_as(rows.columns, (spread, noisy.noise))
            more = jnp.where(noisy.rows, noise_in_scores(told, noise), 0.0)

        def at_radius(given: tuple[Array, Array]) -> tuple[Array, Array]:
            radius, trained = given
            shift, seen = radius * order.size, order
            right = fixed_accuracy(rows.targets, order, shift) if classification else jnp.zeros_like(rows.targets)
            if noisy is not None:
                seen = order._replace(
                    margin_variance=order.margin_variance + trained * more,
                    residual_variance=order.residual_variance + trained * more,
                )
            value = weighed(loss.moments(seen, rows.targets, shift, rule), rows.weights).value
            return shares @ value.astype(float), shares @ right.astype(float)

        widest = order._replace(
            margin_variance=order.margin_variance + more, residual_variance=order.residual_variance + more
        )
        scale = jnp.zeros_like(order.norm) if loss.closed_form else loss.logit_sd(widest)
        scale = jnp.where((shares > 0) & jnp.isfinite(scale), scale, 0.0)
        # The products of many rows' values with the nodes' weights stay in order if radii are taken one by one.
        trained = jnp.zeros(radii.shape) if noisy is None else jnp.asarray(noisy.radii).astype(radii.dtype)
        risk, accuracy = jax.lax.map(at_radius, (radii, trained))
        return _Read(risk, accuracy, jnp.max(scale, axis=1))

    read = jax.lax.map(at_time, (spreads, radii))
    return read._replace(logit=jnp.max(read.logit, axis=0))
