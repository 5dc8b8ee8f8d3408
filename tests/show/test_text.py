import numpy as np
import pytest

from jominy.show.text import number, percent, pick, plus_minus, signed, table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.5, "0.5000"),
        (1e-5, "1e-05"),
        (123456.0, "1.23e+05"),
        (-np.inf, "-inf"),
        (np.nan, "-"),
        (-0.5, "-0.5000"),
    ],
)
def test_number(value, text):
    assert number(value) == text


def test_plus_minus():
    assert plus_minus(1.0, 0.00123) == "1.0000 ± 0.0012"
    assert plus_minus(np.inf, np.inf) == "inf"
    assert plus_minus(0.0, 0.0) == "0"


def test_huge_numbers_stay_short():
    assert (signed(150232966.1), percent(109321855.0), plus_minus(103.8, 76.2)) == (
        "+1.5e+08",
        "1.1e+10 %",
        "103.8000 ± 76",
    )


def test_zero_has_no_sign():
    assert signed(-0.04) == "0.0" and signed(-0.06) == "-0.1" and percent(0) == "0.00 %"


def test_pick_keeps_both_ends():
    assert pick(np.arange(3), 6) == [0, 1, 2]
    chosen = pick(np.linspace(0, 20, 101), 6)
    assert chosen == [0, 20, 40, 60, 80, 100]
    assert pick(np.array([0, 0.1, 0.2, 10]), 3) == [0, 2, 3]


def test_table_aligns():
    assert table([("t", "risk"), ("10", "0.5")]) == " t  risk\n10   0.5"
