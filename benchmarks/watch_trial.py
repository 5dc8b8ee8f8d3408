"""Failures of adversarial training, provoked, and healthy trainings, each under a watch.

    python -m benchmarks.watch_trial run looks.jsonl        (goes on where it stopped)
    python -m benchmarks.watch_trial score looks.jsonl

Of each failure seeds 0, 2, 4 set thresholds, seeds 1, 3, 5 are reported; of the healthy trainings none sets any.
"""

import dataclasses
import json
import logging
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

import jominy as jm
from benchmarks.robust_trial.modules import build
from jominy.networks import FGSM, MART, CrossEntropyPlus, LabelledInputs, MinMax, NetworkTRADES, watch
from jominy.networks.threat import nearest_class_distance, seeded
from jominy.networks.watch_rules import RULES, Look

SEEDS = range(6)
FAILURES = {
    "collapse": "constant logits",
    "NaN": "not finite",
    "catastrophic": "catastrophic overfitting",
    "masking": "gradient masking",
    "overfitting": "robust overfitting",
    "dropout in the attack": "wrong mode",
    "left in evaluation": "wrong mode",
    "clean loss": "loss ignores the attack",
}
HEALTHY = ("mlp", "residual", "cnn", "resnet", "cnn with dropout")
OBJECTIVES = {
    "min-max": lambda r, p: MinMax(r, p, restarts=0),
    "FGSM": FGSM,
    "TRADES": lambda r, p: NetworkTRADES(r, 3.0, p),
    "MART": lambda r, p: MART(r, 3.0, p),
    "CE + .3 L_adv": lambda r, p: CrossEntropyPlus(r, 0.3, p),
    "standard": lambda r, p: CrossEntropyPlus(r, 0.0, p),
}


class Sharp(nn.Module):
    """Scores so large that the cross-entropy has no gradient in single precision."""

    def __init__(self, network: nn.Module, scale: float) -> None:
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, x):
        return self.scale * self.network(x)


def images(seed: int, count: int, skip: int = 0) -> LabelledInputs:
    found = jm.digits(seed=seed)
    part = slice(skip, skip + count)
    return LabelledInputs(found.inputs[part].view(-1, 1, 8, 8), found.labels[part])


def fit(module, data, objective, steps, watched, optimizer, *, seed, attack_mode="eval", train_mode="train", twist=""):
    """A loop as people write it."""
    draw, shuffled = seeded(data.inputs, seed), torch.Generator().manual_seed(seed)
    for step in range(steps):
        batch = torch.randint(len(data.labels), (50,), generator=shuffled)
        x, y = data.inputs[batch], data.labels[batch]
        module.train(attack_mode == "train")
        eta = objective.perturb(module, x, y, draw)
        module.train(train_mode == "train")
        loss = objective.losses(module, x, y, 0 * eta if twist == "clean" else eta).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        watched.step(loss)
        if not math.isfinite(float(loss)) and step > 60:
            break


def failure(kind: str, seed: int) -> dict:
    """One provoked failure under a watch."""
    count = 120 if kind == "overfitting" else 1000
    data, rest = images(seed, count), images(seed, 300, 1200)
    distance = nearest_class_distance(data.inputs, data.labels, 2)
    radius, p, steps, more, rate, momentum = 0.15 * distance, 2.0, 250, {}, 0.02, 0.0
    objective = None
    module = build("cnn", 3, 16, 1, 8, seed)
    if kind == "collapse":
        module = build("mlp", 10 + seed, 32, 1, 8, seed)
        radius, rate = (0.4 + 0.05 * seed) * distance, 0.05
    elif kind == "NaN":
        rate, momentum = 10.0 ** (1 + seed % 3), 0.9
    elif kind == "catastrophic":
        radius, p, steps, rate, momentum = (0.5, 0.6, 0.7)[seed % 3], math.inf, 1200, 0.02, 0.9
        objective = FGSM(radius, p, stride=2.0)
    elif kind == "masking":
        scale = (300.0, 1000.0, 3000.0)[seed % 3]
        module, rate, steps = Sharp(module, scale), 0.02 / scale, 500
        objective = MinMax(0.3 * radius, restarts=0)
    elif kind == "overfitting":
        wrong = torch.randperm(count, generator=torch.Generator().manual_seed(seed))[: count // 5]
        labels = data.labels.clone()
        labels[wrong] = (labels[wrong] + 1 + seed) % 10
        data, module = LabelledInputs(data.inputs, labels), build("mlp", 3, 128, 1, 8, seed)
        radius, steps, rate, momentum = 0.12 * distance, 1500, 0.01, 0.9
    elif kind == "dropout in the attack":
        module = build("cnn", 3, 16, 1, 8, seed)
        module[0].append(nn.Dropout(0.3))
        more = {"attack_mode": "train"}
    elif kind == "left in evaluation":
        module = build("resnet", 1, 8, 1, 8, seed)
        more = {"train_mode": "eval"}
    elif kind == "clean loss":
        more, steps = {"twist": "clean"}, 500
    objective = MinMax(radius, p, restarts=0) if objective is None else objective
    return watched_run(kind, seed, module, data, rest, objective, steps, rate, momentum, **more)


def healthy(kind: str, objective: str, seed: int) -> dict:
    """One training at a radius that its network can stand, with the attack in evaluation mode."""
    data, rest = images(seed + 50, 1000), images(seed + 50, 300, 1200)
    p = (2.0, math.inf)[seed % 2]
    radius = (0.06, 0.12)[(seed + len(kind)) % 2] * nearest_class_distance(data.inputs, data.labels, p)
    shape = {"mlp": (3, 128), "residual": (4, 96), "cnn": (3, 16), "resnet": (1, 12), "cnn with dropout": (2, 16)}[kind]
    module = build("cnn" if "cnn" in kind else kind, *shape, 1, 8, seed + 10)
    if "dropout" in kind:
        module[0].append(nn.Dropout(0.2))
    made = OBJECTIVES[objective](radius, p)
    return watched_run(f"healthy {kind}, {objective}", seed, module, data, rest, made, 400, 0.01, 0.9)


def watched_run(name, seed, module, data, rest, objective, steps, rate, momentum, **more) -> dict:
    quiet = logging.getLogger("quiet")
    quiet.disabled = True
    watched = watch(module, data, objective.radius, p=objective.p, held_out=rest, logger=quiet, seed=seed)
    optimizer = torch.optim.SGD(module.parameters(), rate, momentum=momentum)
    fit(module, data, objective, steps, watched, optimizer, seed=seed, **more)
    watched.close()
    end = {"clean": 0.0, "robust": 0.0, "fgsm": 0.0, "held_out": 0.0}
    if all(bool(torch.isfinite(value).all()) for value in module.parameters()):
        module.eval()
        x, y = data.inputs[:300], data.labels[:300]
        etas = {"clean": 0 * x, "robust": jm.pgd(module, x, y, objective.radius, objective.p),
                "fgsm": jm.fgsm(module, x, y, objective.radius, objective.p)}  # fmt: skip
        with torch.no_grad():
            end = {key: float((module(x + eta).argmax(1) == y).double().mean()) for key, eta in etas.items()}
            eta = jm.pgd(module, rest.inputs, rest.labels, objective.radius, objective.p)
            end["held_out"] = float((module(rest.inputs + eta).argmax(1) == rest.labels).double().mean())
    return {"name": name, "seed": seed, "end": end, "cost": watched.cost, "steps": watched.steps,
            "alarms": [dataclasses.asdict(alarm) for alarm in watched.alarms],
            "looks": [look.describe() for look in watched.looks]}  # fmt: skip


def jobs() -> Iterator[tuple[str, int, object]]:
    for kind in FAILURES:
        for seed in SEEDS:
            yield kind, seed, lambda kind=kind, seed=seed: failure(kind, seed)
    for kind in HEALTHY:
        for objective in OBJECTIVES:
            for seed in range(2):
                name = f"healthy {kind}, {objective}"
                yield name, seed, lambda k=kind, o=objective, s=seed: healthy(k, o, s)


def alarms_of(row: dict) -> list[tuple[str, int, str]]:
    """Alarms by the rules as they are now, from the looks; those that need more than looks as they were told."""
    known = {field.name for field in dataclasses.fields(Look)}
    looks, told = [Look(**{k: v for k, v in look.items() if k in known}) for look in row["looks"]], {}
    for k in range(1, len(looks) + 1):
        for rule in RULES:
            alarm = rule(looks[:k], math.log(10))
            if alarm is not None:
                told.setdefault(alarm.name, (alarm.step, alarm.evidence))
    for alarm in row["alarms"]:
        if alarm["name"] == "not finite" or "passes" in alarm["evidence"]:
            told.setdefault(alarm["name"], (alarm["step"], alarm["evidence"]))
    return [(name, *rest) for name, rest in told.items()]


def score(file: Path) -> str:
    """Named and not, by kind of failure and half; false alarms of the healthy."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    told = []
    for kind, alarm in FAILURES.items():
        own = [row for row in rows if row["name"] == kind]
        for half, name in ((0, "fit"), (1, "reported")):
            part = [row for row in own if row["seed"] % 2 == half]
            hits = [a[1] for row in part for a in alarms_of(row) if a[0] == alarm]
            others = [(row["seed"], a[0], a[1]) for row in part for a in alarms_of(row) if a[0] != alarm]
            told.append(f"{kind} ({name}): {len(hits)} of {len(part)} named `{alarm}`, at steps {hits}; also {others}")
    fine = [row for row in rows if row["name"].startswith("healthy")]
    false = [(row["name"], row["seed"], *a) for row in fine for a in alarms_of(row)]
    told.append(f"healthy: {len({f[:2] for f in false})} of {len(fine)} with an alarm: {false}")
    told.append(f"largest cost of the looks: {max(row['cost'] for row in rows):.3f}")
    return "\n".join(told)


if __name__ == "__main__":
    torch.set_num_threads(1)
    what, target = sys.argv[1], Path(sys.argv[2])
    if what == "score":
        print(score(target))
    else:
        done = (
            {(r["name"], r["seed"]) for r in map(json.loads, target.read_text().splitlines())}
            if target.exists()
            else set()
        )
        for name, seed, job in jobs():
            if (name, seed) not in done and (len(sys.argv) < 4 or name.startswith(sys.argv[3])):
                line = json.dumps(job())
                with target.open("a") as out:
                    out.write(line + "\n")
