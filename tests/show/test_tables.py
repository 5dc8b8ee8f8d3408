import numpy as np

import hand_made
from jominy import Status, compare
from jominy.show import agreement, tables


def test_header_has_title_status_advice_and_notes():
    result = hand_made.forecast(Status.DIVERGED).assign_attrs(title="My study", notes='["mind the gap"]')
    lines = tables.header(result).splitlines()
    assert lines[0] == "My study" and lines[1] == "forecast: diverged"
    assert any("Lower the learning rate" in line for line in lines)
    assert lines[-1] == "note: mind the gap"


def test_no_advice_where_none_is_needed():
    assert tables.header(hand_made.forecast()) == "forecast: completed"


def test_curves_of_a_forecast():
    text = tables.curves(hand_made.classification())
    assert text.splitlines()[0].split("  ")[0] == "time"
    for heading in ("adv. risk", "clean risk", "adv. accuracy", "held-out adv. risk", "norm"):
        assert heading in text
    assert len(text.splitlines()) == 7
    assert text.splitlines()[-1].split()[:2] == ["10", "0.5013"]


def test_curves_of_a_simulation_have_errors():
    assert "±" in tables.curves(hand_made.simulation({"norm": [[0, 1, 2, 3], [0, 1.1, 2.1, 3.1]]}))
    assert "±" not in tables.curves(hand_made.simulation({"norm": [[0, 1, 2, 3]]}))


def test_infinite_values_are_shown_as_such():
    assert tables.curves(hand_made.forecast(Status.DIVERGED, norm=[1, 2, 3, np.inf])).endswith("inf")


def test_radii():
    text = tables.radii(hand_made.classification(), hand_made.classification(4))
    lines = text.splitlines()
    assert lines[0].split() == ["radius", "0", "0.25", "0.5", "0.75", "1"]
    assert lines[1].startswith("accuracy in training, forecast") and lines[2].startswith(
        "accuracy in training, SGD mean"
    )


def test_the_preprocessing_is_told_once():
    result = hand_made.forecast().assign_attrs(notes='["centred 3 features", "mind the gap"]')
    result.attrs["scenario"] = '{"problem": {"data": {"count": 9, "dimension": 3, "report": ["centred 3 features"]}}}'
    assert tables.header(result) == "forecast: completed\nnote: mind the gap"


def test_preprocessing_report():
    result = hand_made.forecast()
    assert tables.preprocessing(result) == ""
    result.attrs["scenario"] = '{"problem": {"data": {"count": 9, "dimension": 3, "report": ["centred 3 features"]}}}'
    assert tables.preprocessing(result) == "data: 9 samples, dimension 3\n  centred 3 features"


def test_comparison():
    report = compare(hand_made.classification(), hand_made.classification(10))
    text = agreement.comparison(report)
    assert "adversarial risk\ntime  forecast  SGD mean ± s.e." in text
    assert len(text.split("\n\n")) == 5
    lines = agreement.agreement(report).splitlines()
    assert lines[0].startswith("over all times") and len(lines) == 1 + 8


def test_comparison_after_a_divergence_has_no_numbers_there():
    told = hand_made.forecast(Status.DIVERGED, norm=[1, 2, np.inf, np.inf])
    report = compare(told, hand_made.simulation({"norm": [[1, 2, np.inf, np.inf], [1, 2.1, 3, np.inf]]}))
    last = agreement.comparison(report).splitlines()[-1]
    assert last.split() == ["4", "inf", "inf", "-", "-"]


def test_in_words():
    report = compare(hand_made.classification(), hand_made.classification(10))
    text = agreement.in_words(report)
    assert "of the mean of 10 runs of SGD" in text and "adversarial accuracy at the end is off by 0.0" in text


def test_no_words_of_agreement_after_a_divergence():
    report = compare(
        hand_made.forecast(Status.DIVERGED, adversarial_risk=[1, 2, np.inf, np.inf]),
        hand_made.simulation({"adversarial_risk": [[1, 2, 3, 4]] * 2}),
    )
    assert agreement.in_words(report).startswith("No agreement can be expected")


def test_summary():
    assert (
        tables.summary({"norm": 0.5, "regime": "shrink", "vector": [1, 2], "ridge": None})
        == "norm    0.5000\nregime  shrink"
    )
