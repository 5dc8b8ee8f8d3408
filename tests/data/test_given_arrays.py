"""What users hand over as arrays: rows that belong together by label, tensors of other libraries, numbered rows."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import torch

from jominy.data import Preprocessing, Samples, select_classes
from jominy.dynamics import Problem, forecast
from jominy.errors import InputError
from jominy.losses import LogisticLoss
from jominy.meanfield import InputGeometry
from jominy.networks import LabelledInputs
from jominy.schedules import Constant

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 3))
Y = np.where(X[:, 0] + 0.3 * RANDOM.normal(size=30) > 0, 1, 0)
LABELS = [f"row {i}" for i in range(30)]
FRAME = pd.DataFrame(X, columns=["a", "b", "c"], index=LABELS)
SERIES = pd.Series(Y, index=LABELS, name="ill")
SHUFFLED = SERIES.iloc[RANDOM.permutation(30)]
TRUTH = Samples(X, Y)


def read_samples(x, y):
    mine = Samples(x, y)
    return mine.features, mine.targets


PAIRS = {
    "samples": (read_samples, TRUTH.features, TRUTH.targets),
    "held out": (TRUTH.transform, TRUTH.features, TRUTH.targets),
    "classes": (lambda x, y: select_classes(x, y, ((0,), (1,))), X, 2 * Y - 1),
}


@pytest.mark.parametrize("y", [SERIES, SHUFFLED, SHUFFLED.to_frame()], ids=["same", "shuffled", "one-column frame"])
@pytest.mark.parametrize("pair", PAIRS)
def test_rows_belong_together_by_label(pair, y):
    read, features, targets = PAIRS[pair]
    found = read(FRAME, y)
    np.testing.assert_array_equal(found[0], features)
    np.testing.assert_array_equal(found[1], targets)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (SERIES.reset_index(drop=True), "30 of 30 labels of X that y lacks"),
        (SERIES.rename({"row 3": "row 99"}), "1 of 30 labels of X that y lacks"),
        (SHUFFLED.rename({"row 3": "row 4"}), "labels that repeat, out of order"),
    ],
    ids=["other", "one other", "repeated"],
)
@pytest.mark.parametrize("pair", PAIRS)
def test_rows_of_other_labels_are_refused(pair, y, message):
    with pytest.raises(InputError, match=rf"X and y must have the same index .*{message}.*give y.to_numpy\(\)"):
        PAIRS[pair][0](FRAME, y)


def test_labels_say_nothing_about_arrays_and_repeated_ones_in_step_are_fine():
    np.testing.assert_array_equal(Samples(X, SHUFFLED).targets, Samples(X, SHUFFLED.to_numpy()).targets)
    np.testing.assert_array_equal(Samples(FRAME, list(Y)).targets, TRUTH.targets)
    twice = pd.concat([FRAME, FRAME]), pd.concat([SERIES, SERIES])
    np.testing.assert_array_equal(Samples(*twice).targets, np.tile(TRUTH.targets, 2))


def test_what_was_moved_is_reported():
    assert Samples(FRAME, SHUFFLED).report[0] == "put the rows of y in the order of the rows of X, by their index"
    assert Samples(FRAME, SERIES).report == TRUTH.report


def test_networks_pair_by_label_too():
    labels = SHUFFLED.rename("label")
    assert InputGeometry.of(FRAME, labels).describe() == pytest.approx(InputGeometry.of(X, Y).describe(), rel=1e-14)
    np.testing.assert_array_equal(LabelledInputs(FRAME, labels).labels, Y)
    for read in (InputGeometry.of, LabelledInputs):
        with pytest.raises(InputError, match="inputs and labels must have the same index"):
            read(FRAME, SERIES.reset_index(drop=True))


@pytest.mark.parametrize("preprocessing", [Preprocessing(), None])
def test_columns_of_held_out_frames_belong_together_by_name(preprocessing):
    mine = Samples(FRAME, Y, preprocessing)
    np.testing.assert_array_equal(mine.transform(FRAME[["c", "a", "b"]], Y)[0], mine.features)
    np.testing.assert_array_equal(mine.transform(X, Y)[0], mine.features)
    for wrong, words in ((FRAME[["a", "b"]], "without column 'c'"), (FRAME.assign(d=1), "column 'd' besides")):
        with pytest.raises(InputError, match=f"X must have the columns it was fitted on .*{words}"):
            mine.transform(wrong, Y)
    fitted = Preprocessing().fit(FRAME)
    np.testing.assert_array_equal(fitted.transform(FRAME[["b", "c", "a"]]), fitted.transform(X))


TENSORS = {
    "torch, with gradient": torch.tensor(X, requires_grad=True),
    "rows of torch": [torch.tensor(row, requires_grad=True) for row in X],
    "torch, sparse": torch.tensor(X).to_sparse(),
    "torch, bfloat16": torch.tensor(X).bfloat16(),
    "JAX, bfloat16": jnp.asarray(X, dtype=jnp.bfloat16),
    "NumPy, float16": X.astype(np.float16),
    "NumPy, big-endian": X.astype(">f8"),
    "NumPy, long double": X.astype(np.longdouble),
    "objects": X.astype(object),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_arrays_of_other_libraries(kind):
    values = TENSORS[kind]
    low = "16" in kind
    mine = Samples(values, Y)
    np.testing.assert_allclose(mine.features, TRUTH.features, atol=0.05 if low else 1e-12)
    labels = torch.tensor(Y).bfloat16() if low else torch.tensor(Y)
    np.testing.assert_array_equal(Samples(X, labels).targets, TRUTH.targets)
    np.testing.assert_array_equal(mine.transform(values, jnp.asarray(Y))[0], mine.features)
    if kind == "objects":  # a table's columns may be objects; a network's inputs are one array
        return
    assert InputGeometry.of(values, Y).power == pytest.approx(InputGeometry.of(X, Y).power, rel=0.02 if low else 1e-12)
    np.testing.assert_allclose(LabelledInputs(values, Y).inputs.detach().double(), X, atol=0.02 if low else 1e-6)


def test_masked_values_are_missing_and_bytes_are_words():
    masked = np.ma.masked_array(X, mask=np.zeros(X.shape, dtype=bool))
    np.testing.assert_array_equal(Samples(masked, Y).features, TRUTH.features)
    masked.mask[4, 1] = True
    with pytest.raises(InputError, match="1 NaN, infinite or above 1e.100 in column 1, the first in row 4"):
        Samples(masked, Y)
    assert Samples(X, np.where(Y == 1, b"yes", b"no")).classes == ("no", "yes")


@pytest.mark.parametrize(
    "wrong",
    [[[1.0], [2.0, 3.0]], object(), {"a": 1}, np.array([[np.array([1.0, 2.0]), 1], [1, 2]], dtype=object)],
    ids=["ragged", "object", "dict", "nested"],
)
def test_what_is_no_array_is_refused(wrong):
    for read, x, y in ((Samples, wrong, [0, 1]), (Samples, [[0.0], [1.0]], wrong), (LabelledInputs, wrong, Y)):
        with pytest.raises(InputError):
            read(x, y)


@pytest.mark.parametrize(
    ("name", "column", "told"),
    [
        ("Unnamed: 0", np.arange(30), True),
        ("sample", RANDOM.permutation(30) + 1, True),
        ("patient_id", RANDOM.choice(10**6, 30, replace=False), True),
        ("order", np.cumsum(RANDOM.integers(1, 900, 30)), True),
        ("number", RANDOM.choice(5, 30), False),
        ("cells", RANDOM.choice(10**6, 30, replace=False), False),
        ("id", X[:, 0], False),
    ],
)
def test_columns_that_number_the_rows_are_named(name, column, told):
    frame = FRAME.assign(**{name: column})
    notes = [line for line in Samples(frame, Y).report if "seems to number the rows" in line]
    assert len(notes) == told and all(repr(name) in note for note in notes)
    assert not [line for line in Samples(frame.iloc[:6], Y[:6]).report if "seems to number" in line]


@pytest.mark.parametrize("wrong", [(X,), X, 3, {"X": X, "y": Y}])
def test_held_out_rows_are_a_pair(wrong):
    with pytest.raises(InputError, match=r"held_out must be a pair \(X_test, y_test\)"):
        forecast(Problem(TRUTH, LogisticLoss(), radius=0.1), Constant(0.5), time=1, held_out=wrong)


def test_settings_of_a_verb_may_be_tensors():
    def final(number):
        told = forecast(
            Problem(TRUTH, LogisticLoss(), radius=number([0.1])[0]), Constant(number([0.5])[0]),
            times=number([0.0, 1.0]), start=number([1.0, 0.0, 0.0]), evaluate_at=number([0.0, 0.3]),
            held_out=(FRAME, SHUFFLED),
        )  # fmt: skip
        assert told.held_out_clean_risk[-1] == told.clean_risk[-1]
        return told.risk_at_radius.values

    tensors = final(lambda values: torch.tensor(values, dtype=torch.float64, requires_grad=True))
    np.testing.assert_array_equal(tensors, final(np.array))
    for wrong in (10**400, "8/255", None, [1.0, 2.0]):
        with pytest.raises(InputError, match="must be a finite number"):
            Constant(wrong)
