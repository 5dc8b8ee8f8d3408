"""Threats that no audit can judge are refused; those at the edge of single precision are judged fairly."""

import numpy as np
import pytest

import jominy as jm
from jominy.audits.threat import Threat
from jominy.errors import InputError

torch = pytest.importorskip("torch")
from broken_attacks import fgsm  # noqa: E402


def test_rounding_of_small_radii_is_no_excess():
    told = jm.audit(fgsm, 1e-4)
    assert told.median > 0.99 and not [one.name for one in told.findings if one.mistake]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"radius": 1e-7}, "single precision"),
        ({"radius": 8.0}, "smaller than the box"),
        ({"radius": 8.0, "p": 2}, "smaller than the box"),
        ({"radius": 0.1, "at_least": 2}, "share of the optimum"),
        ({"radius": 0.1, "seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_judged_is_refused(asked, words):
    with pytest.raises(InputError, match=words):
        jm.audit(fgsm, **asked)


def test_features_without_a_budget_do_not_count_as_room():
    weights = np.array([0.0, 1.0, 4.0, 4.0] * 4)
    threat = Threat(1.5, 2, (0, 1), weights)
    threat.require_felt(16)  # 1.5 < sqrt(4 (1 + 1/4 + 1/4))
    with pytest.raises(InputError, match="smaller than the box"):
        Threat(2.5, 2, (0, 1), weights).require_felt(16)
