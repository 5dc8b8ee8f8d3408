"""The explorer's page in a headless Chromium: its first paint, and a step of a slider until the curve is redrawn."""

import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np

from benchmarks.timing import Row, Timed

CALL = "import sys; from jominy.cli.main import main; sys.exit(main())"
STEPS = 50
PROBLEMS = {
    "least squares": ("curves", "radius", "c.problem=least-squares"),
    "two classes, logistic loss": ("curves", "radius", "c.problem=two-class"),
    "least squares, the rate": ("curves", "rate", "c.problem=least-squares"),
    "a deep network": ("networks", "radius", "tab=networks"),
}
# From the event of the slider to the frame after the curve is redrawn; and what the server says it took of that.
STEP = """async ([panel, name, count]) => {
  const slider = document.getElementById(`panel-${panel}-${name}`);
  const place = document.getElementById(`panel-${panel}`);
  const taken = [];
  const served = [];
  for (let k = 0; k < count; k++) {
    const begin = performance.now();
    const redrawn = new Promise((done) => {
      const watch = new MutationObserver(() => { watch.disconnect(); requestAnimationFrame(() => done()); });
      watch.observe(place, { attributes: true, attributeFilter: ["data-drawn"] });
    });
    slider.value = Number(slider.value) + (k % 40 < 20 ? 1 : -1);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await redrawn;
    taken.push(performance.now() - begin);
    served.push(Number((/in ([\\d.]+) ms/.exec(document.getElementById("curves-fine").textContent) ?? [0, 0])[1]));
    await new Promise((rest) => setTimeout(rest, 40));
  }
  return [taken, served];
}"""


def measure(quick: bool = False) -> list[Row]:
    """Rows of the table; none where there is no Chromium."""
    program = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    if program is None:
        print("there is no Chromium on this machine: the explorer is not measured", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-c", CALL, "explore", "--no-browser", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    found = re.search(r"http://\S+", server.stdout.readline())
    assert found is not None
    try:
        with sync_playwright() as driver:
            options = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = driver.chromium.launch(executable_path=program, args=options)
            steps = _steps(browser, found[0], 15 if quick else STEPS)  # first: each load leaves a band to be computed
            return [_paint(browser, found[0], 5 if quick else 9), *steps]
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)


def _paint(browser, address: str, loads: int) -> Row:
    """Each load is a new profile, as for somebody who opens the page for the first time."""
    seconds = []
    for _ in range(loads):
        page = browser.new_context().new_page()
        page.goto(address, wait_until="load")
        page.wait_for_selector("#panel-curves-radius")
        page.wait_for_timeout(200)
        seconds.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000)
        page.context.close()
    timed = _timed(seconds)
    return Row("first paint", str(timed), "", None, "<= 1.5 s", timed.median <= 1.5)


def _steps(browser, address: str, count: int) -> list[Row]:
    rows = []
    for words, (panel, name, fragment) in PROBLEMS.items():
        page = browser.new_context().new_page()
        page.set_default_timeout(300_000)
        page.goto(f"{address}#{fragment}")
        page.wait_for_selector("#panel-curves[data-band=true]", state="attached")
        page.wait_for_selector(f"#panel-{panel}[data-drawn]")
        page.evaluate(STEP, [panel, name, 5])
        taken, served = page.evaluate(STEP, [panel, name, count])
        timed = _timed(np.array(taken) / 1000)
        note = f"of which the server says {np.median(served):.0f} ms (wanted: below 50)" if panel == "curves" else ""
        rows.append(Row(f"slider to redrawn: {words}", str(timed), "", None, "<= 150 ms", timed.median <= 0.15, note))
        page.context.close()
    return rows


def _timed(seconds) -> Timed:
    return Timed(tuple(seconds))
