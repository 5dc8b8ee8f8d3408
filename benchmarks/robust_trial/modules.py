"""The four kinds of network of the trial, with weights of variance 2 / fan-in and biases of zero."""

import torch
from torch import Tensor, nn


class Centred(nn.Module):
    """Colour images of mean 1/2 brought to the scale of the other inputs; the attack sees the pixels."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - 0.5) / 0.18


class Residual(nn.Module):
    """x + branch(x)."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def build(kind: str, depth: int, width: int, channels: int, side: int, seed: int) -> nn.Module:
    """A network from images (n, channels, side, side) to ten scores."""
    torch.manual_seed(seed)
    first: list[nn.Module] = [Centred()] if channels == 3 else []
    inputs = channels * side * side
    if kind == "mlp":
        parts: list[nn.Module] = [nn.Flatten()]
        for size in (inputs, *[width] * (depth - 1)):
            parts += [nn.Linear(size, width), nn.ReLU()]
    elif kind == "residual":
        parts = [nn.Flatten(), nn.Linear(inputs, width)]
        parts += [Residual(nn.Sequential(nn.ReLU(), nn.Linear(width, width))) for _ in range(depth)]
        parts += [nn.ReLU()]
    elif kind == "cnn":
        parts = []
        for layer in range(depth):
            stride = 2 if layer == 1 else 1
            parts += [nn.Conv2d(channels if layer == 0 else width, width, 3, padding=1, stride=stride), nn.ReLU()]
        parts += [nn.Flatten()]
    else:
        parts = [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        parts += [_block(width) for _ in range(depth)]
        parts += [nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    body = nn.Sequential(*first, *parts)
    with torch.no_grad():
        features = body(torch.zeros(2, channels, side, side)).shape[1]
    network = nn.Sequential(body, nn.Linear(features, 10))
    for part in network.modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            last = part is network[1]
            nn.init.normal_(part.weight, std=((1 if last else 2) / part.weight[0].numel()) ** 0.5)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    if kind == "residual":  # branches of variance 1 / depth, so that the signal does not explode
        for block in (part for part in network.modules() if isinstance(part, Residual)):
            block.branch[1].weight.data.mul_(depth**-0.5)
    return network.train()


def _block(width: int) -> nn.Module:
    layers = [
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
    ]
    return Residual(nn.Sequential(*layers))
