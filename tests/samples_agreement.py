"""How well a forecast on samples agrees with SGD on them: the measures of the issue's table."""

from dataclasses import dataclass

import numpy as np

import jominy as jm
from samples_zoo import RATES, arrays, halves, named, problem


@dataclass(frozen=True)
class Agreement:
    """Forecast minus mean over seeds.

    rms: root mean square over time of the adversarial risk's error, relative to that of the mean
    noise: the same of the mean's standard error
    accuracy: error of the adversarial accuracy at the end (NaN in regression); accuracy_noise: its standard error
    width: (T - 1,) forecast sd of the risk over the sd of the runs, time 0 left out
    """

    rms: float
    noise: float
    accuracy: float
    accuracy_noise: float
    width: np.ndarray
    status: str


def _rms(values) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def agreement(curve, runs, prefix: str = "") -> Agreement:
    risks = runs[prefix + "adversarial_risk"]
    mean, sd = risks.mean("seed").values, risks.std("seed", ddof=1).values
    seeds = risks.sizes["seed"]
    accuracy = accuracy_noise = float("nan")
    if prefix + "adversarial_accuracy" in curve:
        ends = runs[prefix + "adversarial_accuracy"][:, -1]
        accuracy = float(curve[prefix + "adversarial_accuracy"][-1] - ends.mean())
        accuracy_noise = float(ends.std(ddof=1)) / np.sqrt(seeds)
    width = curve.adversarial_risk_sd.values[1:] / np.where(sd[1:] > 0, sd[1:], 1.0)
    error = curve[prefix + "adversarial_risk"].values - mean
    scale = _rms(mean)
    noise = _rms(sd) / np.sqrt(seeds) / scale
    return Agreement(_rms(error) / scale, noise, accuracy, accuracy_noise, width, curve.attrs["status"])


def measured(samples: jm.Samples, loss: str, radius: float, seeds: int, time: float = 20.0, held_out=None):
    """(on the training rows, on the held-out rows or None) at the issue's rates."""
    mine, schedule = problem(samples, loss, radius), jm.Constant(RATES[loss])
    curve = jm.forecast(mine, schedule, time=time, held_out=held_out)
    runs = jm.simulate(mine, schedule, time=time, seeds=seeds, held_out=held_out, progress=False)
    return agreement(curve, runs), None if held_out is None else agreement(curve, runs, "held_out_")


def measured_on(name: str, loss: str, radius: float, seeds: int) -> Agreement:
    return measured(named(name), loss, radius, seeds)[0]


def measured_in_halves(name: str, loss: str, radius: float, seeds: int) -> Agreement:
    """Trained on a random half (seed 0), read out on the other."""
    train, test = halves(*arrays(name))
    return measured(jm.Samples(*train), loss, radius, seeds, held_out=test)[1]


def standard_errors_off(name: str, seeds: int, batch: int = 5000) -> np.ndarray:
    """(5,) z of the forecast risk of least squares at radius 0, rate 0.3, times 1, 2, 5, 10, 20."""
    mine, schedule, times = problem(named(name), "squared", 0.0), jm.Constant(RATES["squared"]), [1, 2, 5, 10, 20]
    curve = jm.forecast(mine, schedule, times=times)
    risks = [
        jm.simulate(mine, schedule, times=times, seeds=range(first, first + batch), progress=False).adversarial_risk
        for first in range(0, seeds, batch)
    ]
    risks = np.concatenate([risk.values for risk in risks])
    return (curve.adversarial_risk.values - risks.mean(axis=0)) / (risks.std(axis=0, ddof=1) / np.sqrt(seeds))
