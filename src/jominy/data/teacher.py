"""The single centred class with a linear teacher: the setting of adversarial least squares."""

from __future__ import annotations

from numpy.typing import ArrayLike

from jominy.data.mixture import GaussianMixture
from jominy.data.spectra import Spectrum


class LinearTeacher(GaussianMixture):
    """x ~ N(0, covariance) with the target `<teacher, x> + N(0, noise_variance)`.

    covariance:     a `Spectrum`, eigenvalues (d,), a matrix (d, d), or a number (times the identity)
    teacher:        array (d,), or a number: its norm, spread evenly over the coordinates
    noise_variance: >= 0, in units of target^2

    Raises InputError as `GaussianMixture` does.

    >>> from jominy.data.spectra import power_law
    >>> LinearTeacher(power_law(2000, exponent=1.5), noise_variance=0.25).law.teacher.shape
    (2000,)
    """

    def __init__(self, covariance: Spectrum | ArrayLike, teacher: ArrayLike = 1.0, noise_variance: float = 0.0) -> None:
        super().__init__([1.0], [0.0], [covariance], teacher=teacher, noise_variance=noise_variance)


__all__ = ["LinearTeacher"]
