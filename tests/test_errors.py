import pickle

import numpy as np

from jominy import InputError


def test_message_has_rule_value_and_next_step():
    error = InputError("weights must sum to one", [0.5, 0.6], "divide them by their sum")
    assert str(error) == "weights must sum to one (received: [0.5, 0.6]). Divide them by their sum."
    assert (error.rule, error.received, error.next_step) == (
        "weights must sum to one",
        [0.5, 0.6],
        "divide them by their sum",
    )
    assert isinstance(error, ValueError)


def test_values_are_quoted_and_descriptions_are_not():
    assert str(InputError("rule", "hinge")) == "rule (received: 'hinge')"
    assert str(InputError("rule", "shape (3, 2)")) == "rule (received: shape (3, 2))"


def test_message_without_value_or_step():
    assert str(InputError("a rule.")) == "a rule"


def test_long_values_are_shortened_and_on_one_line():
    text = str(InputError("rule", "x\n" * 1000))
    assert len(text) < 200 and "\n" not in text


def test_code_at_the_start_of_the_next_step_keeps_its_case():
    assert str(InputError("rule", next_step="radius=0 is clean training")).endswith("radius=0 is clean training.")


def test_survives_a_trip_between_processes():
    again = pickle.loads(pickle.dumps(InputError("rule", 3, "step")))
    assert str(again) == "rule (received: 3). Step." and again.received == 3


def test_what_numpy_wrapped_is_shown_as_it_is():
    assert "(received: 'hil')" in str(InputError("a rule", np.str_("hil")))
    assert "(received: 0.5)" in str(InputError("a rule", np.float64(0.5)))
    assert "(received: 3)" in str(InputError("a rule", np.array(3)))
