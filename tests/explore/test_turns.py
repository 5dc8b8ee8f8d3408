"""Whose turn it is, and how long a job may take: without processes, by hand-made clocks."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("tomli_w")

from jominy.explore import limits
from jominy.explore.asked import Text
from jominy.explore.limits import Crowded, TimeLimit, TooLong
from jominy.explore.turns import CLIENT, MOST_WAITING, Busy, Client, Replaced, Turns
from jominy.explore.workers import Worker

POLITE = Client("127.0.0.1", "polite")


def in_a_loop(work):
    """Run it in a thread of its own: a browser test in this process leaves its event loop running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def test_clients_take_turns_and_a_newer_question_of_a_page_takes_the_place_of_its_older_one():
    async def served():
        turns = Turns()
        for k in range(3):
            turns.enter(Client("script"), "curve", (f"script {k}",))
        older = turns.enter(Client("here", "one"), "curve", ("one, older",))
        turns.enter(Client("here", "one"), "map", ("one, map",))
        turns.enter(Client("here", "two"), "curve", ("two",))  # the same address is another page: through a proxy
        newer = turns.enter(Client("here", "one"), "curve", ("one, newer",))
        assert isinstance(older.answer.exception(), Replaced) and not newer.answer.done()
        assert [turns.ahead(Client("here", page)) for page in ("one", "two", "none")] == [1, 2, 0]
        left = turns.enter(Client("here", "three"), "curve", ("three",))
        turns.leave(left)
        turns.leave(older)  # is out already: the newer one stays
        return [ticket.work[0] for ticket in iter(turns.next, None)]

    assert in_a_loop(served()) == ["script 0", "one, newer", "two", "script 1", "one, map", "script 2"]


def test_too_many_are_told_so_and_a_crowd_of_scripts_keeps_no_page_out():
    async def refused():
        turns = Turns()
        with pytest.raises(Busy):
            for k in range(1000):
                turns.enter(Client("script"), "curve", (k,))
        assert (turns.waiting(pages=False), turns.waiting(pages=True)) == (MOST_WAITING, 0)
        with pytest.raises(Busy):
            for k in range(1000):
                turns.enter(Client("here", str(k)), "curve", ())
        assert turns.waiting(pages=True) == MOST_WAITING
        turns.enter(Client("here", "0"), "curve", ("newer",))  # takes no more room

    in_a_loop(refused())


@pytest.mark.parametrize("pages", [True, False], ids=["pages", "scripts"])
def test_polite_client_among_thirty_greedy_ones_gets_every_answer(pages, monkeypatch):
    """29 clients who ask three questions at once and again as soon as one is answered; one who waits for each."""
    monkeypatch.setattr(Worker, "_exchange", lambda self, job, asked, limit, tell: job)
    told = {"greedy": 0, "polite": 0}

    async def ask(worker, name, client):
        CLIENT.set(client)
        try:
            assert await worker.ask("text", Text(form="toml"), 1.0) == "text"
            told[name] += 1
        except (Busy, Replaced):
            await asyncio.sleep(0)

    async def crowd():
        worker = Worker(None)
        ended = False

        async def greedy(page):
            while not ended:
                await ask(worker, "greedy", Client("127.0.0.1", page))

        tasks = [asyncio.create_task(greedy(f"greedy {k % 29}" if pages else "")) for k in range(3 * 29)]
        for _ in range(20):  # each is answered, or this never ends
            while told["polite"] < 20:
                await ask(worker, "polite", POLITE if pages else Client("127.0.0.1", ""))
                if pages:
                    break
        ended = True
        await asyncio.gather(*tasks)
        return worker.idle

    assert in_a_loop(crowd()) and told["polite"] == 20
    assert told["greedy"] <= 21 * 30 * (1 if pages else 4)  # one turn each for every turn of the polite one


@pytest.mark.parametrize(
    ("share", "error", "passed"),
    [(1.0, TooLong, 1.0), (0.7, TooLong, 1.0), (0.5, TooLong, 1.5), (0.1, Crowded, 3.0), (None, TooLong, 1.0)],
    ids=["works", "mostly", "half", "starved", "unknown"],
)
def test_a_job_that_the_machine_hardly_lets_work_has_longer_and_is_not_blamed(share, error, passed, monkeypatch):
    """A limit of 10 s on a clock of our own, on which a process works a share of the time."""
    now, ended = 0.0, []

    class Timer:  # of threading: begins at once, ends at once
        def __init__(self, seconds, work):
            self.seconds, self.work = seconds, work

        def start(self):
            due.append(self)

        def cancel(self):
            due.clear()

        def join(self):
            pass

    due = []
    monkeypatch.setattr(limits.threading, "Timer", Timer)
    monkeypatch.setattr(limits.time, "monotonic", lambda: now)
    monkeypatch.setattr(limits, "seconds_worked", lambda process: None if share is None else 7.0 + share * now)
    with TimeLimit(10.0, 1, lambda: ended.append(now)) as limit:
        while due and not ended:
            one = due.pop(0)
            now += one.seconds
            one.work()
    assert type(limit.error) is error and ended == [pytest.approx(10 * passed, rel=0.03)]
