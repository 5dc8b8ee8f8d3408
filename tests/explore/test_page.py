"""The page in a real browser: what a visitor does, by pointer and by keyboard."""

import json
import tomllib

import pytest

import jominy as jm
from explorer_process import end, start
from jominy.explore.curves_state import Curves
from jominy.explore.guard import MOST_BYTES_OF_A_TABLE
from jominy.explore.networks_state import Networks

SMALL = "c.spectrum=two-level&c.dimension=100&c.horizon=4"


def drawn(page, panel="curves"):
    return int(page.locator(f"#panel-{panel}").get_attribute("data-drawn") or 0)


def open_on(page, server, fragment, panel="curves"):
    page.goto("about:blank")
    page.goto(f"{server}#{fragment}")
    page.wait_for_selector(f"#panel-{panel}[data-drawn]")


def after(page, act, panel="curves"):
    """Act, and wait until the panel is drawn anew."""
    before = drawn(page, panel)
    act()
    while drawn(page, panel) <= before:
        page.wait_for_timeout(20)


def slide(page, name, panel="curves", key="ArrowRight", times=1):
    slider = page.locator(f"#panel-{panel}-{name}")
    slider.focus()
    for _ in range(times):
        slider.press(key)


def legend(page, chart="risk"):
    return page.locator(f"#chart-{chart} .legend").inner_text()


def test_page_loads_follows_a_slider_switches_tabs_and_is_restored_from_its_link(page, server):
    open_on(page, server, SMALL)
    risk = legend(page)
    assert "adversarial 0." in risk
    after(page, lambda: slide(page, "radius", times=5))
    assert legend(page) != risk and "c.radius=0.55" in page.url
    field = page.get_by_label("radius, exact").first
    assert field.input_value() == "0.55"
    after(page, lambda: field.fill("1.9"))
    page.wait_for_selector("#panel-curves .state.warn")
    assert page.locator("#panel-curves .word").inner_text().lower() == "collapsed"
    assert float(page.locator("#gauge-radius").get_attribute("aria-valuenow")) > 1
    field.fill("-3")
    assert field.get_attribute("aria-invalid") == "true"
    field.blur()
    assert field.input_value() == "1.9"  # what was refused went back
    link = page.url
    page.get_by_role("tab", name="Networks").click()
    page.wait_for_selector("#panel-networks[data-drawn]")
    assert "tab=networks" in page.url and not page.locator("#panel-curves").is_visible()
    page.get_by_role("tab", name="Networks").press("ArrowLeft")
    assert page.locator("#panel-design").is_visible() and "tab=design" in page.url
    page.get_by_role("tab", name="Design").press("ArrowLeft")
    assert page.locator("#panel-curves").is_visible()
    state = page.locator("#panel-curves-radius").input_value()
    open_on(page, server, link.split("#")[1])
    assert page.get_by_label("radius, exact").first.input_value() == "1.9"
    assert page.locator("#panel-curves-radius").input_value() == state
    open_on(page, server, "c.radius=-4&c.rate=x&c.nothing=1&c.spectrum=evil&tab=evil")  # nonsense leaves the defaults
    assert page.get_by_label("radius, exact").first.input_value() == "0.5"


def test_what_is_older_than_its_controls_is_dimmed_and_a_busy_server_is_asked_again(browser, server):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.set_default_timeout(120_000)
    open_on(page, server, SMALL)
    page.wait_for_selector("#chart-risk[aria-busy=false]")
    held = []
    page.route("**/api/curve", lambda route: held.append(route))

    def faintest():
        parts = ["#chart-risk .canvas", "#chart-risk .legend", "#panel-curves .gauges", "#curves-fine"]
        return max(page.locator(part).evaluate("part => Number(getComputedStyle(part).opacity)") for part in parts)

    slide(page, "radius")
    page.wait_for_selector("#chart-risk[aria-busy=true]")
    page.wait_for_selector("#panel-curves.stale .state.busy")
    page.wait_for_timeout(400)
    assert faintest() < 0.5 and page.locator("#panel-curves-radius").evaluate("p => getComputedStyle(p).opacity") == "1"
    words = page.locator("#panel-curves .state")
    held.pop().fulfill(status=503, json={"error": "the machine is busy"})
    page.wait_for_selector("#panel-curves .state:has-text('The machine is busy. Trying again by itself.')")
    assert faintest() < 0.5 and "smaller" not in words.inner_text()
    page.unroute("**/api/curve")
    for route in held:  # the second try may have been made already
        route.continue_()
    page.wait_for_selector("#panel-curves:not(.stale) #chart-risk[aria-busy=false]")
    page.wait_for_timeout(400)
    assert faintest() == 1.0 and "completed" in words.inner_text().lower()
    page.close()


def test_charts_can_be_read_and_networks_and_map_open_on_what_matters(page, server):
    """On a telephone: three ticks on each axis, no word on a curve; a sentence before the numbers; the map of risks."""
    page.set_viewport_size({"width": 390, "height": 800})
    counts = """() => [...document.querySelectorAll(".panel:not([hidden]) .chart:not([hidden]) svg")].map((svg) => {
        const ticks = [...svg.querySelectorAll("text.tick")];
        const ends = ["middle", "end"].map((end) => ticks.filter((tick) => tick.getAttribute("text-anchor") === end));
        return [...ends.map((some) => new Set(some.map((tick) => tick.textContent)).size),
                svg.querySelectorAll("text:not(.tick, .axis)").length];
    })"""
    open_on(page, server, SMALL)
    seen = page.evaluate(counts)
    assert "optimum 0." in legend(page) and "optimum 0." in legend(page, "norm")
    page.get_by_role("tab", name="Networks").click()
    page.wait_for_selector("#panel-networks[data-drawn]")
    sentence = page.locator("#panel-networks .lead .words")
    assert sentence.inner_text().startswith("Under this attack the network gets stuck")
    page.wait_for_selector("#gauge-attack:has-text('of the largest safe radius')")
    first = page.locator("#network-numbers .numbers > div").first
    assert not first.is_visible()  # the rest is there on demand
    page.locator("#network-rest summary").click()
    page.wait_for_selector("#chart-loss svg")
    seen += page.evaluate(counts)
    assert sentence.bounding_box()["y"] < first.bounding_box()["y"]
    assert first.locator("dt").inner_text() == "trainability index τ"
    tiles = page.locator("#panel-networks .numbers > div")
    assert tiles.count() == 13 and all(len(told) > 20 for told in tiles.locator(".what").all_inner_texts())
    assert page.locator("#map-show").input_value() == "risk"
    assert len(seen) == 6 and all(across >= 3 and up >= 3 and words == 0 for across, up, words in seen), seen


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["least-squares", "two-class"])
def test_every_control_of_the_curves_can_be_dragged(page, server, problem):
    open_on(page, server, f"c.problem={problem}&c.schedule=inverse-time&c.dimension=100")
    names = ["radius", "rate", "decay", "horizon", "start", "exponent", "dimension"]
    for name in [*names, "noise" if problem == "least-squares" else "separation"]:
        box = page.locator(f"#panel-curves-{name}").bounding_box()
        page.locator(f"#panel-curves-{name}").scroll_into_view_if_needed()
        box = page.locator(f"#panel-curves-{name}").bounding_box()
        before = page.url

        def drag(box=box):
            y = box["y"] + box["height"] / 2
            page.mouse.move(box["x"] + 0.3 * box["width"], y)
            page.mouse.down()
            for share in (0.32, 0.36, 0.4):
                page.mouse.move(box["x"] + share * box["width"], y)
            page.mouse.up()

        after(page, drag)
        assert f"c.{name}=" in page.url and page.url != before
    if problem == "two-class":
        return
    for schedule in ("cosine", "polyak", "exact-line-search", "constant"):
        after(page, lambda schedule=schedule: page.locator("#panel-curves-schedule").select_option(schedule))
        assert page.locator("#panel-curves .word").inner_text().lower() in ("completed", "stuck at zero")
    for spectrum, shown in (("marchenko-pastur", "ratio"), ("two-level", "high"), ("identity", None)):
        after(page, lambda spectrum=spectrum: page.locator("#panel-curves-spectrum").select_option(spectrum))
        if shown:
            after(page, lambda shown=shown: slide(page, shown))
    page.wait_for_selector("#panel-curves[data-band=true]")
    assert page.locator("#panel-curves .band").count() >= 3


@pytest.mark.slow
def test_numbers_of_ones_own_scenario_move_and_are_kept_in_link_and_copy(browser):
    process, address = start("examples/two_class_logistic.toml")
    page = browser.new_page()
    page.set_default_timeout(120_000)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#panel-curves[data-drawn]")
    assert page.locator("#panel-curves-problem").input_value() == "own"
    sliders = page.locator("#panel-curves input[type=range][id*='own.']")
    shown = [sliders.nth(k) for k in range(sliders.count()) if sliders.nth(k).is_visible()]
    assert len(shown) == 12 - 1  # the rate is the page's own control here
    for slider in shown[:6]:
        before = page.url
        after(page, lambda slider=slider: slider.press("ArrowRight"))
        assert page.url != before
    link, risk = page.url, legend(page)
    norm = page.get_by_label("mean norm, exact").first.input_value()
    assert float(norm) != 1.2 and f"c.own.data.components.0.mean.norm={norm}" in link
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector("#panel-curves[data-drawn]")
    assert page.get_by_label("mean norm, exact").first.input_value() == norm and legend(page) == risk
    page.get_by_role("button", name="TOML", exact=True).click()
    page.wait_for_selector("#copied[open]")
    page.wait_for_function("document.querySelector('#copied textarea').value")
    copied = jm.Scenario.from_mapping(tomllib.loads(page.locator("#copied textarea").input_value()))
    assert copied.data.components[0].mean.norm == float(norm)
    page.close()
    assert not complaints and end(process) == (0, "")


@pytest.mark.slow
def test_every_control_of_the_networks_moves_its_numbers(page, server):
    open_on(page, server, "tab=networks", "networks")
    for name, shape in Networks.model_json_schema()["properties"].items():
        control = page.locator(f"#panel-networks-{name}")
        if shape["type"] == "boolean":
            after(page, control.check, "networks")
        elif "words" in shape:
            after(page, lambda control=control: control.select_option("inf"), "networks")
        else:
            after(page, lambda name=name: slide(page, name, "networks"), "networks")
        assert f"n.{name}=" in page.url
    page.wait_for_selector("#panel-networks .word:not(:text('starting'))")
    page.wait_for_selector("#network-advice:has-text('not known')")  # of an attack other than l2
    after(page, lambda: page.locator("#panel-networks-p").select_option("2"), "networks")
    after(page, page.locator("#panel-networks-shortcut").uncheck, "networks")
    page.wait_for_selector("#network-advice:has-text('What helps')")


def test_a_module_of_ones_own_is_shown_by_its_diagnosis(page, server, tmp_path):
    open_on(page, server, SMALL)
    layer = {"name": "0", "inputs": 8, "outputs": 4, "variance": 1.5, "initial_variance": None, "signal": 1.0}
    outlook = {"verdict": "likely to fail", "largest_radius": 0.25}
    told = {"radius": 0.5, "said": ["It is likely to fail.", "Made of <b>one</b> layer."], "layers": [layer]}
    saved = tmp_path / "module.json"
    saved.write_text(json.dumps({"diagnosis": told | {"outlook": outlook}}))
    page.get_by_role("tab", name="Networks").click()
    page.locator("#module-file").set_input_files(saved)
    page.wait_for_selector("#module .words:has-text('likely to fail')")
    assert float(page.locator("#gauge-module").get_attribute("aria-valuenow")) == 2
    page.locator("#module summary").click()
    assert "<b>one</b>" in page.locator("#module-said").inner_text()  # text stays text
    assert page.locator("#module-layers td").all_inner_texts() == ["0", "8", "4", "1.5", "1"]
    saved.write_text('{"said": 3}')
    page.locator("#module-file").set_input_files(saved)
    page.wait_for_selector("#module .words:has-text('This is no diagnosis')")
    assert page.locator("#module-layers td").count() == 0


@pytest.mark.slow
def test_attack_reach_and_objective_are_chosen_and_the_other_attack_is_drawn_beside(page, server):
    open_on(page, server, SMALL)
    assert not page.locator("#panel-curves-clean").is_visible()
    after(page, lambda: page.locator("#panel-curves-objective").select_option("mixed"))
    assert page.locator("#panel-curves-clean").is_visible() and "c.objective=mixed" in page.url
    before = legend(page)
    after(page, lambda: slide(page, "clean", times=3))
    assert legend(page) != before
    after(page, lambda: page.locator("#panel-curves-objective").select_option("adversarial"))
    after(page, lambda: slide(page, "reach", key="Home"))
    after(page, page.locator("#panel-curves-beside").check)
    page.wait_for_selector("#chart-risk .legend:has-text('l∞')")
    assert page.locator("#chart-risk .line.other").count() == 1
    open_on(page, server, SMALL + "&c.problem=two-class&c.objective=mixed&c.beside=true")  # both curves asked at once
    page.wait_for_selector("#chart-risk .line.other")


def test_a_rate_is_drawn_by_its_knots(page, server):
    """Dragged, and moved by keys: the risk answers; the link, and the script, are those of the knots."""
    open_on(page, server, SMALL + "&tab=design", "design")
    words = page.locator("#panel-design .state")
    assert "as at the rate of the tab Curves" in words.inner_text() and "d.rates" not in page.url
    knots = page.locator("#knots .knot")
    assert knots.count() == 9
    box = knots.nth(8).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag():
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y + 40, steps=4)
        page.mouse.up()

    after(page, drag, "design")
    page.wait_for_selector("#chart-drawn[aria-busy=false]")
    rate = float(knots.nth(8).get_attribute("aria-valuenow"))
    assert 0.01 < rate < 0.4
    page.wait_for_function("document.querySelector('#panel-design .state').textContent.includes('% less')")
    shown = float(page.locator("#chart-drawn .legend b").first.inner_text())
    knots.nth(0).focus()
    after(page, lambda: knots.nth(0).press("PageDown"), "design")
    assert float(knots.nth(0).get_attribute("aria-valuenow")) == pytest.approx(0.25)
    link = page.url
    rates = [float(one) for one in link.split("d.rates=")[1].split("&")[0].split("%2C")]
    assert rates[0] == 0.25 and rates[8] == rate and set(rates[1:8]) == {0.5}
    page.locator("[data-copy=toml]").click()
    page.wait_for_selector("#copied textarea")
    page.wait_for_function("document.querySelector('#copied textarea').value.includes('knots')")
    told = tomllib.loads(page.locator("#copied textarea").input_value())
    assert told["schedule"]["kind"] == "knots" and told["schedule"]["rates"] == pytest.approx(rates)
    curve = jm.Scenario.from_mapping(told | {"schedule": told["schedule"] | {"rates": [0.5, *rates[1:]]}}).forecast()
    assert float(curve.adversarial_risk[-1]) == pytest.approx(shown, rel=1e-3)
    page.keyboard.press("Escape")
    open_on(page, server, link.split("#")[1], "design")
    assert [float(knots.nth(k).get_attribute("aria-valuenow")) for k in (0, 8)] == [0.25, rate]


@pytest.mark.slow
def test_a_rate_is_designed_and_used(page, server):
    open_on(page, server, SMALL)
    page.locator("#design").click()
    page.wait_for_selector("#designed table")
    ratios = [float(cell) for cell in page.locator("#designed tr td:last-child").all_inner_texts()]
    assert ratios[0] == 1 and len(ratios) >= 6 and min(ratios) > 0.98
    assert "Recommended" in page.locator("#design-words").inner_text()
    lowest = float(page.locator("#designed tr td").first.inner_text())
    after(page, page.locator("#design-use").click)
    assert page.locator("#panel-curves-schedule").input_value() in ("hill", "inverse-time", "constant")
    assert float(page.locator("#chart-risk .legend b").first.inner_text()) == pytest.approx(lowest, rel=2e-3)
    assert page.locator("#designed table").count() == 0  # it was for other settings
    open_on(page, server, SMALL + "&tab=design", "design")
    page.locator("#knots-best").click()
    page.wait_for_selector("#knots-words:has-text('Recommended')")
    page.wait_for_function("document.querySelector('#panel-design .state').textContent.includes('% less')")
    assert float(page.locator("#chart-drawn .legend b").first.inner_text()) == pytest.approx(lowest, rel=5e-3)


@pytest.mark.slow
def test_sgd_runs_beside_the_forecast_can_be_stopped_and_is_compared(page, server):
    open_on(page, server, SMALL + "&c.dimension=400")
    page.locator("#seeds").fill("5")
    page.locator("#run").click()
    page.wait_for_selector("#agreement table")
    assert "5 runs of SGD are done" in page.locator("#run-words").inner_text()
    assert page.locator("#chart-risk .dot").count() > 60
    cell = page.locator("#agreement tbody tr", has_text="adversarial risk").locator("td").first.inner_text()
    assert float(cell.removesuffix(" %")) < 5
    with page.expect_download() as download:
        page.get_by_role("button", name="NetCDF").click()
    runs = jm.load(download.value.path())
    assert runs.sizes["seed"] == 5
    after(page, lambda: slide(page, "horizon", key="End"))  # another setting: the runs belong to the old one
    assert page.locator("#agreement table").count() == 0 and page.locator("#chart-risk .dot").count() == 0
    page.get_by_label("dimension d, exact").fill("20000")
    page.locator("#run").click()
    page.wait_for_selector("#chart-risk .dot")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector("#run-words:has-text('interrupted')")


@pytest.mark.slow
def test_map_is_moved_by_clicks_and_arrow_keys_and_sets_the_sliders(page, server):
    open_on(page, server, SMALL + "&tab=map", "map")
    canvas = page.locator("#map-canvas")
    box = canvas.bounding_box()
    after(page, lambda: canvas.click(position={"x": box["width"] * 0.95, "y": box["height"] * 0.5}), "map")
    assert "collapses to zero" in page.locator("#map-here").inner_text()
    radius = float(page.url.split("c.radius=")[1].split("&")[0])
    after(page, lambda: canvas.press("ArrowLeft"), "map")
    assert float(page.url.split("c.radius=")[1].split("&")[0]) < radius
    keys = page.locator(".mapkeys")
    assert page.locator("#map-show").input_value() == "risk" and "adversarial risk from" in keys.inner_text()
    assert "collapses to zero" in keys.inner_text() and "trains" not in keys.inner_text()
    page.locator("#map-show").select_option("regime")
    assert "trains" in keys.inner_text() and "risk from" not in keys.inner_text()
    page.get_by_role("tab", name="Curves").click()
    assert float(page.get_by_label("radius, exact").first.input_value()) < radius


@pytest.mark.slow
def test_copies_and_downloads_are_what_they_say(page, server):
    open_on(page, server, SMALL + "&c.radius=0.7")
    for name in ("TOML", "Python", "Link"):
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_selector("#copied p:has-text('Copied')")
        text = page.evaluate("navigator.clipboard.readText()")
        page.get_by_role("button", name="Close").click()
        if name == "TOML":
            assert jm.Scenario.from_mapping(tomllib.loads(text)).radius == 0.7
        elif name == "Python":
            compile(text, "copied", "exec")
        else:
            assert text == page.url
    for tab, engine in (("Curves", "forecast"), ("Networks", "network theory"), ("Phase diagram", None)):
        page.get_by_role("tab", name=tab).click()
        for form in ("NetCDF", "PNG"):
            with page.expect_download() as download:
                page.get_by_role("button", name=form).click()
            if form == "NetCDF":
                assert engine in (None, jm.load(download.value.path()).attrs["engine"])
            else:
                assert download.value.path().read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_or_overlaps_at_any_width(browser, server, scheme):
    for width in (360, 768, 1440):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page = context.new_page()
        page.set_default_timeout(120_000)
        for tab in ("curves", "networks", "map"):
            open_on(page, server, f"{SMALL}&tab={tab}", tab)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            overlaps = page.evaluate(OVERLAPS)
            assert not overlaps, (width, tab, overlaps[:3])
        context.close()


OVERLAPS = """() => {
  const looked = "button, select, input, label, legend, figcaption, .canvas, .state, dt, dd, th, td";
  const parts = [...document.querySelectorAll(looked)]
    .filter((part) => part.checkVisibility() && !part.closest(".lead"));
  const boxes = parts.map((part) => part.getBoundingClientRect());
  const found = [];
  parts.forEach((one, i) => parts.forEach((other, j) => {
    if (j <= i || one.contains(other) || other.contains(one)) return;
    const [a, b] = [boxes[i], boxes[j]];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 1) found.push([one.outerHTML.slice(0, 80), other.outerHTML.slice(0, 80)]);
  }));
  return found;
}"""


def test_every_control_of_the_page_has_a_label(page, server):
    open_on(page, server, SMALL)
    names = [name for name in Curves.model_fields if page.locator(f"#panel-curves-{name}").is_visible()]
    assert len(names) >= 9
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, [role=img], [role=tabpanel]")]
        .filter((part) => !(part.labels?.length || part.ariaLabel || part.textContent.trim()))
        .filter((part) => !part.getAttribute("aria-labelledby"))
        .map((part) => part.outerHTML.slice(0, 100))"""
    )
    assert unnamed == []


DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "text/csv" }));
  const event = (kind) => new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  for (const kind of ["dragover", "drop"]) document.querySelector("main").dispatchEvent(event(kind));
}"""


@pytest.mark.slow
def test_table_is_dropped_onto_the_page_asked_for_its_target_and_kept_in_the_link(page, server):
    rows = [f"{k % 7 - 3};{k % 5},5;{k % 11};{'ill' if k % 3 else 'well'}" for k in range(80)]
    open_on(page, server, SMALL)
    page.evaluate(DROP, ["too large.csv", "x" * (MOST_BYTES_OF_A_TABLE + 1)])
    page.wait_for_selector("#table .wrong:has-text('at most 8 MiB')")
    page.evaluate(DROP, ["my patients.csv", "\n".join(["age;dose;day;state", *rows])])
    page.wait_for_selector("#table form:not([hidden])")
    told = page.locator("#table").inner_text()
    assert "80 rows, 4 columns. Fields of my patients.csv are separated by semicolons." in told
    assert "The file stays on this machine" in told
    assert page.locator("#table-target").input_value() == "state"
    page.get_by_role("button", name="Forecast").click()
    page.wait_for_url("**#t.id=*")
    page.wait_for_selector("#panel-curves[data-drawn]")
    assert page.locator("#panel-curves-problem option:checked").inner_text() == "your table my patients.csv"
    assert 0.2 < float(page.locator("#gauge-radius").get_attribute("aria-valuenow")) < 0.3
    after(page, lambda: slide(page, "radius"))
    link, risk = page.url, legend(page)
    assert "c.radius=" in link
    page.reload()
    page.wait_for_selector("#panel-curves[data-drawn]")
    assert legend(page) == risk and page.url == link
    page.get_by_role("button", name="TOML", exact=True).click()
    page.wait_for_selector("#copied p:has-text('Copied')")
    copied = jm.Scenario.from_mapping(tomllib.loads(page.locator("#copied textarea").input_value()))
    assert (copied.data.path, copied.data.target) == ("my patients.csv", "state")
