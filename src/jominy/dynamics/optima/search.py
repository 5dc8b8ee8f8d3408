"""The search for the scalars of an optimum, as one compiled program: a descent, then Newton's method.

Everything is asked of several students at once (a line of steps, or difference quotients), and what is found is one
row of numbers: so the moments are compiled a single time, and little else is.

Source: theory `dynamics.md` section 4.2.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jominy.dynamics.laws.geometry import LocalAverages, RiskGeometry
from jominy.dynamics.laws.risk import RiskSpec
from jominy.dynamics.students import attack_ridges
from jominy.losses import OrderParameters
from jominy.losses.base import FLOOR
from jominy.numerics.arrays import Array
from jominy.numerics.programs import QUICKLY_COMPILED


class Easing(NamedTuple):
    """What makes a risk with corners or flat directions smooth and curved.

    Attributes:
        spread: () variance added to every margin and every residual.
        ridges: (G,) added to those of the attack, and their halves times rho_g^2 to the risk.
        pins: (n,) margins at which the components of `LocalAverages.pinned` are held (residuals are held at zero).
    """

    spread: Array
    ridges: Array
    pins: Array


class Evaluation(NamedTuple):
    """What is found at a student: risk, scalars and order parameters there, and E Psi_rho."""

    risk: Array
    scalars: LocalAverages
    order: OrderParameters
    norm_slope: Array


class Opening(NamedTuple):
    """Where a search begins: at a student, with a descent towards the minimiser for the scalars `first`.

    Attributes:
        begin: LOOK; or SLOPES for Newton's method from `first` alone.
        lead: TOWARDS `first` the descent begins, from the student; AT the minimiser for `first`, whatever the student;
            or FROM_ZERO, which the student is: the collapse radius is found too, and beyond it the search ends.
        most_tries: steps of each of Newton's methods.
    """

    student: Any
    first: LocalAverages
    begin: Array
    lead: Array
    most_tries: Array


class Search(NamedTuple):
    """Where a search has come to. LocalAverages are rows (k,), what is found at a student is a row (m,): see `_row`.

    Attributes:
        phase: what is asked next.
        taken: steps made in this phase.
        method: 0, 1 or 2: Newton's method as it is, in logarithms, and as it is again.
        student, lead, there: where the descent is, the scalars that lead on, and what was found there.
        length: the longest step tried next.
        zero: what was found at the start.
        push, threshold: E Psi_rho at the zero vector and radius one, and the collapse radius, if it was asked for.
        place, step, size: Newton's place (k,), the step from there, and the mismatch there.
        best, found, mismatch: the scalars of least mismatch, and what was found at their student.
    """

    phase: Array
    taken: Array
    method: Array
    student: Any
    lead: Array
    there: Array
    length: Array
    zero: Array
    push: Array
    threshold: Array
    place: Array
    step: Array
    size: Array
    best: Array
    found: Array
    mismatch: Array


class Found(NamedTuple):
    """What a search tells: the student where the descent ended, and in one row what `told` takes apart.

    A row, because every array that leaves a program costs as much as a hundred numbers.
    """

    student: Any
    row: Array


TOLD = ("lead", "there", "zero", "best", "found", "threshold", "mismatch")
"""Of a search, in this order."""


def told(row: np.ndarray, n: int, forms: int) -> dict[str, np.ndarray]:
    """What is named in `TOLD`, for n components and as many forms of the attack."""
    scalars = 3 * n + forms
    order = scalars + 2 + 7 * n + 1 + forms
    lengths = [scalars, order, order, scalars, order, 1, 1]
    return dict(zip(TOLD, np.split(row, np.cumsum(lengths)[:-1]), strict=True))


SHORTEST = 2.0**-13
"""Of the steps that are tried; a step is a preconditioned gradient, so a short enough one descends."""
CONVERGED = 1e-11
"""Relative mismatch of the scalars that is good enough."""
ALL_THERE_IS = 1e-13
"""Relative mismatch that rounding leaves."""
SMALLEST = 1e-290
"""Keeps logarithms finite where the radius is zero."""
MOST_STEPS, MOST_TURNS, MOST_TRIES = 300, 12, 30
"""Of the descent, of its first direction, and of each of Newton's methods."""
NUDGE = 1e-7
"""Of the difference quotients, relative."""
SHARES = (1.0, 0.5, 0.25, 0.1, 0.01)
"""Of Newton's step."""
FROM_ZERO, TOWARDS, AT = range(3)
"""How a descent begins."""
LOOK, PULL, DESCEND, SLOPES, TRY, DONE = range(6)
"""Risk at the start, gradient at zero, descent, slopes of Newton's method, his step, and the end."""


def visited(geometry: RiskGeometry, setting: RiskSpec, easing: Easing, student: Any) -> Evaluation:
    """What is found at a student."""
    order = geometry.order(student)
    softer = order._replace(
        margin_variance=order.margin_variance + easing.spread, residual_variance=order.residual_variance + easing.spread
    )
    moments = setting.moments(softer)
    ridges = attack_ridges(moments, setting.weights, setting.radius, order.sizes) + easing.ridges
    found = LocalAverages(moments.slope, moments.curvature, moments.teacher_curvature, ridges)
    risk = setting.weights @ moments.value + jnp.sum(easing.ridges * order.sizes**2) / 2
    return Evaluation(risk, found, order, setting.radius * (setting.weights @ moments.shift_slope))


def _row(found: Evaluation) -> Array:
    """(m,) all of it in a row: risk, norm slope, scalars (k,), and the order parameters."""
    ends = found.risk, found.norm_slope
    return jnp.concatenate([jnp.stack(ends), scalars_row(found.scalars), *map(jnp.ravel, found.order)])


def scalars_row(scalars: LocalAverages) -> Array:
    """(k,) without the pins."""
    return jnp.concatenate([scalars.slope, scalars.curvature, scalars.teacher_curvature, scalars.ridges])


def risk_of(row: Any) -> Any:
    """The risk in what was found, a row (m,)."""
    return row[0]


def scalars_of(row: Any, n: int, pinned: Any) -> LocalAverages:
    """The scalars in a row (k,), as NumPy's or JAX's arrays."""
    return LocalAverages(row[:n], row[n : 2 * n], row[2 * n : 3 * n], row[3 * n :], pinned)


def order_of(row: Any, n: int) -> OrderParameters:
    """The order parameters in what was found, a row (m,) = (3 n + G + 2 + 7 n + 1 + G,)."""
    forms = (len(row) - 10 * n - 3) // 2
    rest, parts = row[3 * n + forms + 2 :], []
    for name in OrderParameters._fields:
        length = {"norm": 1, "sizes": forms}.get(name, n)
        parts.append(rest[0] if name == "norm" else rest[:length])
        rest = rest[length:]
    return OrderParameters(*parts)


def threshold_of(pull: Any, push: Any) -> Any:
    """() the radius from which on nothing is better than the zero vector: the gradient there, per slope of the attack.

    A ridge instead of an attack never wins against a gradient at zero; without a gradient nothing has to win.
    """
    wins = push > 0
    return jnp.where(pull == 0, 0.0, jnp.where(wins, pull / jnp.where(wins, push, 1.0), jnp.inf))


@partial(jax.jit, static_argnames=("logarithmic", "centred"), compiler_options=QUICKLY_COMPILED)
def search(
    geometry: RiskGeometry,
    setting: RiskSpec,
    easing: Easing,
    opening: Opening,
    logarithmic: bool = False,
    centred: bool = False,
) -> Found:
    """The search for the optimum from an opening; see `Search`.

    logarithmic: whether the moments give the logarithm of the risk.
    centred: whether all class means are zero, so that no slope pulls at anything: a smaller program.
    """
    student, first, begin, lead, most_tries = opening
    n = setting.weights.shape[0]
    k, pinned = 3 * n + first.ridges.shape[0], first.pinned
    size_at = k + 2 + 4 * n + 1  # of the order parameters in a row
    sizes_at = slice(size_at, size_at + first.ridges.shape[0])
    many = max(k + 1, len(SHARES))
    free = geometry.free(pinned)
    given = scalars_row(first)
    halves = 0.5 ** jnp.arange(many)
    shares = jnp.array([*SHARES, *[SHARES[-1]] * (many - len(SHARES))])
    # With curvature zero and a unit ridge the minimiser is minus the gradient at zero.
    is_ridge = jnp.arange(k) >= 3 * n
    unit_ridges = jnp.where(is_ridge, 1.0, 0.0)
    of_pull = jnp.concatenate([jnp.ones(n), jnp.zeros(n), jnp.ones(n), jnp.zeros(k - 3 * n)])
    # Where little but the means holds the student, slopes are multipliers, as small as the ridges are.
    tiny = (jnp.arange(k) < n) | is_ridge
    tiny = tiny & jnp.any(easing.ridges > 0) if pinned is None else tiny

    def ask(one: Any, radius: Array) -> Array:
        return _row(visited(geometry, setting._replace(radius=radius), easing, one))

    def followed(state: Search) -> jax.Array:
        """The lead with slopes that follow the means of the scores, as they do to first order."""
        scalars = scalars_of(state.lead, n, pinned)
        response = geometry.response(scalars)
        slope, bend = scalars.slope, jnp.maximum(scalars.curvature, 0.0)
        root = jnp.sqrt(setting.weights * bend)
        to_be = geometry.order(geometry.minimiser(scalars, free)).margin_mean - state.there[k + 2 : k + 2 + n]
        moved = _solve_positive(jnp.eye(n) + root[:, None] * response * root, root * to_be)
        return jnp.asarray(state.lead).at[:n].set(slope + bend * moved / jnp.where(root > 0, root, 1.0))

    def scales(places: Array) -> Array:
        """Of mismatches: where the ridge is tiny as well, its own."""
        return jnp.where(tiny & is_ridge, 0.0, 1e-3) + jnp.abs(places)

    def body(state: Search) -> Search:
        is_look, is_pull, descends, slopes, tries = (state.phase == phase for phase in range(5))
        newton = slopes | tries

        # The students asked about: on a line, or those of Newton's places.
        least = jnp.where(tiny, jnp.minimum(jnp.min(_plain(state.place, n, state.method)[3 * n :]), 1e-3), 1e-3)
        units = least + jnp.abs(state.place)
        shifts = jnp.zeros((many, k)).at[1 : k + 1].set(jnp.diag(NUDGE * units))
        places = state.place + jnp.where(tries, shares[:, None] * state.step, shifts)
        pull = state.zero[2 : k + 2] * of_pull + unit_ridges
        lead_on = state.lead if centred else jnp.where(descends, followed(state), state.lead)
        ahead = jnp.where(is_pull, pull, lead_on)
        asked = jnp.where(newton, _plain(places, n, state.method), ahead)
        whole = newton | is_pull | (is_look & (lead == AT))
        lengths = jnp.where(descends, state.length * halves, jnp.where(whole, 1.0, 0.0))

        def aim(row: Array) -> Any:
            return geometry.minimiser(scalars_of(row, n, pinned), free)

        def apart() -> Any:
            return jax.vmap(aim)(asked)

        def together() -> Any:
            return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (many, *leaf.shape)), aim(ahead))

        targets = lax.cond(newton, apart, together) if geometry.costly else apart()

        def between(old: Array, new: Array) -> Array:
            old = jnp.where(newton, 0.0, old)
            return old + lengths.reshape(-1, *(1,) * old.ndim) * (new - old)

        students = jax.tree.map(between, state.student, targets)
        radii = jnp.full(many, setting.radius).at[1].set(jnp.where(is_look, 1.0, setting.radius))
        found = jax.vmap(ask)(students, radii)  # (many, m)

        # What was found there.
        image = found[:, 2 : k + 2]
        if pinned is not None:
            image = _held(first, setting, easing, asked, found)
        risks = jnp.where(jnp.isnan(found[:, 0]), jnp.inf, found[:, 0])
        gaps = _chosen(image, n, state.method) - places
        sizes = jnp.where(jnp.isfinite(gaps).all(1), jnp.max(jnp.abs(gaps) / scales(places), axis=1), jnp.inf)
        good = sizes < state.size
        row = jnp.select([descends, tries], [jnp.argmin(risks), jnp.argmax(good)], 0)
        here, at, told = found[row], asked[row], image[row]

        # The descent.
        gain = state.there[0] - risks[row]
        down = descends & (gain >= 0)
        shorter = state.length * halves[-1] / 2
        little = down & (gain <= 1e-7 * (1.0 if logarithmic else jnp.abs(here[0])))
        stuck = descends & ~down & (shorter < SHORTEST)
        # At the zero vector, where there is a corner, only a direction close to the gradient's descends.
        turns = stuck & jnp.all(state.there[sizes_at] == 0) & (state.taken < MOST_TURNS)
        rests = descends & (little | (stuck & ~turns) | (state.taken >= MOST_STEPS))
        moves = is_look | down
        firmly = setting.radius**2 + 0.1 + easing.ridges
        begun = jnp.asarray(told).at[3 * n :].set(jnp.where(lead == FROM_ZERO, firmly, told[3 * n :]))
        leads = jnp.where(down, told, jnp.where(is_look & (lead != TOWARDS), begun, state.lead))
        leads = jnp.asarray(leads).at[3 * n :].multiply(jnp.where(turns, 30.0, 1.0))
        threshold = threshold_of(jnp.max(found[0, sizes_at]), state.push)
        collapsed = is_pull & (setting.radius >= threshold) & (easing.spread == 0)

        # Newton's method.
        mismatch = _largest(told - at, at)
        steps = tries & jnp.any(good)
        better = (slopes | steps) & (mismatch < state.mismatch)
        best, least = jnp.where(better, at, state.best), jnp.where(better, mismatch, state.mismatch)
        sound = jnp.all(jnp.isfinite(gaps[: k + 1]))  # beyond floating point no step can be told

        def newton_step() -> Array:
            each = scales(state.place)
            matrix = jnp.where(sound, (gaps[1 : k + 1] - gaps[0]).T / NUDGE / each[:, None], jnp.eye(k))
            return units * _solve(matrix, jnp.where(sound, -gaps[0] / each, 0.0))

        ends = ~sound | (sizes[0] < ALL_THERE_IS) | (state.taken >= most_tries)
        next_method = (slopes & ends) | (tries & ~steps)
        over = (least <= CONVERGED) | (state.method >= 2) | (most_tries == 0)
        method = state.method + next_method

        phase = jnp.select(
            [is_look, collapsed | (next_method & over), is_pull | (descends & ~rests), slopes & ~next_method],
            [jnp.where(lead == FROM_ZERO, PULL, DESCEND), DONE, DESCEND, TRY],
            SLOPES,
        )
        place = jnp.select(
            [rests, next_method, steps],
            [_chosen(leads, n, method), _chosen(best, n, method), places[row]],
            state.place,
        )
        return Search(
            phase=phase,
            taken=jnp.where(rests | next_method, 0, state.taken + (descends | steps)),
            method=method,
            student=jax.tree.map(lambda old, new: jnp.where(moves, new[row], old), state.student, students),
            lead=leads,
            there=jnp.where(moves, here, state.there),
            length=jnp.where(descends & ~down & ~turns, shorter, 2.0),
            zero=jnp.where(is_look, here, state.zero),
            push=jnp.where(is_look, found[1, 1], state.push),
            threshold=jnp.where(is_pull, threshold, state.threshold),
            place=place,
            step=lax.cond(slopes, newton_step, lambda: state.step),
            size=jnp.where(slopes, sizes[0], state.size),
            best=best,
            found=jnp.where(better, here, state.found),
            mismatch=least,
        )

    student = jax.tree.map(jnp.asarray, student)
    nothing, zero, inf = jnp.full(2 * k + 4 * n + 3, jnp.nan), jnp.zeros((), int), jnp.full((), jnp.inf)
    state = Search(
        phase=jnp.asarray(begin),
        taken=zero,
        method=zero,
        student=student,
        lead=given,
        there=nothing,
        length=jnp.full((), 2.0),
        zero=nothing,
        push=inf,
        threshold=inf,
        place=given,
        step=jnp.zeros(k),
        size=inf,
        best=given,
        found=nothing,
        mismatch=inf,
    )
    end = lax.while_loop(lambda state: state.phase != DONE, body, state)
    return Found(end.student, jnp.concatenate([jnp.ravel(getattr(end, name)) for name in TOLD]))


def _solve_positive(matrix: Array, right: Array) -> Array:
    """The solution (n,) for a positive definite matrix (n, n): of few unknowns, where a library's compiles longer."""
    n = len(right)
    table = jnp.concatenate([matrix, right[:, None]], axis=1)

    def eliminate(j: Any, table: jax.Array) -> jax.Array:
        row = table[j] / table[j, j]
        return (table - jnp.outer(table[:, j], row)).at[j].set(row)

    if n > 3:
        return lax.fori_loop(0, n, eliminate, table)[:, n]
    for j in range(n):
        table = eliminate(j, table)
    return table[:, n]


def _solve(matrix: Array, right: Array) -> Array:
    """The solution (k,) for a matrix (k, k), or one with zeros where it has too little rank.

    By hand: loading LAPACK's programs costs a new process .6 s, and compiling a singular value decomposition .3 s.
    """
    k = len(right)
    table = jnp.concatenate([matrix, right[:, None]], axis=1)
    least = 1e-14 * jnp.max(jnp.abs(matrix))

    def eliminate(j: Any, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        table, owner = state  # of each row the unknown that it was solved for, or k
        column = lax.dynamic_index_in_dim(table, j, axis=1, keepdims=False)
        sizes = jnp.where(owner == k, jnp.abs(column), -1.0)
        pivot = sizes == jnp.max(sizes)
        pivot = pivot & (jnp.cumsum(pivot) == 1) & (sizes > least)
        row = pivot @ table / jnp.where(jnp.any(pivot), pivot @ column, 1.0)
        table = jnp.where(pivot[:, None], row, table - column[:, None] * row)
        return table, jnp.where(pivot, j, owner)

    table, owner = lax.fori_loop(0, k, eliminate, (table, jnp.full(k, k)))
    return (owner == jnp.arange(k)[:, None]) @ table[:, k]


def _largest(gaps: Array, places: Array) -> Array:
    """(...,) the largest relative mismatch of rows (..., k)."""
    size = jnp.max(jnp.abs(gaps) / (1e-3 + jnp.abs(places)), axis=-1)
    return jnp.where(jnp.isfinite(size), size, jnp.inf)


def _chosen(row: Array, n: int, method: Array) -> Array:
    """LocalAverages (..., k) as Newton's method sees them: those whose signs are known as logarithms, with method 1."""
    positive = jnp.maximum(jnp.concatenate([row[..., n : 2 * n], row[..., 3 * n :]], axis=-1), SMALLEST)
    logs, ratio = jnp.log(positive), row[..., 2 * n : 3 * n] / positive[..., :n]
    logarithms = jnp.concatenate([row[..., :n], logs[..., :n], ratio, logs[..., n:]], axis=-1)
    return jnp.where(method == 1, logarithms, row)


def _plain(row: Array, n: int, method: Array) -> Array:
    """The inverse."""
    positive = jnp.exp(jnp.minimum(jnp.concatenate([row[..., n : 2 * n], row[..., 3 * n :]], axis=-1), 600.0))
    pull = row[..., 2 * n : 3 * n] * positive[..., :n]
    scalars = jnp.concatenate([row[..., :n], positive[..., :n], pull, positive[..., n:]], axis=-1)
    return jnp.where(method == 1, scalars, row)


def _held(first: LocalAverages, setting: RiskSpec, easing: Easing, asked: Array, found: Array) -> Array:
    """(many, k) what the scalars asked about are at their own students where components are pinned.

    Their slopes are multipliers, which are right once the score is.
    """
    pinned, n = first.pinned, setting.weights.shape[0]
    assert pinned is not None

    def one(at: Array, row: Array) -> Array:
        scalars, order = scalars_of(row[2 : len(at) + 2], n, None), order_of(row, n)
        off = setting.targets.off_corner(order, setting.radius * order.size, easing.pins)
        slope = jnp.where(pinned, at[:n] + off, scalars.slope)
        along = setting.targets.shift_slope_of(slope)
        ridges = scalars.ridges
        if along is not None:
            ridges = setting.radius * (setting.weights @ along) / jnp.maximum(order.sizes, FLOOR) + easing.ridges
        curvature = jnp.where(pinned, first.curvature, scalars.curvature)
        pull = jnp.where(pinned, first.teacher_curvature, scalars.teacher_curvature)
        return scalars_row(LocalAverages(slope, curvature, pull, ridges))

    return jax.vmap(one)(asked, found)
