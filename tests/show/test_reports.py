"""Reports, read back by the standard library's own HTML parser."""

import base64
import json
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
import xarray as xr

import hand_made
import jominy as jm
from jominy.errors import InputError
from jominy.show.report_facts import scenario_rows
from jominy.study import compare

VOID = {"meta", "img", "source", "br"}


class Page(HTMLParser):
    """Elements with their attributes, the text of each, and whether every tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(html)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.text.append(data.strip())

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def words(self):
        return " ".join(filter(None, self.text))


def test_forecast_and_simulation_with_their_agreement():
    told, seen = hand_made.classification(), hand_made.classification(5)
    page = Page(jm.report(told, seen).html)
    assert len(page.all("img")) == 1 and "Agreement with SGD" in page.words
    largest = float(compare(told, seen)["largest_z"].sel(variable="adversarial_risk"))
    cells = page.text[page.text.index("adv. risk", page.text.index("Agreement with SGD")) :]
    assert next(filter(None, cells[1:])) == f"{largest:.1f}"


def test_the_outcome_says_the_numbers():
    told, seen = hand_made.classification(), hand_made.classification(5)
    page = Page(jm.report(told, seen).html)
    outcome = page.words[page.words.index("Outcome") : page.words.index("Agreement with SGD")]
    assert "At the end of training, time 10, attack of radius 0.5" in outcome
    last = told.isel(time=-1)
    for name, label in (
        ("adversarial_risk", "adv. risk"), ("adversarial_accuracy", "adv. accuracy"),
        ("distance_to_optimum", "distance to opt."), ("held_out_adversarial_accuracy", "held-out adv. acc."),
    ):  # fmt: skip
        runs = seen[name].isel(time=-1).values
        error = np.std(runs, ddof=1) / np.sqrt(5)
        words = outcome[outcome.index(label) :].replace("\u00a0", " ")
        assert words.startswith(f"{label} {float(last[name]):.4f} {runs.mean():.4f} ± {error:#.2g}".rstrip("."))
    assert "Forecast and SGD agree" in outcome
    alone = Page(jm.report(told).html).words
    assert f"distance to opt. {float(last['distance_to_optimum']):.4f}" in alone and "SGD agree" not in alone
    off = told.assign(norm=told["norm"] + 0.5)
    assert "differ by more than chance, the most in: norm" in Page(jm.report(off, seen).html).words


def test_a_given_comparison_is_told_and_not_computed_again():
    told, seen = hand_made.classification(), hand_made.classification(5)
    changed = compare(told, seen)
    changed["largest_z"][:] = 77.7
    assert "77.7" in Page(jm.report(told, seen, changed).html).words
    assert "77.7" in Page(jm.report(changed).html).words


def test_nothing_is_loaded_from_anywhere_and_figures_are_described():
    page = Page(jm.report(hand_made.classification(), hand_made.classification(3)).html)
    for tag, attrs in page.elements:
        assert tag not in ("script", "link", "iframe", "object")
        for name in ("src", "srcset", "href"):
            assert attrs.get(name, "data:").startswith("data:")
    assert page.all("html")[0]["lang"] == "en" and "viewport" in {one.get("name") for one in page.all("meta")}
    (picture,) = page.all("img")
    assert "risk against time" in picture["alt"]
    for address in (picture["src"], page.all("source")[0]["srcset"]):
        svg = base64.b64decode(address.partition("base64,")[2])
        assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_the_same_results_give_the_same_page():
    assert jm.report(hand_made.classification()).html == jm.report(hand_made.classification()).html


def test_text_from_outside_cannot_become_markup():
    result = hand_made.forecast()
    result.attrs["title"] = "<script>alert(1)</script>"
    result.attrs["notes"] = json.dumps(["<b>bold & brave</b>"])
    made = jm.report(result)
    page = Page(made.html)
    assert not page.all("script") and not page.all("b") and "<b>bold & brave</b>" in page.words
    assert not Page(f"<p>{made._repr_html_()}</p>").all("script")  # the frame of a notebook


def test_different_scenarios_have_sections_of_their_own_and_are_not_compared():
    other = hand_made.simulation({"norm": [[0, 1, 2, 3], [0, 2, 3, 5]]})
    other.attrs["scenario"] = json.dumps({"problem": {"radius": 0.7}})
    page = Page(jm.report(hand_made.forecast(), other).html)
    assert len(page.all("section")) == 3 and len(page.all("img")) == 2
    assert "Agreement" not in page.words


def test_a_forecast_that_cannot_be_compared_says_why():
    seen = hand_made.simulation({"norm": [[0, 1, 2, 3]]})
    assert "at least two seeds" in Page(jm.report(hand_made.forecast(), seen).html).words


def test_how_it_ended_and_what_to_do_stand_on_top():
    page = Page(jm.report(hand_made.forecast(jm.Status.DIVERGED)).html)
    assert "forecast: diverged. The learning rate is above" in page.words


def test_a_network_and_a_sweep():
    network = jm.Architecture(5, 200, 784, 10, weight_variance=2.0)
    theory = jm.network_theory(network, 0.1)
    page = Page(jm.report(theory).html)
    assert "adversarial loss against radius" in page.all("img")[0]["alt"] and "2505.14021" in page.words
    with pytest.raises(InputError, match="beside its theory"):
        jm.report(jm.trainability(network, 0.1, jm.InputGeometry(1.0, 0.8, 0.6)))
    compared = theory[["adversarial_loss"]].assign_attrs(engine="compare", networks=5)  # has no seeds of SGD
    assert "Agreement with SGD" not in jm.report(theory, compared).html


def test_scenarios_as_rows():
    told = {"radius": 0.5, "data": {"components": [{"weight": 0.4}, {"weight": 0.6}]}, "shape": list(range(20))}
    rows = dict(scenario_rows(told))
    assert rows["data, components 2, weight"] == "0.6" and rows["shape"].endswith("(20 values)")


def test_saving(tmp_path):
    made = jm.report(hand_made.forecast(), title="Mine")
    assert made.save(tmp_path / "a.html").read_text(encoding="utf-8") == made.html
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"] and "Mine" in repr(made)
    for wrong in (tmp_path / "a.pdf", tmp_path / "none" / "a.html", tmp_path):
        with pytest.raises(InputError):
            made.save(wrong)


@pytest.mark.parametrize("wrong", [3, "study.nc", xr.Dataset({"a": ("x", np.ones(3))})])
def test_what_is_no_result(wrong):
    with pytest.raises(InputError, match="results of jominy"):
        jm.report(wrong)


def test_no_results_and_other_kinds():
    with pytest.raises(InputError, match="at least one"):
        jm.report()
    trained = hand_made.forecast().rename(time="step").assign_attrs(engine="train")
    with pytest.raises(InputError, match="'train'"):
        jm.report(trained)
