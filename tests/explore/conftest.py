"""A server as users start it, and a real headless Chromium to look at its page."""

import os
import shutil
from pathlib import Path

import pytest

from explorer_process import end, start


@pytest.fixture(scope="session")
def server():
    """The address of a server that runs for all tests."""
    for needed in ("starlette", "uvicorn", "tomli_w"):
        pytest.importorskip(needed)
    process, address = start()
    yield address
    code, errors = end(process)
    assert (code, errors) == (0, "")


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium of this machine."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if program is None:
        pytest.skip("no Chromium on this machine: the explorer's page is not looked at (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield launched
        launched.close()


@pytest.fixture
def page(browser, server, tmp_path: Path):
    """A page whose every request and message is watched: it may ask only its server, and complain of nothing."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.rstrip("/"))
    opened = context.new_page()
    opened.set_default_timeout(120_000)
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    context.close()
    assert not [url for url in asked if not url.startswith((server, f"blob:{server}"))]
    assert not said
