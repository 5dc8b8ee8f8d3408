"""The single centred class with a linear teacher: the setting of adversarial least squares."""

from __future__ import annotations

from numpy.typing import ArrayLike

from jominy.data.label_laws import LabelLaw
from jominy.data.links import Link
from jominy.data.mixture import GaussianMixture
from jominy.data.spectra import Spectrum


class LinearTeacher(GaussianMixture):
    """x ~ N(0, covariance) with the target `<teacher, x> + N(0, noise_variance)`.

    covariance:     a `Spectrum`, eigenvalues (d,), a matrix (d, d), or a number (times the identity)
    teacher:        array (d,), or a number: its norm, spread evenly over the coordinates
    noise_variance: >= 0, in units of target^2
    label_law:      LogisticLabels(), ProbitLabels() or SignLabels(): the target is then a random label -1, +1, drawn
                    with a probability that depends on `<teacher, x>`, without further noise
    teacher_link:   a link g such as Erf(): the target is then g(<teacher, x>) + N(0, noise_variance), and the loss must
                    be a LinkSquaredLoss

    Raises InputError as `GaussianMixture` does.

    >>> from jominy.data.spectra import power_law
    >>> LinearTeacher(power_law(2000, exponent=1.5), noise_variance=0.25).law.teacher.shape
    (2000,)
    """

    def __init__(
        self,
        covariance: Spectrum | ArrayLike,
        teacher: ArrayLike = 1.0,
        noise_variance: float = 0.0,
        label_law: LabelLaw | None = None,
        teacher_link: Link | None = None,
    ) -> None:
        super().__init__([1.0], [0.0], [covariance], None, teacher, noise_variance, label_law, teacher_link)


__all__ = ["LinearTeacher"]
