"""A sound attack by gradients, and ways of getting it wrong: each name is what an audit should say."""

import torch
from torch.nn.functional import cross_entropy


def pgd(
    model, x, y, radius, *, steps=20, stride=None, sign=1.0, clip=True, project=True, kind="inf", rescale=None,
    reset=True, training=False, target=None, start=True, bounds=(0, 1),
):  # fmt: skip
    """Projected gradient ascent in l_inf or l2."""
    stride = 2.5 * radius / max(steps, 1) if stride is None else stride
    if training:
        model.train()
    draw = torch.Generator().manual_seed(1)
    adv = x + (radius * (2 * torch.rand(x.shape, generator=draw) - 1) if start and kind == "inf" else 0)
    adv = adv.clamp(*bounds) if clip else adv
    memory = torch.zeros_like(x)
    for _ in range(steps):
        adv = adv.detach().requires_grad_()
        scores = model(adv if rescale is None else (adv - rescale[0]) / rescale[1])
        if target is None:
            loss = sign * cross_entropy(scores, y, reduction="sum")
        else:
            loss = -cross_entropy(scores, target(scores, y), reduction="sum")
        (slope,) = torch.autograd.grad(loss, adv)
        memory = slope if reset else memory + slope
        step = (
            memory.sign() if kind != "l2" else memory / memory.flatten(1).norm(dim=1).clamp_min(1e-12).view(-1, 1, 1, 1)
        )
        delta = adv.detach() + stride * step - x
        if project:
            if kind == "inf":
                delta = delta.clamp(-radius, radius)
            else:
                size = delta.flatten(1).norm(dim=1).clamp_min(1e-12).view(-1, 1, 1, 1)
                delta = delta * (radius / size).clamp_max(1)
        adv = (x + delta).clamp(*bounds) if clip else x + delta
    return adv.detach()


def fgsm(model, x, y, radius):
    return pgd(model, x, y, radius, steps=1, stride=radius, start=False)


def next_class(scores, y):
    return (y + 1) % scores.shape[1]


LINF = {
    "sign mistaken": lambda model, x, y, radius: pgd(model, x, y, radius, sign=-1.0),
    "targeted": lambda model, x, y, radius: pgd(model, x, y, radius, target=next_class),
    "norm mistaken": lambda model, x, y, radius: pgd(model, x, y, radius, kind="l2", stride=radius / 4),
    "step too small": lambda model, x, y, radius: pgd(model, x, y, radius, stride=radius / 100, start=False),
    "too few steps": lambda model, x, y, radius: pgd(model, x, y, radius, steps=2, stride=radius / 4, start=False),
    "gradient not reset": lambda model, x, y, radius: pgd(model, x, y, radius, reset=False),
    "training mode": lambda model, x, y, radius: pgd(model, x, y, radius, training=True),
    "wrong normalisation": lambda model, x, y, radius: pgd(model, x, y, radius, rescale=(0.5, 0.25)),
    "budget exceeded": lambda model, x, y, radius: pgd(model, x, y, radius, project=False),
    "box left": lambda model, x, y, radius: pgd(model, x, y, radius, clip=False),
    "perturbation returned": lambda model, x, y, radius: pgd(model, x, y, radius) - x,
    "no effect": lambda model, x, y, radius: pgd(model, x, y, radius, steps=0, start=False),
    "gradient not followed": lambda model, x, y, radius: (
        x + radius * torch.randn(x.shape, generator=torch.Generator().manual_seed(2)).sign()
    ).clamp(0, 1),
}
L2 = {
    "norm mistaken": lambda model, x, y, radius: pgd(model, x, y, radius, kind="sign in l2", stride=radius / 20),
    "sign mistaken": lambda model, x, y, radius: pgd(model, x, y, radius, kind="l2", sign=-1.0),
    "step too small": lambda model, x, y, radius: pgd(model, x, y, radius, kind="l2", stride=radius / 100),
    "wrong normalisation": lambda model, x, y, radius: x + (pgd(model, x, y, radius, kind="l2") - x) * 0.25,
    "budget exceeded": lambda model, x, y, radius: pgd(model, x, y, 2 * radius, kind="l2"),
    "targeted": lambda model, x, y, radius: pgd(model, x, y, radius, kind="l2", target=next_class),
    "gradient not reset": lambda model, x, y, radius: pgd(model, x, y, radius, kind="l2", reset=False),
}
