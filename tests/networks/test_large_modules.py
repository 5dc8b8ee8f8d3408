"""Modules of the size that people bring: how long a diagnosis takes, and that it ends in sentences, not in a trace."""

import math
import time

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import jominy as jm  # noqa: E402


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.one = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.two = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(2))
        self.skip = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.skip = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        inner = torch.relu(self.norms[0](self.one(x)))
        return torch.relu(self.norms[1](self.two(inner)) + self.skip(x))


def resnet18():
    """ResNet-18 for images of 32 x 32."""
    torch.manual_seed(0)
    parts, wide = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        parts += [Block(wide, outputs, stride), Block(outputs, outputs, 1)]
        wide = outputs
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def images(count, side):
    """Ten classes of smooth patterns in [0, 1], under noise."""
    draw = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 10
    patterns = torch.rand(10, 3, 8, 8, generator=draw)[labels]
    patterns = nn.functional.interpolate(patterns, size=side, mode="bilinear")
    noise = torch.rand(count, 3, side, side, generator=draw) - 0.5
    return (0.25 + 0.5 * patterns + 0.15 * noise).clamp(0, 1), labels


@pytest.mark.slow
def test_a_resnet_of_64_images_takes_a_minute_of_two_cores(capsys):
    """67 s of one core, measured: within two minutes of processor time, with a bar."""
    x, y = images(64, 32)
    start = time.process_time()
    found = jm.diagnose(resnet18(), x, 8 / 255, math.inf, labels=y, box=(0, 1))
    assert time.process_time() - start < 120
    assert found.attacked < found.count == 64 and found.outlook.chi > 0
    assert "index chi" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "name", "side", "more"),
    [
        ("torchvision", "resnet18", 32, {}),
        ("torchvision", "vgg11", 32, {}),
        ("torchvision", "mobilenet_v2", 32, {}),
        ("torchvision", "squeezenet1_1", 64, {}),
        ("torchvision", "densenet121", 32, {}),
        ("timm", "vit_tiny_patch16_224", 32, {"img_size": 32, "patch_size": 8}),
        ("timm", "mixer_s32_224", 64, {"img_size": 64}),
        ("timm", "convnext_atto", 64, {}),
    ],
)
def test_modules_of_torchvision_and_timm(library, name, side, more):
    """Where they are installed."""
    torch.manual_seed(0)
    if library == "torchvision":
        module = getattr(pytest.importorskip("torchvision.models"), name)(num_classes=10)
    else:
        module = pytest.importorskip("timm").create_model(name, num_classes=10, **more)
    x, y = images(64, side)
    words = jm.diagnose(module, x, 8 / 255, math.inf, labels=y, box=(0, 1), progress=False).sentences()
    assert words[0].startswith("Adversarial training at l_inf radius 0.0314") and "nan" not in " ".join(words)
