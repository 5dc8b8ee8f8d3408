"""
Several classes: who is taken for whom, under attack
=====================================================

Ten digits, a robust linear probe. The forecast is the mean of real runs of its own; other runs stand beside it. Which
digits an attack confuses, and how far each class can be trusted, is read in closed form: no attack is run.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import jominy as jm

X, y = load_digits(return_X_y=True)
train = np.arange(len(y)) % 2 == 0
problem = jm.Problem(jm.Samples(X[train], y[train]), jm.SoftmaxLoss(), radius=0.5)
asked = dict(times=[0, 0.25, 0.5, 1, 2, 4, 8], held_out=(X[~train], y[~train]))
curve = jm.forecast(problem, jm.Constant(2.0), runs=50, **asked)
runs = jm.simulate(problem, jm.Constant(2.0), seeds=20, progress=False, **asked)
figure = jm.plot(curve, runs)

# %%
# Held-out digits at the end. Left: where the rows of a digit end that an attack of radius 0.5 moves to whatever is
# easiest to reach. Right: the accuracy of each digit, clean and under attack, with the spread of single runs.
confusion = curve.held_out_adversarial_confusion.values
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
image = left.imshow(confusion, cmap="cividis", vmin=0, vmax=1)
for true, answered in zip(*np.nonzero((confusion > 0.05) & ~np.eye(10, dtype=bool)), strict=True):
    share = confusion[true, answered]
    left.text(answered, true, f"{100 * share:.0f}", ha="center", va="center", color="white", fontsize=8)
left.set(
    xticks=range(10), yticks=range(10), xlabel="answer under attack", ylabel="digit", title="share of a digit's rows"
)
figure.colorbar(image, ax=left, shrink=0.8)
places = np.arange(10)
for name, move, color in (("clean", -0.2, "#4c78a8"), ("adversarial", 0.2, "#e45756")):
    share = curve[f"held_out_{name}_class_accuracy"].isel(time=-1)
    spread = curve[f"held_out_{name}_class_accuracy_sd"].isel(time=-1)
    right.bar(places + move, share, 0.4, yerr=spread, color=color, label=name, error_kw={"lw": 1})
right.set(xticks=places, xlabel="digit", ylabel="held-out accuracy", ylim=(0, 1.15), title="each digit, at the end")
right.legend(frameon=False, ncols=2, loc="upper center")

# %%
# The forecast against the other runs: within their errors.
end = runs.held_out_adversarial_accuracy.isel(time=-1)
z = (curve.held_out_adversarial_accuracy[-1] - end.mean()) / np.hypot(
    curve.held_out_adversarial_accuracy_standard_error[-1], end.std(ddof=1) / np.sqrt(20)
)
print(
    f"robust accuracy held out: {float(end.mean()):.3f}, forecast {float(curve.held_out_adversarial_accuracy[-1]):.3f}"
)
assert abs(float(z)) < 4, "the forecast and SGD disagree"

# %%
# A mixture with four labels is integrated instead, on nodes: its cost does not depend on the dimension.
d = 300
generator = np.random.default_rng(0)
means = 1.5 * generator.standard_normal((4, d)) / np.sqrt(d)
law = jm.GaussianMixture([0.25] * 4, list(means), [np.linspace(0.4, 1.6, d)] * 4, labels=[0, 1, 2, 3])
mixture = jm.Problem(law, jm.SoftmaxLoss(), radius=0.3)
figure = jm.plot(
    jm.forecast(mixture, jm.Constant(1.0), time=6),
    jm.simulate(mixture, jm.Constant(1.0), times=[0.5, 1, 2, 4, 6], seeds=10, progress=False),
)
