"""A problem in its shared eigenbasis as a list of nodes: eigenvalues, share of the trace, Gram entries.

Source: theory `dynamics.md` sections 7 (nodes) and 8.3 (groups). Three views of one law serve the engines:
`forecast_nodes` (coefficients of the fixed vectors; `compression` makes fewer of them), `group_nodes` (orthonormal
coordinates in each group of equal eigenvalues) and `coordinate_nodes` (every coordinate its own node).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from jominy.data.laws import EigenLaw
from jominy.errors import InputError


class Nodes(NamedTuple):
    """Q nodes and A basis vectors per node; n components. All arrays are float64.

    A student is sum_a c_aq v_aq in node q, plus a part orthogonal to the basis of which only the square norm matters.

    Attributes:
        weights: (n,) probabilities of the components.
        eigenvalues: (n, Q) of each component's covariance.
        shares: (Q,) fraction of all d coordinates that the node stands for; sums to 1.
        gram: (A, A, Q) inner products of the basis vectors, restricted to the node.
        means: (n, A, Q) coefficients of the class means.
        mean_overlaps: (n, A, Q) inner products of the class means with the basis vectors.
        teacher: (A, Q) coefficients of the teacher (zero without one).
        labels: (n,) class labels or offsets (zero without them).
        noise_variance: () variance of the label noise.
        attack: (G, Q) the attack's forms M_g on the node: size(X) = sum_g rho_g, rho_g^2 = sum_q M_gq ||X_q||^2. One
            row but for an attack with several budgets at once, and no node has two; ones for l2.
    """

    weights: np.ndarray
    eigenvalues: np.ndarray
    shares: np.ndarray
    gram: np.ndarray
    means: np.ndarray
    mean_overlaps: np.ndarray
    teacher: np.ndarray
    labels: np.ndarray
    noise_variance: np.ndarray
    attack: np.ndarray


class Groups(NamedTuple):
    """Coordinates with equal tuples of eigenvalues and attack: `group[j]` in 0..G-1 for coordinate j, and the tuples.

    eigenvalues (n, G), attack (number of forms, G).
    """

    group: np.ndarray
    eigenvalues: np.ndarray
    attack: np.ndarray

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum `values` (..., Q) over each group: (..., G)."""
        flat, count = values.reshape(-1, values.shape[-1]), self.eigenvalues.shape[1]
        summed = np.array([np.bincount(self.group, row, count) for row in flat])
        return summed.reshape(*values.shape[:-1], count)


def group_coordinates(law: EigenLaw) -> Groups:
    """Group the coordinates that are exactly equal in every eigenvalue and to the attack, in increasing order."""
    group = np.zeros(law.eigenvalues.shape[1], dtype=np.int64)
    attack = forms_of(law)
    rows = law.eigenvalues if law.attack is None else [*law.eigenvalues, *attack]
    for row in rows:  # refined component by component: far cheaper than sorting tuples
        values, place = np.unique(row, return_inverse=True)
        _, first, group = np.unique(group * len(values) + place, return_index=True, return_inverse=True)
    return Groups(group, law.eigenvalues[:, first], attack[:, first])


def coordinate_nodes(law: EigenLaw) -> Nodes:
    """Every coordinate its own node, with one unit basis vector: a student is its vector, (1, d)."""
    size = law.eigenvalues.shape[1]
    vectors = law.means[:, None], _teacher(law)[None]
    return _nodes(law, law.eigenvalues, law.shares, np.ones((1, 1, size)), *vectors, forms_of(law))


@lru_cache(maxsize=16)
def group_nodes(law: EigenLaw) -> tuple[Nodes, np.ndarray, Groups]:
    """Groups of equal eigenvalues with an orthonormal basis of the class means and the teacher in each.

    Returns the nodes, the basis (A, d) as unit vectors on each group (zero where the rank is lower), and the groups.
    """
    groups = group_coordinates(law)
    vectors = np.concatenate([law.means, _teacher(law)[None]])
    basis: list[np.ndarray] = []
    for vector in vectors:  # Gram-Schmidt in all groups at once, twice for orthogonality to rounding
        rest = vector
        for _ in range(2):
            for known in basis:
                rest = rest - groups.sums(known * rest)[groups.group] * known
        size = np.sqrt(groups.sums(rest**2))
        kept = size > 1e-10 * np.sqrt(groups.sums(vector**2))
        if np.any(kept):
            basis.append(np.where(kept, 1 / np.where(kept, size, 1.0), 0.0)[groups.group] * rest)
    frame = np.stack(basis) if basis else np.zeros((0, law.eigenvalues.shape[1]))
    coordinates = _coordinates(groups, vectors, frame)
    present = groups.sums(frame**2)
    gram = np.eye(len(frame))[:, :, None] * present[None]
    shares = groups.sums(law.shares)
    nodes = _nodes(law, groups.eigenvalues, shares, gram, coordinates[:-1], coordinates[-1], groups.attack)
    return nodes, frame, groups


def _coordinates(groups: Groups, vectors: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """(m, A, G) coordinates of the vectors (m, d) in the frame (A, d) on each group."""
    if not len(frame):
        return np.zeros((len(vectors), 0, groups.eigenvalues.shape[1]))
    return np.stack([groups.sums(frame * vector) for vector in vectors])


class FixedVectors(NamedTuple):
    """The basis of a forecast: start, class means and teacher as (A, d), and how the last two are made of it.

    The teacher, if there is one, is the last vector.
    """

    vectors: np.ndarray
    start: np.ndarray
    means: np.ndarray
    teacher: np.ndarray


FAR_LONGER = 1e200


def fixed_vectors(law: EigenLaw, start: np.ndarray) -> FixedVectors:
    """Collect the distinct non-zero directions of the start (d,), the class means and the teacher."""
    vectors: list[np.ndarray] = []

    def place(vector: np.ndarray) -> tuple[int, float] | None:
        if not np.any(vector):
            return None
        size = np.max(np.abs(vector))
        for index, known in enumerate(vectors):
            # Both in units of their largest entry: the squares of small entries would be zero.
            unit, length = vector / size, np.max(np.abs(known))
            if size > FAR_LONGER * length:  # too many times as long for a number to say: it has a place of its own
                continue
            other = known / length
            factor = float(unit @ other / (other @ other))
            if np.linalg.norm(unit - factor * other) <= 1e-13 * np.linalg.norm(unit):
                return index, factor * float(size / length)
        vectors.append(vector)
        return len(vectors) - 1, 1.0

    places = [place(mean) for mean in law.means]
    at_start = place(start)
    if law.teacher is not None:
        vectors.append(law.teacher)
    count = len(vectors)

    def coefficients(found: tuple[int, float] | None) -> np.ndarray:
        row = np.zeros(count)
        if found is not None:
            row[found[0]] = found[1]
        return row

    teacher = np.zeros(count)
    if law.teacher is not None:
        teacher[-1] = 1.0
    stacked = np.stack(vectors) if vectors else np.zeros((0, law.eigenvalues.shape[1]))
    means = np.stack([coefficients(found) for found in places])
    return FixedVectors(stacked, coefficients(at_start), means, teacher)


def forecast_nodes(law: EigenLaw, fixed: FixedVectors) -> Nodes:
    """Groups of exactly equal eigenvalues, with the fixed vectors as the basis and their Gram sums in each group."""
    groups = group_coordinates(law)
    gram = groups.sums(fixed.vectors[:, None] * fixed.vectors[None])
    return with_fixed_vectors(law, groups.eigenvalues, groups.sums(law.shares), gram, fixed, groups.attack)


def with_fixed_vectors(law: EigenLaw, eigenvalues, shares, gram, fixed: FixedVectors, attack=None) -> Nodes:
    """Nodes with these eigenvalues (n, Q), shares (Q,) and Gram sums (A, A, Q), the fixed vectors being the basis.

    `attack` (G, Q), by default ones.
    """
    size = eigenvalues.shape[1]
    means = np.repeat(fixed.means[:, :, None], size, axis=2)
    teacher = np.repeat(fixed.teacher[:, None], size, axis=1)
    return _nodes(law, eigenvalues, shares, gram, means, teacher, np.ones((1, size)) if attack is None else attack)


def by_block(form: np.ndarray, block: np.ndarray) -> np.ndarray:
    """(G, Q) or (G, d, d): a form (Q,) or (d, d) on each block of features, whose numbers are `block`."""
    within = block == np.arange(int(block.max()) + 1)[:, None]
    return np.where(within if form.ndim == 1 else within[:, :, None] & within[:, None, :], form, 0.0)


def _teacher(law: EigenLaw) -> np.ndarray:
    return np.zeros(law.eigenvalues.shape[1]) if law.teacher is None else law.teacher


def forms_of(law: EigenLaw) -> np.ndarray:
    """(G, Q) the diagonals of the attack's forms; InputError for attacks on single features, which have none."""
    if law.budgets is not None:  # what nodes keep, inner products, does not tell its size
        raise InputError(
            "This is known for attacks whose size is the root of a quadratic form, such as l2",
            "an attack on single features, l_inf or l_p",
            "Use `forecast` (its differences in place of a derivative), `simulate`, `optimum` or `stationary`; or "
            "`L2()` or `Mahalanobis(weights=...)`",
        )
    if law.attack is None:
        return np.ones((1, law.eigenvalues.shape[1]))
    return law.attack[None] if law.block is None else by_block(law.attack, law.block)


def _nodes(law: EigenLaw, eigenvalues, shares, gram, means, teacher, attack) -> Nodes:
    labels = np.zeros(len(law.weights)) if law.labels is None else law.labels
    overlaps = np.einsum("abq,naq->nbq", gram, means)
    arrays = (law.weights, eigenvalues, shares, gram, means, overlaps, teacher, labels, law.noise_variance, attack)
    return Nodes(*(np.asarray(array, dtype=float) for array in arrays))
