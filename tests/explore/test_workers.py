"""Worker processes: what they do with their memory."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("tomli_w")

from jominy.explore import workers
from jominy.explore.asked import Text


def in_a_loop(work):
    """Run it in a thread of its own: a browser test in this process leaves its event loop running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def test_worker_that_has_grown_too_large_is_replaced_after_its_answer(monkeypatch):
    async def asked_thrice():
        worker = workers.Worker(None)
        told, processes = [], []
        for largest in (2**40, 1, 2**40):
            monkeypatch.setattr(workers, "LARGEST", largest)
            told.append(await worker.ask("text", Text(form="toml"), 60.0))
            processes.append((worker._process.pid, worker._process.is_alive()))
        worker.close()
        return told, processes

    told, ((first, _), (second, alive), (third, after)) = in_a_loop(asked_thrice())
    assert told[0] == told[1] == told[2] and "radius" in told[0]["text"]
    assert first == second != third and not alive and after


def test_those_who_wait_behind_a_job_that_takes_too_long_are_answered():
    async def asked():
        worker = workers.Worker(None)
        jobs = [worker.ask("text", Text(form="toml"), limit) for limit in (0.2, 60.0, 60.0, 60.0)]
        told = await asyncio.gather(*jobs, return_exceptions=True)
        worker.close()
        return told

    late, *others = in_a_loop(asked())  # the first has not even started its process within its limit
    assert isinstance(late, workers.TooLong)
    assert all("radius" in told["text"] for told in others)
