"""CSV as people write it, against what a reader of the file would say it holds; and what is no table."""

import numpy as np
import pandas as pd
import pytest

from jominy.data import csv_files, read_table
from jominy.errors import InputError

SEMICOLONS = "fields of t.csv are separated by semicolons (--separator)"
COMMAS = "decimals of t.csv are written with a comma (--decimal)"

READ = {
    # text: X, y, notes
    "semicolons": ("a;b;y\n1.5;2;no\n2.5;3;yes\n", [[1.5, 2], [2.5, 3]], ["no", "yes"], [SEMICOLONS]),
    "decimal commas": ("a;b;y\n1,5;2;no\n2,5;3;yes\n", [[1.5, 2], [2.5, 3]], ["no", "yes"], [SEMICOLONS, COMMAS]),
    "commas in names": ("a, m;b, m;y\n1,5;2,5;0\n2,5;3;1\n", [[1.5, 2.5], [2.5, 3]], [0, 1], [SEMICOLONS, COMMAS]),
    "thousands": ("a;y\n1.234,5;0\n2,5;1\n", [[1234.5], [2.5]], [0, 1], [SEMICOLONS, COMMAS]),
    "late commas": ("a;y\n" + "1;0\n" * 300 + "2,5;1\n", [[1]] * 300 + [[2.5]], [0] * 300 + [1], [SEMICOLONS, COMMAS]),
    "tabs": ("a\ty\n1.5\tno, no\n2\tyes\n", [[1.5], [2]], ["no, no", "yes"], ["separated by tabs"]),
    "bars": ("a|y\n1.5|no\n2|yes\n", [[1.5], [2]], ["no", "yes"], ["separated by bars"]),
    "Excel's own line": ("sep=;\na;y\n1;no\n2;yes\n", [[1], [2]], ["no", "yes"], [SEMICOLONS]),
    "semicolons in words": ("a,b,y\n1,2,x;y\n2,3,z;w\n", [[1, 2], [2, 3]], ["x;y", "z;w"], []),
    "quoted": ('"a\nx","y"\n1,"n\no"\n2,"a ""b"""\n', [[1], [2]], ["n\no", 'a "b"'], []),
    "spaces": ("a, b, y\n1, 2, no\n2, 3, yes\n", [[1, 2], [2, 3]], ["no", "yes"], []),
    "separator at the end": ("a,b,y,\n1,2,no,\n2,3,yes,\n", [[1, 2], [2, 3]], ["no", "yes"], []),
    "separator at the end of rows": ("a,b,y\n1,2,no,\n2,3,yes,\n", [[1, 2], [2, 3]], ["no", "yes"], []),
    "row names": ("a,y\nr1,1,no\nr2,2,yes\n", [[1], [2]], ["no", "yes"], ["left out the row names of t.csv"]),
    "index": (",a,y\n5,1,no\n3,2,yes\n", [[1], [2]], ["no", "yes"], ["left out column 1 of t.csv, which has no name"]),
    "index of words": (",a,y\nx,1,no\nz,2,yes\n", [[1], [2]], ["no", "yes"], ["left out column 1 of t.csv"]),
    "no index": (",a,y\n.5,1,no\n.3,2,yes\n", [[0.5, 1], [0.3, 2]], ["no", "yes"], []),
    "alike": ("a,a,y\n1,2,no\n2,3,yes\n", [[1, 2], [2, 3]], ["no", "yes"], ["2 columns of t.csv are called 'a'"]),
    "blank lines": ("\n\na,y\n\n1,0\n2,1\n\n", [[1], [2]], [0, 1], []),
    "carriage returns": ("a,y\r1,0\r2,1\r", [[1], [2]], [0, 1], []),
    "mark": ("\ufeffa,y\r\n1,0\r\n2,1\r\n", [[1], [2]], [0, 1], []),
    "class None": ("a,y\n1,None\n2,Mild\n3,NA\n", [[1], [2], [3]], ["None", "Mild", "NA"], []),
    "classes None and NA": ("a,y\n1,None\n2,NA\n", [[1], [2]], ["None", "NA"], []),
}


@pytest.mark.parametrize("case", READ)
def test_tables_as_people_write_them(tmp_path, case):
    text, X, y, notes = READ[case]
    (tmp_path / "t.csv").write_bytes(text.encode())
    table = read_table(tmp_path / "t.csv", "y")
    assert (table.X.tolist(), table.y.tolist()) == (X, y)
    assert len(table.notes) == len(notes) and all(part in note for part, note in zip(notes, table.notes, strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings(tmp_path, encoding):
    (tmp_path / "t.csv").write_bytes("größe,y\n1,ä\n2,ö\n".encode(encoding))
    table = read_table(tmp_path / "t.csv", "y")
    assert (table.feature_names, table.y.tolist()) == (["größe"], ["ä", "ö"])
    assert bool(table.notes) == (encoding in ("utf-16-le", "utf-16-be", "cp1252"))


def test_separator_and_decimal_can_be_set(tmp_path):
    (tmp_path / "t.csv").write_text("a:y\n1,5:0\n2:1\n")
    assert read_table(tmp_path / "t.csv", "y", separator=":", decimal=",").X.tolist() == [[1.5], [2]]
    assert read_table(tmp_path / "t.csv", "y", separator=":", decimal=",").notes == ()
    with pytest.raises(InputError, match="the separator must be one character"):
        read_table(tmp_path / "t.csv", "y", separator="::")
    np.save(tmp_path / "t.npy", np.eye(3))
    with pytest.raises(InputError, match="go with a csv file"):
        read_table(tmp_path / "t.npy", 0, separator=";")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n \n\n", "the file is empty"),
        ("a,y\n", "t.csv must have rows of values (received: 2 names and nothing below)"),
        ("a,b,y\n1,2,no\n2,3,yes,7\n", "row 2 has 4 fields, and there are 3 names"),
        ("a,b,y\n1,2,no,8,9\n2,3,yes\n", "row 1 has 5 fields, and there are 3 names"),
        ("a,b,y\n" + "1,2,no\n" * 300 + "2,3,yes,7\n", "Expected 3 fields in line 302, saw 4"),
        ("a,y,y\n1,2,no\n2,3,yes\n", "target must name one column of t.csv (received: 2 columns called 'y')"),
        ("6,148,1\n1,85,0\n", "The first line must hold the names of the columns, and seems to hold values."),
        ("a,y\n1,1\n2,NA\n3,0\n", "y must be finite (received: 1 NaN"),
        ("a,y\n1,None\n2,Mild\n3,\n", "y must not have missing values (received: 1, the first in row 2)"),
        ("a,y\n1,0\ninf,1\n", "X must be finite"),
        ("a,y\n1,0\n?,1\n", "X must be finite"),
        ("a,y\n1,0\n\0,1\n", "X must be real numbers"),
        ('a,y\n"1,0\n2,1\n', "t.csv must be a readable .csv table"),
        ("a,y\n1+2j,0\n2,1\n", "X must be real numbers"),
        ("a,y\n" + "9" * 400 + ",0\n2,1\n", "X must be finite"),
        (",y\n0,1\n1,0\n", "a feature of t.csv must be left"),
    ],
)
def test_what_is_no_table_is_refused_with_the_rule(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_table(tmp_path / "t.csv", "y")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_too_many_columns_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pd, "read_csv", lambda *args, **kwargs: pytest.fail("was read"))
    (tmp_path / "t.csv").write_text(",".join(["c"] * 100_001) + "\n" + ",".join(["1"] * 100_001))
    with pytest.raises(InputError, match="at most 100000 columns, and t.csv has more .*100001 columns"):
        read_table(tmp_path / "t.csv", "y")
    monkeypatch.setattr(csv_files, "_SAMPLE", 1000)
    with pytest.raises(InputError, match="a first line of more than 1000 characters"):
        read_table(tmp_path / "t.csv", "y")


def test_a_name_that_is_not_there_is_answered_with_the_nearest(tmp_path):
    names = [f"pixel{j}" for j in range(784)] + ["label"]
    pd.DataFrame(np.zeros((2, 785)), columns=names).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as caught:
        read_table(tmp_path / "t.csv", "Label")
    assert str(caught.value).endswith("(received: 'Label'). Nearest of the 785 columns: 'label'.")
    with pytest.raises(InputError, match="Nearest of the 784 features: 'pixel84', 'pixel78', 'pixel74'"):
        read_table(tmp_path / "t.csv", "label", drop=["pixel784"])
    with pytest.raises(InputError, match="The first of the 785 columns are 'pixel0', 'pixel1', 'pixel2'"):
        read_table(tmp_path / "t.csv", "zzz")


@pytest.mark.parametrize(
    ("drop", "left"),
    [
        (["a,b"], ["a", "b", "c"]),
        (["a, b"], ["a,b", "c"]),
        (['"a,b",c'], ["a", "b"]),
        (["a,b", "a", "c"], ["b"]),
    ],
)
def test_columns_with_commas_in_their_names_can_be_dropped(tmp_path, drop, left):
    (tmp_path / "t.csv").write_text('a,b,"a,b",c,y\n1,2,3,4,0\n5,6,7,8,1\n')
    assert read_table(tmp_path / "t.csv", "y", drop).feature_names == left
