"""What goes into the Gaussian expectations of a loss, and what comes out.

Source: theory `dynamics.md` sections 1.1 and 2.
"""

from typing import NamedTuple

from jominy.numerics.arrays import Array

FLOOR = 1e-30
"""Smallest variance or norm that is divided by; far below anything a result depends on."""


class OrderParameters(NamedTuple):
    """The scalars of a student X on which every reported number depends; n components.

    Attributes:
        margin_mean: (n,) E_i r = <X, mu_i>.
        margin_variance: (n,) Var_i r = X' K_i X.
        residual_mean: (n,) E_i[r - y] for linear targets, <X - X*, mu_i> - h_i.
        residual_variance: (n,) Var_i[r - y] = nu^2 + (X - X*)' K_i (X - X*).
        norm: () ||X||.
        sizes: (G,) rho_g, the roots of X' M_g X with the attack's forms M_g; their sum is `size`, the shift of scores
            per radius. There is one but for attacks with several budgets at once, and for l2 it is the norm.
        teacher_mean: (n,) E_i r* = <X*, mu_i>, zero without a teacher.
        teacher_variance: (n,) Var_i r* = X*' K_i X*.
        teacher_covariance: (n,) Cov_i(r, r*) = X' K_i X*.
    """

    margin_mean: Array
    margin_variance: Array
    residual_mean: Array
    residual_variance: Array
    norm: Array
    sizes: Array
    teacher_mean: Array
    teacher_variance: Array
    teacher_covariance: Array

    @property
    def size(self) -> Array:
        """() rho, what the radius is multiplied by in the attack's shift of scores."""
        return self.sizes.sum(axis=-1)

    def of_size(self, size: Array) -> "OrderParameters":
        """The same under an attack of this size (), whatever it is made of."""
        return self._replace(sizes=size[..., None])


class Moments(NamedTuple):
    """Expectations over one component each, all (n,): the only way in which a loss enters the dynamics.

    Attributes:
        value: E Psi.
        slope: E Psi_r.
        curvature: E Psi_rr (distributional: kinks included).
        teacher_curvature: E Psi_{r r*}.
        shift_slope: E Psi_s, the derivative by the attack's shift s = eps rho of the score.
        slope_squared: E Psi_r^2.
        slope_shift_slope: E Psi_r Psi_s (used only by the finite-step recursion on samples).
        shift_slope_squared: E Psi_s^2 (likewise).
    """

    value: Array
    slope: Array
    curvature: Array
    teacher_curvature: Array
    shift_slope: Array
    slope_squared: Array
    slope_shift_slope: Array
    shift_slope_squared: Array
