import json

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


def test_a_rate_that_was_given_is_not_compared():
    told = hand_made.forecast(norm=[0, 1, 1, 1.5], learning_rate=[1.2] * 4)
    seen = hand_made.simulation({"norm": [[0, 1, 1, 1], [0, 1, 1, 2]], "learning_rate": [[1.2] * 4, [1.2 + 3e-16] * 4]})
    assert "learning rate" not in agreement.agreement(compare(told, seen))


def test_in_words():
    report = compare(hand_made.classification(), hand_made.classification(10))
    text = agreement.in_words(report)
    assert "of the mean of 10 runs of SGD" in text and "adversarial accuracy at the end is off by 0.0" in text


def words(forecast, spread, data=None, seeds=20, bias=None):
    """Of a norm of 1 in the mean over runs, with that standard error, and of another forecast."""
    runs = 1 + spread * np.sqrt(seeds) * np.tile([-1.0, 1.0], seeds // 2) * np.sqrt((seeds - 1) / seeds)
    told = {"norm": [0, 1, 1, forecast]} | ({} if bias is None else {"norm_bias": [0, 0, 0, bias]})
    told = hand_made.forecast(**told)
    seen = hand_made.simulation({"norm": np.stack([0 * runs, 1 + 0 * runs, 1 + 0 * runs, runs], axis=1)})
    seen.attrs["scenario"] = json.dumps({"problem": {"data": data}}) if data else seen.attrs["scenario"]
    return agreement.in_words(compare(told, seen))


def test_in_words_differences_within_chance_need_no_reason():
    text = words(1.03, 0.01, {"dimension": 4})  # z = 3, of twenty runs
    assert "More than chance" not in text and "The largest of 4 times is more than chance beyond 4.5" in text


def test_in_words_chance_is_wider_for_few_runs():
    # z = 6: more than chance for twenty runs; for four, Student's t exceeds it once in a hundred.
    assert "More than chance: norm off by 6.00 % at time 4 (z +6.0)" in words(1.06, 0.01, {"dimension": 4})
    assert "More than chance" not in words(1.06, 0.01, {"dimension": 4}, seeds=4)


def test_in_words_a_finite_dimension_explains_what_is_about_one_over_d():
    text = words(0.94, 0.01, {"dimension": 20})
    assert "what a finite dimension does: at d = 20" in text and "about 1/d (5.00 %)" in text and "--bands" in text
    text = words(0.62, 0.05, {"dimension": 4})
    assert "off by 38.00 %" in text and "what a finite dimension does" in text
    text = words(0.62, 0.05, {"dimension": 400})
    assert "more than the 1/d (0.25 %)" in text and "SGD is what holds" in text


def test_in_words_what_the_bands_have_added_explains_nothing_any_more():
    text = words(0.62, 0.05, {"dimension": 4}, bias=0.0)
    assert "The 1/d bias is included" in text and "this is more" in text
    text = words(0.94, 0.01, {"dimension": 5}, bias=0.0)
    assert "what is left at d = 5 is about 1/d^2 (4.00 %)." in text


def test_in_words_samples_have_another_reason():
    assert "all orders of the rows, as Gaussian" in words(0.6, 0.05, {"kind": "Samples", "dimension": 30})


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
