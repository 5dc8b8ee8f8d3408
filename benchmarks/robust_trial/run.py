"""The trainings of the trial, one after the other, a line of JSON each."""

import copy
import json
import math
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from benchmarks.robust_trial.data import data_of, l2_equivalent
from benchmarks.robust_trial.design import BATCH, PROBE, SEEDS, STEPS, Design, designs
from benchmarks.robust_trial.modules import build
from jominy.networks import CrossEntropyPlus, LabelledInputs, measure_chi, measure_trainability, pgd, train
from jominy.networks.threat import nearest_class_distance

EVALUATED = 300


def run(file: Path, limit: int | None = None) -> None:
    """Run what the file does not hold yet."""
    done = set()
    if file.exists():
        done = {(row["number"], row["seed"]) for row in map(json.loads, file.read_text().splitlines())}
    wanted = [(design, seed) for design in designs() for seed in range(SEEDS)]
    for design, seed in [pair for pair in wanted if (pair[0].number, pair[1]) not in done][:limit]:
        row = trial(design, seed)
        with file.open("a") as out:
            out.write(json.dumps(row) + "\n")


def trial(design: Design, seed: int) -> dict:
    """One training and its twin without attacks: indices before a step, a probe after 20, outcomes after 150."""
    torch.set_num_threads(1)
    data = data_of(design.data, 1000 * design.number + seed)
    radius = design.share * nearest_class_distance(data.inputs, data.labels, design.p)
    channels, side = data.inputs.shape[1:3]
    start = build(design.kind, design.depth, design.width, channels, side, 7000 + 10 * design.number + seed)
    box = (0.0, 1.0) if design.data == "colour" else None
    chi = measure_chi(
        start, data, radius, p=design.p, box=box, adaptive=design.optimizer == "Adam", balanced=True, seed=seed
    )
    tau = measure_trainability(start, data, radius, adversarial_weight=design.weight, p=design.p, seed=seed)
    row = {**asdict(design), "p": "inf" if math.isinf(design.p) else "2", "seed": seed, "radius": radius}
    row |= {"chi": float(chi["chi"][0]), "radius_over_distance": float(chi["radius_over_distance"][0])}
    row |= {"tau": float(tau["trainability_index"][0]), "radius_l2": l2_equivalent(radius, design.p, data.inputs)}
    row["spread"] = float((data.inputs - data.inputs.mean(0)).flatten(1).norm(dim=1).mean())
    objectives = {"": design.loss(radius), "twin_": CrossEntropyPlus(radius, weight=0.0, p=design.p, box=box)}
    for name, objective in objectives.items():
        for steps, when in ((PROBE, "probe_"), (STEPS, "")):
            network = copy.deepcopy(start)
            found = train(
                network,
                data,
                objective,
                optimizer=design.optimizer_of,
                steps=steps,
                batch_size=BATCH,
                seed=seed,
                record_every=steps,
                record_on=LabelledInputs(data.inputs[:20], data.labels[:20]),
                progress=False,
            )
            fine = found.attrs["status"] == "completed"
            row |= {f"{when}{name}{key}": value for key, value in outcomes(network, data, radius, design, fine).items()}
    return row


@torch.no_grad()
def outcomes(network: nn.Module, data: LabelledInputs, radius: float, design: Design, fine: bool) -> dict:
    """Clean and robust accuracy (PGD-10), and robust signal over variation, on the first 300 training inputs."""
    x, y = data.inputs[:EVALUATED], data.labels[:EVALUATED]
    if not fine or not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
        return {"clean": 0.0, "robust": 0.0, "robust_signal": -1.0}
    box = (0.0, 1.0) if design.data == "colour" else None
    mode = network.training
    network.eval()
    eta = pgd(network, x, y, radius, design.p, box=box, steps=10, restarts=0)
    clean, robust = network(x), network(x + eta)
    network.train(mode)
    residual = torch.nn.functional.one_hot(y, 10) - 0.1
    variation = (clean - clean.mean(0)).norm(dim=1).mean()
    signal = (residual * robust).sum(1).mean() / variation.clamp_min(1e-12)
    accuracy = [float((scores.argmax(1) == y).double().mean()) for scores in (clean, robust)]
    return {"clean": accuracy[0], "robust": min(accuracy), "robust_signal": float(signal)}
