"""Tables with words and missing values, against scikit-learn's encoders; groups against what is known of the table."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler

from jominy.data import Encoder, Preprocessing, Samples, read_table
from jominy.errors import InputError
from jominy.study import Scenario

RANDOM = np.random.default_rng(0)
N = 120


def table(rows=N):
    """Words with a hole, two kinds, truth values, a category of numbers, numbers with holes, words that are names."""
    frame = pd.DataFrame(
        {
            "age": RANDOM.normal(40, 9, rows).round(1),
            "job": RANDOM.choice(["clerk", "cook", "nurse", "smith"], rows),
            "smokes": RANDOM.choice(["no", "yes"], rows),
            "insured": RANDOM.choice([True, False], rows),
            "ward": pd.Categorical(RANDOM.choice([3, 11, 7], rows)),
            "dose": RANDOM.exponential(2, rows),
            "name": [f"patient {j}" for j in range(rows)],
        }
    )
    frame.loc[RANDOM.choice(rows, 9, replace=False), "dose"] = np.nan
    frame.loc[RANDOM.choice(rows, 5, replace=False), "job"] = None
    return frame


FRAME, TEST = table(), table(40)
ILL = np.where(FRAME["age"] + 5 * (FRAME["smokes"] == "yes") > 43, "ill", "well")


def by_scikit_learn(train, rows):
    """The same columns in the same order, one transformer for each."""
    several = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    one = OneHotEncoder(sparse_output=False, drop="first")
    train, rows = (one.assign(job=one["job"].fillna("~"), ward=one["ward"].astype(str)) for one in (train, rows))
    parts = [
        (SimpleImputer(strategy="median"), ["age"]), (several, ["job"]), (one, ["smokes", "insured"]),
        (several, ["ward"]), (SimpleImputer(strategy="median"), ["dose"]),
    ]  # fmt: skip
    return make_column_transformer(*parts).fit(train).transform(rows)


def test_words_and_missing_numbers_as_scikit_learn_encodes_them():
    fitted = Encoder().fit(FRAME)
    for rows in (FRAME, TEST):
        np.testing.assert_array_equal(fitted.transform(rows), by_scikit_learn(FRAME, rows))
    assert fitted.groups == {"job": [1, 2, 3, 4, 5], "smokes": [6], "insured": [7], "ward": [8, 9, 10]}
    assert fitted.names[1:8] == [
        "job=clerk", "job=cook", "job=nurse", "job=smith", "job=(missing)", "smokes=yes", "insured=True"
    ]  # fmt: skip
    assert list(fitted.report) == [
        "encoded 4 columns of kinds as 10 of 0 and 1: 'job' (5), 'smokes' (1), 'insured' (1), 'ward' (3)",
        "filled 9 missing numbers with the median: 'dose' (9)",
        "left out words that differ in more than half of the rows: 'name'",
    ]


def test_columns_are_found_by_name_and_arrays_of_objects_by_position():
    fitted = Encoder().fit(FRAME)
    np.testing.assert_array_equal(fitted.transform(TEST[TEST.columns[::-1]]), fitted.transform(TEST))
    plain = Encoder().fit(FRAME.to_numpy(dtype=object))
    np.testing.assert_array_equal(plain.transform(TEST.to_numpy(dtype=object))[:, :8], fitted.transform(TEST)[:, :8])
    with pytest.raises(InputError, match="without column 'job'"):
        fitted.transform(TEST.drop(columns="job"))
    with pytest.raises(InputError, match="X must have the 7 columns it was fitted on"):
        plain.transform(TEST.to_numpy(dtype=object)[:, :3])


def test_rare_kinds_share_a_column_and_unknown_ones_go_there():
    words = pd.DataFrame({"town": list("aaaabbbccd") * 5, "x": np.arange(50.0)})
    fitted = Encoder(most=2).fit(words)
    assert fitted.names == ["town=a", "town=b", "town=(other)", "x"]
    assert "put rare kinds together, all but the 2 most frequent of a column: 'town' (2)" in fitted.report
    assert fitted.transform(pd.DataFrame({"town": ["b", "c", "zzz", None], "x": 0.0}))[:, :3].tolist() == [
        [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]
    ]  # fmt: skip
    unpooled = Encoder().fit(words).transform(pd.DataFrame({"town": ["zzz"], "x": [None]}))
    assert unpooled.tolist() == [[0, 0, 0, 0, 24.5]]


def test_words_among_numbers_are_missing_and_dates_are_days():
    frame = pd.DataFrame(
        {
            "power": ["1.5", "unknown", "2", "4"],
            "day": pd.to_datetime(["2020-01-01", None, "2020-01-03", "2020-01-03"]),
            "zone": pd.to_datetime(["2020-01-01 06:00"] * 4).tz_localize("Asia/Tokyo").as_unit("s"),
            "late": np.array(["2590-01-01T12", "NaT", "2590-01-01T12", "2590-01-01T12"], dtype="datetime64[us]"),
            "took": pd.to_timedelta(["12h", "36h", None, "36h"]),
            "empty": [None] * 4,
        }
    )
    fitted = Encoder().fit(frame)
    late, zone = (pd.Timestamp(2590, 1, 1) - pd.Timestamp(2020, 1, 1).as_unit("s")).days + 18262.5, 18261.875
    assert fitted.transform(frame).tolist() == [
        [1.5, 18262, zone, late, 0.5],
        [2, 18264, zone, late, 1.5],
        [2, 18264, zone, late, 1.5],
        [4, 18264, zone, late, 1.5],
    ]
    assert "took 1 words among numbers for missing: 'power' (1)" in fitted.report
    assert "left out columns without a value: 'empty'" in fitted.report


def test_samples_learn_the_encoding_from_their_own_rows_alone():
    mine = Samples(FRAME, ILL, transform=Encoder())
    direct = Samples(by_scikit_learn(FRAME, FRAME), ILL)
    np.testing.assert_array_equal(mine.features, direct.features)
    far = TEST.assign(dose=np.where(TEST["dose"].isna(), np.nan, 1e6))  # would move the median
    labels = ILL[:40]
    np.testing.assert_array_equal(
        mine.transform(far, labels)[0], direct.transform(by_scikit_learn(FRAME, far), labels)[0]
    )
    assert mine.groups["job"] == [1, 2, 3, 4, 5] and mine.feature_names[5] == "job=(missing)"
    assert "filled 9 missing numbers with the median: 'dose' (9)" in mine.report
    assert json.loads(json.dumps(mine.describe()))["groups"] == mine.groups


def test_groups_follow_the_features_that_are_left():
    frame = pd.DataFrame({"a": 1.0, "b": np.arange(30.0) % 7, "kind": list("xyz") * 10})
    assert Samples(frame, ["n", "p"] * 15, transform=Encoder()).groups == {"kind": [1, 2, 3]}
    assert Samples(frame, ["n", "p"] * 15, None, transform=Encoder()).groups == {"kind": [2, 3, 4]}
    assert Samples(frame[["b"]], ["n", "p"] * 15).groups == {}


NUMBERS = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
KINDS = ["job", "smokes", "insured", "ward"]
TRANSFORMERS = {
    # transformer: groups, as sizes
    "one-hot": (
        ColumnTransformer([("n", NUMBERS, ["age", "dose"]), ("k", OneHotEncoder(), KINDS)]),
        {"job": 5, "smokes": 2, "insured": 2, "ward": 3},
    ),
    "one-hot, a frame": (
        make_column_transformer(
            (OneHotEncoder(drop="if_binary", sparse_output=False), KINDS), (NUMBERS, ["age", "dose"])
        ).set_output(transform="pandas"),
        {"job": 5, "smokes": 1, "insured": 1, "ward": 3},
    ),
    "ordinal": (
        make_column_transformer((OrdinalEncoder(encoded_missing_value=-1), KINDS), (NUMBERS, ["age", "dose"])),
        {"job": 1, "smokes": 1, "insured": 1, "ward": 1},
    ),
    "mixed": (make_column_transformer((make_pipeline(OneHotEncoder(sparse_output=False), PCA(3)), KINDS)), {}),
    "bins": (
        make_column_transformer((KBinsDiscretizer(4, strategy="uniform"), ["age"]), (NUMBERS, ["dose"])),
        {"age": 4},
    ),
    "flagged": (make_column_transformer((SimpleImputer(add_indicator=True), ["age", "dose"])), {}),
    "words counted": (make_column_transformer((CountVectorizer(), "job"), (NUMBERS, ["age"])), {"job": 4}),
}


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_fitted_transformers_and_the_groups_that_they_make(kind):
    transformer, groups = TRANSFORMERS[kind]
    frame = FRAME.fillna({"job": "none"}) if kind == "words counted" else FRAME
    transformer.fit(frame)
    mine = Samples(frame, ILL, transform=transformer)
    out = transformer.transform(frame)
    out = out.toarray() if hasattr(out, "toarray") else np.asarray(out)
    np.testing.assert_array_equal(mine.features, Samples(out, ILL).features)
    found = {name: len(group) for name, group in mine.groups.items()}
    assert found == (groups if kind != "words counted" else {"job": 5})
    assert mine.transform(frame[frame.columns[::-1]], ILL)[0].tolist() == mine.features.tolist()
    taken = [j for group in mine.groups.values() for j in group]
    assert len(set(taken)) == len(taken) and all("age" not in mine.feature_names[j] for j in taken if kind != "bins")


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (StandardScaler(), "the transform must work on X .*NotFittedError.*Fit it first, on training rows alone"),
        (make_pipeline(StandardScaler(), LogisticRegression()), r"must be a fitted transformer .*give pipeline\[:-1\]"),
        (Encoder, "transform must be a fitted transformer"),
        (7, r"transform must be a fitted transformer \(received: 'int'\)"),
        (OrdinalEncoder().fit(FRAME[["job"]]), "the transform must work on X"),
    ],
)
def test_what_is_no_fitted_transformer(transformer, message):
    with pytest.raises(InputError, match=message):
        Samples(FRAME, ILL, transform=transformer)
    with pytest.raises(InputError, match="most must be a whole number"):
        Encoder(most=0)


def test_a_file_of_words_in_a_scenario(tmp_path):
    FRAME.assign(ill=ILL).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=r"other values in columns 'job', 'smokes', 'name'.*`transform=Encoder\(\)`"):
        read_table(tmp_path / "t.csv", "ill")
    read = read_table(tmp_path / "t.csv", "ill", encode=True)
    assert read.X.columns.tolist() == FRAME.columns.tolist() and read.X["dose"].isna().sum() == 9
    given = {
        "data": {"kind": "file", "path": "t.csv", "target": "ill", "encode": True, "held_out": 0.25, "drop": ["name"]},
        "loss": {"kind": "logistic"}, "radius": 0.1, "schedule": {"kind": "constant", "rate": 1}, "time": 1,
    }  # fmt: skip
    loaded = Scenario.from_mapping(given, folder=tmp_path).loaded
    train = [j for j in range(N) if j not in set(loaded.held_out[0].index)]
    direct = Samples(read.X.iloc[train].drop(columns="name"), read.y[train], transform=Encoder())
    np.testing.assert_array_equal(loaded.samples.features, direct.features)
    assert loaded.samples.transform(*loaded.held_out)[0].shape == (30, direct.dimension)
    assert loaded.samples.preprocessing == Preprocessing() and "job" in loaded.samples.groups
    words = {"path": "t.npz", "target": "y", "drop": []}
    np.savez(tmp_path / "t.npz", X=FRAME[["job", "smokes"]].astype(str).to_numpy(dtype=str), y=ILL)
    boxed = Scenario.from_mapping(given | {"data": given["data"] | words}, folder=tmp_path).loaded
    assert list(boxed.samples.groups) == ["0", "1"]
