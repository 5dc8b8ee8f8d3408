"""The server: a fixed set of files, and a fixed set of questions that workers answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

import jominy
from jominy.errors import InputError
from jominy.explore.asked import LONGEST_RUN, Drawn, File, Map, Run, Stop, Text
from jominy.explore.curves_state import OWN, Curves
from jominy.explore.fields import Request, controls
from jominy.explore.guard import COOKIE, MOST_BYTES_OF_A_TABLE, UPLOAD, Guard
from jominy.explore.networks_state import Networks
from jominy.explore.tables import Kept, Opened, Tables
from jominy.explore.workers import CLIENT, Busy, Client, Crowded, Failed, Refused, Replaced, TooLong, Worker
from jominy.wording import Reader, said

PAGE = Path(__file__).with_name("page")
KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
KEPT = {"cache-control": "private, max-age=604800"}
"""Of the icon: browsers would fetch it again whenever the address changes, as it does with every move of a slider."""


@dataclass(frozen=True)
class Question:
    """What may be asked: the shape of the request, who answers, within how many seconds."""

    shape: type[Request]
    worker: str
    limit: float


# A first answer of a kind may have to be compiled, which takes most of these limits; the next takes milliseconds.
QUESTIONS = {
    "curve": Question(Curves, "quick", 60.0),
    "drawn": Question(Drawn, "quick", 60.0),
    "network": Question(Networks, "quick", 10.0),
    "text": Question(Text, "quick", 20.0),
    "band": Question(Curves, "slow", 120.0),
    "beside": Question(Curves, "slow", 120.0),
    "design": Question(Curves, "slow", 120.0),
    "network_advice": Question(Networks, "slow", 20.0),
    "map": Question(Map, "slow", 120.0),
    "file": Question(File, "slow", 120.0),
}

OF_TABLES = {"columns": Question(Kept, "quick", 60.0), "open": Question(Opened, "quick", 60.0)}
"""Besides, of tables that were dropped onto the page."""

QUIET = 10.0
"""Seconds without a question after which something is compiled ahead."""


class Explorer:
    """The questions' answers, from three processes: one for what moves with a slider, one for the rest, one for SGD."""

    def __init__(
        self, own: Path | None = None, start: Curves | None = None, networks: Networks | None = None,
        numbers: list[dict[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        self.tables, self.here = Tables(), True
        self.workers = {name: Worker(own, nice, self.tables) for name, nice in (("quick", 0), ("slow", 5), ("run", 10))}
        self.start = start or Curves()
        self.networks, self.opens_on = networks or Networks(), "curves" if networks is None else "networks"
        self.own, self.numbers, self.runs = own is not None, numbers or [], 0

    def told_at_start(self) -> dict[str, Any]:
        """What the page must know: controls, bounds, the state it opens with."""
        curves = controls(Curves)
        if not self.own:
            for control in curves:
                if "words" in control:
                    control["words"] = [pair for pair in control["words"] if pair[0] != OWN]
        return {
            "version": jominy.__version__,
            "controls": {"curves": curves + self.numbers, "networks": controls(Networks)},
            "state": {"curves": self.start.model_dump(exclude={"numbers"}), "networks": self.networks.model_dump()},
            "tab": self.opens_on,
            "most_bytes_of_a_table": MOST_BYTES_OF_A_TABLE,
            "here": self.here,
        }

    async def answer(self, name: str, body: bytes) -> Response:
        """One question's answer, or why there is none."""
        question = (QUESTIONS | OF_TABLES)[name]
        asked = read(question.shape, body)
        worker = "run" if isinstance(asked, File) and asked.what == "runs" else question.worker
        value = await self.workers[worker].ask(name, asked, question.limit)
        return Response(value, media_type="application/octet-stream") if isinstance(value, bytes) else _json(value)

    def waiting(self, client: Client) -> dict[str, dict[str, Any]]:
        """For each worker: how many questions of others come before a client's, and whether it is at one of theirs."""
        return {
            name: {"ahead": worker.turns.ahead(client), "at_others": not worker.idle and worker.at != client}
            for name, worker in self.workers.items()
        }

    async def run(self, asked: Run) -> AsyncIterator[str]:
        """Server-sent events of one run of SGD: `started`, a `moment` each, and `end` or `refused`."""
        worker, loop = self.workers["run"], asyncio.get_running_loop()
        self.runs += 1
        events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

        def tell(moment: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(events.put_nowait, ("moment", moment))

        async def whole() -> None:
            try:
                last = "end", await worker.ask("run", asked, LONGEST_RUN + 60.0, tell)
            except (Busy, Refused, TooLong, Failed) as error:
                last = "refused", {"error": _words(error)[1]}
            loop.call_soon(events.put_nowait, last)  # behind the moments that are on their way

        yield _event("started", {"run": self.runs})
        task = asyncio.create_task(whole())
        try:
            while True:
                try:
                    name, value = await asyncio.wait_for(events.get(), 5.0)
                except TimeoutError:
                    yield ": still computing\n\n"
                    continue
                yield _event(name, value)
                if name != "moment":
                    return
        finally:  # the client may have left
            if not task.done():
                worker.stop()
                task.cancel()

    async def warm(self) -> None:
        """Compile what the page opens with; then, while nobody drags, what other settings need.

        The latter in the slow process: what it compiles is kept on disk, from where the quick one has it at once.
        """
        quick, slow = self.workers["quick"], self.workers["slow"]
        with contextlib.suppress(Busy, Refused, TooLong, Failed):
            await quick.ask("curve", self.start, 300.0)
            await asyncio.gather(slow.ask("band", self.start, 300.0), quick.ask("network", self.networks, 60.0))
        for problem in (OWN,) if self.own else ("least-squares", "two-class"):
            for schedule in ("constant", "polyak", "exact-line-search"):
                while time.monotonic() - max(worker.last for worker in (quick, slow)) < QUIET:
                    await asyncio.sleep(1.0)
                with contextlib.suppress(Busy, Refused, TooLong, Failed):
                    await slow.ask(
                        "curve", self.start.model_copy(update={"problem": problem, "schedule": schedule}), 300.0
                    )

    def close(self) -> None:
        """End all processes."""
        for worker in self.workers.values():
            worker.close()
        self.tables.close()


def read(shape: type[Request], body: bytes) -> Any:
    """A checked request. Raises HTTPException 422 that names the field."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:60]
        raise HTTPException(422, f"{where or 'the request'}: {first['msg'][:200]}") from None


def application(explorer: Explorer, hosts: frozenset[str] | None, token: str | None = None, warm: bool = True) -> Guard:
    """The whole ASGI application."""
    files: dict[str, tuple[bytes, str]]
    files = {path.name: (path.read_bytes(), KINDS[path.suffix]) for path in PAGE.iterdir() if path.suffix in KINDS}

    explorer.here = token is None
    files["favicon.ico"] = files["icon.svg"]  # what browsers ask for beside an answer that is no page

    async def page(request: HTTPRequest) -> Response:
        if (
            token is not None and request.url.query
        ):  # the token leaves the address, for a cookie that scripts cannot read
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, token, httponly=True, samesite="strict")
            return answer
        return Response(*files["index.html"][:1], media_type=files["index.html"][1])

    async def part(request: HTTPRequest) -> Response:
        found = files.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return Response(found[0], media_type=found[1], headers=KEPT if found is files["icon.svg"] else None)

    async def start(request: HTTPRequest) -> Response:
        return _json(explorer.told_at_start())

    async def ask(request: HTTPRequest) -> Response:
        name = request.path_params["name"]
        if name not in QUESTIONS | OF_TABLES:
            raise HTTPException(404)
        return await answered(request, name, await request.body())

    async def answered(request: HTTPRequest, name: str, body: bytes) -> Response:
        CLIENT.set(_client_of(request))
        answer = asyncio.create_task(explorer.answer(name, body))
        left = asyncio.create_task(_left(request))
        try:
            await asyncio.wait({answer, left}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():  # nobody waits for it any more
                return Response(status_code=499)
            return answer.result()
        finally:
            answer.cancel()
            left.cancel()

    async def table(request: HTTPRequest) -> Response:
        try:
            called = explorer.tables.keep(request.query_params.get("name", ""), await request.body())
        except OSError as error:
            raise HTTPException(507, f"the table cannot be kept: {error.strerror}") from None
        return await answered(request, "columns", json.dumps({"id": called}).encode())

    async def waiting(request: HTTPRequest) -> Response:
        CLIENT.set(_client_of(request))
        return _json(explorer.waiting(CLIENT.get()))

    async def run(request: HTTPRequest) -> Response:
        asked = read(Run, await request.body())
        CLIENT.set(_client_of(request))
        worker = explorer.workers["run"]
        for _ in range(100):  # one that was told to stop is gone in a moment
            if worker.idle or not worker.stopping:
                break
            await asyncio.sleep(0.1)
        if not worker.idle:
            raise Busy
        return StreamingResponse(explorer.run(asked), media_type="text/event-stream")

    async def stop(request: HTTPRequest) -> Response:
        asked = read(Stop, await request.body())
        if asked.run == explorer.runs:
            explorer.workers["run"].stop()
        return _json({"stopped": asked.run == explorer.runs})

    @contextlib.asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        warming = asyncio.create_task(explorer.warm()) if warm else None
        try:
            yield
        finally:
            if warming is not None:
                warming.cancel()
            explorer.close()

    routes = [
        Route("/", page),
        Route("/api/start", start),
        Route("/api/waiting", waiting),
        Route("/api/run", run, methods=["POST"]),
        Route("/api/stop", stop, methods=["POST"]),
        Route(UPLOAD, table, methods=["POST"]),
        Route("/api/{name}", ask, methods=["POST"]),
        Route("/{name}", part),
    ]
    known = (Busy, Replaced, Refused, TooLong, Failed, InputError, HTTPException, Exception)
    handlers: Any = {error: _refusal for error in known}
    return Guard(Starlette(routes=routes, exception_handlers=handlers, lifespan=life), hosts, token)


async def _refusal(request: HTTPRequest, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _json({"error": error.detail}, error.status_code)
    if isinstance(error, Replaced):
        return Response(status_code=204)  # nothing to say: the newer question will be answered
    status, words = _words(error)
    return _json({"error": words}, status, {"retry-after": "1"} if status == 503 else None)


def _words(error: Exception) -> tuple[int, str]:
    """How a request ended that has no answer."""
    if isinstance(error, Busy):
        return 503, "the server is busy: try again in a moment"
    if isinstance(error, Refused | InputError):
        return 422, said(str(error), Reader.SCENARIO)
    if isinstance(error, Crowded):
        return 503, "the machine is busy with other work and hardly got to this: try again in a moment"
    if isinstance(error, TooLong):
        return 504, "that took too long and was ended: choose a smaller problem"
    return 500, "that failed, which is a mistake of ours: the terminal says more"


def _client_of(request: HTTPRequest) -> Client:
    """Who asks. What the page calls itself is made up anew in each tab."""
    return Client("" if request.client is None else request.client.host, request.headers.get("x-jominy-page", "")[:64])


async def _left(request: HTTPRequest) -> None:
    """Ends when the client does."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(value, status, headers)


def _event(name: str, value: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(value, allow_nan=False)}\n\n"
