"""The server without a browser: who may ask, what is refused, and that refusals are short and say why."""

import json

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("tomli_w")

from starlette.testclient import TestClient

from hostile import hostile_request
from jominy.explore.asked import Map, Run
from jominy.explore.curves_state import Curves
from jominy.explore.guard import HEADERS, MOST_BYTES
from jominy.explore.server import QUESTIONS, Explorer, application
from jominy.explore.workers import MOST_WAITING, Busy, Failed, Refused, TooLong

HERE = "http://127.0.0.1:8017"
HOSTS = frozenset({"127.0.0.1", "localhost"})


class Echo:
    """Stands for a worker process: answers at once with what it was asked, or raises what it was told to."""

    def __init__(self):
        self.raises, self.asked, self.idle, self.stopping, self.stopped = None, [], True, False, 0

    async def ask(self, job, asked, limit, tell=None):
        self.asked.append((job, asked))
        if self.raises is not None:
            raise self.raises
        if tell is not None:
            tell({"time": 0.0, "variables": {}})
        return b"CDF" if job == "file" else {"job": job}

    def stop(self):
        self.stopped += 1

    def close(self):
        pass


@pytest.fixture
def served():
    explorer = Explorer()
    explorer.workers = {name: Echo() for name in explorer.workers}
    with TestClient(application(explorer, HOSTS, warm=False), base_url=HERE) as client:
        client.explorer = explorer
        yield client


def post(client, name, value, **headers):
    return client.post(
        f"/api/{name}", content=json.dumps(value), headers={"content-type": "application/json"} | headers
    )


def test_page_and_its_parts_are_served_with_the_headers_that_keep_everything_else_out(served):
    page = served.get("/")
    assert page.status_code == 200 and page.text.startswith("<!doctype html>")
    for name in ("style.css", "main.js", "curves.js", "chart.js", "icon.svg"):
        assert served.get(f"/{name}").status_code == 200
    for answer in (page, served.get("/api/start"), served.get("/nothing")):
        for name, value in HEADERS:
            assert answer.headers[name.decode()] == value.decode()
    assert served.get("/main.js").headers["cache-control"] == "no-store"  # of the next version, at the same address
    for name in ("icon.svg", "favicon.ico"):  # browsers fetch it again at each new address, unless they may keep it
        icon = served.get(f"/{name}").headers
        assert icon.get_list("cache-control") == ["private, max-age=604800"] and icon["content-type"] == "image/svg+xml"
    assert "http" not in page.text.replace("http://www.w3.org", "")  # nothing is loaded from elsewhere


def test_page_is_told_bounds_and_defaults_of_every_control(served):
    told = served.get("/api/start").json()
    assert {one["name"]: one["value"] for one in told["controls"]["curves"]} == Curves().model_dump(exclude={"numbers"})
    problem = next(one for one in told["controls"]["curves"] if one["name"] == "problem")
    assert [value for value, _ in problem["words"]] == ["least-squares", "two-class"]  # no scenario was given


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),  # a name that someone pointed at this machine
        ({"host": "127.0.0.1.evil.example:8017"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),  # another server of this machine
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"content-type": "text/plain"}, 415),  # what a form of another site could send unasked
        ({"content-length": "999999999"}, 413),
    ],
)
def test_requests_of_others_are_refused_before_they_are_read(served, headers, status):
    answer = post(served, "curve", {}, **headers)
    assert answer.status_code == status and set(answer.json()) == {"error"}
    assert not served.explorer.workers["quick"].asked


def test_own_origin_under_every_name_of_the_loopback_is_answered(served):
    for host in ("127.0.0.1:8017", "localhost:8017"):
        assert post(served, "curve", {}, host=host, origin=f"http://{host}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/%2e%2e/server.py", "/..%2fserver.py", "//etc/passwd", "/etc/passwd", "/server.py",
             "/page/main.js", "/main.js%00.css", "/api/"],
)  # fmt: skip
def test_no_file_but_the_pages_own_can_be_had(served, path):
    answer = served.get(path)
    assert answer.status_code in (404, 405) and len(answer.content) < 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_unknown_methods_are_refused(served, method):
    for path in ("/", "/api/curve", "/main.js"):
        assert served.request(method, path).status_code in (404, 405)


def test_wrong_values_are_refused_with_the_field_and_the_bound(served):
    answer = post(served, "curve", {"radius": -1})
    assert (answer.status_code, answer.json()) == (422, {"error": "radius: Input should be greater than or equal to 0"})
    answer = post(served, "curve", {"radios": 1})
    assert answer.json() == {"error": "radios: Extra inputs are not permitted"}
    for wrong in (
        {"rate": "0.5"},
        {"rate": None},
        {"dimension": 1.5},
        {"dimension": 10**9},
        {"dimension": True},
        {"numbers": {"data.dimension": "9"}},
        {"numbers": {"x" * 101: 1.0}},
        {"numbers": {str(k): 1.0 for k in range(65)}},
        [],
        3,
    ):
        assert post(served, "curve", wrong).status_code == 422
    for text in (
        '{"rate": NaN}',
        '{"rate": Infinity}',
        '{"rate": 1e999}',
        "{",
        "",
        "[" * 5000,
        '{"radius":' + "9" * 9000 + "}",
    ):
        answer = served.post("/api/curve", content=text, headers={"content-type": "application/json"})
        assert answer.status_code == 422 and len(answer.content) < 400
    assert not served.explorer.workers["quick"].asked


def test_bodies_are_bounded_also_where_they_do_not_say_how_long_they_are(served):
    def pieces():
        for _ in range(40):
            yield b" " * 1024

    answer = served.post("/api/curve", content=pieces(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert (
        served.post(
            "/api/curve", content=b" " * (MOST_BYTES + 1), headers={"content-type": "application/json"}
        ).status_code
        == 413
    )


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Busy(), 503, "busy"), (TooLong(), 504, "took too long"), (Failed(), 500, "mistake of ours"),
        (Refused("no such thing (received: 3)"), 422, "received: 3"),
        (ZeroDivisionError("/a/path"), 500, "mistake of ours"),
    ],
)  # fmt: skip
def test_failures_are_told_without_traces(served, error, status, words):
    served.explorer.workers["quick"].raises = error
    client = TestClient(served.app, base_url=HERE, raise_server_exceptions=False)
    answer = post(client, "curve", {})
    assert answer.status_code == status and words in answer.json()["error"]
    assert "Traceback" not in answer.text and "/a/path" not in answer.text


def test_token_is_asked_for_off_the_loopback_and_kept_in_a_cookie_that_scripts_cannot_read():
    explorer = Explorer()
    explorer.workers = {name: Echo() for name in explorer.workers}
    with TestClient(application(explorer, None, "s3cret", warm=False), base_url="http://192.168.1.5:8017") as client:
        assert client.get("/").status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        assert (
            client.get("/api/start?token=s3cret").status_code == 401
        )  # in the address only where it is taken out again
        assert client.get("/", headers={"host": "rebound.example"}).status_code == 421
        answer = client.get("/?token=s3cret", follow_redirects=False)
        assert answer.status_code == 303 and answer.headers["location"] == "/"
        assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=strict" in answer.headers["set-cookie"]
        assert client.get("/").status_code == 200 and client.get("/api/start").status_code == 200
        client.cookies.clear()
        assert client.get("/api/start", headers={"authorization": "Bearer s3cret"}).status_code == 200


def test_runs_are_streamed_and_only_one_goes_on(served):
    answer = post(served, "run", {"state": {}, "seeds": 3})
    assert answer.headers["content-type"].startswith("text/event-stream")
    names = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event")]
    assert names == ["started", "moment", "end"]
    served.explorer.workers["run"].idle = False
    assert post(served, "run", {"state": {}, "seeds": 3}).status_code == 503
    assert post(served, "stop", {"run": 1}).json() == {"stopped": True} and served.explorer.workers["run"].stopped == 1
    assert post(served, "stop", {"run": 7}).json() == {"stopped": False}
    for seeds in (0, 1, 101, 10**30, "3"):
        assert post(served, "run", {"state": {}, "seeds": seeds}).status_code == 422


def test_every_question_takes_its_defaults_and_reaches_its_worker(served):
    bodies = {
        "map": {"state": {}},
        "drawn": {"state": {}},
        "text": {"form": "toml"},
        "file": {"what": "map", "form": "nc"},
    }
    for name, question in QUESTIONS.items():
        assert post(served, name, bodies.get(name, {})).status_code == 200
        assert served.explorer.workers[question.worker].asked[-1][0] == name
    assert post(served, "file", {"what": "runs", "form": "png"}).content == b"CDF"
    assert served.explorer.workers["run"].asked[-1][0] == "file"
    assert MOST_WAITING < 100 and Map(state=Curves()).points <= 21 and Run(state=Curves()).seeds <= 100


@pytest.mark.parametrize("count", [600, pytest.param(10_000, marks=pytest.mark.slow)])
def test_hostile_requests_are_each_answered_shortly(served, count):
    """Malformed, hostile and extreme requests, seed 0: none reaches a computation with a value out of its bounds."""
    rng = np.random.default_rng(0)
    shapes = {name: question.shape for name, question in QUESTIONS.items()}
    client = TestClient(served.app, base_url=HERE, raise_server_exceptions=False)
    statuses = {}
    for _ in range(count):
        method, path, headers, body = hostile_request(rng, shapes)
        answer = client.request(method, path, headers=headers, content=body)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code in (200, 400, 403, 404, 405, 408, 413, 415, 421, 422), (
            method,
            path,
            headers,
            body[:200],
        )
        assert "Traceback" not in answer.text and "site-packages" not in answer.text
        if answer.status_code != 200:
            assert len(answer.content) < 500
    assert len(statuses) >= 7 and statuses.get(200, 0) > count / 100
    for worker in served.explorer.workers.values():
        for _, asked in worker.asked:
            type(asked).model_validate_json(asked.model_dump_json())  # all within their bounds
