"""
What the mean-field theory of networks claims, measured
=======================================================

Each claim of the abstract of arXiv 2505.14021 on real PyTorch networks (dots with one standard error) against the
theory (lines), as ``jominy claims networks --quick`` measures it. Takes about three minutes on two cores, and needs
PyTorch (the extra ``torch``).
"""

from jominy_reproduce import measure
from jominy_reproduce.drawing import plot_claim

claims = {claim.letter: claim for claim in measure("networks", quick=True)}
for letter, claim in claims.items():
    print(f"({letter}) {claim.verdict}: {claim.statement}")
    assert claim.verdict == "holds", claim.findings

# %%
# A random affine map
# -------------------
# At each input the network is one, and the entries of its Jacobian are Gaussian.

affine = plot_claim(claims["a"])

# %%
# The bound of the adversarial loss
# ---------------------------------
# Operator norms of real networks are those of the theory for all nine pairs of norms. Attacks on networks without
# shortcuts stay below the bound at every radius; with shortcuts and ReLU the bound ends where the radius comes near to
# the size of the input.

bounds = plot_claim(claims["b"])

# %%
# Which networks fail
# -------------------
# Deep ones without shortcuts do, where shortcuts, few layers or standard training do not. The index tau foretells it.

failure = plot_claim(claims["c"])

# %%
# Width helps
# -----------
# The wider a deep network without shortcuts, the more of its accuracy it keeps.

widths = plot_claim(claims["d"])

# %%
# The weight variance falls
# -------------------------
# As the mean-field law says, early in training. The loss is gone before the variance has moved.

variance = plot_claim(claims["e"])

# %%
# Capacity falls
# --------------
# As the Fisher-Rao norm measures it.

capacity = plot_claim(claims["f"])

# %%
# Input and output dimension
# --------------------------
# How the attack gains with them depends on its norm.

figure = sizes = plot_claim(claims["g"])
