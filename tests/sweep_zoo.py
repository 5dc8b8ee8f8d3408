"""Small scenarios for sweeps, and what they must come to."""

import jominy as jm

PLAIN = {
    "data": {"kind": "linear-teacher", "dimension": 30, "covariance": {"kind": "identity"}, "noise_variance": 0.25},
    "loss": {"kind": "squared"},
    "radius": 0.3,
    "schedule": {"kind": "constant", "rate": 0.5},
    "times": [0.5, 1.0],
    "simulation": {"seeds": 2},
}
NETWORK = {
    "network": {"depth": 12, "width": 128, "input_dim": 64, "output_dim": 10, "weight_variance": 2.0},
    "radius": 1.3,
    "data": {"kind": "gaussian-classes", "cosine": 0.5},
}


def plain(**changes):
    """A scenario whose forecasts and simulations take milliseconds."""
    return jm.Scenario.from_mapping(PLAIN | changes)


def network(**changes):
    """A network scenario: closed forms, nothing to compile."""
    return jm.NetworkScenario.from_mapping(NETWORK | changes)


def lone(point, result):
    """A point of a sweep's result as a lone run has it: without the swept coordinates and what were attributes."""
    own = [name for name in result.data_vars if name in point.data_vars]
    return result[own].drop_vars([name for name in result.coords if name not in point.coords])


def same(point, result):
    """Whether a point of a sweep holds a lone run's variables, bit for bit."""
    found = lone(point, result)
    return set(found.data_vars) >= set(point.data_vars) - {"radius"} and all(
        found[name].values.tobytes() == point[name].values.tobytes() for name in found.data_vars
    )
