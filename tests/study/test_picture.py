import json

import numpy as np
import pytest

import hand_made
from jominy.results import Status, make_result
from jominy.study.picture import with_picture


def test_curves_are_added_on_the_times_of_the_forecast():
    picture = make_result(
        {"gaussian_adversarial_risk": (("time",), [1.0, 0.0])},
        {"time": [0.0, 4.0]},
        engine="gaussian_picture",
        scenario={},
        status=Status.COMPLETED,
        notes=["a note"],
        extra={"gap": 0.3, "gap_null": [0.1], "trustworthy": 0, "verdict": "no"},
    )
    both = with_picture(hand_made.forecast(), picture)
    np.testing.assert_allclose(both["gaussian_adversarial_risk"], [1, 0.75, 0.5, 0])
    assert both["gaussian_adversarial_risk"].attrs["long_name"].endswith("one Gaussian per class")
    assert both.attrs["gap"] == pytest.approx(0.3) and json.loads(both.attrs["notes"]) == ["a note"]
    assert (both.attrs["trustworthy"], both.attrs["verdict"]) == (0, "no")
    assert both.attrs["engine"] == "forecast"
