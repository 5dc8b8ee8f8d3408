"""
A robust head on a frozen network
=================================

A small convolutional network reads digits; which radius of attack on its *input* can a new head for even and odd digits
be trained for? The network is asked once, for its Jacobians; every radius after that is a forecast without it.
"""

import torch
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from torch import nn

import jominy as jm

X, y = load_digits(return_X_y=True)
x, y = torch.tensor(X / 16, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(y)
torch.manual_seed(0)
net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1, stride=2), nn.ReLU(), nn.Flatten(),
    nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
for _ in range(12):
    for batch in torch.randperm(700).split(64):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
net.eval()

# %%
# The network's features and how they move with the input, for 700 images to train on and 300 held out. The labels of
# the new head are another question than the network's ten classes.
train = jm.linearised(net, (x[:700], y[:700]), progress=False)
test = jm.linearised(net, (x[700:1000], y[700:1000]), rank=train.rank, progress=False)
even, even_test = train.labels % 2, test.labels % 2
asked = dict(optimizer=jm.SGD(batch_size=16), held_out=(test, even_test))
radii = [0.0, 0.15, 0.3]
curves = [
    jm.forecast(
        jm.Problem(jm.HeadSamples(train, even), jm.SoftmaxLoss(), radius), jm.Constant(1.0), times=[25.0],
        evaluate_at=[0.15, 0.3, 0.45], runs=16, **asked,
    )
    for radius in radii
]  # fmt: skip
figure, axes = plt.subplots(figsize=(6, 4))
for radius, curve in zip(radii, curves, strict=True):
    axes.plot(
        curve.evaluation_radius, curve.held_out_accuracy_at_radius[-1], marker="o", label=f"trained at {radius:g}"
    )
axes.set(xlabel="radius of the attack on the input (l2)", ylabel="accuracy on held-out images")
axes.legend()
figure.tight_layout()

# %%
# Is the network linear enough for that? The slope of the loss changes along the attack by `rel` of itself, and a few
# heads are attacked for real.
problem = jm.Problem(jm.HeadSamples(train, even), jm.SoftmaxLoss(), radius=0.3)
told = jm.forecast_head(net, problem, jm.Constant(1.0), times=[25.0], runs=16, **asked)
print(told)

# %%
# The check: real training, whose every step attacks the input through the network.
real = jm.train_head(net, problem, jm.Constant(1.0), 25, seeds=2, progress=False, **asked)
off = told.adversarial_accuracy - float(real.held_out_adversarial_accuracy.mean())
print(f"real training: {float(real.held_out_adversarial_accuracy.mean()):.4f}, the hybrid is off by {off:+.4f}")
assert abs(off) < 0.03, "the forecast and real training disagree"
