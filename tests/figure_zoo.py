"""One figure of each kind that jominy draws, on small problems; with a title of the caller's."""

import json

import numpy as np

import hand_made
import jominy as jm
from jominy.show.network_figures import plot_network
from jominy.show.phase import Show, plot_phase
from jominy.show.sweeps import plot_sweep
from sweep_zoo import network

NETWORK = jm.Architecture(4, 200, 30, 5, weight_variance=2.0)
VARY = {"width": [100, 200, 400], "shortcut": [False, True]}


def phases():
    """A phase diagram by hand: every regime, both borders."""
    x, y = np.linspace(0, 1.2, 7), np.linspace(0.1, 2, 6)
    ratio = np.broadcast_to(x[:, None] / 0.9, (7, 6))
    words = np.where(ratio >= 1, "collapsed", "completed").astype(object)
    words[:, 4:], words[0, 0], words[1, 0], words[2, 0] = "diverged", "failed", "stuck at zero", "not computed"
    import xarray as xr

    dims = ("radius", "rate")
    told = {
        "status": (dims, words), "reason": (dims, np.full((7, 6), "", dtype=object)),
        "adversarial_risk": (("radius", "rate", "time"), np.exp(-np.outer(x, y))[..., None]),
        "radius_over_collapse": (dims, ratio), "rate_over_stable": (dims, np.broadcast_to(y / 1.3, (7, 6))),
        "rate_over_divergent": (dims, np.full((7, 6), np.nan)),
    }  # fmt: skip
    sweep = {"fields": {name: name for name in dims}, "logarithmic": []}
    attrs = {"sweep": json.dumps(sweep), "here": json.dumps(dict.fromkeys(dims, 0.5))}
    attrs |= {"engine": "sweep of forecasts", "format": "jominy result 1", "status": "completed", "notes": "[]"}
    return xr.Dataset(told, coords={"radius": x, "rate": y, "time": [4.0]}, attrs=attrs)


def figures(title=""):
    """(name, figure) of each kind."""
    told, seen = (one.assign_attrs(title=title) for one in (hand_made.classification(), hand_made.classification(5)))
    gaussian = told.assign(gaussian_adversarial_risk=told["adversarial_risk"] + 0.03)
    yield "curves", jm.plot(gaussian.assign(gaussian_adversarial_accuracy=told["adversarial_accuracy"] - 0.03), seen)
    yield "decades", jm.plot(hand_made.forecast(adversarial_risk=[1, 0.1, 0.01, 1e-3], clean_risk=[2, 0.1, 0.01, 1e-3]))
    line = jm.sweep(network(), {"width": [64, 128, 256, 512]}, progress=False).assign_attrs(title=title)
    yield "sweep", plot_sweep(line)
    grid = jm.sweep(network(), {"radius": jm.Linear(0.1, 1, 5), "width": jm.Logarithmic(64, 512, 4)}, progress=False)
    yield "map", plot_sweep(grid.assign_attrs(title=title))
    yield "regimes", plot_phase(phases().assign_attrs(title=title))
    yield "risks", plot_phase(phases().assign_attrs(title=title), Show.RISK)
    theory, trained = (
        jm.network_theory(NETWORK, 0.4, vary=VARY),
        jm.trainability(NETWORK, 0.4, jm.InputGeometry(1.0, 0.5, 0.0), vary=VARY),
    )
    yield "network", plot_network(theory, trained, title=title)
    yield "one network", plot_network(jm.network_theory(NETWORK, 0.4), title=title)
