import json

import numpy as np
import pytest
import xarray as xr

import hand_made
from jominy.results import Status, make_result
from jominy.study.picture import verdict, with_picture


def words(gap, null, trustworthy):
    return verdict(xr.Dataset(attrs={"gap": gap, "gap_null": json.dumps(null), "trustworthy": trustworthy}))


def test_far_beyond_chance():
    text = words(0.63, [0.1, 0.12], 0)
    assert (
        "63 %" in text
        and "10 to 12 %" in text
        and "not Gaussian in a way that matters" in text
        and "Do not use" in text
    )


def test_within_chance():
    text = words(0.08, [0.05, 0.09], 0)
    assert "says nothing against Gaussian classes" in text and "Do not use" in text


def test_small_gap_is_trustworthy():
    text = words(0.012, [0.008], 1)
    assert "1.2 %" in text and "0.8 %" in text and "trustworthy" in text


def test_curves_are_added_on_the_times_of_the_forecast():
    picture = make_result(
        {"gaussian_adversarial_risk": (("time",), [1.0, 0.0])},
        {"time": [0.0, 4.0]},
        engine="gaussian_picture",
        scenario={},
        status=Status.COMPLETED,
        notes=["a note"],
        extra={"gap": 0.3, "gap_null": [0.1], "trustworthy": 0},
    )
    both = with_picture(hand_made.forecast(), picture)
    np.testing.assert_allclose(both["gaussian_adversarial_risk"], [1, 0.75, 0.5, 0])
    assert both["gaussian_adversarial_risk"].attrs["long_name"].endswith("one Gaussian per class")
    assert both.attrs["gap"] == pytest.approx(0.3) and json.loads(both.attrs["notes"]) == ["a note"]
    assert both.attrs["engine"] == "forecast"
