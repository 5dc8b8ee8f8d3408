"""Where the adversarial optimum is sought: on nodes, or in dense coordinates; either way it is made of a few scalars.

Source: theory `dynamics.md` section 4.2: X0 = -(sum_i p_i E_i[Psi_rr] K_i + B)^{-1} beta.
"""

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jominy.data.laws import DenseLaw
from jominy.data.nodes import Nodes, by_block
from jominy.dynamics.students import Student, attack_pull, order_parameters
from jominy.losses import OrderParameters
from jominy.numerics.arrays import Array, namespace, root


class LocalAverages(NamedTuple):
    """What determines the optimum on any set of nodes; n components.

    Attributes:
        slope, curvature, teacher_curvature: (n,) E_i Psi_r, E_i Psi_rr, E_i Psi_{r r*}.
        ridges: (G,) B_g = E Psi_rho / rho_g, one for each of the attack's forms.
        pinned: (n,) whether a component's score is certain at the optimum (its target is met exactly, or its margin
            lies at a kink), which no finite curvature says; None where there is no such component.
        flat: (n,) the class means' coefficients in the optimum on directions in which no input varies, where slopes
            and ridges may vanish together; None where they tell it. Where there are means on such directions that no
            attack can touch (an intercept), it is on these alone.
    """

    slope: Array
    curvature: Array
    teacher_curvature: Array
    ridges: Array
    pinned: Array | None = None
    flat: Array | None = None

    @property
    def at_teacher(self) -> Array:
        """() 1 where pinned components hold the student to the teacher, 0 where to the zero vector."""
        assert self.pinned is not None
        return jnp.where(jnp.any(self.pinned & (self.teacher_curvature != 0)), 1.0, 0.0)


class RiskGeometry(Protocol):
    """Where the optimum is sought: on nodes, or in dense coordinates."""

    @property
    def costly(self) -> bool:
        """Whether `minimiser` takes long."""

    @property
    def centred(self) -> bool:
        """Whether all class means are zero."""

    @property
    def forms(self) -> int:
        """How many forms G the attack has, none of which overlap."""

    def minimiser(self, scalars: LocalAverages, free: Array | None = None) -> Any:
        """The minimiser of the quadratic model in which the scalars are frozen."""

    def free(self, pinned: Array | None) -> Array | None:
        """Where the student is free of pinned components' covariances: what `minimiser` makes itself if not given."""

    def response(self, scalars: LocalAverages) -> Array:
        """(n, n) by how much the means of the scores fall per weighted slope."""

    def order(self, student: Any) -> OrderParameters: ...

    def zero(self) -> Any:
        """The zero vector, as a student."""

    def scaled(self, student: Any, factor: float) -> Any:
        """`factor` times a student without spread."""

    def weighted(self, weights: Array) -> "RiskGeometry":
        """With other weights (n,) of the components."""

    def orthonormal(self) -> "RiskGeometry":
        """With coordinates that are no sums of others, so that no two large ones cancel; not for compressed nodes."""

    def flat_means(self, level: float) -> Array:
        """(n, n) Gram matrix of the class means on directions with less than `level` of the largest variance."""

    def fixed_means(self) -> Array:
        """(n, n) the same on directions in which inputs do not vary at all beside their means."""

    def free_means(self) -> Array:
        """(n, n) the same on directions in which inputs do not vary and that the attack cannot touch."""

    @property
    def untouched(self) -> bool:
        """Whether there are directions that the attack cannot touch."""

    def attackable_pulls(self, student: Any, scalars: LocalAverages) -> np.ndarray:
        """(G,) sqrt(g' M_g^-1 g) of the risk's gradient g without the attack's own part, where each form M_g reaches.

        The largest is the dual norm of the attack's size. `scalars` are those at the student; ridges do not count.
        """


class NodeGeometry(NamedTuple):
    """Students on the nodes of commuting covariances."""

    nodes: Nodes

    @property
    def costly(self) -> bool:
        return False

    @property
    def centred(self) -> bool:
        return not np.any(self.nodes.means)

    @property
    def forms(self) -> int:
        return len(self.nodes.attack)

    def free(self, pinned: Array | None) -> Array | None:
        """(Q,) nodes."""
        if pinned is None:
            return None
        variance = jnp.asarray(pinned, float) @ self.nodes.eigenvalues
        return variance <= NO_VARIANCE * jnp.max(variance)

    def minimiser(self, scalars: LocalAverages, free: Array | None = None) -> Student:
        """The minimiser of the quadratic model in which the scalars are frozen."""
        nodes, xp = self.nodes, namespace(self.nodes, scalars)
        curvature = (nodes.weights * scalars.curvature) @ nodes.eigenvalues
        teacher_pull = (nodes.weights * scalars.teacher_curvature) @ nodes.eigenvalues
        class_pull = xp.einsum("n,naq->aq", nodes.weights * scalars.slope, nodes.means)
        pull_back = attack_pull(scalars.ridges, nodes.attack)
        alpha = curvature + pull_back
        seen = alpha > LEAST_CURVATURE  # what no risk depends on is zero in the vector of least norm
        alpha = xp.where(seen, alpha, 1.0)
        surplus = curvature + teacher_pull + pull_back
        coefficients = xp.where(seen, -(class_pull + teacher_pull * nodes.teacher) / alpha, 0.0)
        residual = xp.where(seen, -(class_pull + surplus * nodes.teacher) / alpha, -nodes.teacher)
        if scalars.pinned is not None:
            free, there = self.free(scalars.pinned) if free is None else free, scalars.at_teacher
            assert free is not None
            coefficients = xp.where(free, coefficients, there * nodes.teacher)
            residual = xp.where(free, residual, (there - 1) * nodes.teacher)
        if scalars.flat is not None:
            told = xp.einsum("n,naq->aq", scalars.flat, nodes.means)
            widest = xp.max(nodes.eigenvalues, axis=0)
            flat = xp.asarray(widest <= NO_VARIANCE * xp.max(widest))
            free = flat & xp.all(nodes.attack == 0, axis=0)
            flat = xp.where(xp.any(free & xp.any(nodes.means != 0, axis=(0, 1))), free, flat)
            coefficients = xp.where(flat, told, coefficients)
            residual = xp.where(flat, told - nodes.teacher, residual)
        return Student(coefficients, residual, xp.zeros_like(nodes.shares))

    def response(self, scalars: LocalAverages) -> Array:
        nodes = self.nodes
        alpha = (nodes.weights * scalars.curvature) @ nodes.eigenvalues
        alpha = alpha + attack_pull(scalars.ridges, nodes.attack)
        fall = nodes.means / jnp.maximum(alpha, LEAST_CURVATURE)
        return jnp.sum(fall[:, None] * nodes.mean_overlaps, axis=(2, 3))

    def order(self, student: Student) -> OrderParameters:
        return order_parameters(self.nodes, student)

    def zero(self) -> Student:
        nodes = self.nodes
        return Student(np.zeros_like(nodes.teacher), -nodes.teacher, np.zeros_like(nodes.shares))

    def scaled(self, student: Student, factor: float) -> Student:
        with np.errstate(invalid="ignore"):  # of a search that was led astray, whose students are then passed over
            coefficients = factor * np.asarray(student.coefficients)
        return Student(coefficients, coefficients - self.nodes.teacher, np.zeros_like(self.nodes.shares))

    def weighted(self, weights: Array) -> "NodeGeometry":
        return NodeGeometry(self.nodes._replace(weights=np.asarray(weights)))

    def orthonormal(self) -> "NodeGeometry":
        nodes = self.nodes
        values, vectors = np.linalg.eigh(np.moveaxis(nodes.gram, -1, 0))
        present = values > NO_VARIANCE * np.max(values, axis=-1, keepdims=True)
        frame = np.where(present, np.sqrt(np.maximum(values, 0.0)), 0.0)[..., None] * np.swapaxes(vectors, -1, -2)
        means = np.einsum("qba,naq->nbq", frame, nodes.means)
        teacher = np.einsum("qba,aq->bq", frame, nodes.teacher)
        gram = np.einsum("qa,ab->abq", present, np.eye(present.shape[1]))
        return NodeGeometry(nodes._replace(gram=gram, means=means, mean_overlaps=means, teacher=teacher))

    def flat_means(self, level: float) -> Array:
        nodes = self.nodes
        widest = np.max(nodes.eigenvalues, axis=0)
        flat = widest <= level * np.max(widest)
        return np.einsum("naq,maq->nm", nodes.means[..., flat], nodes.mean_overlaps[..., flat])

    def fixed_means(self) -> Array:
        nodes = self.nodes
        widest = np.max(nodes.eigenvalues, axis=0)
        # One huge variance makes no other vanish: eigenvalues are given, and known each to its own rounding.
        squares = np.max(np.sum(nodes.means * nodes.mean_overlaps, axis=-2), axis=0)
        fixed = widest <= NO_VARIANCE * np.minimum(np.max(widest), squares)
        return np.einsum("naq,maq->nm", nodes.means[..., fixed], nodes.mean_overlaps[..., fixed])

    def free_means(self) -> Array:
        nodes = self.nodes
        widest = np.max(nodes.eigenvalues, axis=0)
        free = (widest <= NO_VARIANCE * np.max(widest)) & np.all(np.asarray(nodes.attack) == 0, axis=0)
        return np.einsum("naq,maq->nm", nodes.means[..., free], nodes.mean_overlaps[..., free])

    @property
    def untouched(self) -> bool:
        return bool(np.any(np.all(np.asarray(self.nodes.attack) == 0, axis=0) & self.there))

    @property
    def there(self) -> np.ndarray:
        """(Q,) whether a node is one: empty ones, which fill up a geometry, have neither coordinates nor vectors."""
        nodes = self.nodes
        return (np.asarray(nodes.shares) > 0) | np.any(np.einsum("aaq->aq", np.asarray(nodes.gram)) > 0, axis=0)

    def attackable_pulls(self, student: Student, scalars: LocalAverages) -> np.ndarray:
        nodes, w = self.nodes, np.asarray(self.nodes.weights)
        curvature = (w * np.asarray(scalars.curvature)) @ nodes.eigenvalues
        teacher = (w * np.asarray(scalars.teacher_curvature)) @ nodes.eigenvalues
        push = np.einsum("n,naq->aq", w * np.asarray(scalars.slope), nodes.means)
        gradient = curvature * np.asarray(student.coefficients) + teacher * nodes.teacher + push
        square = np.einsum("abq,aq,bq->q", nodes.gram, gradient, gradient)
        within = np.asarray(nodes.attack) > 0
        return np.sqrt(np.sum(np.where(within, square / np.where(within, nodes.attack, 1.0), 0.0), axis=1))


LEAST_CURVATURE = 1e-200
NO_VARIANCE = 1e-13
"""Relative to the largest: so little variance of a direction is rounding."""
FEW_NODES = 8
"""Up to so many nodes share the programs of this number."""


def padded(geometry: Any) -> Any:
    """The geometry with empty nodes up to a power of two: spectra of all lengths then share a few programs.

    For what is read off as scalars; students have the empty nodes as well.
    """
    if not isinstance(geometry, NodeGeometry):
        return geometry
    nodes = geometry.nodes
    count = nodes.shares.size
    more = max(1 << (count - 1).bit_length(), FEW_NODES) - count
    if not more:
        return geometry
    per_node = ("eigenvalues", "shares", "gram", "means", "mean_overlaps", "teacher", "attack")
    longer = {name: getattr(nodes, name) for name in per_node}
    for name, part in longer.items():
        longer[name] = np.concatenate([part, np.zeros((*np.shape(part)[:-1], more))], axis=-1)
    return NodeGeometry(nodes._replace(**longer))


class DenseGeometry(NamedTuple):
    """Students as vectors (d,) for covariances that do not commute."""

    weights: Array
    means: Array
    covariances: Array
    teacher: Array
    labels: Array
    noise_variance: Array
    attack: Array

    @property
    def costly(self) -> bool:
        return True

    @property
    def centred(self) -> bool:
        return not np.any(self.means)

    @property
    def forms(self) -> int:
        return len(self.attack)

    @property
    def reached(self) -> Array:
        """(d, d) the sum of the attack's forms, whose kernel it cannot touch."""
        return self.attack.sum(axis=0)

    def free(self, pinned: Array | None) -> Array | None:
        """(d, d) projection."""
        if pinned is None:
            return None
        values, vectors = jnp.linalg.eigh(jnp.einsum("n,nij->ij", jnp.asarray(pinned, float), self.covariances))
        return (vectors * (values <= NO_VARIANCE * jnp.max(values))) @ vectors.T

    def minimiser(self, scalars: LocalAverages, free: Array | None = None) -> Array:
        """The minimiser of the quadratic model in which the scalars are frozen."""
        curvature = jnp.einsum("n,nij->ij", self.weights * scalars.curvature, self.covariances)
        pull = jnp.einsum("n,nij,j->i", self.weights * scalars.teacher_curvature, self.covariances, self.teacher)
        pull = pull + (self.weights * scalars.slope) @ self.means
        curvature = curvature + attack_pull(scalars.ridges, self.attack)
        if scalars.flat is not None:
            flat = self._told_directions()
            varied = jnp.eye(len(pull)) - flat
            within = varied @ curvature @ varied + jnp.trace(curvature) * flat
            return flat @ (scalars.flat @ self.means) - jnp.linalg.solve(within, varied @ pull)
        if scalars.pinned is None:
            return -jnp.linalg.solve(curvature, pull)
        free = self.free(scalars.pinned) if free is None else free
        assert free is not None
        held = scalars.at_teacher * self.teacher
        held = held - free @ held
        inside = free @ curvature @ free + jnp.trace(curvature) * (jnp.eye(len(pull)) - free)
        return held - free @ jnp.linalg.solve(inside, free @ (pull + curvature @ held))

    def _told_directions(self) -> Array:
        """(d, d) projection onto the directions in which no input varies; on those out of reach, if means are there."""
        flat = self.free(jnp.ones(len(self.weights), bool))
        assert flat is not None
        values, vectors = jnp.linalg.eigh(
            flat @ self.reached @ flat + jnp.max(jnp.abs(self.attack)) * (jnp.eye(len(flat)) - flat)
        )
        free = (vectors * (values <= NO_VARIANCE * jnp.max(jnp.abs(self.attack)))) @ vectors.T
        return jnp.where(jnp.max(jnp.abs(self.means @ free)) > NO_VARIANCE * jnp.max(jnp.abs(self.means)), free, flat)

    def response(self, scalars: LocalAverages) -> Array:
        curvature = jnp.einsum("n,nij->ij", self.weights * scalars.curvature, self.covariances)
        curvature = curvature + attack_pull(scalars.ridges, self.attack)
        return self.means @ jnp.linalg.solve(curvature, self.means.T)

    def order(self, student: Array) -> OrderParameters:
        return dense_order_parameters(self, student, None)

    def zero(self) -> Array:
        return np.zeros(self.means.shape[1])

    def scaled(self, student: Array, factor: float) -> Array:
        return factor * np.asarray(student)

    def weighted(self, weights: Array) -> "DenseGeometry":
        return self._replace(weights=weights)

    def orthonormal(self) -> "DenseGeometry":
        return self

    def flat_means(self, level: float) -> Array:
        values, vectors = np.linalg.eigh(np.sum(self.covariances, axis=0))
        on = self.means @ vectors[:, values <= level * values[-1]]
        return on @ on.T

    def fixed_means(self) -> Array:
        return self.flat_means(NO_VARIANCE)  # an eigenvalue is known to the rounding of the largest

    def free_means(self) -> Array:
        values, vectors = np.linalg.eigh(np.sum(self.covariances, axis=0))
        flat = vectors[:, values <= NO_VARIANCE * values[-1]]
        on = self.means @ flat @ kernel(flat.T @ self.reached @ flat, NO_VARIANCE * np.max(np.abs(self.attack)))
        return on @ on.T

    @property
    def untouched(self) -> bool:
        values = np.linalg.eigvalsh(self.reached)
        return bool(values[0] <= NO_VARIANCE * values[-1])

    def attackable_pulls(self, student: Array, scalars: LocalAverages) -> np.ndarray:
        w = np.asarray(self.weights)
        curvature = np.einsum("n,nij->ij", w * np.asarray(scalars.curvature), self.covariances)
        teacher = np.einsum("n,nij,j->i", w * np.asarray(scalars.teacher_curvature), self.covariances, self.teacher)
        gradient = curvature @ np.asarray(student) + teacher + (w * np.asarray(scalars.slope)) @ self.means
        inverses = np.linalg.pinv(self.attack, rcond=NO_VARIANCE, hermitian=True)
        return np.sqrt(np.einsum("i,gij,j->g", gradient, inverses, gradient))


def kernel(matrix: np.ndarray, least: float) -> np.ndarray:
    """(k, m) directions in which a positive semidefinite matrix (k, k) is at most `least`."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors[:, values <= least]


def dense_geometry(law: DenseLaw) -> DenseGeometry:
    """The geometry of a dense law."""
    teacher = np.zeros(law.dimension) if law.teacher is None else law.teacher
    labels = np.zeros(len(law.weights)) if law.labels is None else law.labels
    form = np.eye(law.dimension) if law.attack is None else law.attack
    forms = form[None] if law.block is None else by_block(form, law.block)
    noise = np.asarray(law.noise_variance)
    return DenseGeometry(law.weights, law.means, law.covariances, teacher, labels, noise, forms)


def dense_order_parameters(law: DenseGeometry, mean: Array, covariance: Array | None) -> OrderParameters:
    """Order parameters of X ~ N(mean (d,), covariance (d, d)); None is no spread."""
    residual = mean - law.teacher
    spread = 0.0 if covariance is None else jnp.einsum("nij,ij->n", law.covariances, covariance)
    square = mean @ mean + (0.0 if covariance is None else jnp.trace(covariance))
    sizes = law.attack @ mean @ mean + (0.0 if covariance is None else jnp.sum(law.attack * covariance, axis=(1, 2)))
    return OrderParameters(
        margin_mean=law.means @ mean,
        margin_variance=jnp.einsum("i,nij,j->n", mean, law.covariances, mean) + spread,
        residual_mean=law.means @ residual - law.labels,
        residual_variance=law.noise_variance + jnp.einsum("i,nij,j->n", residual, law.covariances, residual) + spread,
        norm=root(square),
        sizes=root(sizes),
        teacher_mean=law.means @ law.teacher,
        teacher_variance=jnp.einsum("i,nij,j->n", law.teacher, law.covariances, law.teacher),
        teacher_covariance=jnp.einsum("i,nij,j->n", mean, law.covariances, law.teacher),
    )


def known_minimiser(geometry: RiskGeometry, scalars: LocalAverages) -> Any:
    """`geometry.minimiser(scalars)` as NumPy arrays, of NumPy's: on nodes at once, whatever else is being computed."""
    if isinstance(geometry, DenseGeometry):
        return np.asarray(minimiser(geometry, scalars))
    with np.errstate(all="ignore"):  # as compiled programs do
        return jax.tree.map(np.asarray, geometry.minimiser(jax.tree.map(np.asarray, scalars)))


@jax.jit
def minimiser(geometry: RiskGeometry, scalars: LocalAverages) -> Any:
    """`geometry.minimiser(scalars)`, compiled."""
    return geometry.minimiser(scalars)
