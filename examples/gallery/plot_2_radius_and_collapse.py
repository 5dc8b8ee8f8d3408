"""
The radius from which on training collapses
===========================================

The best adversarial predictor shrinks as the radius grows, and is zero from the collapse radius on.
"""

import math

import jominy as jm
from jominy.show.optima import plot_optima

problem = jm.Problem(jm.LinearTeacher(jm.identity(500), noise_variance=0.25), jm.SquaredLoss(), radius=0.5)
print(f"collapse radius {jm.collapse_radius(problem):.4f}")
figure = plot_optima(problem)

# %%
# For isotropic data and the squared loss it is sqrt(pi / 2) ||X*|| / sqrt(||X*||^2 + noise variance).
assert abs(jm.collapse_radius(problem) - (math.pi / 2 / 1.25) ** 0.5) < 1e-6
