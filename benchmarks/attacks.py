"""Attacks: 64 inputs on ten layers of a thousand units for nine pairs of norms, and PGD against a library's."""

import itertools
import math
import time

import torch

import jominy as jm
from benchmarks.timing import Row

COUNT, DEPTH, WIDTH, DIM, OUTPUTS = 64, 10, 1000, 784, 10


def network() -> jm.RandomNetwork:
    """Plain ReLU network, variance 2."""
    return jm.RandomNetwork(jm.Architecture(DEPTH, WIDTH, DIM, OUTPUTS, weight_variance=2.0), seed=0)


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table: the slowest of the pairs counts."""
    net, inputs = network(), jm.noise(COUNT, DIM, seed=0)
    taken = {}
    norms = (1, 2) if quick else (1, 2, math.inf)
    for p, q in itertools.product(norms, repeat=2):
        begin = time.perf_counter()
        jm.strongest_perturbation(net, inputs, 2.8 if p != math.inf else 0.1, p, q)
        taken[p, q] = time.perf_counter() - begin
    slowest = max(taken, key=lambda pair: taken[pair])
    rows = [
        Row(
            f"strongest perturbation of {COUNT} inputs, width {WIDTH}, depth {DEPTH}",
            f"{taken[slowest]:.2f} s for the slowest pair {slowest}",
            "none: libraries attack classifiers, not outputs",
            None,
            "< 10 s for each pair",
            taken[slowest] < 10,
            f"{torch.get_num_threads()} threads; all pairs: {sum(taken.values()):.1f} s",
        )
    ]
    return rows + _against_a_library(net)


def _against_a_library(net: jm.RandomNetwork) -> list[Row]:
    """Cross-entropy reached in the same number of steps by PGD here and in the Adversarial Robustness Toolbox."""
    try:
        from art.attacks.evasion import ProjectedGradientDescentPyTorch
        from art.estimators.classification import PyTorchClassifier
    except ImportError:
        return []
    data = jm.gaussian_classes(COUNT, DIM, OUTPUTS, seed=1)
    criterion = torch.nn.CrossEntropyLoss()
    model = PyTorchClassifier(net, criterion, (DIM,), OUTPUTS, device_type="cpu")
    begin = time.perf_counter()
    mine = jm.pgd(net, data.inputs, data.labels, 2.8, 2, steps=20, restarts=0)
    middle = time.perf_counter()
    attack = ProjectedGradientDescentPyTorch(model, norm=2, eps=2.8, eps_step=0.35, max_iter=20, verbose=False)
    theirs = torch.from_numpy(attack.generate(data.inputs.numpy(), data.labels.numpy()))
    end = time.perf_counter()
    with torch.no_grad():
        losses = [float(criterion(net(x), data.labels)) for x in (data.inputs + mine, theirs)]
    return [
        Row(
            f"PGD on {COUNT} inputs, l2, 20 steps: cross-entropy reached and time",
            f"{losses[0]:.4f} in {middle - begin:.2f} s",
            f"Adversarial Robustness Toolbox: {losses[1]:.4f} in {end - middle:.2f} s",
            losses[0] / losses[1],
            "no weaker",
            losses[0] >= losses[1] * (1 - 1e-3),
            "ratio: of the losses; above 1 is the stronger attack",
        )
    ]
