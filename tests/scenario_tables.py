"""Scenarios as the mappings that a TOML file gives."""

BASE = {
    "data": {"kind": "linear-teacher", "dimension": 100, "covariance": {"kind": "identity"}},
    "loss": {"kind": "squared"},
    "radius": 0.5,
    "schedule": {"kind": "constant", "rate": 0.5},
    "time": 2,
}


def mixture(**component):
    """A mixture of one component, with some of the component's keys changed."""
    return {
        "kind": "mixture",
        "dimension": 5,
        "components": [{"weight": 1.0, "covariance": {"kind": "identity"}} | component],
    }
