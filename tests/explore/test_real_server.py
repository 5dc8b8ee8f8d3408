"""A server as users start it, under requests that mean harm: over real sockets, with real computations."""

import http.client
import json
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from explorer_process import end, start
from hostile import hostile_request

pytest.importorskip("uvicorn")
pytest.importorskip("tomli_w")

from jominy.explore.server import QUESTIONS

# Questions that take computing, and which share of them is computed: an extreme map takes all of its time limit.
HEAVY = {"/api/curve": 0.01, "/api/band": 0.001, "/api/map": 0.001, "/api/file": 0.001}
ANSWERS = {200, 400, 403, 404, 405, 408, 413, 415, 421, 422, 431, 503, 504}


def memory(process: int) -> float:
    """MiB of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096 / 2**20


def started_by(process: int) -> list[int]:
    """The processes that it has started: its workers."""
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True).stdout
    return [int(one) for one in told.split()]


def send(connection, method, path, headers, body):
    """Status and body; None where the server has ended the connection, as it may for what is no HTTP."""
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (http.client.HTTPException, OSError, ValueError, UnicodeError):
        connection.close()
        return None


@pytest.mark.slow
def test_ten_thousand_hostile_requests_leave_the_server_as_it_was():
    """Seed 1, four connections; few of the questions that take computing are computed, the others are malformed."""
    process, address = start()
    place = address.split("/")[2]
    shapes = {name: question.shape for name, question in QUESTIONS.items()}
    seen: list[int | None] = []
    wrong: list[str] = []

    def client(seed: int, count: int) -> None:
        rng = np.random.default_rng([1, seed])
        connection = http.client.HTTPConnection(place, timeout=200)
        done = 0
        while done < count:
            method, path, headers, body = hostile_request(rng, shapes)
            if rng.random() > HEAVY.get(path, 1.0):
                body = body.replace(b"0", b"-", 1) if b"0" in body else body[:-1]  # malformed
            begin = time.monotonic()
            answer = send(connection, method, path, headers, body)
            done += 1
            seen.append(None if answer is None else answer[0])
            if answer is None:
                continue
            status, text = answer
            if (
                status not in ANSWERS
                or b"Traceback" in text
                or b"site-packages" in text
                or time.monotonic() - begin > 195
            ):
                wrong.append(f"{status} {method} {path} {body[:300]!r} {text[:300]!r}")

    def storm(first_seed: int, count: int) -> None:
        clients = [threading.Thread(target=client, args=(first_seed + k, count // 4)) for k in range(4)]
        for one in clients:
            one.start()
        for one in clients:
            one.join()

    taken = []
    for first_seed, count in ((0, 2000), (0, 2000), (2000, 8000)):  # the second time the very same ones
        storm(first_seed, count)
        own = memory(process.pid)
        taken.append(own + sum(map(memory, started_by(process.pid))))
    assert not wrong, wrong[:3]
    assert len(seen) == 12_000 and sum(one is None for one in seen) < 500
    connection = http.client.HTTPConnection(place, timeout=200)
    status, text = send(connection, "POST", "/api/curve", {"content-type": "application/json"}, b"{}")
    assert status == 200 and json.loads(text)["status"] == "completed"
    code, errors = end(process)
    assert code == 0 and "mistake of ours" not in errors, errors[:2000]
    once, again, after = taken
    assert again < once + 64, taken  # requests that were answered before leave nothing
    assert after < once + 300, taken  # what is compiled for new kinds of problems stays, up to `LARGEST`
    assert own < 80, own
    print(
        f"{once:.0f} MiB after 2,000 requests, {again:.0f} after the same again, {after:.0f} after 8,000 others, of "
        f"them the server's own {own:.0f}; answers",
        {status: seen.count(status) for status in set(seen)},
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", [None, "its own"], ids=["scripts", "pages"])
def test_polite_client_among_thirty_gets_every_answer(page):
    """29 clients with three connections each, which ask all the time; one that asks when it has been answered."""
    process, address = start()
    place, ended = address.split("/")[2], threading.Event()
    statuses: dict[str, list[int]] = {"greedy": [], "polite": []}

    def ask(kind: str, who: int, connection: http.client.HTTPConnection, radius: float) -> None:
        headers = {"content-type": "application/json"} | ({} if page is None else {"x-jominy-page": f"{page} {who}"})
        body = json.dumps({"radius": radius, "dimension": 100, "spectrum": "two-level", "horizon": 4.0})
        connection.request("POST", "/api/curve", body, headers)
        answer = connection.getresponse()
        answer.read()
        statuses[kind].append(answer.status)

    def greedy(seed: int) -> None:
        rng, connection = np.random.default_rng([2, seed]), http.client.HTTPConnection(place, timeout=200)
        while not ended.is_set():
            ask("greedy", seed // 3, connection, rng.uniform(0.1, 1.0))

    connection = http.client.HTTPConnection(place, timeout=200)
    ask("polite", 29, connection, 0.1)  # compiles
    crowd = [threading.Thread(target=greedy, args=(seed,)) for seed in range(87)]
    for one in crowd:
        one.start()
    for k in range(20):
        ask("polite", 29, connection, 0.2 + k / 100)
    ended.set()
    for one in crowd:
        one.join()
    assert statuses["polite"] == [200] * 21
    assert set(statuses["greedy"]) <= {200, 204, 503}
    code, errors = end(process)
    assert (code, errors) == (0, "")
    print({kind: {one: told.count(one) for one in set(told)} for kind, told in statuses.items()})
