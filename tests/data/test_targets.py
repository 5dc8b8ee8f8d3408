"""Any two kinds are classes; other numbers are a regression; nothing else is a target."""

import numpy as np
import pandas as pd
import pytest

from jominy.data.targets import Targets
from jominy.errors import InputError


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([1, 0, 1], (0, 1)),
        ([-1.0, 2.5, 2.5], (-1.0, 2.5)),
        ([True, False, True], (False, True)),
        (["yes", "no", "yes"], ("no", "yes")),
        (np.array(["b", "a", "b"], dtype=object), ("a", "b")),
        (np.array([8, 3, 8], dtype=object), (3.0, 8.0)),
        (np.array([8, 3, 8], dtype=np.uint8), (3, 8)),
        (pd.Series(["x", "w", "x"]), ("w", "x")),
        (pd.Series(["x", "w", "x"], dtype="category"), ("w", "x")),
    ],
)
def test_two_kinds_are_classes_in_sorted_order(y, classes):
    learnt = Targets.learn(y)
    assert learnt.classes == classes
    first = 1.0 if np.asarray(y)[0] == classes[1] else -1.0
    assert learnt.transform(y).tolist() == [first, -first, 1.0 if np.asarray(y)[2] == classes[1] else -1.0]
    assert "label -1" in learnt.steps[0]


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["b", "a", "c", "a"], ("a", "b", "c")),
        (np.array(["b", "a", "c", "a"], dtype=object), ("a", "b", "c")),
        (pd.Series(["y", "x", "z", "x"], dtype="category"), ("x", "y", "z")),
        (np.eye(3)[[1, 0, 2, 0]], (0, 1, 2)),
        (pd.DataFrame(np.eye(3, dtype=bool)[[1, 0, 2, 0]], columns=["a", "b", "c"]), ("a", "b", "c")),
    ],
)
def test_several_kinds_of_words_and_one_hot_rows_are_classes(y, classes):
    learnt = Targets.learn(y)
    assert learnt.classes == classes
    assert learnt.transform(y).tolist() == [1.0, 0.0, 2.0, 0.0]
    assert learnt.class_numbers(learnt.transform(y)).tolist() == [1, 0, 2, 0]
    assert "3 classes and their rows" in learnt.steps[0] and "(2)" in learnt.steps[0]


def test_whole_numbers_are_classes_where_that_is_asked_for():
    assert Targets.of_classes([3.0, 1.0, 2.0, 1.0]).classes == (1, 2, 3)
    assert Targets.of_classes([3.0, 1.0, 2.0, 1.0]).transform(np.array([2, 3])).tolist() == [1.0, 2.0]
    with pytest.raises(InputError, match="words or whole numbers.*SquaredLoss"):
        Targets.of_classes([0.5, 1.0, 2.0, 1.0])
    with pytest.raises(InputError, match="classes must have more than one row"):
        Targets.of_classes([3, 1, 2])


def test_a_class_that_training_rows_lack_is_told_with_the_way_out():
    with pytest.raises(
        InputError, match=r"one of the classes \('a', 'b', 'c'\) \(received: \['d'\]\). Train on rows of every"
    ):
        Targets.learn(["a", "b", "c", "a"]).transform(["d"])


def test_test_targets_are_held_to_the_classes():
    learnt = Targets.learn([0, 1, 1])
    assert learnt.transform([1]).tolist() == [1.0]
    assert learnt.transform([True, False]).tolist() == [1.0, -1.0]
    with pytest.raises(InputError, match=r"targets must be one of the classes \(0, 1\) \(received: \[2\]\)"):
        learnt.transform([0, 2])


def test_regression_is_standardised_and_says_so():
    y = np.array([1.0, 2.0, 4.0, 9.0])
    learnt = Targets.learn(y)
    values = learnt.transform(y)
    assert learnt.classes is None
    assert values.mean() == pytest.approx(0.0, abs=1e-15) and values.std() == pytest.approx(1.0)
    np.testing.assert_allclose(values * learnt.scale + learnt.offset, y)
    assert learnt.steps == (
        "regression: target has 4 different values; if these name classes, "
        "train with `SoftmaxLoss()`, or choose two groups with `select_classes(X, y, classes)`",
        "centred the target by 4 and divided it by its standard deviation 3.08221",
    )
    assert Targets.learn(y, standardise=False).transform(y).tolist() == y.tolist()
    assert "select_classes" not in Targets.learn(y + 0.5).steps[0]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 1, 1], "y must have at least two different values (received: [1])"),
        (["a", "b", "c"], "classes must have more than one row (received: 3 classes of one row each)"),
        ([[1, 2], [1], [2]], "y must be one label per sample (received: lists of labels). Keep one label of each row"),
        ([[1, 1, 0], [0, 1, 0]], "Choose one column, or give one-hot rows"),
        (
            np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]]),
            "every class must have a row to train on (received: none of [2])",
        ),
        ([[1], [0]], "y must be a 1-D array with one value per sample (received: shape (2, 1)). Use y.ravel()."),
        ([], "y must be a 1-D array"),
        (3.0, "y must be a 1-D array"),
        ([1.0, float("nan"), 0.0], "y must be finite (received: 1 NaN or infinite values, the first in row 1)"),
        (["a", None, "b"], "y must not have missing values (received: 1, the first in row 1)"),
        (pd.array([1, None, 2], dtype="Int64"), "y must "),
        (np.array(["a", 1, "b"], dtype=object), "y must be all numbers or all strings"),
        ([1 + 2j, 1j, 1j], "y must be all numbers or all strings"),
        (np.array(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="datetime64[ns]"), "y must be all numbers"),
    ],
)
def test_bad_targets_are_refused_with_the_rule(y, message):
    with pytest.raises(InputError) as caught:
        Targets.learn(y)
    assert message in str(caught.value)


def test_names_are_no_regression_targets():
    with pytest.raises(InputError, match="targets of a regression must be numbers"):
        Targets.learn([1.0, 2.0, 3.0]).transform(["a", "b"])
