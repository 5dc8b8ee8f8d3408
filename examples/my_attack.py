"""An attack to be audited: projected gradient ascent in l_inf.

jominy audit examples/my_attack.py:attack --radius 8/255
jominy audit examples/my_attack.py:too_small --radius 8/255     # exit code 1, and why
"""

import torch


def attack(model, inputs, labels, eps, steps=20, stride=0.25):
    """Signs of the gradient of the cross-entropy, from a random point; eps is given by the audit."""
    attacked = (inputs + eps * (2 * torch.rand_like(inputs) - 1)).clamp(0, 1)
    for _ in range(steps):
        attacked.requires_grad_()
        loss = torch.nn.functional.cross_entropy(model(attacked), labels, reduction="sum")
        (slope,) = torch.autograd.grad(loss, attacked)
        attacked = attacked.detach() + stride * eps * slope.sign()
        attacked = torch.min(torch.max(attacked, inputs - eps), inputs + eps).clamp(0, 1)
    return attacked


def too_small(model, inputs, labels, eps):
    """The same with steps that do not lead across the ball."""
    return attack(model, inputs, labels, eps, stride=0.02)
