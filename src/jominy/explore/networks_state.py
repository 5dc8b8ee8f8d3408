"""The state of the second tab, and the network scenario that it stands for."""

from __future__ import annotations

from typing import Any, Literal

from jominy.explore.fields import Request, choice, number, switch

_NORMS = {"1": "l1", "2": "l2", "inf": "l infinity"}


class Networks(Request):
    """Everything the second tab's controls say."""

    depth: int = number(12, "depth", "hidden layers", (1, 48), (1, 200))
    width: int = number(128, "width", "units per layer", (16, 4096), (4, 1_000_000), log=True)
    shortcut: bool = switch(False, "shortcuts", "every layer adds its input")
    weight_variance: float = number(2.0, "weight variance", "width times that of a weight", (0.05, 4.0), (1e-3, 16.0))
    p: Literal["1", "2", "inf"] = choice("2", "norm p of the attack", _NORMS)
    q: Literal["1", "2", "inf"] = choice("2", "norm q of the output", _NORMS)
    radius: float = number(1.3, "radius", "p-norm of the attack", (0.01, 10.0), (0.0, 1e4), log=True)
    input_dim: int = number(64, "input dimension", "", (8, 4096), (1, 1_000_000), log=True)
    output_dim: int = number(10, "outputs", "classes", (2, 100), (1, 10_000))
    cosine: float = number(0.5, "likeness in a class", "mean cosine of two inputs", (0.0, 1.0), (0.0, 1.0))
    learning_rate: float = number(0.008, "learning rate", "plain gradient descent", (1e-4, 0.1), (1e-9, 1e3), log=True)
    steps: int = number(200, "steps", "planned", (10, 10_000), (1, 10_000_000), log=True)

    def mapping(self) -> dict[str, Any]:
        """The network scenario as a scenario file says it."""
        names = ("depth", "width", "input_dim", "output_dim", "weight_variance", "shortcut")
        norms = {name: value if value == "inf" else int(value) for name, value in (("p", self.p), ("q", self.q))}
        kind = "residual" if self.shortcut else "plain"
        return {
            "title": f"{self.depth} ReLU layers of {self.width} units, {kind}, radius {self.radius:g}",
            "network": {name: getattr(self, name) for name in names},
            "radius": self.radius,
            **norms,
            "data": {"kind": "gaussian-classes", "cosine": self.cosine},
            "training": {"learning_rate": self.learning_rate, "steps": self.steps},
        }
