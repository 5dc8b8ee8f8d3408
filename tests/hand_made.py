"""Small results made by hand, for tests of what consumes results."""

import numpy as np

from jominy.results import Status, make_result

TIMES = np.array([0.0, 1.0, 2.0, 4.0])


def forecast(status=Status.COMPLETED, times=TIMES, **variables):
    """A forecast with the given curves over `times`; a norm that grows linearly if none is given."""
    curves = variables or {"norm": 0.5 * times}
    return make_result(
        {name: (("time",), np.asarray(values, dtype=float)) for name, values in curves.items()},
        {"time": times},
        engine="forecast",
        scenario={"problem": {"radius": 0.5}},
        status=status,
    )


def simulation(runs, status=Status.COMPLETED, times=TIMES):
    """A simulation with the given runs: name -> (seed, time)."""
    count = len(next(iter(runs.values())))
    return make_result(
        {name: (("seed", "time"), np.asarray(values, dtype=float)) for name, values in runs.items()},
        {"time": times, "seed": np.arange(count)},
        engine="simulate",
        scenario={"problem": {"radius": 0.5}},
        status=status,
        seed=list(range(count)),
    )


def classification(seeds=None, *, held_out=True):
    """A forecast (seeds None) or simulation of a classification problem with everything that figures show."""
    times = np.linspace(0.0, 10.0, 21)
    radii = np.linspace(0.0, 1.0, 5)
    decay = np.exp(-times / 2)
    curves = {
        "adversarial_risk": 0.5 + 0.2 * decay,
        "clean_risk": 0.3 + 0.4 * decay,
        "adversarial_accuracy": 0.7 - 0.2 * decay,
        "clean_accuracy": 0.9 - 0.4 * decay,
        "norm": 1.2 * (1 - decay),
        "distance_to_optimum": 0.3 + 0.9 * decay,
        "learning_rate": np.ones_like(times),
    }
    if held_out:
        curves["held_out_adversarial_risk"] = 0.55 + 0.15 * decay
        curves["held_out_adversarial_accuracy"] = 0.66 - 0.16 * decay
    variables = {name: (("time",), values) for name, values in curves.items()}
    surface = curves["clean_accuracy"][:, None] - 0.3 * radii
    variables["accuracy_at_radius"] = (("time", "evaluation_radius"), surface)
    coords = {"time": times, "evaluation_radius": radii}
    if seeds is not None:
        rng = np.random.default_rng(0)
        variables = {
            name: (
                ("seed", *dims),
                values + 0.02 * (name != "learning_rate") * rng.standard_normal((seeds, *values.shape)),
            )
            for name, (dims, values) in variables.items()
        }
        coords["seed"] = np.arange(seeds)
    return make_result(
        variables,
        coords,
        engine="forecast" if seeds is None else "simulate",
        scenario={"problem": {"radius": 0.5}},
        status=Status.COMPLETED,
    )
