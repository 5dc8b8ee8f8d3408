"""
What the theory of the dynamics claims, measured
================================================

Each claim of the abstract of arXiv 2607.00207, by theory (lines) and by training itself (dots with one standard error),
as ``jominy claims dynamics --quick`` measures it. Takes two to three minutes.
"""

from jominy_reproduce import measure
from jominy_reproduce.drawing import plot_claim

claims = {claim.letter: claim for claim in measure("dynamics", quick=True)}
for letter, claim in claims.items():
    print(f"({letter}) {claim.verdict}: {claim.statement}")
    assert claim.verdict == "holds", claim.findings

# %%
# The equations predict the curves
# --------------------------------
# Adversarial risk, distance to the adversarial optimum and the other statistics of streaming SGD.

curves = plot_claim(claims["a"])

# %%
# No constant rate descends to a minimiser
# ----------------------------------------
# With label noise or an attack the distance to the optimum grows from the optimum itself; only noiseless least squares
# without attack, below the stable rate, descends.

monotone = plot_claim(claims["b"])

# %%
# Line search and Polyak's rate
# -----------------------------
# Anisotropy and a ridge that does not fit are what separate them.

rates = plot_claim(claims["c"])

# %%
# Homogenized SGD
# ---------------
# The stochastic differential equation has the means of SGD. Its spread at finite dimension is another one.

homogenized = plot_claim(claims["d"])

# %%
# An adaptive rate and an adaptive ridge
# --------------------------------------
# Adversarial least squares is standard least squares with both, up to a matched noise; the dots are that other SGD.

equivalence = plot_claim(claims["e"])

# %%
# Where training at a constant rate ends
# --------------------------------------
# At the solution of a fixed-point equation, whose mean is a ridge regression.

figure = limit = plot_claim(claims["f"])
