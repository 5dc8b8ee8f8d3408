import pytest

import hand_made
import jominy as jm
from jominy.cli.main import main


@pytest.fixture
def saved(tmp_path):
    jm.save(hand_made.classification(), tmp_path / "told.nc")
    jm.save(hand_made.classification(4), tmp_path / "seen.nc")
    return tmp_path


def test_files_become_a_page(saved, capsys):
    out = saved / "page.html"
    assert main(["report", str(saved / "told.nc"), str(saved / "seen.nc"), "-o", str(out), "--title", "A study"]) == 0
    page = out.read_text(encoding="utf-8")
    assert "<h1>A study</h1>" in page and "Agreement with SGD" in page
    assert capsys.readouterr().err == f"written {out}\n"


@pytest.mark.parametrize(
    ("names", "out", "message"),
    [
        (["none.nc"], "a.html", "must exist"),
        (["text.nc"], "a.html", "must be NetCDF"),
        (["trained.nc"], "a.html", "trained.nc: a report shows"),
        (["told.nc"], "none/a.html", "folder of --out must exist"),
        (["told.nc"], "a.pdf", "must end in .html"),
    ],
)
def test_bad_input_is_one_clear_line(saved, capsys, names, out, message):
    (saved / "text.nc").write_text("no result")
    jm.save(hand_made.forecast().rename(time="step").assign_attrs(engine="train"), saved / "trained.nc")
    assert main(["report", *(str(saved / name) for name in names), "-o", str(saved / out)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not list(saved.glob("*.html"))
