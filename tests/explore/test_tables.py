"""Tables that are dropped onto the page: what is taken, what is told of them, and that it is what the verbs say."""

import json

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("tomli_w")

from starlette.testclient import TestClient

import jominy as jm
from jominy.data import read_table
from jominy.errors import InputError
from jominy.explore.asked import Text
from jominy.explore.curves_state import Curves
from jominy.explore.guard import MOST_BYTES_OF_A_TABLE
from jominy.explore.request_handler import RequestHandler
from jominy.explore.server import Explorer, application
from jominy.explore.tables import MOST_TABLES, Kept, Opened, TableRef, Tables, table_file

HERE = "http://127.0.0.1:8017"
ROWS = np.random.default_rng(0).standard_normal((60, 3)).round(3)
SICK = np.where(ROWS.sum(1) + 0.3 > 0, "yes", "no")
TABLE = "height,width,depth,sick\n" + "".join(f"{a},{b},{c},{s}\n" for (a, b, c), s in zip(ROWS, SICK, strict=True))


@pytest.fixture
def tables():
    kept = Tables()
    yield kept
    kept.close()
    assert kept._made is None


def test_a_table_is_told_as_the_command_line_reads_it_and_its_curve_is_that_of_the_verbs(tables):
    called = tables.keep("..\\..//patients.CSV", TABLE.replace(",", ";").encode("utf-16"))
    other = tables.keep("patients.csv", TABLE.replace("0.", "1.").encode())
    assert called != other and table_file(tables.folder, called).name == "patients.csv"
    desk = RequestHandler(None, lambda told: None, lambda: False, tables.folder)
    told = desk.answer("columns", Kept(id=called))
    assert (told["rows"], told["columns"], told["likely"]) == (60, ["height", "width", "depth", "sick"], "sick")
    assert "separated by semicolons" in told["notes"][0]
    opened = desk.answer("open", Opened(table=TableRef(id=called, target="sick")))
    state = Curves(**opened["start"], table=TableRef(id=called, target="sick"))
    curve = desk.answer("curve", state)
    problem = jm.Scenario.load(_written(tables, called, desk.answer("text", Text(form="toml", curves=state)))).problem()
    X, _, _ = read_table(table_file(tables.folder, called), "sick")
    assert (X == ROWS).all() and problem.data.count == 45  # a quarter is held out
    assert state.radius == pytest.approx(jm.collapse_radius(problem) / 4, rel=0.1)  # as the command line's
    assert any("radius" in note and "chosen" in note for note in curve["notes"])
    expected = jm.forecast(problem, jm.Constant(state.rate), time=state.horizon)
    assert curve["variables"]["adversarial_risk"][-1] == pytest.approx(float(expected.adversarial_risk[-1]), rel=1e-6)
    assert {one["path"] for one in opened["numbers"]} >= {"data.preprocessing.clip", "data.split_seed"}
    again = desk.answer("curve", state.model_copy(update={"table": TableRef(id=other, target="sick")}))
    assert again["variables"] != curve["variables"]  # the same name, other numbers
    assert not any("chosen" in note for note in again["notes"])  # the radius is that of the other table


def _written(tables, called, told):
    path = table_file(tables.folder, called).with_suffix(".toml")
    path.write_text(told["text"])
    return path


@pytest.mark.parametrize(
    ("target", "classes", "words"),
    [
        ("nothing", "", "target must name one column"),
        ("sick", "yes:", "two groups"),
        ("sick", "yes:maybe", "maybe"),
    ],
)
def test_what_cannot_be_forecast_is_refused_as_on_the_command_line(tables, target, classes, words):
    desk = RequestHandler(None, lambda told: None, lambda: False, tables.folder)
    called = tables.keep("patients.csv", TABLE.encode())
    with pytest.raises(InputError, match=words):
        desk.answer("open", Opened(table=TableRef(id=called, target=target, classes=classes)))


def test_tables_are_few_and_one_that_is_gone_says_so(tables):
    called = [tables.keep(f"{k}.csv", TABLE.encode()) for k in range(MOST_TABLES + 1)]
    assert len(list(tables.folder.iterdir())) == MOST_TABLES
    desk = RequestHandler(None, lambda told: None, lambda: False, tables.folder)
    with pytest.raises(InputError, match=r"no longer here\. Drop it onto the page again"):
        desk.answer("columns", Kept(id=called[0]))
    assert desk.answer("columns", Kept(id=called[-1]))["name"] == f"{MOST_TABLES}.csv"


def test_uploads_are_bounded_and_nobody_elses():
    class Echo:
        async def ask(self, job, asked, limit, tell=None):
            return {"job": job, "id": asked.id}

        def close(self):
            pass

    explorer = Explorer()
    explorer.workers = {name: Echo() for name in explorer.workers}

    def send(content, name="x.csv", **headers):
        return client.post("/api/table", params={"name": name}, content=content, headers=CSV | headers)

    with TestClient(application(explorer, frozenset({"127.0.0.1"}), warm=False), base_url=HERE) as client:
        assert client.get("/api/start").json()["most_bytes_of_a_table"] == MOST_BYTES_OF_A_TABLE
        assert send(b"a,b\n1,2\n").json()["job"] == "columns"
        assert send(b"a,b\n1,2\n", **{"content-type": "application/json"}).status_code == 415
        assert send(b"a,b\n1,2\n", origin="http://evil.example").status_code == 403
        assert send(b"a,b\n1,2\n", **{"content-length": str(MOST_BYTES_OF_A_TABLE + 1)}).status_code == 413
        assert send(b"-" * 2**20 for _ in range(9)).status_code == 413
        for name in ("x.toml", "", "../.csv/", "/etc/passwd", "x.csv\x00.sh"):
            answer = send(b"a,b\n1,2\n", name)
            assert answer.status_code == 422 and "csv" in answer.json()["error"]
        for wrong in ("../../x", "A" * 32, "0" * 31, 3, None):
            for body in ({"id": wrong}, {"table": {"id": wrong, "target": "y"}}):
                name = "columns" if "id" in body else "open"
                answer = client.post(f"/api/{name}", content=json.dumps(body), headers={"content-type": JSON})
                assert answer.status_code == 422
        assert len(list(explorer.tables.folder.iterdir())) == 1
    assert explorer.tables._made is None


CSV, JSON = {"content-type": "text/csv"}, "application/json"


def test_a_table_of_several_classes_is_drawn_by_real_runs(tables):
    kinds = np.array(["cat", "dog", "elk"])[np.argmax(ROWS, axis=1)]
    text = "height,width,depth,kind\n" + "".join(f"{a},{b},{c},{s}\n" for (a, b, c), s in zip(ROWS, kinds, strict=True))
    called = tables.keep("animals.csv", text.encode())
    desk = RequestHandler(None, lambda told: None, lambda: False, tables.folder)
    opened = desk.answer("open", Opened(table=TableRef(id=called, target="kind")))
    state = Curves(**opened["start"], table=TableRef(id=called, target="kind"))
    curve = desk.answer("curve", state)
    assert any("mean of 50 real runs" in note for note in curve["notes"])
    assert curve["variables"]["adversarial_risk"][0] == pytest.approx(np.log(3))
    assert curve["variables"]["clean_accuracy"][-1] > 0.5
    assert "adversarial_risk_sd" in desk.answer("band", state)["variables"]
