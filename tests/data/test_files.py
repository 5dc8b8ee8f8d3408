"""Files: what is written comes back, and every unreadable file says why in one sentence."""

import sys

import numpy as np
import pandas as pd
import pytest

from jominy.data import Samples, from_scikit_learn, read_table, select_classes
from jominy.errors import InputError

X = np.arange(12.0).reshape(4, 3) / 7
Y = np.array([1, 0, 1, 0])
NAMES = np.array(["b", "a", "b", "a"])
FRAME = pd.DataFrame(X, columns=["red", "green", "blue"]).assign(kind=NAMES)


@pytest.mark.parametrize("y", [Y, NAMES, Y.astype(bool), Y * 0.5], ids=["int", "str", "bool", "float"])
@pytest.mark.parametrize(("features", "target", "asked"), [("X", "y", None), ("pixels", "y", None), ("X", "t", "t")])
def test_npz(tmp_path, y, features, target, asked):
    path = tmp_path / "data.npz"
    np.savez(path, **{features: X, target: y})
    table = read_table(path, asked)
    np.testing.assert_array_equal(table.X, X)
    np.testing.assert_array_equal(table.y, y)
    assert table.feature_names == ["0", "1", "2"]


@pytest.mark.parametrize(("target", "column"), [(0, 0), (-1, 2), ("1", 1)])
def test_npy(tmp_path, target, column):
    np.save(tmp_path / "data.npy", X)
    table = read_table(str(tmp_path / "data.npy"), target)
    np.testing.assert_array_equal(table.y, X[:, column])
    np.testing.assert_array_equal(table.X, np.delete(X, column, axis=1))
    assert table.feature_names == [str(j) for j in range(3) if j != column]


@pytest.mark.parametrize("ending", ["csv", "parquet", "CSV"])
def test_tables_with_named_columns(tmp_path, ending):
    path = tmp_path / f"data.{ending}"
    FRAME.to_parquet(path) if ending == "parquet" else FRAME.to_csv(path, index=False)
    table = read_table(path, "kind")
    np.testing.assert_allclose(table.X, X, rtol=1e-15)
    assert table.y.tolist() == NAMES.tolist()
    assert table.feature_names == ["red", "green", "blue"]
    assert Samples(table.X, table.y).classes == ("a", "b")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_that_are_no_features(tmp_path, ending):
    frame = pd.DataFrame({"id": ["a", "b", "c"], "height": [1.5, 2, 3], "row": [1, 2, 3], "ill": [0, 1, 0]})
    file = tmp_path / f"table.{ending}"
    frame.to_csv(file, index=False) if ending == "csv" else frame.to_parquet(file)
    with pytest.raises(InputError, match="'id'.*--drop"):
        read_table(file, target="ill")
    read = read_table(file, target="ill", drop=["id", "row"])
    assert read.feature_names == ["height"] and read.X.tolist() == [[1.5], [2], [3]] and read.y.tolist() == [0, 1, 0]
    with pytest.raises(InputError, match=r"drop must name feature columns of table.*'ill', 'x'.*'height', 'row'"):
        read_table(file, target="ill", drop=["id", "ill", "x"])
    with pytest.raises(InputError, match="a feature of table.* must be left"):
        read_table(file, target="ill", drop=["id", "height", "row"])


def test_columns_of_numpy_files_go_by_number(tmp_path):
    values = np.arange(12.0).reshape(3, 4)
    np.save(tmp_path / "x.npy", values)
    assert read_table(tmp_path / "x.npy", target=1, drop=[0]).X.tolist() == values[:, 2:].tolist()
    np.savez(tmp_path / "x.npz", X=values, y=values[:, 0])
    assert read_table(tmp_path / "x.npz", drop=["3"]).X.tolist() == values[:, :3].tolist()


def test_bool_columns_are_numbers(tmp_path):
    FRAME.assign(wet=[True, False, True, True]).to_csv(tmp_path / "data.csv", index=False)
    assert read_table(tmp_path / "data.csv", "kind").X[:, 3].tolist() == [1.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "content", "target", "message"),
    [
        ("data.csv", "a,b\n1,2\n", "c", "target must name one column of data.csv (received: 'c'). The columns are"),
        ("data.csv", "a,b\n1,2\n", None, "target must name one column of data.csv. The columns are ['a', 'b']."),
        ("data.csv", "a,b,c\n1,x,0\n2,y,1\n", "c", "X must be real numbers (received: other values in column 'b')"),
        ("data.csv", "a,b,c\n1,,0\n2,3,1\n", "c", "in column 'b', the first in row 0"),
        ("data.csv", "a,b,c\n1,2,\n2,3,1\n", "c", "y must be finite (received: 1 NaN or infinite values"),
        (
            "data.csv",
            "a,b,c\n1,2,\n2,3,yes\n",
            "c",
            "y must not have missing values (received: 1, the first in row 0)",
        ),
        ("data.csv", "", "c", "data.csv must be a readable .csv table"),
        ("data.csv", "c\n1\n2\n", "c", "X must be a 2-D array"),
        ("data.csv", "a,b\n1,2,3\n1,2,3,4,5\n", "c", "data.csv must be a readable .csv table"),
        ("data.parquet", "no parquet", "c", "data.parquet must be a readable .parquet table"),
        ("data.npz", "no zip", None, "data.npz must be a sound NumPy file without Python objects"),
        ("data.npy", "no array", 0, "data.npy must be a sound NumPy file without Python objects"),
        ("data.npy", "", 0, "data.npy must be a sound NumPy file"),
        ("data.npz", "PK\x03\x04 broken", 0, "data.npz must be a sound NumPy file"),
        ("data.txt", "1 2", 0, "a data file ends in .npz, .npy, .csv, .parquet"),
    ],
)
def test_unreadable_text_is_refused_with_the_rule(tmp_path, name, content, target, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        read_table(tmp_path / name, target)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "target", "message"),
    [
        ({"X": X}, None, "data.npz must hold the target array 'y' (received: ['X']). Name it with target."),
        ({"a": X, "b": X, "y": Y}, None, "data.npz must hold the features as array 'X'"),
        ({"X": X, "y": Y[:2]}, None, "one row per sample (received: 4 rows of X, 2 of y)"),
        ({"X": X, "y": np.array([1, "a", 2, 3], dtype=object)}, None, "array 'y' must not hold Python objects"),
        ({"X": X[0], "y": Y}, None, "X must be a 2-D array"),
    ],
)
def test_incomplete_npz_is_refused_with_the_rule(tmp_path, arrays, target, message):
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(InputError) as caught:
        read_table(tmp_path / "data.npz", target)
    assert message in str(caught.value)


@pytest.mark.parametrize("target", [3, -4, None, "kind", 1.5])
def test_npy_target_is_a_column_number(tmp_path, target):
    np.save(tmp_path / "data.npy", X)
    with pytest.raises(InputError, match="target must be a column number of data.npy, from -3 to 2"):
        read_table(tmp_path / "data.npy", target)


def test_a_file_that_is_not_there():
    with pytest.raises(InputError, match=r"the data file must exist \(received: 'nowhere/data.npz'\). Check the path."):
        read_table("nowhere/data.npz")


def test_a_file_with_the_wrong_ending(tmp_path):
    np.savez(tmp_path / "data.npz", X=X, y=Y)
    (tmp_path / "data.npz").rename(tmp_path / "data.npy")
    with pytest.raises(InputError, match="data.npy must hold what its ending says"):
        read_table(tmp_path / "data.npy", 0)


def test_missing_packages_are_named(tmp_path, monkeypatch):
    def without_engine(*args, **kwargs):
        raise ImportError("no engine")

    FRAME.to_parquet(tmp_path / "data.parquet")
    monkeypatch.setattr(pd, "read_parquet", without_engine)
    with pytest.raises(InputError, match="pip install pyarrow"):
        read_table(tmp_path / "data.parquet", "kind")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match="pip install scikit-learn"):
        from_scikit_learn("wine", classes=((0,), (1,)))


@pytest.mark.parametrize(
    ("name", "classes", "shape"),
    [
        ("breast_cancer", None, (569, 30)),
        ("wine", ((0,), (1, 2)), (178, 13)),
        ("digits", ((3,), (8,)), (357, 64)),
        ("digits", ([0, 2, 4, 6, 8], [1, 3, 5, 7, 9]), (1797, 64)),
        ("diabetes", None, (442, 10)),
    ],
)
def test_shipped_data(name, classes, shape):
    table = from_scikit_learn(name, classes)
    assert table.X.shape == shape and len(table.feature_names) == shape[1]
    assert Samples(table.X, table.y).classification == (name != "diabetes")


def test_shipped_data_with_more_classes_come_with_all_of_them_or_with_two_groups():
    assert np.unique(from_scikit_learn("wine").y).tolist() == [0, 1, 2]
    assert np.unique(from_scikit_learn("digits").y).tolist() == list(range(10))
    assert np.unique(from_scikit_learn("wine", ((0, 1), (2,))).y).tolist() == [-1, 1]
    with pytest.raises(InputError, match="the data set must be one of breast_cancer, wine, digits, diabetes"):
        from_scikit_learn("mnist")


def test_select_classes_keeps_order_and_merges():
    rows, labels = select_classes(X, ["c", "a", "b", "d"], (("a", "d"), ("b",)))
    np.testing.assert_array_equal(rows, X[[1, 2, 3]])
    assert labels.tolist() == [-1, 1, -1]
    frame, _ = select_classes(FRAME, FRAME["kind"], (("a",), ("b",)))
    assert frame.columns.tolist() == FRAME.columns.tolist()


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (((1,), (2,)), "classes must be values of the target (received: [2]). The target has [0, 1]."),
        (((0,), (0, 1)), "a class can be in one group only"),
        (((0,),), "classes must be two groups of labels"),
        (((0,), ()), "classes must be two groups of labels"),
        ((0, 1), "classes must be two groups of labels"),
    ],
)
def test_groups_that_are_none(classes, message):
    with pytest.raises(InputError) as caught:
        select_classes(X, Y, classes)
    assert message in str(caught.value)
