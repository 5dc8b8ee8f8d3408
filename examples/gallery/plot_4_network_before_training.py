"""
A deep network before it is trained
===================================

The adversarial loss of a random network against its depth, with and without shortcuts: theory of wide networks.
"""

import jominy as jm

plain = jm.Architecture(depth=20, width=500, input_dim=784, output_dim=10, weight_variance=2.0)
theory = jm.network_theory(plain, radius=0.5, vary={"depth": [2, 5, 10, 20], "shortcut": [False, True]})
figure = jm.plot(theory)

# %%
# With shortcuts each layer adds to the gain, and the loss grows with depth.
losses = theory.adversarial_loss.squeeze()
print(losses.to_series())
assert losses.sel(depth=20, shortcut=True) > losses.sel(depth=2, shortcut=True)
