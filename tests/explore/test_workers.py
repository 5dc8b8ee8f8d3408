"""Worker processes: what they do with their memory."""

import asyncio

import pytest

pytest.importorskip("tomli_w")

from jominy.explore import workers
from jominy.explore.asked import Text


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

    told, ((first, _), (second, alive), (third, after)) = asyncio.run(asked_thrice())
    assert told[0] == told[1] == told[2] and "radius" in told[0]["text"]
    assert first == second != third and not alive and after
